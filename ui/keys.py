"""Keys on the screen, and the field they write into. A keyboard or a hardware scanner writes into it just as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from PyQt5.QtCore import QRect, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt5.QtWidgets import QAbstractButton, QGridLayout, QSizePolicy, QWidget

from ui import theme
from ui.fitting import SMALLEST_PX, fits, fitting_px
from ui.theme import Look
from ui.tiles import Tile
from ui.view import Tone

RUB = "←"
"""The key that takes the last character back."""

ZONE_LINE = 44
"""Characters in a line of a passport's machine readable zone."""

DIGITS_X = ("123", "456", "789", f"X0{RUB}")
LETTERS = ("1234567890", "QWERTYUIOP", "ASDFGHJKL<", f"ZXCVBNM{RUB}")
STAFF = ("1234567890", "qwertyuiop", "asdfghjkl-", f"zxcvbnm._{RUB}")


class Keys(QWidget):
    """Rows of keys, one a character; a space is a gap. The last key of a short row is as wide as what is left."""

    typed = pyqtSignal(str)
    rubbed = pyqtSignal()

    def __init__(self, rows: Sequence[str], look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tiles: list[Tile] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        most = max(len(row) for row in rows)
        for down, row in enumerate(rows):
            for across, character in enumerate(row):
                if character != " ":
                    wide = most - across if across == len(row) - 1 else 1
                    grid.addWidget(self._key(character, look), down, across, 1, wide)

    def _key(self, character: str, look: Look) -> Tile:
        key = Tile(character, look=look, largest=30)
        key.clicked.connect(self.rubbed.emit if character == RUB else lambda: self.typed.emit(key.text()))
        self.tiles.append(key)
        return key

    def turn_case(self) -> None:
        """Capitals for small letters, and back."""
        for key in self.tiles:
            key.setText(key.text().swapcase())


class Mark(StrEnum):
    """How what was typed stands."""

    OPEN = "open"  # not complete
    GOOD = "good"
    WRONG = "wrong"


class Field(QAbstractButton):
    """What was typed, with its caption, and a tick or a cross. Touched, it is the one that is written into.

    A `low` one has room for a line alone: there its caption gives way to what is typed, and its hint stands elsewhere.
    `groups`: how many characters stand together, as printed.
    """

    def __init__(
        self,
        caption: str,
        look: Look,
        *,
        groups: tuple[int, ...] = (),
        low: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.typed, self.hint, self.mark = "", "", Mark.OPEN
        self._caption, self._look, self._groups, self._low = caption, look, groups, low
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setAccessibleName(caption)
        self.setFocusPolicy(Qt.NoFocus)
        self.setMinimumHeight(theme.touch_px(self, look))
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)

    def show_typed(self, typed: str, mark: Mark = Mark.OPEN, hint: str = "") -> None:
        """Show this, and how it stands."""
        self.typed, self.mark, self.hint = typed, mark, hint
        self.update()

    def fits(self) -> bool:
        """Whether all the words are seen."""
        return all(fits(part.text, *_size(part.room), part.px()) for part in self._parts())

    def _parts(self) -> list[_Part]:
        inner = self.rect().adjusted(12, 4, -12, -4)
        ink = theme.tone(Tone.CALM, contrast=self._look.high_contrast).ink
        sign = {Mark.GOOD: "✓", Mark.WRONG: "✗", Mark.OPEN: ""}[self.mark]
        typed, grown = grouped(self.typed, self._groups), min(1.6, max(1.0, self.height() / 80))
        if self._low:
            text = inner.adjusted(0, 0, -24 if sign else 0, 0)
            shown = (
                _Part(typed, text, round(28 * grown), ink)
                if typed
                else _Part(self._caption, text, round(18 * grown), ink)
            )
            return [shown, _Part(sign, inner, 26, self._mark_ink(ink), Qt.AlignRight)]
        upper, half = round(inner.height() * 0.38), round(inner.width() * 0.4)
        below = QRect(inner.left(), inner.top() + upper, inner.width(), inner.height() - upper)
        caption = QRect(inner.left(), inner.top(), half if self.hint else inner.width(), upper)
        hint = QRect(inner.left() + half, inner.top(), inner.width() - half, upper)
        said = _Part(f"{sign} {self.hint}".strip(), hint, 18, self._mark_ink(ink), Qt.AlignRight)
        return [_Part(self._caption, caption, 18, ink), said, _Part(typed, below, 32, ink)]

    def paintEvent(self, event: QPaintEvent) -> None:
        """A sheet of paper with a thick edge where it is being written on."""
        look = theme.tone(Tone.CALM, contrast=self._look.high_contrast)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setBrush(QColor(look.panel))
        painter.setPen(QPen(QColor(look.ink), 3 if self.isChecked() else 1))
        painter.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), 10, 10)
        for part in self._parts():
            painter.setFont(theme.font(part.px()))
            painter.setPen(QColor(part.ink))
            painter.drawText(part.room, int(part.align | Qt.AlignVCenter | Qt.TextWordWrap), part.text)
        painter.end()

    def _mark_ink(self, ink: str) -> str:
        if self._look.high_contrast or self.mark is Mark.OPEN:
            return ink
        return theme.tone(Tone.GO if self.mark is Mark.GOOD else Tone.STOP).background


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of a field's words, where they stand, and the largest letters they may have."""

    text: str
    room: QRect
    largest: int
    ink: str
    align: Qt.AlignmentFlag = Qt.AlignLeft

    def px(self) -> int:
        return fitting_px(self.text, *_size(self.room), self.largest, SMALLEST_PX)


def _size(room: QRect) -> tuple[int, int]:
    return room.width(), room.height()


def grouped(typed: str, groups: tuple[int, ...]) -> str:
    """`typed` in groups as printed, the rest in one; a machine readable zone in two lines."""
    if len(typed) > ZONE_LINE:
        width = ZONE_LINE + 1 if typed[0] in "IAC" else ZONE_LINE  # a card's three lines of 30 make two of 45
        return "\n".join(typed[at : at + width] for at in range(0, len(typed), width))
    parts, at = [], 0
    for size in groups:
        parts.append(typed[at : at + size])
        at += size
    return " ".join(part for part in (*parts, typed[at:]) if part)
