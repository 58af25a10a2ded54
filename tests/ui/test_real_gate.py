"""The real gate of the demo's rig, and the real screens beside it: what one does to the other, and what it can't."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.demo.box_office import sell
from gate.demo.cast import Person
from gate.demo.night import Night
from gate.demo.rig import Rig
from models.decision import StewardAction, Verdict
from models.ledger import EntryKind
from models.view import Phase
from tests.gate.daemon_bench import WIRING, entries, marked_people, marked_policy
from tests.ui.xvfb import MISSING, Display, Screens, wait_for
from ui import theme
from ui.view import Tone

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

PATIENCE_S = 10.0
HOLDERS = 14


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, list[Person]]]:
    """A lane that runs, and its visitors: holders of tickets, then one without a ticket, then one who declined."""
    folder = tmp_path_factory.mktemp("lane")
    people = marked_people(folder / "looks", HOLDERS + 2)
    people[HOLDERS] = replace(people[HOLDERS], has_ticket=False)
    people[HOLDERS + 1] = replace(people[HOLDERS + 1], declined=True)
    with Rig(folder, WIRING) as rig:
        sell(rig, people, marked_policy(show_s=2.0))
        rig.start()
        yield rig, people


@pytest.fixture
def display() -> Iterator[Display]:
    with Display(800, 480) as display:
        yield display


def screens_of(rig: Rig, display: Display, *words: str) -> Screens:
    return Screens(display, [*words, "--still", "--socket", str(rig.folder / "gate.sock")], rig.folder / "screens.log")


def shows(display: Display, tone: Tone) -> bool:
    return display.share(theme.tone(tone).background) > 0.2


def until(display: Display, tone: Tone) -> float:
    return wait_for(lambda: shows(display, tone), PATIENCE_S, f"{tone} is not shown")


def test_a_gate_that_dies_is_told_within_two_seconds_and_its_first_line_makes_it_right(
    lane: tuple[Rig, list[Person]], display: Display
) -> None:
    rig, _ = lane
    with screens_of(rig, display, "--visitor"):
        until(display, Tone.CALM)
        rig.kill()
        assert until(display, Tone.OUT) < 2.0
        rig.start(ready=False)
        rig.link.wait(lambda snapshot: snapshot.view.phase is Phase.IDLE, PATIENCE_S, since=0)
        assert until(display, Tone.CALM) < 1.5


def test_a_gate_that_stands_still_is_told_within_two_seconds_of_its_last_line(
    lane: tuple[Rig, list[Person]], display: Display
) -> None:
    rig, _ = lane
    with screens_of(rig, display, "--visitor"):
        until(display, Tone.CALM)
        rig.process.send_signal(signal.SIGSTOP)
        try:
            assert until(display, Tone.OUT) < 2.2
        finally:
            rig.process.send_signal(signal.SIGCONT)
        assert until(display, Tone.CALM) < 1.5


@pytest.mark.parametrize(
    ("whose", "tones"),
    [("--visitor", (Tone.GO, Tone.DESK, Tone.DESK)), ("--steward", (Tone.GO, Tone.STOP, Tone.DESK))],
)
def test_verdicts_appear(
    lane: tuple[Rig, list[Person]], display: Display, whose: str, tones: tuple[Tone, Tone, Tone]
) -> None:
    rig, people = lane
    night = Night(rig)
    holder = people[0 if whose == "--visitor" else 1]
    with screens_of(rig, display, whose):
        until(display, Tone.CALM)
        night.comes(holder)
        until(display, tones[0])
        rig.sensor.turn()
        night.leaves()
        until(display, Tone.CALM)
        night.is_stopped(people[HOLDERS])
        until(display, tones[1])
        until(display, Tone.CALM)
        view = night.comes(people[HOLDERS + 1])
        until(display, tones[2])
        assert rig.link.steward(view.attempt, StewardAction.REFUSE).ok
        night.leaves()
        until(display, Tone.CALM)


def test_screens_that_die_hang_or_come_back_change_no_verdict(lane: tuple[Rig, list[Person]], display: Display) -> None:
    """Each visitor meets screens in another trouble, and is admitted; the relay moves once for each."""
    rig, people = lane
    night, before = Night(rig), len(entries(rig, EntryKind.DECISION))
    pulses = rig.relay.pulses
    for number, one in enumerate(people[2:HOLDERS]):
        screens = screens_of(rig, display, "--both", "--windowed", "800x480")
        try:
            until(display, Tone.CALM)
            trouble = (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM)[number % 3]
            if number % 2:
                screens.process.send_signal(trouble)
                night.enters(one)
            else:
                rig.entry.present(one)
                rig.stage.show(one.looks.frames())
                screens.process.send_signal(trouble)
                rig.link.wait_view(lambda view: view.phase is Phase.RELEASED, PATIENCE_S)
                rig.sensor.turn()
                night.leaves()
        finally:
            screens.process.kill()
            screens.process.wait()
    rig.link.wait_view(lambda view: view.phase is Phase.IDLE, PATIENCE_S)
    decisions = entries(rig, EntryKind.DECISION)[before:]
    assert [entry.body["decision"]["verdict"] for entry in decisions] == [Verdict.ADMIT] * (HOLDERS - 2)
    assert rig.relay.pulses - pulses == HOLDERS - 2


def test_the_screens_hold_no_network_no_database_and_no_key(lane: tuple[Rig, list[Person]], display: Display) -> None:
    rig, _ = lane
    with screens_of(rig, display, "--both", "--windowed", "800x480") as screens:
        until(display, Tone.CALM)
        pid = screens.process.pid
        assert network_sockets(pid) == []
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
            one.bind(("127.0.0.1", 0))
            one.listen()
            assert network_sockets(os.getpid()), "the search itself finds nothing"
        held = open_files(pid)
        assert [name for name in held if re.search(r"\.(db|db-wal|db-shm|key|pub|csv)$", name)] == []
        assert [name for name in held if name.startswith(str(rig.state_dir))] == []
        loaded = Path(f"/proc/{pid}/maps").read_text()
        assert [
            name for name in ("_sqlite3", "_ssl", "libsqlite", "cryptography", "dlib", "cv2") if name in loaded
        ] == []


def network_sockets(pid: int) -> list[str]:
    """The kernel's tables of which a socket of this process is in one."""
    inodes = {link[8:-1] for link in open_files(pid) if link.startswith("socket:[")}
    tables = ("tcp", "tcp6", "udp", "udp6", "udplite", "raw", "raw6", "packet", "netlink")
    found = []
    for table in tables:
        path = Path(f"/proc/{pid}/net/{table}")
        rows = path.read_text().splitlines()[1:] if path.exists() else []
        found += [table for row in rows if inodes & set(row.split())]
    return found


def open_files(pid: int) -> list[str]:
    """What a process has open, by the kernel's names."""
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed in the meantime
            found.append(str(each.readlink()))
    return found
