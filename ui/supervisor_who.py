"""Who it is: picked among those on shift, or by the staff number. There is no list of all the staff to look through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PyQt5.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from models.command import OnShift
from ui.keys import STAFF, Field, Keys
from ui.operator_says import clock_time
from ui.sheets import Sheet
from ui.view import Tone

LONGEST_NUMBER = 32


def people_page(
    sheet: Sheet, people: Sequence[OnShift], chosen: Callable[[str], object], by_number: Callable[[], object]
) -> QWidget:
    """A tile for each of `people`, and one for everybody else, by number."""
    page, words = QWidget(), sheet.words
    grid = QGridLayout(page)
    grid.setContentsMargins(0, 0, 0, 0)
    for at, one in enumerate(people[:8]):
        note = words("supervisor.since", role=words(f"role.{one.role}"), time=clock_time(one.since))
        grid.addWidget(sheet.tile(one.name, partial(chosen, one.actor), note), at // 3, at % 3)
    at = len(people[:8])
    grid.addWidget(sheet.tile(words("supervisor.by_number"), by_number), at // 3, at % 3)
    return page


class NumberPage(QWidget):
    """A staff number, by the keys on the screen, a keyboard or a badge scanner that types."""

    def __init__(self, sheet: Sheet, chosen: Callable[[str], object]) -> None:
        super().__init__()
        self._chosen, self.typed = chosen, ""
        self.field = Field(sheet.words("supervisor.number"), sheet.look, low=True)
        self.field.setChecked(True)
        self.keys = Keys(STAFF, sheet.look)
        self.keys.typed.connect(self.type)
        self.keys.rubbed.connect(self.rub)
        self.ok = sheet.tile(sheet.words("pin.ok"), self.enter, tone=Tone.GO)
        self.case = sheet.tile("Aa", self.keys.turn_case)
        row = QHBoxLayout()
        row.addWidget(self.field, 6)
        row.addWidget(self.case, 1)
        row.addWidget(self.ok, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row, 1)
        column.addWidget(self.keys, 4)
        self._show()

    def type(self, character: str) -> None:
        """One more character."""
        if character.isprintable() and not character.isspace() and len(self.typed) < LONGEST_NUMBER:
            self.typed += character
            self._show()

    def rub(self) -> None:
        """Take the last one back."""
        self.typed = self.typed[:-1]
        self._show()

    def enter(self) -> None:
        """Take it."""
        if self.typed:
            self._chosen(self.typed)

    def _show(self) -> None:
        self.field.show_typed(self.typed)
        self.ok.setEnabled(bool(self.typed))


def number_page(sheet: Sheet, chosen: Callable[[str], object]) -> NumberPage:
    """A page that calls `chosen` with a staff number."""
    return NumberPage(sheet, chosen)
