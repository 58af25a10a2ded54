"""The sheet by which a steward reports a suspected scalper: one touch on what was seen, and nothing is typed.

What was seen is what somebody did. Whether it was the person at the lane is one more touch before it, and then the
report has that attempt's number; it never has a name.
"""

from __future__ import annotations

from functools import partial

from PyQt5.QtCore import QPoint
from PyQt5.QtWidgets import QVBoxLayout, QWidget

from models.command import Answer, Command, Order, Snapshot
from models.sighting import Sight
from models.view import LaneView, Phase
from ui.link import GateLink
from ui.sheets import Sheet
from ui.supervisor_tasks import grid
from ui.words import Words


class SightingSheet(Sheet):
    """A tile for each thing that may have been seen."""

    def __init__(self, window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> None:
        super().__init__(window, link, snapshot, words)
        self.attempt = snapshot.view.attempt if is_somebody_here(snapshot.view) else 0
        self.here = self.tile(words("sighting.here"), largest=20)
        self.here.setCheckable(True)
        self.here.setVisible(self.attempt > 0)
        self.sights = {one: self.tile(words(f"sight.{one}"), partial(self._report, one), largest=24) for one in Sight}
        *four, other = self.sights.values()
        page, column = QWidget(), QVBoxLayout()
        page.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.said(words("sighting.explain"), 20), 2)
        column.addWidget(self.here, 2)
        column.addWidget(grid(four, 2), 5)
        column.addWidget(other, 2)
        self.turn_to(page, words("sighting.title"))

    def _report(self, sight: Sight) -> None:
        attempt = self.attempt if self.here.isChecked() else 0
        command = Command(id=0, order=Order.SIGHTING, actor=self.actor, attempt=attempt, sight=sight)
        self.send(command, self._done)

    def _done(self, answer: Answer) -> None:
        """Nothing changes at the lane, so it has to be said that it was taken."""
        if not answer.ok:
            return
        window = self.parentWidget()
        if bubble := getattr(window, "bubble", None):
            bubble.say(self.words("sighting.done"), QPoint(window.width() // 2, window.height() - 1))
        self.close_sheet()

    def follow(self, before: Snapshot, now: Snapshot) -> None:
        """Another one has come: who was meant is the one before, and the tile says so."""
        if self.attempt and now.view.attempt != self.attempt:
            self.here.setText(self.words("sighting.before"))
            self.here.setAccessibleName(self.here.text())
            self.here.update()


def is_somebody_here(view: LaneView) -> bool:
    """Whether the latest attempt's person may still stand at the lane."""
    at_work = view.phase in (Phase.LOOKUP, Phase.CAPTURE, Phase.REFERRED, Phase.RELEASED)
    return view.attempt > 0 and (at_work or view.reason is not None or view.refused is not None)


def open_sighting(window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> Sheet:
    """Report a suspected scalper."""
    sheet = SightingSheet(window, link, snapshot, words)
    sheet.open()
    return sheet
