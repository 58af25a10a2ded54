"""A large button whose words always fit: what sheets are made of.

A tile that is chosen bears a tick and a thick edge, one that can't be touched now is faint: never colour alone.
"""

from __future__ import annotations

from PyQt5.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt5.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from ui import theme
from ui.fitting import SMALLEST_PX, fits, fitting_px
from ui.theme import Look
from ui.view import Tone

TEXT_PX, NOTE_PX = 26, 18
"""The largest letters of a tile, and of its second line, on a small screen."""

GROWN_PX, GROWS = 40, 0.3
"""A tile on a large screen has larger letters: this share of its height, up to this size."""

_EDGE_PX, _TICK_PX = 8, 12
_FAINT = 0.38


class Tile(QAbstractButton):
    """A large button. `note` is a quieter second line; `tone` paints it as what it does, CALM is a plain one."""

    def __init__(
        self,
        text: str,
        note: str = "",
        *,
        tone: Tone = Tone.CALM,
        look: Look | None = None,
        largest: int = TEXT_PX,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        look = look or Look()
        self.note, self._largest = note, round(largest * (1.25 if look.large else 1))
        self._plain, self._colours = tone is Tone.CALM, theme.tone(tone, contrast=look.high_contrast)
        side = theme.touch_px(self, look)
        self.setText(text)
        self.setAccessibleName(f"{text} {note}".strip())
        self.setMinimumSize(side, side)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setFocusPolicy(Qt.NoFocus)  # what a hardware scanner types belongs to the sheet

    def sizeHint(self) -> QSize:
        """The least that a finger hits; a layout gives more."""
        return self.minimumSize()

    def fits(self) -> bool:
        """Whether all words are seen."""
        upper, lower = self._rooms()
        return all(
            not text or fits(text, room.width(), room.height(), self._px(text, room, bold), bold=bold)
            for text, room, bold in ((self.text(), upper, True), (self.note, lower, False))
        )

    def _rooms(self) -> tuple[QRect, QRect]:
        """Where the text goes, and the note below it. One that can be chosen keeps its edges free for the tick."""
        tick = _TICK_PX if self.isCheckable() else 0
        inner = self.rect().adjusted(_EDGE_PX + tick, 4, -_EDGE_PX - tick, -4)
        if not self.note:
            return inner, QRect()
        upper = QRect(inner.left(), inner.top(), inner.width(), round(inner.height() * 0.58))
        return upper, QRect(inner.left(), upper.bottom() + 1, inner.width(), inner.height() - upper.height())

    def _px(self, text: str, room: QRect, bold: bool) -> int:
        largest = max(self._largest, min(GROWN_PX, round(self.height() * GROWS)))
        largest = largest if bold else round(largest * NOTE_PX / TEXT_PX)
        return fitting_px(text, room.width(), room.height(), max(largest, SMALLEST_PX), SMALLEST_PX, bold=bold)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The tile as it stands: pressed, chosen, faint."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setOpacity(1.0 if self.isEnabled() else _FAINT)
        ink = QColor(self._colours.ink)
        self._paint_ground(painter, ink)
        upper, lower = self._rooms()
        painter.setPen(ink)
        for text, room, bold in ((self.text(), upper, True), (self.note, lower, False)):
            painter.setFont(theme.font(self._px(text, room, bold), bold=bold))
            painter.drawText(room, int(Qt.AlignCenter | Qt.TextWordWrap), text)
        if self.isChecked():
            self._paint_tick(painter, ink)
        painter.end()

    def _paint_ground(self, painter: QPainter, ink: QColor) -> None:
        ground = QColor(self._colours.panel if self._plain else self._colours.background)
        painter.setBrush(ground.darker(112) if self.isDown() else ground)
        edge = QColor(ink)
        edge.setAlphaF(1.0 if self.isChecked() else 0.28)
        painter.setPen(QPen(edge, 4 if self.isChecked() else 1.5))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 12, 12)

    def _paint_tick(self, painter: QPainter, ink: QColor) -> None:
        x, y = _EDGE_PX + 1.0, 17.0
        painter.setPen(QPen(ink, 3, Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin))
        painter.drawPolyline(QPolygonF([QPointF(x, y), QPointF(x + 4, y + 5), QPointF(x + 11, y - 6)]))
