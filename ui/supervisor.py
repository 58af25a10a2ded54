"""What a supervisor does at the lane, on sheets over the steward's window: override, lane modes, shifts, settings."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import QVBoxLayout, QWidget

from models.command import Snapshot
from models.view import Mode
from ui.link import GateLink
from ui.operator_says import clock_time
from ui.sheets import Sheet
from ui.supervisor_settings import Present
from ui.supervisor_sign import SignPage, Task
from ui.supervisor_tasks import Override, RunLane, Shift, grid
from ui.supervisor_tonight import Tonight
from ui.tiles import Tile
from ui.view import Tone
from ui.words import Words

_MODE_TONES = MappingProxyType(
    {Mode.CONTROLLED: Tone.CALM, Mode.FREE: Tone.GO, Mode.PAUSED: Tone.STOP, Mode.OUT_OF_ORDER: Tone.OUT}
)


class SupervisorSheet(Sheet):
    """A sheet that begins with `task`, or with all that a supervisor may do."""

    def __init__(
        self, window: QWidget, link: GateLink, snapshot: Snapshot, words: Words, task: Task | None = None
    ) -> None:
        super().__init__(window, link, snapshot, words)
        self.modes: dict[Mode, Tile] = {}
        if task is None:
            self.turn_to(self._home(), words("supervisor.title"))
        else:
            self.begin(task)

    def _home(self) -> QWidget:
        """The four ways to run a lane, and below them the rest; above them what a clock that is not trusted asks."""
        for mode in Mode:
            self.modes[mode] = self.tile(
                self.words(f"mode.{mode}"),
                partial(self._run_lane, mode),
                self.words(f"supervisor.note_{mode}"),
                tone=_MODE_TONES[mode],
            )
        self.override = self.tile(self.words("tap.override"), lambda: self.begin(Override(self.snapshot)))
        self.shift = self.tile(self.words("supervisor.shift"), lambda: self.begin(Shift(self.snapshot)))
        self.settings = self.tile(self.words("supervisor.settings"), lambda: self.begin(Present(self.snapshot)))
        self.tonight = self.tile("", lambda: self.begin(Tonight(self.snapshot)), tone=Tone.LOOK)
        self.now = self.said("", 20)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.now, 1)
        column.addWidget(self.tonight, 2)
        column.addWidget(grid(list(self.modes.values()), 2), 5)
        column.addWidget(grid([self.override, self.shift, self.settings], 3), 2)
        self._show_now()
        return page

    def _run_lane(self, mode: Mode) -> None:
        self.begin(RunLane(self.snapshot, mode))

    def begin(self, task: Task) -> None:
        """Turn to `task`'s page."""
        self.turn_to(SignPage(self, task), self.words(task.title))

    def follow(self, before: Snapshot, now: Snapshot) -> None:
        """A task dies with what it was for; the home page shows the mode as it is."""
        if any(page.task.is_stale(now) for page in self._sign_pages()):
            self.close_sheet()
        elif self.modes:
            self._show_now()

    def _show_now(self) -> None:
        """How the lane is run now, until when, and what can't be done."""
        mode, until = self.snapshot.view.mode, self.snapshot.mode_until
        key = "supervisor.now_until" if until is not None else "supervisor.now"
        time = clock_time(until) if until is not None else ""
        self.now.setText(self.words(key, mode=self.words(f"mode.{mode}"), time=time))
        for one, tile in self.modes.items():
            tile.setEnabled(one is not mode)
        self.override.setEnabled(self.snapshot.view.overridable)
        self.tonight.setText(
            self.words("supervisor.tonight" if self.snapshot.window is None else "supervisor.not_tonight")
        )
        self.tonight.setVisible(not self.snapshot.clock_trusted)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A keyboard does what the keys on the screen do."""
        page = self.pages.currentWidget()
        if event.key() == Qt.Key_Escape:
            self.back()
        elif event.key() == Qt.Key_Backspace and hasattr(page, "rub"):
            page.rub()
        elif event.key() in (Qt.Key_Return, Qt.Key_Enter) and hasattr(page, "enter"):
            page.enter()
        elif event.text() and hasattr(page, "type"):
            page.type(event.text())

    def forget(self) -> None:
        """Wipe every PIN on every page."""
        for page in self._sign_pages():
            page.forget()

    def _sign_pages(self) -> list[SignPage]:
        pages = (self.pages.widget(at) for at in range(self.pages.count()))
        return [page for page in pages if isinstance(page, SignPage)]


def open_supervisor(window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> Sheet:
    """All that a supervisor may do at this lane."""
    return _opened(SupervisorSheet(window, link, snapshot, words))


def open_override(window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> Sheet:
    """Admit the one in the lane on a supervisor's word: a cause, a PIN."""
    return _opened(SupervisorSheet(window, link, snapshot, words, Override(snapshot)))


def open_shift(window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> Sheet:
    """Begin or end a shift at this lane."""
    return _opened(SupervisorSheet(window, link, snapshot, words, Shift(snapshot)))


def _opened(sheet: Sheet) -> Sheet:
    sheet.open()
    return sheet
