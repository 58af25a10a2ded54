"""The screens' link, against a socket that says what a gate says, and what none should."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
from PyQt5.QtCore import QCoreApplication, QEventLoop
from PyQt5.QtTest import QSignalSpy

from models import wire
from models.command import Answer, Command, Line, Order
from tests.ui.stand_in import PATIENCE_S, Gate, said, snapshot
from ui import link as link_module
from ui.link import MOST_COMMAND, MOST_LINE, GateLink, Lines

pytestmark = pytest.mark.usefixtures("qapp")


def turn_until(wanted: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Let Qt work until something is so."""
    ends = monotonic() + patience_s
    while not wanted():
        assert monotonic() < ends, "it did not come to that"
        QCoreApplication.processEvents(QEventLoop.WaitForMoreEvents | QEventLoop.AllEvents, 20)


class Heard:
    """What a window would be told."""

    def __init__(self, link: GateLink) -> None:
        self.snapshots: list[int] = []
        self.answers: list[Answer] = []
        self.silences: list[float] = []
        link.snapshot.connect(lambda each: self.snapshots.append(each.view.attempt))
        link.answered.connect(self.answers.append)
        link.silent.connect(lambda: self.silences.append(monotonic()))


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "gate.sock")
    yield gate
    gate.dies()


@pytest.fixture
def link(tmp_path: Path) -> Iterator[GateLink]:
    link = GateLink(tmp_path / "gate.sock")
    yield link
    link.stop()


@pytest.fixture
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "SILENCE_S", 0.15)
    monkeypatch.setattr(link_module, "HUNG_UP_S", 0.05)


def test_a_snapshot_is_told_and_kept(gate: Gate, link: GateLink) -> None:
    heard = Heard(link)
    link.start()
    gate.takes().says(said(7))
    turn_until(lambda: heard.snapshots)
    assert heard.snapshots == [7]
    assert link.last == snapshot(7)


def test_half_lines_are_put_together_and_of_many_the_latest_is_told(gate: Gate, link: GateLink) -> None:
    heard = Heard(link)
    link.start()
    gate.takes()
    whole = said(1) + said(2)
    gate.says(whole[:30])
    QCoreApplication.processEvents()
    assert heard.snapshots == []
    gate.says(whole[30:])
    turn_until(lambda: heard.snapshots)
    assert heard.snapshots == [2]


@pytest.mark.parametrize(
    "noise",
    [
        b"\n",
        b"not json\n",
        b'{"snapshot": {"view": 3}}\n',
        b"\xff\xfe\x00\n",
        b"[" * 5000 + b"\n",
        b'{"snapshot": null, "something_newer": 1}\n',
        b"x" * (MOST_LINE + 70_000) + b"\n",
    ],
)
def test_noise_is_passed_over_and_the_next_line_counts(noise: bytes) -> None:
    lines = Lines()
    found = []
    for start in range(0, len(noise), 1 << 16):
        found += lines.feed(noise[start : start + (1 << 16)])
    assert [line.snapshot for line in found if line.snapshot] == []
    assert [line.snapshot for line in lines.feed(said(3))] == [snapshot(3)]


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    lines = Lines()
    for _ in range(100):
        lines.feed(b"x" * (1 << 16))
        assert len(lines._rest) <= MOST_LINE + (1 << 16)


def test_a_gate_that_is_not_there_is_silent_and_found_when_it_comes(
    tmp_path: Path, link: GateLink, short_silence: None
) -> None:
    heard = Heard(link)
    link.start()
    turn_until(lambda: heard.silences)
    gate = Gate(tmp_path / "gate.sock")
    turn_until(lambda: link.connected)
    gate.takes().says(said())
    turn_until(lambda: heard.snapshots)
    assert len(heard.silences) == 1
    gate.dies()


def test_a_gate_that_hangs_up_is_silent_soon_and_right_again_after_one_line(
    tmp_path: Path, gate: Gate, link: GateLink, short_silence: None
) -> None:
    heard = Heard(link)
    link.start()
    gate.takes().says(said(1))
    turn_until(lambda: heard.snapshots)
    gate.dies()
    turn_until(lambda: heard.silences)
    assert link.last is None
    again = Gate(tmp_path / "gate.sock")
    turn_until(lambda: link.connected)
    again.takes().says(said(2))
    turn_until(lambda: len(heard.snapshots) == 2)
    assert link.last == snapshot(2)
    again.dies()


def test_a_gate_that_stands_still_is_silent(gate: Gate, link: GateLink, short_silence: None) -> None:
    heard = Heard(link)
    link.start()
    gate.takes().says(said(1))
    turn_until(lambda: heard.silences)
    assert link.connected, "the connection is kept: the gate may go on"
    gate.says(said(2))
    turn_until(lambda: heard.snapshots[-1:] == [2])


def test_a_screen_that_was_busy_for_long_reads_before_it_says_silent(
    gate: Gate, link: GateLink, short_silence: None
) -> None:
    heard = Heard(link)
    link.start()
    gate.takes().says(said(1))
    turn_until(lambda: heard.snapshots)
    gate.says(said(2))
    link._silence.stop()
    link._fall_silent()
    assert heard.silences == []
    assert heard.snapshots == [1, 2]


def test_a_command_gets_an_id_and_its_answer(gate: Gate, link: GateLink) -> None:
    heard = Heard(link)
    link.start()
    gate.takes().says(said())
    turn_until(lambda: heard.snapshots)
    first, second = (link.send(Command(0, Order.STEWARD, "w-1", why=why)) for why in ("a", "b"))
    assert first != second
    assert gate.hears().id == first
    gate.says(wire.to_json(Line(answer=Answer(first, ok=True))) + b"\n")
    turn_until(lambda: heard.answers)
    assert heard.answers == [Answer(first, ok=True)]


def test_a_command_that_cannot_be_sent_is_answered_all_the_same(gate: Gate, link: GateLink) -> None:
    heard = Heard(link)
    unheard = link.send(Command(0, Order.STEWARD, "w-1"))
    link.start()
    gate.takes()
    too_long = link.send(Command(0, Order.STEWARD, "w-1", why="x" * MOST_COMMAND))
    assert heard.answers == [], "first the id, then the answer"
    turn_until(lambda: len(heard.answers) == 2)
    assert [(answer.id, answer.ok) for answer in heard.answers] == [(unheard, False), (too_long, False)]


def test_a_command_under_way_when_the_gate_dies_is_answered_as_unknown(gate: Gate, link: GateLink) -> None:
    heard = Heard(link)
    link.start()
    gate.takes().says(said())
    turn_until(lambda: heard.snapshots)
    number = link.send(Command(0, Order.STEWARD, "w-1"))
    gate.hears()
    gate.dies()
    turn_until(lambda: heard.answers)
    assert heard.answers == [Answer(number, ok=False, error=link_module.UNKNOWN)]


def test_the_link_stays_away_once_it_was_stopped(gate: Gate, link: GateLink) -> None:
    link.start()
    gate.takes()
    silent = QSignalSpy(link.silent)
    link.stop()
    assert gate.screen is not None
    assert gate.screen.recv(1) == b""
    assert not silent.wait(100)
