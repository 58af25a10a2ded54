"""What is signed with a PIN: an override, a lane mode, the beginning and the end of somebody's shift."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType

from PyQt5.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from models.command import Command, Order, Snapshot
from models.staff import Cause, StewardAction
from models.view import Mode
from ui.operator_says import clock_time
from ui.supervisor_sign import Signed, SignPage, Task, choice
from ui.tiles import Tile

WHYS = ("rush", "technical", "emergency", "ordered", "break", "test")
"""Why a lane is run another way: a closed list. The ledger keeps these very words."""

SPANS_S = (600.0, 1800.0, 0.0)
"""For how long; 0: until told."""

MOST_PEOPLE = 5
"""So many on shift have a tile; more than work at one lane."""

_FIRST_SPAN = MappingProxyType({Mode.FREE: 0, Mode.PAUSED: 2, Mode.OUT_OF_ORDER: 2})
"""An open lane closes by itself unless somebody says otherwise."""


class Override(Task):
    """A supervisor admits the one in the lane, and says why."""

    title = "supervisor.override"

    def __init__(self, snapshot: Snapshot) -> None:
        self.attempt, self.by_two = snapshot.view.attempt, snapshot.override_by_two
        self.cause: Cause | None = None

    def build(self, page: SignPage) -> QWidget:
        """A tile a cause."""
        words = page.sheet.words
        self.tiles = {
            cause: page.sheet.tile(words(f"cause.{cause}"), partial(self._because, cause, page)) for cause in Cause
        }
        choice(list(self.tiles.values()))
        return grid(list(self.tiles.values()), 2)

    def _because(self, cause: Cause, page: SignPage) -> None:
        self.cause = cause
        page.refresh()

    def missing(self) -> str:
        """A cause."""
        return "" if self.cause else "supervisor.pick_cause"

    def is_stale(self, now: Snapshot) -> bool:
        """An override is for one visitor."""
        return now.view.attempt != self.attempt

    def command(self, by: Signed) -> Command:
        """For the attempt that stood on the screen when the sheet opened, and no other."""
        return Command(
            id=0,
            order=Order.STEWARD,
            action=StewardAction.OVERRIDE,
            attempt=self.attempt,
            cause=self.cause,
            actor=by.actor,
            pin=by.pin,
            second=by.second,
            second_pin=by.second_pin,
        )


class RunLane(Task):
    """The lane is run in another way, for so long, because of that."""

    title = "supervisor.mode"

    def __init__(self, snapshot: Snapshot, mode: Mode) -> None:
        self.attempt, self.mode, self.why = snapshot.view.attempt, mode, ""
        self.for_s = SPANS_S[_FIRST_SPAN.get(mode, 2)]

    def build(self, page: SignPage) -> QWidget:
        """How long and why; nothing of that where the lane is controlled again."""
        words = page.sheet.words
        if self.mode is Mode.CONTROLLED:
            return page.sheet.said(words("supervisor.controlled_again"), 24)
        self.spans = {
            span: page.sheet.tile(_span(span, page), partial(self._for, span, page), largest=22) for span in SPANS_S
        }
        choice(list(self.spans.values()), SPANS_S.index(self.for_s))
        self.whys = {
            why: page.sheet.tile(words(f"supervisor.why_{why}"), partial(self._because, why, page)) for why in WHYS
        }
        choice(list(self.whys.values()))
        both, column = QWidget(), QVBoxLayout()
        both.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(grid(list(self.spans.values()), 3), 1)
        column.addWidget(grid(list(self.whys.values()), 3), 2)
        return both

    def _for(self, seconds: float, page: SignPage) -> None:
        self.for_s = seconds
        page.refresh()

    def _because(self, why: str, page: SignPage) -> None:
        self.why = why
        page.refresh()

    def missing(self) -> str:
        """Why, unless the lane goes back to its usual work."""
        return "" if self.why or self.mode is Mode.CONTROLLED else "supervisor.pick_why"

    def command(self, by: Signed) -> Command:
        """The new mode."""
        return Command(
            id=0,
            order=Order.MODE,
            mode=self.mode,
            why=self.why,
            for_s=0.0 if self.mode is Mode.CONTROLLED else self.for_s,
            attempt=self.attempt,
            actor=by.actor,
            pin=by.pin,
        )


class Shift(Task):
    """Somebody begins work at this lane, by the staff number; or ends it, by a touch on the name."""

    title = "supervisor.shift"
    names_signer = True

    def __init__(self, snapshot: Snapshot) -> None:
        self.attempt, self.staff = snapshot.view.attempt, snapshot.staff
        self._on, self._signer = True, ""

    def build(self, page: SignPage) -> QWidget:
        """Whoever comes, and who is on shift: each a tile that ends it."""
        page.signer = ""
        words = page.sheet.words
        self.begin = page.sheet.tile(words("supervisor.begin"), page.type_number, words("supervisor.by_number"))
        self.people = {
            one.actor: page.sheet.tile(
                one.name,
                partial(page.sign_as, one.actor),
                words("supervisor.end", role=words(f"role.{one.role}"), time=clock_time(one.since)),
            )
            for one in self.staff[-MOST_PEOPLE:]
        }
        choice([self.begin, *self.people.values()])
        return grid([self.begin, *self.people.values()], 2)

    def show(self, page: SignPage) -> None:
        """Who was chosen, and to which end."""
        here = page.signer in self.people
        (self.people[page.signer] if here else self.begin).setChecked(bool(page.signer))
        words = page.sheet.words
        coming = page.signer and not here
        self.begin.setText(words("supervisor.begins", name=page.signer) if coming else words("supervisor.begin"))
        self._on, self._signer = not here, page.signer

    def missing(self) -> str:
        """Somebody."""
        return "" if self._signer else "supervisor.who"

    def command(self, by: Signed) -> Command:
        """Somebody comes or goes."""
        return Command(id=0, order=Order.SHIFT, on=self._on, attempt=self.attempt, actor=by.actor, pin=by.pin)


def grid(tiles: list[Tile], columns: int) -> QWidget:
    """`tiles` in rows of `columns`."""
    made = QWidget()
    rows = QGridLayout(made)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setSpacing(6)
    for at, tile in enumerate(tiles):
        rows.addWidget(tile, at // columns, at % columns)
    return made


def _span(seconds: float, page: SignPage) -> str:
    words = page.sheet.words
    return words("supervisor.minutes", count=round(seconds / 60)) if seconds else words("supervisor.until_told")
