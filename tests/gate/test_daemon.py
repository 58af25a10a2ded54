"""The daemon as a process: what happens to the people in the lane when its parts fail, and how it comes and goes."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gate.demo.box_office import sell
from gate.demo.cast import Person
from gate.demo.link import GateLink
from gate.demo.night import Night
from gate.demo.rig import Rig
from models.decision import Reason, StewardAction, Verdict
from models.ledger import EntryKind
from models.store.ledger_db import verify
from models.view import LaneView, Mode, Phase
from tests.gate.daemon_bench import (
    HEAL_S,
    LONG_S,
    WIRING,
    entries,
    heals,
    is_alive,
    last_seq,
    marked_people,
    marked_policy,
    turns_away,
    vision_child,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
REFERRED_S = 2.0


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, Iterator[Person]]]:
    """One daemon for all tests that leave it well, and people who have not been there yet."""
    folder = tmp_path_factory.mktemp("lane")
    people = marked_people(folder / "pictures", 30)
    with Rig(folder, WIRING) as rig:
        sell(rig, people, marked_policy())
        rig.start()
        yield rig, iter(people)
        assert rig.process.poll() is None, "the daemon has ended on the way"
        assert rig.stop() == 0
        assert verify(rig.ledger).ok
        assert "Traceback" not in rig.log()


@pytest.fixture
def rig(evening: tuple[Rig, Iterator[Person]]) -> Rig:
    """The lane, with nobody in it."""
    Night(evening[0]).leaves()
    heals(evening[0])
    return evening[0]


@pytest.fixture
def someone(evening: tuple[Rig, Iterator[Person]]) -> Person:
    """A visitor with a good ticket."""
    return next(evening[1])


@pytest.fixture
def another(evening: tuple[Rig, Iterator[Person]]) -> Person:
    """One more."""
    return next(evening[1])


def index_of(one: Person) -> int:
    return int(one.ticket[1:])


def stands_before_the_camera(rig: Rig, one: Person) -> LaneView:
    """Has shown the card and looks aside; the camera has begun to look."""
    turns_away(rig, index_of(one))
    pictures = rig.stage.frames_taken
    before = rig.link.snapshot.view.attempt if rig.link.snapshot else 0
    since = rig.link.seen
    rig.reader.present(one.card())
    view = rig.link.wait_view(lambda v: v.attempt > before and v.phase is Phase.CAPTURE and v.hint != "", LONG_S, since)
    assert rig.stage.frames_taken > pictures
    return view


def kill_the_child(rig: Rig) -> None:
    os.kill(vision_child(rig), signal.SIGKILL)


def stop_the_child(rig: Rig) -> None:
    os.kill(vision_child(rig), signal.SIGSTOP)


def unplug_the_camera(rig: Rig) -> None:
    rig.stage.unplug()


@pytest.mark.parametrize("fail", [kill_the_child, stop_the_child, unplug_the_camera])
def test_who_stands_before_a_camera_that_fails_is_referred_at_once(
    rig: Rig, someone: Person, fail: Callable[[Rig], None]
):
    night = Night(rig)
    view = stands_before_the_camera(rig, someone)
    child, since, began = vision_child(rig), rig.link.seen, time.monotonic()
    fail(rig)
    view = rig.link.wait_view(lambda v: v.attempt == view.attempt and v.phase is Phase.REFERRED, LONG_S, since)
    assert time.monotonic() - began < REFERRED_S
    assert (view.verdict, view.reason) == (Verdict.REFER, Reason.DEVICE_FAULT)
    if fail is unplug_the_camera:
        rig.plug_camera()
    rig.link.wait(lambda s: all(device.up for device in s.devices), HEAL_S)
    assert is_alive(child) is (fail is unplug_the_camera)
    rig.stage.show(someone.looks.frames())
    night._settle(view, StewardAction.RETRY_FACE, rig.relay.pulses)


def is_faulty(name: str) -> Callable[[LaneView], bool]:
    return lambda view: name in view.faults


@pytest.mark.parametrize("name", ["reader", "relay"])
def test_without_an_essential_device_the_lane_is_out_of_order_until_it_is_back(rig: Rig, someone: Person, name: str):
    seq = last_seq(rig)
    rig.port(name).unplug()
    view = rig.link.wait_view(is_faulty(name), LONG_S)
    assert view.phase is Phase.FAULT
    if name == "relay":
        assert Night(rig).comes(someone).reason is Reason.OUT_OF_ORDER
        Night(rig).leaves()
    rig.port(name).replug()
    heals(rig)
    Night(rig).enters(someone)
    told = [(e.body["device"], e.body["up"]) for e in entries(rig, EntryKind.DEVICE, seq)]
    assert told == [(name, False), (name, True)]


def test_a_sensor_that_falls_silent_leaves_passages_unknown(rig: Rig, someone: Person, another: Person):
    """And it is not taken for well before it speaks again, however often its line is opened anew."""
    seq = last_seq(rig)
    rig.sensor.mute = True
    try:
        rig.link.wait_view(is_faulty("sensor"), LONG_S)
        for one in (someone, another):
            Night(rig).enters(one)
        assert is_faulty("sensor")(rig.link.snapshot.view)
    finally:
        rig.sensor.mute = False
    heals(rig)
    assert [entry.body["passage"] for entry in entries(rig, EntryKind.PASSAGE, seq)] == ["unknown", "unknown"]
    told = [(e.body["device"], e.body["up"]) for e in entries(rig, EntryKind.DEVICE, seq)]
    assert told == [("sensor", False), ("sensor", True)]


def test_free_passage_holds_the_barrier_and_counts_whoever_comes(rig: Rig, someone: Person):
    seq, pulses = last_seq(rig), rig.relay.pulses
    passages = rig.link.snapshot.counts.get("passage", 0)
    assert rig.link.set_mode(Mode.FREE, "fire drill").ok
    try:
        assert rig.relay.wait_for(lambda: rig.relay.state(1), LONG_S)
        rig.reader.present(someone.card())
        rig.link.wait(lambda s: s.counts.get("decision", 0) > 0 and bool(entries(rig, EntryKind.DECISION, seq)), LONG_S)
        for _ in range(3):
            rig.sensor.turn()
        rig.link.wait(lambda s: s.counts.get("passage", 0) >= passages + 3, LONG_S)
        assert rig.relay.state(1), "the barrier stays open"
    finally:
        assert rig.link.set_mode(Mode.CONTROLLED).ok
    assert rig.relay.wait_for(lambda: not rig.relay.state(1), LONG_S)
    (decision,) = entries(rig, EntryKind.DECISION, seq)
    assert "free_passage" in decision.body["decision"]["flags"]
    assert [entry.body["passage"] for entry in entries(rig, EntryKind.PASSAGE, seq)] == ["passed"] * 3
    modes = [(entry.body["mode"], entry.body["actor"]) for entry in entries(rig, EntryKind.MODE, seq)]
    assert modes == [("free", "steward-demo"), ("controlled", "steward-demo")]
    assert rig.relay.pulses == pulses + 1, "one closing of the contact, for all who went through"


def test_a_relay_that_comes_back_in_free_passage_is_held_again(rig: Rig):
    assert rig.link.set_mode(Mode.FREE, "fire drill").ok
    try:
        assert rig.relay.wait_for(lambda: rig.relay.state(1), LONG_S)
        changes = len(rig.relay.changes)
        rig.port("relay").unplug()
        rig.link.wait_view(is_faulty("relay"), LONG_S)
        rig.port("relay").replug()
        assert rig.relay.wait_for(lambda: len(rig.relay.changes) >= changes + 2 and rig.relay.state(1), LONG_S)
    finally:
        assert rig.link.set_mode(Mode.CONTROLLED).ok
    assert rig.relay.wait_for(lambda: not rig.relay.state(1), LONG_S)


def test_a_paused_lane_admits_nobody_until_it_goes_on(rig: Rig, someone: Person):
    night, pulses = Night(rig), rig.relay.pulses
    assert rig.link.set_mode(Mode.PAUSED, "break").ok
    try:
        assert night.comes(someone).reason is Reason.PAUSED
        night.leaves()
    finally:
        assert rig.link.set_mode(Mode.CONTROLLED).ok
    heals(rig)
    assert rig.relay.pulses == pulses
    night.enters(someone)


def test_a_stewards_word_that_comes_too_late_is_told_so(rig: Rig, someone: Person, another: Person):
    night = Night(rig)
    turns_away(rig, index_of(someone))
    view = night._presents(lambda: rig.reader.present(someone.card()))
    assert view.verdict is Verdict.REFER
    night.leaves()
    night.enters(another)
    pulses = rig.relay.pulses
    answer = rig.link.steward(view.attempt, StewardAction.ADMIT)
    assert not answer.ok
    assert answer.error
    assert rig.relay.pulses == pulses


@contextmanager
def full_disk(rig: Rig) -> Iterator[None]:
    """No file of the daemon's grows any more: writing fails with "file too large", and is let go on afterwards."""
    soft, hard = resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.prlimit(rig.process.pid, resource.RLIMIT_FSIZE, (soft, hard))


def test_on_a_full_disk_nobody_is_let_in_and_the_lane_heals_when_there_is_room(
    rig: Rig, someone: Person, another: Person
):
    night, seq, pulses = Night(rig), last_seq(rig), rig.relay.pulses
    with full_disk(rig):
        assert night.comes(someone).reason in (Reason.DEVICE_FAULT, Reason.OUT_OF_ORDER)
        night.leaves()
        view = rig.link.wait_view(is_faulty("ledger"), LONG_S)
        assert view.phase is Phase.FAULT
        assert night.comes(another).verdict is Verdict.REFER
        night.leaves()
    heals(rig)
    assert rig.relay.pulses == pulses
    assert entries(rig, EntryKind.DECISION, seq) == []
    night.enters(someone)
    assert verify(rig.ledger).ok


def run_gatectl(config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gate.cli", "run", "--config", str(config)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONG_S, check=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text, rig: text.replace("gate.sock", "other.sock"), "is being written by process"),
        (lambda text, rig: text.replace(f'"{rig.state_dir}"', f'"{rig.folder / "other"}"'), "another gate is running"),
    ],
    ids=["state", "socket"],
)
def test_a_second_daemon_of_the_same_lane_refuses_to_start(rig: Rig, someone: Person, change, words: str):
    config = rig.folder / "second.toml"
    config.write_text(change(rig.config.read_text(), rig))
    refused = run_gatectl(config)
    assert refused.returncode == 4
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    Night(rig).enters(someone)


def test_a_wrong_configuration_is_told_in_full_and_ends_with_3(tmp_path: Path):
    config = tmp_path / "gate.toml"
    config.write_text(
        '[gate]\nname = "a lane"\ntimezone = "Mars/Olympus"\n[devices]\nreader = "nonsense"\nrelais = "x:"\n'
    )
    refused = run_gatectl(config)
    assert refused.returncode == 3
    for problem in ("gate.name", "gate.timezone", "gate.state_dir", "devices.reader", "did you mean relay"):
        assert problem in refused.stderr
    assert list(tmp_path.iterdir()) == [config]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Rig]:
    """A lane of its own, not started yet, and without a manifest."""
    with Rig(tmp_path, WIRING) as rig:
        yield rig


def test_a_manifest_that_comes_later_is_taken_up(own: Rig):
    one, early = marked_people(own.folder / "pictures", 2)
    own.start()
    night = Night(own)
    assert night.comes(early).reason is Reason.MANIFEST_MISSING
    night.leaves()
    seq = last_seq(own)
    sell(own, [one, early], marked_policy())
    began = time.monotonic()
    snapshot = own.link.wait(lambda s: s.manifest is not None, LONG_S)
    assert time.monotonic() - began < 2.0
    assert (snapshot.event, snapshot.profile) == (marked_policy().event, marked_policy().profile)
    night.enters(one)
    assert [entry.kind for entry in entries(own, after=seq)][:2] == [EntryKind.POLICY, EntryKind.MANIFEST]


@pytest.mark.parametrize("mode", [Mode.CONTROLLED, Mode.FREE])
def test_it_ends_at_once_in_good_order_with_the_relay_at_rest(own: Rig, mode: Mode, monkeypatch: pytest.MonkeyPatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(own.folder / "notify"))
        systemd.settimeout(LONG_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(own.folder / "notify"))
        own.start()
        until(systemd, "READY=1")
        until(systemd, "WATCHDOG=1")
        child = vision_child(own)
        if mode is Mode.FREE:
            assert own.link.set_mode(Mode.FREE, "drill").ok
            assert own.relay.wait_for(lambda: own.relay.state(1), LONG_S)
        began = time.monotonic()
        assert own.stop() == 0
        assert time.monotonic() - began < 3.0
        until(systemd, "STOPPING=1")
    assert own.relay.wait_for(lambda: not own.relay.state(1), LONG_S)
    assert not is_alive(child)
    assert [entry.kind for entry in entries(own)][-1] is EntryKind.STOP
    assert not (own.folder / "gate.sock").exists()
    assert "Traceback" not in own.log()
    assert verify(own.ledger).ok


def until(systemd: socket.socket, word: str) -> None:
    while word not in systemd.recv(4096).decode().splitlines():
        pass


def test_a_release_that_a_power_cut_left_open_is_settled_as_unknown(own: Rig):
    (one,) = marked_people(own.folder / "pictures", 1)
    sell(own, [one], marked_policy())
    own.start()
    own.stage.show(one.looks.frames())
    own.reader.present(one.card())
    assert own.relay.wait_for(lambda: own.relay.pulses > 0, LONG_S)
    attempt = own.link.wait_view(lambda v: v.phase is Phase.RELEASED, LONG_S).attempt
    own.kill()
    own.reader.remove()
    own.start()
    assert [(e.body["passage"], e.body["detail"]) for e in entries(own, EntryKind.PASSAGE)] == [("unknown", "restart")]
    assert not own.relay.state(1), "a contact that was closed when the power went is opened at the start"
    assert Night(own).comes(one).attempt > attempt


def test_no_full_name_or_number_is_written_while_people_come_and_go(rig: Rig, someone: Person, another: Person):
    """In no file of the lane's, the ledger's write-ahead log among them."""
    night = Night(rig)
    night.enters(someone)
    night.is_stopped(another, face=someone, then=StewardAction.REFUSE)
    files = [path for path in rig.folder.rglob("*") if path.is_file() and "office" not in path.parts]
    assert {"ledger.db", "ledger.db-wal", "manifest.db", "gate.log"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        for one in (someone, another):
            for secret in (one.name, one.number):
                assert secret.encode() not in content, path
                assert secret.encode("utf-16-le") not in content, path


def test_a_listener_that_never_reads_holds_up_nobody(rig: Rig, someone: Person):
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        deaf.connect(str(rig.folder / "gate.sock"))
        Night(rig).enters(someone)
    second = GateLink(rig.folder / "gate.sock", actor="")
    second.connect(LONG_S)
    try:
        assert "actor" in second.set_mode(Mode.PAUSED).error
    finally:
        second.close()
