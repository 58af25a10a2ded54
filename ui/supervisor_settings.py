"""How loud and bright the lane is, and in which language it begins: chosen, then signed for like a mode."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QColor, QPainter, QPaintEvent
from PyQt5.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from models.command import Command, Order, Snapshot
from ui import theme
from ui.sheets import Sheet
from ui.supervisor_sign import Signed, SignPage, Task, choice
from ui.view import Tone
from ui.words import languages, load

STEP = 0.1
LEAST_BRIGHT = 0.1
"""A screen that is quite dark could never be touched bright again."""


class Present(Task):
    """Two levels and a language."""

    title = "supervisor.settings"

    def __init__(self, snapshot: Snapshot) -> None:
        self.attempt, self.wanted, self._now = snapshot.view.attempt, snapshot.settings, snapshot.settings

    def build(self, page: SignPage) -> QWidget:
        """A row for each."""
        self._page = page
        made, column = QWidget(), QVBoxLayout()
        made.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.volume, self.brightness = Level(page.sheet, 0.0), Level(page.sheet, LEAST_BRIGHT)
        for name, level in (("volume", self.volume), ("brightness", self.brightness)):
            column.addLayout(self._row(name, level))
        column.addLayout(self._languages())
        return made

    def _row(self, name: str, level: Level) -> QHBoxLayout:
        """A caption, less, the level, more."""
        row = QHBoxLayout()
        sheet = self._page.sheet
        row.addWidget(sheet.said(sheet.words(f"supervisor.{name}"), 20), 4)
        level.less.clicked.connect(lambda: self._move(name, -STEP, level.least))
        level.more.clicked.connect(lambda: self._move(name, STEP, level.least))
        for part, stretch in ((level.less, 3), (level, 6), (level.more, 3)):
            row.addWidget(part, stretch)
        return row

    def _languages(self) -> QHBoxLayout:
        row, sheet = QHBoxLayout(), self._page.sheet
        row.addWidget(sheet.said(sheet.words("supervisor.language"), 20), 4)
        self.languages = {tag: sheet.tile(load(tag)("language.name"), partial(self._speak, tag)) for tag in languages()}
        wanted = self.wanted.language
        choice(list(self.languages.values()), list(self.languages).index(wanted) if wanted in self.languages else -1)
        tiles = QHBoxLayout()
        for tile in self.languages.values():
            tiles.addWidget(tile)
        row.addLayout(tiles, 12)
        return row

    def _speak(self, tag: str) -> None:
        self.wanted = replace(self.wanted, language=tag)
        self._page.refresh()

    def _move(self, name: str, step: float, least: float) -> None:
        level = min(1.0, max(least, round(getattr(self.wanted, name) + step, 2)))
        self.wanted = replace(self.wanted, **{name: level})
        self._page.refresh()

    def show(self, page: SignPage) -> None:
        """The levels as they are wanted."""
        self.volume.show_level(self.wanted.volume)
        self.brightness.show_level(self.wanted.brightness)

    def missing(self) -> str:
        """A change."""
        return "supervisor.change_first" if self.wanted == self._now else ""

    def command(self, by: Signed) -> Command:
        """The new settings."""
        return Command(
            id=0, order=Order.SETTINGS, settings=self.wanted, attempt=self.attempt, actor=by.actor, pin=by.pin
        )


class Level(QWidget):
    """A level up to 1 as a bar, with its percents, and what is touched to move it."""

    def __init__(self, sheet: Sheet, least: float) -> None:
        super().__init__()
        self.level, self.least = 0.0, least
        self.less, self.more = sheet.tile("−", largest=36), sheet.tile("+", largest=36)
        self._look = theme.tone(Tone.CALM, contrast=sheet.look.high_contrast)

    def show_level(self, level: float) -> None:
        """Show it, and let nobody go beyond its ends."""
        self.level = level
        self.less.setEnabled(level > self.least)
        self.more.setEnabled(level < 1.0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar, and the number below."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        ink, middle = QColor(self._look.ink), self.height() / 2
        bar = QRectF(6, middle - 18, self.width() - 12, 16)
        painter.setPen(ink)
        painter.setBrush(QColor(self._look.panel))
        painter.drawRoundedRect(bar, 8, 8)
        painter.setBrush(ink)
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(16.0, bar.width() * self.level), bar.height()), 8, 8)
        painter.setFont(theme.font(18))
        painter.drawText(QRectF(0, middle, self.width(), 26), int(Qt.AlignCenter), f"{self.level:.0%}")
        painter.end()
