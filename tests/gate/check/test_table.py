"""Every code provoked: a well lane in which one thing is broken, and what is then found."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.check import devices, face
from gate.check.catalogue import LANGUAGES, Code, code_named, meanings
from gate.check.walk import CONCERNS
from gate.config import sample
from gate.doctor import Finding as Sign
from gate.doctor import Trouble
from gate.sight import STILL
from gate.wear import Wear, WearBook
from models.command import DeviceStatus
from models.face_models import MOBILEFACENET
from models.link import Reach, Refusal
from models.profiles import policy_of
from models.proof import Alive, Asked, ProofBody, ProofState, ProofStep
from models.staff import Role
from models.store.vault import DeviceKey
from models.store.watch_db import WatchUpdate, WatchWriter
from models.watch import HeldList, WatchAction, WatchEntry
from models.watch_domain import digest_of
from tests.gate.check.house import DAY_S, NOW, SYNC, House, house_in
from tests.gate.lane_bench import POLICY

Plant = Callable[[House], object]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with house_in(tmp_path) as house:
        yield house


MOVED = devices.Elsewhere("relay", "/dev/a", "/dev/b")


def sick(trouble: Trouble) -> Plant:
    """The doctor of wires has a table of his own; here only what becomes of his word."""

    def plant(house: House) -> object:
        probe = devices.Probe("reader", "reader", "sam+serial:///dev/x", (Sign(trouble, "words"),))
        return devices.Facts(probes=(probe,))

    return plant


def probed(**more: object) -> Plant:
    return lambda house: devices.Facts(probes=(devices.Probe("relay", "relay", "lcus+serial:///dev/x", **more),))


def file(name: str, text: str) -> Plant:
    return lambda house: house.files.update({name: text})


def command(name: str, told: str) -> Plant:
    return lambda house: house.commands.update({name: told})


def device(**urls: str) -> Plant:
    return lambda house: house.devices.update(urls)


def sync(**changes: object) -> Plant:
    return lambda house: setattr(house, "sync", replace(SYNC, **changes))


def ledger(text: str) -> Plant:
    """Somebody with a SQLite shell."""

    def plant(house: House) -> None:
        with sqlite3.connect(house.state / "ledger.db") as conn:
            conn.executescript(text)
        conn.close()

    return plant


def again(**how: object) -> Plant:
    """Another ledger in the place of the first."""

    def plant(house: House) -> None:
        (house.state / "ledger.db").unlink()
        house.write_ledger(**how)

    return plant


def two_writers(house: House) -> None:
    for pid in ("41", "42"):
        folder = house.root / "proc" / pid
        (folder / "fd").mkdir(parents=True)
        (folder / "fdinfo").mkdir()
        (folder / "fd/7").symlink_to(house.state / "ledger.db")
        (folder / "fdinfo/7").write_text("pos:\t0\nflags:\t02100002\n")


def long_log(house: House) -> None:
    with (house.state / "ledger.db-wal").open("wb") as log:
        log.truncate(65 << 20)


def damaged_page(house: House) -> None:
    with (house.state / "ledger.db").open("r+b") as file:
        file.write(os.urandom(40_000))


def other_key(house: House) -> None:
    (house.folder / "device-key").unlink()
    DeviceKey.make(house.folder / "device-key")


def shares_list(house: House, expires_at: float) -> None:
    writer = WatchWriter(house.state / "watch.db", DeviceKey.load(house.folder / "device-key"))
    entry = WatchEntry("W1", "board", "order", WatchAction.REVIEW, 0, NOW + DAY_S, person_key="ab" * 32, domain="city")
    held = HeldList("city", 1, 1, digest_of([("W1", 1)]), NOW - DAY_S, expires_at)
    writer.apply(WatchUpdate(held, 0, {"city": b"c" * 32}, [entry]))
    writer.close()


def listed_for_another(house: House) -> None:
    shares_list(house, NOW + 9 * DAY_S)
    other_key(house)


def unused(house: House) -> None:
    for path in house.state.glob("*.db*"):
        path.unlink()
    (house.folder / "signing-key").unlink()


def nobody_believed(house: House) -> None:
    (house.state / "enrolment.json").unlink()
    (house.folder / "gate.toml").write_text(sample().replace('"/var/lib/menshen"', f'"{house.state}"', 1))


def worn(house: House) -> None:
    WearBook(house.state).change(lambda known: {"relay": Wear(NOW, uses=900)})


def old_program(house: House) -> None:
    again(version="0.0.9")(house)
    house.gate_says()


def damaged_model(house: House) -> None:
    from models.face_card import write_card

    shelf = house.folder / "shelf"
    shelf.mkdir()
    (shelf / "mobilefacenet.toml").write_text(write_card(MOBILEFACENET))
    house.devices["face"] = f"best://{shelf}"


UNPROVED = ProofBody("s1", ok=False, step=ProofStep.FACE, why="no test face")


def running(**changes: object) -> Plant:
    return lambda house: house.gate_says(**changes)


def remove(name: str) -> Plant:
    return lambda house: (house.folder / name).unlink()


def mmc(life: str, eol: str) -> Plant:
    base = "sys/block/mmcblk0/device"
    return lambda house: house.files.update({f"{base}/life_time": life, f"{base}/pre_eol_info": eol})


def pi(number: str) -> Plant:
    return command("vcgencmd", f"throttled={number}")


def locked(house: House) -> None:
    """A process has the ledger and says nothing."""
    inode = (house.state / "ledger.db.lock").stat().st_ino
    house.files["proc/locks"] = f"1: FLOCK  ADVISORY  WRITE 4711 08:01:{inode} 0 EOF"


def returned(runs: str = "0.1.0") -> Plant:
    """As `systemd/trial.sh` leaves it: 0.1.1 did not come up, and 0.1.0 was put back."""

    def plant(house: House) -> None:
        file("opt/menshen/returned", "versions/0.1.0\nversions/0.1.1\n")(house)
        shelf = house.root / "opt/menshen"
        shelf.mkdir(parents=True)
        (shelf / "current").symlink_to(f"versions/{runs}")

    return plant


def unsaid(house: House) -> None:
    """A folder stands where a number should."""
    (house.root / "proc/meminfo").mkdir(parents=True)
    house.files.pop("proc/meminfo")
    house.more["statvfs"] = lambda path: None


TABLE: list[tuple[Code, str, Plant]] = [
    (Code.TWO_WRITERS, "sqlite", two_writers),
    (Code.NOT_WAL, "sqlite", ledger("PRAGMA journal_mode=DELETE")),
    (Code.LONG_WAL, "sqlite", long_log),
    (Code.NO_DATABASE, "sqlite", damaged_page),
    (Code.LEDGER_NONE, "ledger", remove("state/ledger.db")),
    (Code.LEDGER_FAILED, "ledger", damaged_page),
    (Code.LEDGER_VERSION, "ledger", ledger("PRAGMA user_version=99")),
    (Code.LEDGER_CHANGED, "ledger", ledger("UPDATE ledger SET inside = 7")),
    (Code.LEDGER_OF_ANOTHER, "ledger", again(gate="G2")),
    (Code.LEDGER_UNSIGNED, "ledger", again(at=NOW - 3600, signed=False)),
    (Code.MANIFEST_NONE, "manifest", remove("state/manifest.db")),
    (Code.MANIFEST_FAILED, "manifest", other_key),
    (Code.MANIFEST_EXPIRED, "manifest", lambda house: house.load(version=2, expires_at=NOW - 60)),
    (Code.MANIFEST_STALE, "manifest", lambda house: house.load(version=2, issued_at=NOW - 2 * DAY_S)),
    (Code.MANIFEST_OF_ANOTHER, "manifest", sync(event="other")),
    (Code.MANIFEST_COUNT, "manifest", lambda house: house.load(version=2, tickets=5)),
    (Code.MANIFEST_DIGEST, "manifest", lambda house: house.more.update(issued_digest="abcd 1234")),
    (Code.MANIFEST_NOT_TAKEN, "manifest", running(manifest=None)),
    (Code.LIST_FAILED, "listed", lambda house: (house.state / "watch.db").write_bytes(b"no database, and long enough")),
    (Code.LIST_FAILED, "listed", listed_for_another),
    (Code.LIST_EXPIRED, "listed", lambda house: shares_list(house, NOW - 60)),
    (Code.LIST_ENDS_SOON, "listed", lambda house: shares_list(house, NOW + 3600)),
    (Code.MANIFEST_ENDS_SOON, "manifest", lambda house: house.load(version=2, expires_at=NOW + 3600)),
    (Code.KEY_NOT_MADE, "keys", unused),
    (Code.KEY_GONE, "keys", remove("signing-key")),
    (Code.KEY_UNSAFE, "keys", lambda house: (house.folder / "signing-key").chmod(0o644)),
    (Code.STATE_OPEN, "keys", lambda house: house.state.chmod(0o755)),
    (Code.ISSUER_MISSING, "keys", remove("hall.pub")),
    (Code.NOBODY_BELIEVED, "keys", nobody_believed),
    (Code.DRIVER_MISSING, "devices", device(reader="sim:?nonsense=1")),
    (Code.PORT, "devices", device(relay="lcus+serial:///dev/none")),
    *((code, "devices", sick(trouble)) for trouble, code in devices.CODES.items() if trouble is not Trouble.PORT),
    (
        Code.OTHER_PORT,
        "devices",
        lambda house: devices.Facts(elsewhere=(MOVED,)),
    ),
    (Code.SHARED_PORT, "devices", device(reader="sam+serial:///dev/a", relay="lcus+serial:///dev/a")),
    (Code.DEVICE_DOWN, "devices", running(devices=(DeviceStatus("reader", False, "unplugged"),))),
    (Code.STILL, "devices", running(devices=(DeviceStatus("camera", False, STILL),))),
    (Code.ASKED_SILENT, "devices", running(asked=Asked(NOW, {"reader": Alive.SILENT, "relay": Alive.ANSWERS}))),
    (Code.CAMERA_HEIGHT, "devices", running(camera_height="too_high")),
    (Code.NOT_PROVED, "devices", running(proof=ProofState(NOW, ProofStep.FACE, UNPROVED))),
    (Code.WRONG_ANSWER, "devices", probed(error="it refused")),
    (Code.UNPROVEN, "devices", probed(proven=False)),
    (Code.DARK, "camera", lambda house: picture(house, 5)),
    (Code.NOBODY_THERE, "camera", lambda house: picture(house, 128)),
    (Code.WORN, "wear", worn),
    (Code.DLIB_ALONE, "face", device(face="dlib:")),
    (Code.MODEL_DAMAGED, "face", damaged_model),
    (Code.NO_BANDS, "face", lambda house: house.load(replace(POLICY, bands=()), version=2)),
    (Code.NO_CAMERA, "face", device(camera="")),
    (Code.DISK_LOW, "disk", lambda house: house.statvfs(500 << 20)),
    (Code.DISK_FULL, "disk", lambda house: house.statvfs(10 << 20)),
    (Code.DISK_READ_ONLY, "disk", lambda house: house.statvfs(5 << 30, os.ST_RDONLY)),
    (Code.DISK_WORN, "disk", mmc("0x09 0x02", "0x01")),
    (Code.DISK_DYING, "disk", mmc("0x04 0x03", "0x03")),
    (Code.WARM, "heat", file("sys/class/thermal/thermal_zone0/temp", "78123")),
    (Code.HOT, "heat", file("sys/class/thermal/thermal_zone0/temp", "86000")),
    (Code.UNDER_VOLTAGE, "heat", pi("0x50001")),
    (Code.WAS_UNDER_VOLTAGE, "heat", pi("0x10000")),
    (Code.THROTTLED, "heat", pi("0x40004")),
    (Code.WAS_THROTTLED, "heat", pi("0x40000")),
    (Code.MEMORY_LOW, "memory", file("proc/meminfo", "MemTotal: 900000 kB\nMemAvailable: 60000 kB")),
    (Code.KILLED_FOR_MEMORY, "memory", file("proc/vmstat", "nr_free_pages 1\noom_kill 2")),
    (Code.CLOCK_UNTRUSTED, "clock", running(clock_trusted=False)),
    (Code.CLOCK_OFF, "clock", running(at=NOW - 400)),
    (Code.LEDGER_FROM_THE_FUTURE, "clock", again(at=NOW + 900)),
    (Code.CLOCK_NOT_KEPT, "clock", command("timedatectl", "no\n")),
    (Code.NO_RTC, "clock", lambda house: house.files.pop("sys/class/rtc/rtc0/name")),
    (Code.NOT_ENROLLED, "site", remove("state/enrolment.json")),
    (Code.PAPERS_UNREADABLE, "site", lambda house: (house.state / "enrolment.json").write_text("{}")),
    (Code.SYNC_SILENT, "site", lambda house: setattr(house, "sync", None)),
    (Code.ALONE, "site", sync(reach=Reach.ALONE, trouble="no route")),
    (Code.REVOKED, "site", sync(wiped=True)),
    (Code.REFUSED, "site", sync(refusals=(Refusal("bundle", "bad_signature", "ask the office", NOW),))),
    (Code.UNSENT, "site", sync(written=5000, acknowledged=10)),
    (Code.CERTIFICATE_ENDS, "site", lambda house: house.enrol(NOW - 80 * DAY_S, NOW + 5 * DAY_S)),
    (Code.CERTIFICATE_ENDED, "site", lambda house: house.enrol(NOW - 80 * DAY_S, NOW - DAY_S)),
    (Code.CONFIGURATION, "configuration", lambda house: (house.folder / "gate.toml").write_text("[gate]\nnam = 1\n")),
    (Code.GATE_SILENT, "units", lambda house: None),
    (Code.GATE_HANGS, "units", locked),
    (Code.UNIT_FAILED, "units", lambda house: house.unit(active="failed", result="exit-code")),
    (Code.UNIT_DOWN, "units", lambda house: house.unit(active="inactive")),
    (Code.UNIT_RESTARTS, "units", lambda house: house.unit(restarts=9)),
    (Code.UNIT_NOT_ENABLED, "units", lambda house: house.unit(enabled="disabled")),
    (Code.STAFF_NONE, "staff", nobody_believed),
    (Code.STAFF_UNREADABLE, "staff", remove("staff.json")),
    (Code.STAFF_NO_SUPERVISOR, "staff", lambda house: house.book(Role.STEWARD)),
    (Code.OLD_PROGRAM_RUNS, "version", old_program),
    (Code.UPDATE_RETURNED, "version", returned()),
    (Code.CHECK_FAILED, "disk", unsaid),
]

BY_FACTS = {Code.SQLITE_OLD, Code.NO_FONT, Code.TURNED}
"""Provoked by a test of their own below or in `test_stories`."""


def test_an_update_that_failed_is_told_until_another_version_runs(house: House) -> None:
    returned()(house)
    assert [(one.code, one.subject) for one in house.check("version")] == [(Code.UPDATE_RETURNED, "0.1.1")]
    current = house.root / "opt/menshen/current"
    current.unlink()
    current.symlink_to("versions/0.1.2")
    assert house.check("version") == []


def picture(house: House, grey: int) -> None:
    """The camera shows one grey picture."""
    import cv2
    import numpy as np

    folder = house.folder / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "1.png"), np.full((120, 160, 3), grey, np.uint8))
    house.devices["camera"] = f"sim://{folder}"


@pytest.mark.parametrize(("code", "concern", "plant"), TABLE, ids=[f"{code.value}-{code.name}" for code, *_ in TABLE])
def test_each_code_is_provoked_and_explained(house: House, code: Code, concern: str, plant: Plant):
    planted = plant(house)
    judge = CONCERNS[concern][1]
    found = list(judge(planted)) if isinstance(planted, devices.Facts) else house.check(concern)
    one, *_ = [finding for finding in found if finding.code is code]
    assert all(meanings(language)[code.value].fix for language in LANGUAGES)
    assert one.subject or one.detail or code in (*NAMELESS,)


NAMELESS = (Code.LEDGER_NONE, Code.MANIFEST_NONE, Code.NOBODY_BELIEVED, Code.NOT_ENROLLED, Code.STAFF_NONE)


def test_the_table_has_every_code():
    assert {code for code, *_ in TABLE} | BY_FACTS == set(Code)


def test_a_well_lane_has_nothing_but_notes(house: House):
    """And of those only what is so here: an old SQLite, and drawn faces that are no dlib's."""
    house.gate_says()
    assert {one.code for one in house.check()} <= {Code.SQLITE_OLD, Code.NO_FONT}


def test_an_old_sqlite_is_a_note_and_a_new_one_is_nothing():
    from gate.check import sqlite

    assert [one.code for one in sqlite.judge(sqlite.Facts((3, 51, 2)))] == [Code.SQLITE_OLD]
    assert not list(sqlite.judge(sqlite.Facts((3, 51, 3))))


def test_a_machine_with_screens_wants_a_chinese_font():
    from gate.check import screens

    assert [one.code for one in screens.judge(screens.Facts(True, ()))] == [Code.NO_FONT]
    for facts in (screens.Facts(True, None), screens.Facts(False, ()), screens.Facts(True, ("Noto Sans CJK SC",))):
        assert not list(screens.judge(facts))


def test_both_languages_have_every_code_and_no_other():
    for language in LANGUAGES:
        told = meanings(language)
        assert list(told) == [code.value for code in Code]
        assert all(one.what and one.cause and one.fix for one in told.values())


def test_a_code_is_found_however_it_is_typed():
    assert {code_named(text) for text in ("G217", "g217", " 217 ")} == {Code.SPEED}
    assert code_named("G999") is None


def test_a_concern_that_fails_hides_no_other(house: House):
    unsaid(house)
    found = {one.code for one in house.check("disk", "staff", "heat")}
    assert found == {Code.CHECK_FAILED}
    house.book(Role.STEWARD)
    assert {one.code for one in house.check("disk", "staff")} == {Code.CHECK_FAILED, Code.STAFF_NO_SUPERVISOR}


def test_the_devices_of_a_gate_that_hangs_are_left_alone(house: House):
    house.devices["relay"] = "lcus+serial:///dev/none"
    locked(house)
    assert house.check("devices", "camera") == []


def test_what_dlib_alone_means_is_told_in_people(house: House):
    house.devices["face"] = "dlib:"
    (one,) = house.check("face")[:1]
    assert "of 100 East Asian visitors" in one.detail
    assert list(face.judge(face.Facts(camera=False, dlib_alone=True))) == []  # nobody is compared


def test_the_models_own_limits_count_and_not_another_ones(house: House):
    house.devices["face"] = "dlib:"
    assert Code.NO_BANDS in {one.code for one in house.check("face")}
    (house.state / "manifest.db").unlink()
    house.load(policy_of(POLICY.profile, "gala"))
    assert Code.NO_BANDS not in {one.code for one in house.check("face")}
