"""How loud and bright the lane is, and in which language it begins. Each touch is sent at once, so that it is heard."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PyQt5.QtCore import QRectF
from PyQt5.QtGui import QColor, QPainter, QPaintEvent
from PyQt5.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from models.command import Answer, Command, Order, Settings
from ui import theme
from ui.sheets import Sheet
from ui.supervisor_sign import choice
from ui.view import Tone
from ui.words import languages, load

STEP = 0.1
LEAST_BRIGHT = 0.1
"""A screen that is quite dark could never be touched bright again."""


class SettingsPage(QWidget):
    """Two levels and a language."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self._sheet, self.wanted = sheet, sheet.snapshot.settings
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        self.volume, self.brightness = Level(sheet), Level(sheet)
        column.addLayout(self._row("volume", self.volume, 0.0))
        column.addLayout(self._row("brightness", self.brightness, LEAST_BRIGHT))
        column.addLayout(self._languages())
        self._show()

    def _row(self, name: str, level: Level, least: float) -> QHBoxLayout:
        """A caption, less, the level, more."""
        row = QHBoxLayout()
        row.addWidget(self._sheet.said(self._sheet.words(f"supervisor.{name}")), 3)
        level.less = self._sheet.tile("−", lambda: self._move(name, -STEP, least), largest=36)
        level.more = self._sheet.tile("+", lambda: self._move(name, STEP, least), largest=36)
        for part, stretch in ((level.less, 2), (level, 6), (level.more, 2)):
            row.addWidget(part, stretch)
        return row

    def _languages(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self._sheet.said(self._sheet.words("supervisor.language")), 3)
        self.languages = {
            tag: self._sheet.tile(load(tag)("language.name"), partial(self._speak, tag)) for tag in languages()
        }
        tiles = list(self.languages.values())
        wanted = self.wanted.language
        choice(tiles, list(self.languages).index(wanted) if wanted in self.languages else -1)
        within = QHBoxLayout()
        for tile in tiles:
            within.addWidget(tile)
        row.addLayout(within, 10)
        return row

    def _move(self, name: str, step: float, least: float) -> None:
        level = min(1.0, max(least, round(getattr(self.wanted, name) + step, 2)))
        self._want(replace(self.wanted, **{name: level}))

    def _speak(self, tag: str) -> None:
        self._want(replace(self.wanted, language=tag))

    def _want(self, wanted: Settings) -> None:
        """Send it; while an answer is awaited, the last wish waits for it."""
        self.wanted = wanted
        self._show()
        if not self._sheet.busy:
            self._send()

    def _send(self) -> None:
        self._sent = self.wanted
        command = Command(
            id=0,
            order=Order.SETTINGS,
            actor=self._sheet.actor,
            attempt=self._sheet.snapshot.view.attempt,
            settings=self.wanted,
        )
        self._sheet.send(command, self._answered)

    def _answered(self, answer: Answer) -> None:
        if not answer.ok:
            self.wanted = self._sheet.snapshot.settings
            self._show()
        elif self.wanted != self._sent:
            self._send()

    def _show(self) -> None:
        self.volume.show_level(self.wanted.volume, 0.0)
        self.brightness.show_level(self.wanted.brightness, LEAST_BRIGHT)


class Level(QWidget):
    """A level from 0 to 1 as a bar, with its percents."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self.level = 0.0
        self.less = self.more = sheet.tile("")
        self._look = theme.tone(Tone.CALM, contrast=sheet.look.high_contrast)

    def show_level(self, level: float, least: float) -> None:
        """Show it, and let nobody go beyond its ends."""
        self.level = level
        self.less.setEnabled(level > least)
        self.more.setEnabled(level < 1.0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar, and the number below."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        ink = QColor(self._look.ink)
        bar = QRectF(8, self.height() * 0.3, self.width() - 16, 18)
        painter.setPen(ink)
        painter.setBrush(QColor(self._look.panel))
        painter.drawRoundedRect(bar, 9, 9)
        painter.setBrush(ink)
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(18.0, bar.width() * self.level), bar.height()), 9, 9)
        painter.setFont(theme.font(20))
        below = QRectF(0, bar.bottom() + 2, self.width(), 30)
        painter.drawText(below, 0x84, f"{self.level:.0%}")  # in the middle of both
        painter.end()
