"""The disk is full: the ballast goes, an alarm is raised, and people are let in and written down all the same."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from models.decision import Profile
from models.ids import DocumentType, check_digit
from models.keeping import DiskBody
from models.ledger import EntryKind
from models.profiles import policy_of
from models.store.ledger_db import read_ledger, verify
from models.store.manifest_db import ManifestWriter
from models.store.manifest_rows import ManifestContents
from models.store.ticket_bytes import ticket_to_bytes
from models.store.vault import DeviceKey, seal_row
from models.ticket import Entitlement, ManifestState, Ticket, Validity
from models.view import Phase
from models.wire import from_builtins
from tests.faults.fast_lane import FastLane

DISK_MB, BALLAST_MB = 56, 24
BEFORE, AFTER = 20, 1010
ALARM_S = 5.0
EVENT, SECRET = "gala", bytes(range(32))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own, of `DISK_MB`."""
    folder = tmp_path / "lane" / "state"
    folder.mkdir(parents=True)
    if os.geteuid() != 0:
        pytest.skip("only root mounts a file system")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "menshen-test", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.mark.long
def test_a_thousand_people_get_in_after_the_disk_is_full(
    small_disk: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lane = FastLane(tmp_path / "lane", "G1")
    config = tmp_path / "lane" / "gate.toml"
    config.write_text(config.read_text("utf-8") + f"[keep]\nballast_mb = {BALLAST_MB}\n", "utf-8")
    tickets = sell(small_disk, BEFORE + AFTER)
    try:
        lane.start_daemon()
        assert all(lane.visit(*one).verdict == "admit" for one in tickets[:BEFORE])
        lane.link.wait(lambda _: (small_disk / "ballast").exists(), ALARM_S)
        full_at = fill(small_disk / "somebody-elses-file")
        alarm_s = alarm(lane) - full_at
        began, free, refused = time.monotonic(), room(small_disk), 0
        for one in tickets[BEFORE:]:
            refused += lane.visit(*one).verdict != "admit"
        seconds, used = time.monotonic() - began, free - room(small_disk)
    finally:
        lane.close()
    with capfd.disabled():
        print(
            f"\nalarm after {alarm_s:.1f} s; {AFTER - refused} admitted of {AFTER} on a full disk, "
            f"{seconds / AFTER * 1000:.0f} ms and {used / AFTER / 1024:.1f} KiB each",
            file=sys.stderr,
        )
    assert alarm_s <= ALARM_S
    assert AFTER - refused >= 1000
    assert verify(lane.ledger).ok
    with read_ledger(lane.ledger) as ledger:
        assert ledger.count_by_verdict()["admit"] == BEFORE + AFTER - refused
        told = [from_builtins(DiskBody, entry.body).room for entry in ledger.latest(EntryKind.DISK, 9)]
    assert told[-1] == "tight", "and it is on record"


@pytest.mark.long
def test_when_the_ballasts_place_is_taken_too_nobody_gets_in_unwritten_and_the_lane_heals(
    small_disk: Path, tmp_path: Path
) -> None:
    lane = FastLane(tmp_path / "lane", "G1")
    config = tmp_path / "lane" / "gate.toml"
    config.write_text(config.read_text("utf-8") + f"[keep]\nballast_mb = {BALLAST_MB}\n", "utf-8")
    tickets = iter(sell(small_disk, 2000))
    try:
        lane.start_daemon()
        lane.link.wait(lambda _: (small_disk / "ballast").exists(), ALARM_S)
        fill(small_disk / "first-file")
        alarm(lane)
        fill(small_disk / "second-file")
        let_in = 0
        while (visit := lane.visit(*next(tickets))).verdict == "admit":
            let_in += 1
        assert visit.verdict in ("refer", ""), "nobody is let in that is not written down"
        assert lane.relay.pulses == let_in
        for file in ("first-file", "second-file"):
            (small_disk / file).unlink()
        lane.link.wait(lambda snapshot: snapshot.view.phase is Phase.IDLE and not snapshot.view.faults, 10)
        assert lane.visit(*next(tickets)).verdict == "admit"
    finally:
        lane.close()
    assert verify(lane.ledger).ok
    with read_ledger(lane.ledger) as ledger:
        assert ledger.count_by_verdict()["admit"] == let_in + 1


def sell(state_dir: Path, number: int) -> list[tuple[str, str]]:
    """A manifest of so many tickets, in force; ticket and number of each."""
    now = time.time()
    policy = replace(policy_of(Profile.CARD, EVENT), claims=False, needs_face=False)
    sold, rows = [], []
    for serial in range(number):
        stem = f"11010519491{serial:06d}"
        document, name = stem + check_digit(stem), f"T{serial}"
        ticket = Ticket(name, Entitlement(EVENT), Validity(now - 3600, now + 86_400), bound_at=now - 9e6)
        rows.append(seal_row(EVENT, SECRET, name, ticket_to_bytes(ticket), [(DocumentType.RESIDENT_ID, document)]))
        sold.append((name, document))
    contents = ManifestContents(
        ManifestState(EVENT, 1, now - 60, now + 86_400, number, "digest"),
        "hall",
        policy,
        SECRET,
        [(row.row, row.sealed) for row in rows],
        [(key, row.row, wrapped) for row in rows for key, wrapped in row.openings],
        (),
    )
    writer = ManifestWriter(state_dir / "manifest.db", DeviceKey.make(state_dir / "device.key"))
    try:
        writer.apply(contents, now)
    finally:
        writer.close()
    return sold


def fill(path: Path) -> float:
    """Write until nothing more can be written; the moment of it."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"0")
    return time.monotonic()


def alarm(lane: FastLane) -> float:
    """When the screens were told."""
    lane.link.wait(lambda snapshot: any(one.name == "disk" and not one.up for one in snapshot.devices), 30, since=0)
    return time.monotonic()


def room(folder: Path) -> int:
    """Bytes that are free."""
    told = os.statvfs(folder)
    return told.f_bavail * told.f_frsize
