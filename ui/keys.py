"""Keys on the screen, and the field they write into. A keyboard or a hardware scanner writes into it just as well."""

from __future__ import annotations

from collections.abc import Sequence
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

DIGITS = ("123", "456", "789", f" 0{RUB}")
DIGITS_X = ("123", "456", "789", f"X0{RUB}")
LETTERS = ("1234567890", "QWERTYUIOP", "ASDFGHJKL<", f"ZXCVBNM-{RUB}")


class Keys(QWidget):
    """Rows of keys, one a character; a space is a gap. The last key of a short row is as wide as what is left."""

    typed = pyqtSignal(str)
    rubbed = pyqtSignal()

    def __init__(self, rows: Sequence[str], look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
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
        key.clicked.connect(self.rubbed.emit if character == RUB else lambda: self.typed.emit(character))
        return key


class Mark(StrEnum):
    """How what was typed stands."""

    OPEN = "open"  # not complete
    GOOD = "good"
    WRONG = "wrong"


class Field(QAbstractButton):
    """A caption, what was typed, and a tick or a cross with a word. Touched, it is the one that is written into."""

    def __init__(self, caption: str, look: Look, largest: int = 30, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.typed, self.hint, self.mark = "", "", Mark.OPEN
        self._caption, self._largest, self._look = caption, largest, look
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
        """Whether caption, text and hint are all seen."""
        return all(
            fits(text, room.width(), room.height(), self._px(text, room, most)) for text, room, most in self._parts()
        )

    def _parts(self) -> list[tuple[str, QRect, int]]:
        """The words, where they stand and their largest letters: caption and hint above, what was typed below."""
        inner = self.rect().adjusted(12, 4, -12, -4)
        upper = round(inner.height() * 0.36)
        half = round(inner.width() * 0.4)
        below = QRect(inner.left(), inner.top() + upper, inner.width(), inner.height() - upper)
        caption = QRect(inner.left(), inner.top(), half, upper)
        hint = QRect(inner.left() + half, inner.top(), inner.width() - half, upper)
        return [(self._caption, caption, 18), (self.shown_hint, hint, 18), (spaced(self.typed), below, self._largest)]

    @property
    def shown_hint(self) -> str:
        """The hint with its sign: colour never speaks alone."""
        sign = {Mark.GOOD: "✓ ", Mark.WRONG: "✗ ", Mark.OPEN: ""}[self.mark]
        return sign + self.hint

    def _px(self, text: str, room: QRect, most: int) -> int:
        return fitting_px(text, room.width(), room.height(), most, SMALLEST_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A sheet of paper with a thick edge where it is being written on."""
        look = theme.tone(Tone.CALM, contrast=self._look.high_contrast)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setBrush(QColor(look.panel))
        painter.setPen(QPen(QColor(look.ink), 3 if self.isChecked() else 1))
        painter.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), 10, 10)
        colours = (look.ink, self._hint_ink(look.ink), look.ink)
        aligns = (Qt.AlignLeft, Qt.AlignRight, Qt.AlignLeft)
        for (text, room, most), ink, align in zip(self._parts(), colours, aligns, strict=True):
            painter.setFont(theme.font(self._px(text, room, most)))
            painter.setPen(QColor(ink))
            painter.drawText(room, int(align | Qt.AlignVCenter | Qt.TextWordWrap), text)
        painter.end()

    def _hint_ink(self, ink: str) -> str:
        if self._look.high_contrast or self.mark is Mark.OPEN:
            return ink
        return theme.tone(Tone.GO if self.mark is Mark.GOOD else Tone.STOP).background


def spaced(typed: str) -> str:
    """In groups that an eye can compare: an ID number as printed by birth date, long lines by their ends."""
    if len(typed) > 44:
        return "\n".join(typed[at : at + 44] for at in range(0, len(typed), 44))
    if typed[:6].isdigit() and 6 < len(typed) <= 18:
        return " ".join(part for part in (typed[:6], typed[6:14], typed[14:]) if part)
    return typed
