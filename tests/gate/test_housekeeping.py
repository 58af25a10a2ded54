"""What is kept, for how long, and the signed receipt for all that goes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.ballast import Room
from gate.clock import Clock
from gate.config_beside import Keep
from gate.core.events import Event, StaffNoted
from gate.housekeeping import DAY_S, MANIFEST_NOTE, digest_of_names, is_genuine, kept_files, overdue
from gate.housekeeping_round import FIRST_PURGE_S, QUIET_S, Housekeeper
from gate.lockout import Lockout
from models import wire
from models.keeping import DiskBody, ManifestGone, PurgeBody, Purpose
from models.ledger import EntryKind
from models.store.archive import archive_lines, archives_of
from models.store.ledger_db import Draft, Ledger, verify
from models.view import Phase
from sync.manifest_keep import NOTE

NOW = 1_790_000_000.0
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEEP = replace(Keep(), ballast_mb=0)


class House:
    """A folder, a ledger and the broom; time is in the test's hands."""

    def __init__(self, folder: Path, keep: Keep = KEEP) -> None:
        self.folder, self.wall, self.mono = folder, NOW, 100.0
        self.ledger = Ledger.open(folder / "ledger.db", KEY, gate="G1", clock=lambda: self.wall)
        self.broom = Housekeeper(
            folder,
            keep,
            key=KEY,
            ledger=self.ledger,
            clock=Clock(lambda: self.wall, lambda: self.mono),
            ask=self.ask,
            in_store=self.in_store,
        )

    async def ask(self, event: Event) -> bool:
        assert isinstance(event, StaffNoted)
        self.ledger.append(event.kind, event.body, self.wall)
        return True

    async def in_store(self, work: Callable[[], Any]) -> Any:
        return work()

    def tick(self, after_s: float = 1.0, phase: Phase = Phase.IDLE) -> None:
        self.mono += after_s
        self.wall += after_s
        asyncio.run(self.broom.tick(phase))

    def receipts(self) -> list[PurgeBody]:
        return [wire.from_builtins(PurgeBody, one.body) for one in self.ledger.latest(EntryKind.PURGE, 100)]

    def put(self, name: str, days_old: float) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"12345")
        os.utime(path, (NOW - days_old * DAY_S,) * 2)
        return path


def test_each_purpose_has_its_own_time_to_live(tmp_path: Path) -> None:
    house = House(tmp_path)
    old = [
        *(house.put("logs/a.log", 15), house.put("monday.tape", 1.1), house.put("tapes/b.tape", 2)),
        *(house.put("support/menshen.zip", 8), house.put("snapshots/1.jpg", 1.5), house.put(".wear.json.9.new", 31)),
    ]
    young = [house.put("logs/b.log", 13), house.put("tapes/c.tape", 0.5), house.put("support/x.zip", 6)]
    mine = [house.put("wear.json", 900), house.put("staff.json", 900), house.put("manifest.db", 900)]
    house.tick(FIRST_PURGE_S)
    assert [path for path in old if path.exists()] == []
    assert all(path.exists() for path in (*young, *mine))
    told = {one.purpose: one for one in house.receipts()}
    assert {purpose: one.count for purpose, one in told.items()} == {
        Purpose.LOGS: 1,
        Purpose.TAPES: 2,
        Purpose.SUPPORT: 1,
        Purpose.SNAPSHOTS: 1,
        Purpose.LEFTOVERS: 1,
    }
    assert (told[Purpose.TAPES].size, told[Purpose.TAPES].digest) == (
        10,
        digest_of_names(["monday.tape", "tapes/b.tape"]),
    )
    assert verify(tmp_path / "ledger.db").ok


def test_a_receipt_is_signed_and_says_what_it_said(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.put("tapes/b.tape", 2)
    house.tick(FIRST_PURGE_S)
    (receipt,) = house.receipts()
    assert is_genuine(receipt, "G1", house.ledger.epoch)
    assert not is_genuine(receipt, "G2", house.ledger.epoch)
    assert not is_genuine(replace(receipt, count=2), "G1", house.ledger.epoch)
    assert not is_genuine(replace(receipt, signature=""), "G1", house.ledger.epoch)


def test_while_the_clock_is_not_trusted_nothing_is_old(tmp_path: Path) -> None:
    house = House(tmp_path)
    tape = house.put("tapes/b.tape", 2)
    house.wall = 1000.0
    house.tick(FIRST_PURGE_S)
    assert (tape.exists(), house.receipts()) == (True, [])


def test_links_are_not_followed(tmp_path: Path) -> None:
    house = House(tmp_path)
    outside = house.put("mine/keep.log", 900)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/link").symlink_to(outside)
    assert overdue(tmp_path, kept_files(KEEP)[0], NOW + 900 * DAY_S) == [tmp_path / "logs/link"]


def test_a_manifest_that_the_sync_process_destroyed_gets_its_receipt(tmp_path: Path) -> None:
    assert NOTE == MANIFEST_NOTE, "both processes name one file"
    house = House(tmp_path)
    gone = ManifestGone("gala", 7, 800, "ab" * 32, NOW - 4 * DAY_S, NOW - 10)
    (tmp_path / NOTE).write_bytes(wire.to_json(gone))
    house.tick(FIRST_PURGE_S)
    (receipt,) = house.receipts()
    assert (receipt.purpose, receipt.count, receipt.detail, receipt.digest) == (
        Purpose.MANIFEST,
        800,
        "gala 7",
        "ab" * 32,
    )
    assert not (tmp_path / NOTE).exists()


def test_old_lines_move_out_when_nobody_is_at_the_lane(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.ledger.append_many([Draft(EntryKind.DEVICE, {}, NOW - 9 * DAY_S)] * 2500)
    house.ledger.acknowledge(2500)
    house.tick(QUIET_S - 1)
    house.tick(1, Phase.RELEASED)
    house.tick(QUIET_S - 1)
    assert not (tmp_path / "archive").exists(), "somebody was there a moment ago"
    house.tick(1)
    assert [one.detail.partition("-")[0] for one in house.receipts()] == ["ledger"]
    assert (house.broom.archived_lines, house.receipts()[0].count) == (1000, 1000)
    house.tick(5)
    assert house.broom.archived_lines == 1000, "the last thousand stay"
    found = verify(tmp_path / "ledger.db")
    assert (found.ok, found.entries) == (True, 2501)


def with_archives(folder: Path, keep: Keep, files: int = 3) -> House:
    """Lines of nine days ago, a thousand in each archive."""
    house = House(folder, keep)
    house.ledger.append_many([Draft(EntryKind.DEVICE, {}, NOW - 9 * DAY_S)] * (files + 1) * 1000)
    house.ledger.acknowledge(files * 1000)
    for _ in range(files):
        assert archive_lines(house.ledger, NOW, NOW)
    return house


def archives_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "archive").iterdir())


def test_archives_stay_for_ever_unless_somebody_says_how_long(tmp_path: Path) -> None:
    house = with_archives(tmp_path, KEEP)
    house.wall += 3000 * DAY_S
    assert asyncio.run(house.broom.purge()) == ()
    assert len(archives_in(tmp_path)) == 3


def test_an_old_archive_goes_by_a_signed_receipt_that_the_ledger_is_verified_by(tmp_path: Path) -> None:
    house = with_archives(tmp_path, replace(KEEP, archive_days=8))
    names = archives_in(tmp_path)
    told = asyncio.run(house.broom.purge())
    assert [(one.purpose, one.count, one.detail) for one in told] == [(Purpose.ARCHIVES, 1000, name) for name in names]
    assert all(is_genuine(one, "G1", house.ledger.epoch) for one in told)
    assert archives_in(tmp_path) == []
    found = verify(tmp_path / "ledger.db")
    assert (found.ok, found.gone, found.entries) == (True, 3000, 1003)
    assert house.ledger.entry(1) is None
    assert house.ledger.latest(EntryKind.POLICY) == ()
    assert asyncio.run(house.broom.purge()) == ()


def test_an_archive_stays_while_it_is_young_or_the_centre_wants_it_again(tmp_path: Path) -> None:
    house = with_archives(tmp_path, replace(KEEP, archive_days=10))
    assert asyncio.run(house.broom.purge()) == ()
    house.wall += 2 * DAY_S
    house.ledger.acknowledge(1500)  # a centre that was restored from its backup
    assert len(asyncio.run(house.broom.purge())) == 1
    assert [name.split("-")[-2] for name in archives_in(tmp_path)] == ["0000001001", "0000002001"]


def test_an_archive_without_a_receipt_is_missing_and_not_purged(tmp_path: Path) -> None:
    house = with_archives(tmp_path, replace(KEEP, archive_days=10))
    house.wall += 2 * DAY_S
    house.ledger.acknowledge(1000)
    asyncio.run(house.broom.purge())
    (tmp_path / "archive" / archives_in(tmp_path)[0]).unlink()
    found = verify(tmp_path / "ledger.db")
    assert (found.ok, found.first_bad_seq, found.gone) == (False, 1001, 1000)


def test_a_power_cut_between_receipt_and_file_needs_no_second_receipt(tmp_path: Path) -> None:
    house = with_archives(tmp_path, replace(KEEP, archive_days=8))
    oldest = tmp_path / "archive" / archives_in(tmp_path)[0]
    kept = oldest.read_bytes()
    house.ledger.acknowledge(1000)
    asyncio.run(house.broom.purge())
    oldest.write_bytes(kept)
    assert verify(tmp_path / "ledger.db").ok
    assert asyncio.run(house.broom.purge()) == ()
    assert not oldest.exists()
    assert len(house.receipts()) == 1


def test_a_newer_receipt_stands_for_older_ones_that_went_with_their_archive(tmp_path: Path) -> None:
    house = with_archives(tmp_path, replace(KEEP, archive_days=8), files=1)
    asyncio.run(house.broom.purge())
    house.ledger.append_many([Draft(EntryKind.DEVICE, {}, NOW)] * 2000)
    house.ledger.acknowledge(house.ledger.last_seq())
    while archive_lines(house.ledger, NOW + 1, NOW):
        pass
    assert house.receipts()[0].purpose is Purpose.ARCHIVES
    assert in_an_archive(house, EntryKind.PURGE)
    house.wall += 9 * DAY_S
    asyncio.run(house.broom.purge())
    found = verify(tmp_path / "ledger.db")
    assert (found.ok, found.gone) == (True, 3000)


def in_an_archive(house: House, kind: EntryKind) -> bool:
    return any(one.kinds.get(kind) for one in archives_of(house.ledger))


def test_wrong_pins_of_people_who_left_are_forgotten(tmp_path: Path) -> None:
    lockout = Lockout(tmp_path / "pins.json")
    for name in ("anna", "boris"):
        for _ in range(3):
            lockout.wrong(name, NOW)
    assert lockout.forget({"anna"}, NOW) == 0, "he still waits"
    assert lockout.forget({"anna"}, NOW + DAY_S) == 1
    assert b"boris" not in (tmp_path / "pins.json").read_bytes()
    assert Lockout(tmp_path / "pins.json").wait_s("anna", NOW) > 0


def test_a_full_disk_is_told_at_the_next_look_and_frees_what_helps_nobody_to_get_in(tmp_path: Path) -> None:
    house = House(tmp_path, replace(KEEP, ballast_mb=1))
    tape, log = house.put("tapes/now.tape", 0.1), house.put("logs/now.log", 0.1)
    house.tick()
    assert (tmp_path / "ballast").stat().st_size == 1 << 20
    plenty = os.statvfs(tmp_path)
    house.broom.ballast._statvfs = lambda _: os.statvfs_result((*plenty[:4], 10, *plenty[5:]))
    house.tick()
    told = [wire.from_builtins(DiskBody, one.body).room for one in house.ledger.latest(EntryKind.DISK, 9)]
    assert (told, house.broom.faults) == ([Room.TIGHT], ("disk_tight",))
    assert ((tmp_path / "ballast").exists(), tape.exists(), log.exists()) == (False, False, True)
    house.tick()
    assert len(house.ledger.latest(EntryKind.DISK, 9)) == 1
