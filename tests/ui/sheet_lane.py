"""A steward's window with a gate's end of the socket under it, and fingers that touch what is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic

from PyQt5 import sip
from PyQt5.QtCore import QCoreApplication, QEventLoop, QPoint, Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QAbstractButton, QWidget

from models import wire
from models.command import Answer, Command, Line, OnShift, Snapshot
from models.decision import Profile, Reason, Verdict
from models.passage import Direction, Passage, Use
from models.staff import Role
from models.view import LaneView, Phase
from tests.ui.stand_in import PATIENCE_S, Gate
from ui.link import GateLink
from ui.sheets import Sheet
from ui.words import Words, load

NOON = 1_790_078_460.0
STEWARD = OnShift("s17", "王建国", Role.STEWARD, NOON - 500)
LEAD = OnShift("lead.2", "李梅", Role.SUPERVISOR, NOON - 400)
OTHER = OnShift("lead.3", "Alexandra Montgomery", Role.SUPERVISOR, NOON - 600)

USED = LaneView(
    gate="north-3",
    phase=Phase.REFERRED,
    attempt=7,
    verdict=Verdict.DENY,
    reason=Reason.ALREADY_ADMITTED,
    settleable=True,
    overridable=True,
    first_use=Use("T-1", "k", Direction.ENTRY, Passage.PASSED, NOON - 3600, "north-1"),
)
SNAPSHOT = Snapshot(USED, NOON, Profile.CONCERT, staff=(STEWARD, LEAD), pins=True)


def view(snapshot: Snapshot, **changes: object) -> Snapshot:
    return replace(snapshot, view=replace(snapshot.view, **changes))


class Lane:
    """A window, a link and the gate that it is connected with."""

    def __init__(self, folder: Path, language: str = "en", size: tuple[int, int] = (800, 480)) -> None:
        self.gate = Gate(folder / "s")
        self.window = QWidget()
        self.window.resize(*size)
        self.window.show()
        self.words: Words = load(language)
        self.link = GateLink(self.gate.path, self.window)
        self.link.start()
        self.gate.takes()
        self.touches = 0

    def opens(self, opener: Callable[..., Sheet], snapshot: Snapshot = SNAPSHOT) -> Sheet:
        """As the steward's window does after a tap, which counts."""
        self.touches += 1
        sheet = opener(self.window, self.link, snapshot, self.words)
        QCoreApplication.processEvents()
        return sheet

    def touches_on(self, button: QWidget) -> None:
        """A finger on what lies at the middle of `button`, whatever that is."""
        QCoreApplication.processEvents()
        place = button.mapTo(self.window, QPoint(button.width() // 2, button.height() // 2))
        hit = self.window.childAt(place)
        assert hit is button, f"{hit} lies over {button.accessibleName()}"
        assert isinstance(button, QAbstractButton)
        assert button.isEnabled(), f"{button.accessibleName()} can't be touched"
        self.touches += 1
        QTest.mouseClick(self.window.windowHandle(), Qt.LeftButton, Qt.NoModifier, place)

    def hears(self) -> Command:
        return self.gate.hears()

    def answers(self, command: Command, error: str = "", wait_s: float = 0.0) -> None:
        answer = Answer(command.id, ok=not error, error=error, wait_s=wait_s)
        heard: list[object] = []
        self.link.answered.connect(heard.append)
        self.gate.says(wire.to_json(Line(answer=answer)) + b"\n")
        turn_until(lambda: answer in heard)

    def tells(self, snapshot: Snapshot) -> None:
        self.gate.says(wire.to_json(Line(snapshot=snapshot)) + b"\n")
        turn_until(lambda: self.link.last == snapshot)

    def leaves(self) -> None:
        self.link.stop()
        self.gate.dies()
        sip.delete(self.window)


def turn_until(wanted: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Let Qt work until something is so."""
    ends = monotonic() + patience_s
    while not wanted():
        assert monotonic() < ends, "it did not come to that"
        QCoreApplication.processEvents(QEventLoop.WaitForMoreEvents | QEventLoop.AllEvents, 20)
