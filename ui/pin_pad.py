"""The pad for a personal PIN: large digits that always lie at the same place, and dots.

The digits are never shuffled: a hand that knows its way is faster, and is covered by the other one. What was typed is
forgotten as soon as it is handed over. After wrong ones the gate names a pause, and the pad counts it down.
"""

from __future__ import annotations

import math

from PyQt5.QtCore import QDeadlineTimer, QRectF, QTimer, pyqtSignal
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt5.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from models.staff import LEAST_PIN, MOST_PIN
from ui import theme
from ui.fitting import FittedLabel
from ui.keys import RUB
from ui.theme import Look
from ui.tiles import Tile
from ui.view import Tone
from ui.words import Words

_LINE_PX = 30


class PinPad(QWidget):
    """Digits in, a PIN out by `entered`."""

    entered = pyqtSignal(str)

    def __init__(self, words: Words, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words, self._typed = words, ""
        self._asked, self._why_not = True, ""
        self.dots, self.line = Dots(look), FittedLabel(largest=20)
        self.line.set_ink(theme.tone(Tone.CALM, contrast=look.high_contrast).ink)
        for part in (self.dots, self.line):
            part.setFixedHeight(_LINE_PX)
            part.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
        self._until = QDeadlineTimer(0)
        self._tick = QTimer(self)
        self._tick.setInterval(100)
        self._tick.timeout.connect(self._count_down)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.dots)
        column.addWidget(self.line)
        column.addLayout(self._grid(look), 1)
        self._refresh()

    def _grid(self, look: Look) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(6)
        self.digits = {character: Tile(character, look=look, largest=32) for character in "1234567890"}
        self.rub_key = Tile(RUB, look=look, largest=32)
        self.ok_key = Tile(self._words("pin.ok"), look=look, tone=Tone.GO)
        for at, (character, key) in enumerate(self.digits.items()):
            key.clicked.connect(lambda _=False, digit=character: self.type(digit))
            grid.addWidget(key, at // 3, 1 if character == "0" else at % 3)
        self.rub_key.clicked.connect(self.rub)
        self.ok_key.clicked.connect(self.hand_over)
        grid.addWidget(self.rub_key, 3, 0)
        grid.addWidget(self.ok_key, 3, 2)
        return grid

    @property
    def waiting(self) -> bool:
        """Whether no PIN is taken yet."""
        return not self._until.hasExpired()

    def ask(self, asked: bool, why_not: str = "") -> None:
        """Take digits from now on, or don't and say what is to be done first."""
        self._asked, self._why_not = asked, "" if asked else why_not
        self._count_down()

    def type(self, digit: str) -> None:
        """One more digit; any other character is passed over."""
        if not self._asked or self.waiting or digit not in self.digits or len(self._typed) >= MOST_PIN:
            return
        self._typed += digit
        self._refresh()
        if len(self._typed) == MOST_PIN:
            self.hand_over()

    def rub(self) -> None:
        """Take the last digit back."""
        self._typed = self._typed[:-1]
        self._refresh()

    def hand_over(self) -> None:
        """Give away what was typed, and know it no longer."""
        if len(self._typed) >= LEAST_PIN:
            pin, self._typed = self._typed, ""
            self._refresh()
            self.entered.emit(pin)

    def forget(self) -> None:
        """Wipe what was typed."""
        self._typed = ""
        self._refresh()

    def wait(self, seconds: float) -> None:
        """Take nothing for so long, and count it down."""
        self.forget()
        self._until = QDeadlineTimer(math.ceil(seconds * 1000))
        self._tick.start()
        self._count_down()

    def _count_down(self) -> None:
        if self.waiting:
            self.line.setText(self._words("pin.wait", seconds=math.ceil(self._until.remainingTime() / 1000)))
        else:
            self._tick.stop()
            self.line.setText(self._why_not)
        self._refresh()

    def _refresh(self) -> None:
        free = self._asked and not self.waiting
        for key in self.digits.values():
            key.setEnabled(free)
        self.rub_key.setEnabled(free and bool(self._typed))
        self.ok_key.setEnabled(free and len(self._typed) >= LEAST_PIN)
        self.dots.show_count(len(self._typed))


class Dots(QWidget):
    """How many digits were typed, and never which."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.count = 0
        self._ink = QColor(theme.tone(Tone.CALM, contrast=look.high_contrast).ink)

    def show_count(self, count: int) -> None:
        """So many."""
        if count != self.count:
            self.count = count
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Filled for each that is there, hollow for each that may come."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setPen(QPen(self._ink, 2))
        side, step = 16.0, 30.0
        left = (self.width() - step * (MOST_PIN - 1) - side) / 2
        for at in range(MOST_PIN):
            painter.setBrush(self._ink if at < self.count else QColor(0, 0, 0, 0))
            painter.drawEllipse(QRectF(left + at * step, (self.height() - side) / 2, side, side))
        painter.end()
