"""Writing and colouring as all parts of the steward's window do it."""

from __future__ import annotations

from functools import lru_cache

from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PyQt5.QtWidgets import QWidget

from ui import theme
from ui.fitting import SMALLEST_PX, fits, fitting_px

LEFT = int(Qt.AlignLeft | Qt.AlignVCenter)
CENTRE = int(Qt.AlignCenter)


class Inked(QWidget):
    """A part of the window that paints itself in the tone's ink on the tone's quieter ground."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ink, self.ground, self.panel = QColor("#ffffff"), QColor("#000000"), QColor("#222222")

    def set_tone(self, tone: theme.ToneLook) -> None:
        """Ink, ground and panel from now on."""
        self.ink, self.ground, self.panel = QColor(tone.ink), QColor(tone.background), QColor(tone.panel)
        self.update()

    def misfits(self) -> list[str]:
        """Words of our own that don't fit their place; none, or it is a fault."""
        return []


@lru_cache(maxsize=4096)
def best_px(text: str, width: int, height: int, largest: int, bold: bool) -> int:
    """The largest letters that fit, remembered: the same words come once a second."""
    return fitting_px(text, width, height, largest, SMALLEST_PX, bold=bold)


def has_room(text: str, box: QRectF, largest: int, *, bold: bool = False) -> bool:
    """Whether the words fit into the box without being shortened."""
    px = best_px(text, int(box.width()), int(box.height()), largest, bold)
    return not text or fits(text, box.width(), box.height(), px, bold=bold)


def write(painter: QPainter, text: str, box: QRectF, largest: int, *, bold: bool = False, align: int = LEFT) -> None:
    """Write into the box, wrapped, as large as fits. What can't fit, a stranger's long word, ends in three dots."""
    px = best_px(text, int(box.width()), int(box.height()), largest, bold)
    font = theme.font(px, bold=bold)
    painter.setFont(font)
    if not fits(text, box.width(), box.height(), px, bold=bold):
        metrics = QFontMetricsF(font)
        lines = max(1, int(box.height() // metrics.height()))
        text = metrics.elidedText(text, Qt.ElideRight, box.width() * (lines - 0.3 * (lines > 1)))
    painter.drawText(box, align | int(Qt.TextWordWrap), text)


def panel(painter: QPainter, box: QRectF, ground: QColor, edge: QColor | None = None, *, thick: float = 1.5) -> None:
    """A rounded ground for words, with an edge where asked."""
    half = thick / 2 if edge is not None else 0.0
    painter.setPen(QPen(edge, thick) if edge is not None else QPen(Qt.NoPen))
    painter.setBrush(ground)
    painter.drawRoundedRect(box.adjusted(half, half, -half, -half), 10, 10)
