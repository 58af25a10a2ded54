"""One `Cell` on the screen: an icon, a line and a smaller one, below or beside it. Some can be touched."""

from __future__ import annotations

from PyQt5.QtCore import QRectF, Qt, pyqtSignal
from PyQt5.QtGui import QMouseEvent, QPainter, QPaintEvent
from PyQt5.QtWidgets import QWidget

from ui import icons
from ui.operator_ink import LEFT, Inked, best_px, has_room, panel, write
from ui.operator_says import Cell

_PAD = 6.0
_LOW, _HIGH = int(Qt.AlignLeft | Qt.AlignBottom), int(Qt.AlignLeft | Qt.AlignTop)


class CellView(Inked):
    """Shows a cell. One that somebody should look at is painted the other way round, ink as ground."""

    tapped = pyqtSignal()

    def __init__(self, parent: QWidget | None = None, *, beside: bool = False, touchable: bool = False) -> None:
        super().__init__(parent)
        self.beside = beside
        self._cell = Cell("", "")
        self._touchable = touchable
        self.framed = not beside
        self.largest_px = 40
        if not touchable:
            self.setAttribute(Qt.WA_TransparentForMouseEvents)

    def say(self, cell: Cell) -> None:
        """Say this from now on."""
        if cell != self._cell:
            self._cell = cell
            self.setAccessibleName(" ".join(filter(None, (cell.line, cell.detail))))
            self.update()

    def cell(self) -> Cell:
        """What it says."""
        return self._cell

    def misfits(self) -> list[str]:
        """The line, where it is cut short. The detail holds what others wrote, and may be."""
        text, (line, _) = self._line(), self._boxes()
        return [] if has_room(text, line, self._line_px(), bold=not self.beside) else [text]

    def _line(self) -> str:
        """The line, or what stands in for it where there is no room."""
        box, _ = self._boxes()
        fits = not self._cell.short or has_room(self._cell.line, box, self._line_px(), bold=not self.beside)
        return self._cell.line if fits else self._cell.short

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """A touch."""
        if event is not None and self._touchable and self.rect().contains(event.pos()):
            self.tapped.emit()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Ground, icon, words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        ink, ground = (self.panel, self.ink) if self._cell.look else (self.ink, self.panel)
        if self.framed or self._cell.look or self._cell.odd:
            panel(painter, QRectF(self.rect()), ground, self.ink if self._touchable else None)
        line, detail = self._boxes()
        if self._cell.icon:
            icons.paint(painter, self._cell.icon, self._icon_box(), ink)
        painter.setPen(ink)
        stacked = self._cell.detail and not self.beside
        write(painter, self._line(), line, self._line_px(), bold=not self.beside, align=_LOW if stacked else LEFT)
        if self._cell.detail:
            largest = best_px(self._line(), int(line.width()), int(line.height()), self._line_px(), not self.beside)
            write(
                painter,
                self._cell.detail,
                detail,
                largest - (0 if self.beside else 2),
                align=_HIGH if stacked else LEFT,
            )
        painter.end()

    def _line_px(self) -> int:
        return min(self.largest_px, round(self.height() * (0.58 if self.beside else 0.36)))

    def _icon_box(self) -> QRectF:
        side = min(self.height() * 0.62, self.width() * 0.16, 34.0)
        return QRectF(_PAD if self.framed else 2.0, (self.height() - side) / 2, side, side)

    def _boxes(self) -> tuple[QRectF, QRectF]:
        """Where the line stands, and where the detail: below it or right of it."""
        left = self._icon_box().right() + _PAD if self._cell.icon else _PAD + 2
        room = QRectF(left, 0, max(1.0, self.width() - left - _PAD), max(1.0, self.height()))
        if not self._cell.detail:
            single = room.adjusted(0, room.height() * 0.26, 0, -room.height() * 0.26)  # too low for two lines
            return (single if has_room(self._cell.line, single, self._line_px(), bold=True) else room), QRectF()
        if self.beside:
            share = room.width() * 0.7
            return (
                QRectF(room.left(), room.top(), share, room.height()),
                QRectF(room.left() + share + 4, room.top(), room.width() - share - 4, room.height()),
            )
        half = min(room.height() * 0.54, 40.0 if self.framed else 26.0)
        return (
            QRectF(room.left(), room.top() + 1, room.width(), half - 1),
            QRectF(room.left(), room.top() + half, room.width(), room.height() - half - 2),
        )
