"""A hospital's sheets: whose companion somebody is, and what belongs to emergencies.

The red button itself asks nothing. Here it is chosen beforehand what it writes down, and told afterwards who it was.
"""

from __future__ import annotations

from functools import partial

from PyQt5.QtWidgets import QVBoxLayout, QWidget

from models.command import Command, Order, Snapshot
from models.decision import StewardAction
from models.red_path import OpenRed, Urgency
from ui.link import GateLink
from ui.manual import ManualSheet
from ui.manual_kinds import Kind
from ui.operator_says import clock_time
from ui.sheets import Sheet
from ui.supervisor_tasks import grid
from ui.view import Tone
from ui.words import Words

MOST_ASKED = 4
"""So many emergencies have a tile, the oldest first; the next ones come up when those are told."""


class CompanionSheet(Sheet):
    """A tile for each patient inside, who came last first."""

    def __init__(self, window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> None:
        super().__init__(window, link, snapshot, words)
        view = snapshot.view
        self.patients = [
            self.tile(
                words("hospital.with", name=one.masked_name or words("hospital.somebody")),
                partial(self._name, one.ticket),
                " · ".join(filter(None, (one.department, one.ticket))),
                tone=Tone.GO,
                largest=22,
            )
            for one in view.patients
        ]
        page = grid(self.patients, 2) if self.patients else self.said(words("hospital.nobody_inside"), 24)
        self.turn_to(page, words("hospital.companion"))

    def _name(self, ticket: str) -> None:
        command = Command(
            id=0,
            order=Order.STEWARD,
            actor=self.actor,
            attempt=self.snapshot.view.attempt,
            action=StewardAction.COMPANION,
            of=ticket,
        )
        self.send(command)

    def follow(self, before: Snapshot, now: Snapshot) -> None:
        """The word dies with the attempt it was for."""
        if now.view.attempt != before.view.attempt:
            self.close_sheet()


class RedSheet(Sheet):
    """What the red button writes down, and those who are still to be asked for."""

    def __init__(self, window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> None:
        super().__init__(window, link, snapshot, words)
        chosen = getattr(window, "urgency", Urgency.STRETCHER)
        self.urgencies = {
            one: self.tile(words(f"urgency.{one}"), partial(self._choose, one), largest=22) for one in Urgency
        }
        for one, tile in self.urgencies.items():
            tile.setCheckable(True)
            tile.setChecked(one is chosen)
        self.asked = {
            one.attempt: self.tile(
                words("hospital.came", time=clock_time(one.at), reason=words(f"urgency.{one.urgency}")),
                partial(self._ask, one),
                largest=20,
            )
            for one in snapshot.reds[:MOST_ASKED]
        }
        page, column = QWidget(), QVBoxLayout()
        page.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.said(words("hospital.reason"), 20), 1)
        column.addWidget(grid(list(self.urgencies.values()), 3), 4)
        column.addWidget(self.said(words("hospital.ask" if self.asked else "hospital.none_open"), 20), 1)
        if self.asked:
            column.addWidget(grid(list(self.asked.values()), 2), 3)
        self.turn_to(page, words("hospital.red"))

    def _choose(self, urgency: Urgency) -> None:
        window = self.parentWidget()
        window.urgency = urgency  # type: ignore[attr-defined]
        for one, tile in self.urgencies.items():
            tile.setChecked(one is urgency)

    def _ask(self, red: OpenRed) -> None:
        """Who it was: a document that a person reads off, or nobody could say."""
        words = self.words
        self.typed = self.tile(words("hospital.type"), partial(self._type, red), tone=Tone.GO)
        self.unknown = self.tile(words("hospital.unknown"), partial(self._unknown, red))
        self.turn_to(
            grid([self.typed, self.unknown], 1),
            words("hospital.came", time=clock_time(red.at), reason=words(f"urgency.{red.urgency}")),
        )

    def _type(self, red: OpenRed) -> None:
        window, link, snapshot, words = self.parentWidget(), self.link, self.snapshot, self.words
        self.close_sheet()
        NamingSheet(window, link, snapshot, words, red.attempt).open()

    def _unknown(self, red: OpenRed) -> None:
        self.send(Command(id=0, order=Order.RED_NAMED, actor=self.actor, red=red.attempt))


class NamingSheet(ManualSheet):
    """A document typed for somebody who came by the red path: it names her, and opens nothing."""

    def __init__(self, window: QWidget, link: GateLink, snapshot: Snapshot, words: Words, red: int) -> None:
        self.red = red
        super().__init__(window, link, snapshot, words)
        self.kinds[Kind.CHIP].hide()  # a chip is read at the lane, and by somebody who is there


def open_companion(window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> Sheet:
    """Say whose companion somebody is."""
    return _opened(CompanionSheet(window, link, snapshot, words))


def open_red(window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> Sheet:
    """Choose what the red button writes down, or tell who came by it."""
    return _opened(RedSheet(window, link, snapshot, words))


def _opened(sheet: Sheet) -> Sheet:
    sheet.open()
    return sheet
