"""What must not be overlooked: fire, tampering, a jam. A striped band across the window, in the tone's opposite."""

from __future__ import annotations

from PyQt5.QtCore import QPointF, QRectF, QTimer
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QPolygonF
from PyQt5.QtWidgets import QWidget

from ui import icons, theme
from ui.operator_ink import LEFT, Inked, has_room, write

_YELLOW, _BLACK = "#ffd60a", "#000000"
_BEAT_MS = 700


class Banner(Inked):
    """The alerts that stand, in words. It changes sides slowly, unless the screen is to be still."""

    def __init__(self, parent: QWidget | None = None, *, still: bool = False) -> None:
        super().__init__(parent)
        self._text = ""
        self._turned = False
        self._beat = QTimer(self)
        self._beat.setInterval(_BEAT_MS)
        self._beat.timeout.connect(self._turn)
        self._still = still
        self.hide()

    def say(self, alerts: tuple[str, ...]) -> None:
        """Say these; nothing: be gone."""
        said = "  ·  ".join(alerts)
        if said == self._text:
            return
        self._text = said
        self.setAccessibleName(said)
        self.setVisible(bool(said))
        if said and not self._still:
            self._beat.start()
        else:
            self._beat.stop()
        self.update()

    def text(self) -> str:
        """What it says."""
        return self._text

    def misfits(self) -> list[str]:
        """The words, where they are cut short."""
        return [] if has_room(self._text, self._words_box(), self._px(), bold=True) else [self._text]

    def _turn(self) -> None:
        self._turned = not self._turned
        self.update()

    def _colours(self) -> tuple[QColor, QColor]:
        """Ground and ink: black on yellow, and yellow on black where the tone itself is light."""
        light = theme.contrast_ratio(self.ground.name(), _BLACK) > 8
        pair = (_BLACK, _YELLOW) if light else (_YELLOW, _BLACK)
        return QColor(pair[0]), QColor(pair[1])

    def _px(self) -> int:
        return round(self.height() * 0.5)

    def _words_box(self) -> QRectF:
        side = self.height()
        return QRectF(side * 2.2, 2, max(1.0, self.width() - side * 3.5), side - 4)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Stripes, bell, words, stripes."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        ground, ink = self._colours()
        painter.fillRect(self.rect(), ground)
        side = float(self.height())
        for left in (0.0, self.width() - side * 1.2):
            self._paint_stripes(painter, QRectF(left, 0, side * 1.2, side), ink)
        icons.paint(painter, "bell", QRectF(side * 1.35, side * 0.15, side * 0.7, side * 0.7), ink)
        painter.setPen(ink)
        write(painter, self._text, self._words_box(), self._px(), bold=True, align=LEFT)
        painter.end()

    def _paint_stripes(self, painter: QPainter, box: QRectF, ink: QColor) -> None:
        painter.save()
        painter.setClipRect(box)
        painter.setPen(ink)
        painter.setBrush(ink)
        step, lean = box.height() / 2, box.height()
        x = box.left() - lean - (step / 2 if self._turned else 0)
        while x < box.right():
            top, bottom = box.top(), box.bottom()
            corners = ((x, bottom), (x + step / 2, bottom), (x + step / 2 + lean, top), (x + lean, top))
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
            x += step
        painter.restore()
