"""Icons, drawn as strokes on a square of 24 by 24 and scaled to any size; no image files.

A drawing is a line of words: `M x y` move, `L x y …` lines, `C` a cubic curve, `O cx cy r` a circle, `A cx cy r start
sweep` an arc in degrees, `R x y w h r` a rounded box, `Z` close. The same for the outlines that tell tones apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import MappingProxyType

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QIcon, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PyQt5.QtWidgets import QSizePolicy, QWidget

from ui.theme import ToneLook

GRID = 24.0

DRAWINGS = MappingProxyType(
    {
        "tick": "M 5 12.5 L 10 17.5 L 19 7",
        "cross": "M 6 6 L 18 18 M 18 6 L 6 18",
        "plus": "M 12 5 L 12 19 M 5 12 L 19 12",
        "back": "M 15 5 L 8 12 L 15 19",
        "erase": "M 9 6 L 20 6 L 20 18 L 9 18 L 3 12 Z M 11.5 9.5 L 16.5 14.5 M 16.5 9.5 L 11.5 14.5",
        "card": "R 3 5.5 18 13 2 O 8.2 10.8 1.8 M 5.2 15.6 C 5.6 13.4 10.8 13.4 11.2 15.6 M 14 10 L 18 10 M 14 14 "
        "L 18 14",
        "ticket": "M 3 7 L 21 7 L 21 10 A 21 12 2 90 180 L 21 17 L 3 17 L 3 14 A 3 12 2 270 180 Z M 14 9.5 L 14 14.5",
        "code": "R 4 4 6 6 0.6 R 14 4 6 6 0.6 R 4 14 6 6 0.6 M 14 14 L 14 17 M 17 14 L 20 14 M 20 17 L 20 20 L 17 "
        "20 M 14 20 L 14 20.1",
        "document": "M 6 3 L 14.5 3 L 18 6.5 L 18 21 L 6 21 Z O 12 11 2 M 8.8 16.8 C 9.2 13.8 14.8 13.8 15.2 16.8",
        "face": "M 12 3.5 C 6.6 3.5 6 8.5 6 11.5 C 6 16 9 20.5 12 20.5 C 15 20.5 18 16 18 11.5 C 18 8.5 17.4 3.5 "
        "12 3.5 Z M 9.4 10.6 L 9.4 11.4 M 14.6 10.6 L 14.6 11.4 M 9.8 15 C 10.8 16.2 13.2 16.2 14.2 15",
        "eye": "M 2.5 12 C 6 5.5 18 5.5 21.5 12 C 18 18.5 6 18.5 2.5 12 Z O 12 12 3",
        "camera": "R 3 7 18 12.5 2 M 8.5 7 L 10 4.5 L 14 4.5 L 15.5 7 O 12 13 3.4",
        "no_camera": "M 8.5 7 L 10 4.5 L 14 4.5 L 15.5 7 L 19 7 L 21 9 L 21 17 M 18 19.5 L 5 19.5 L 3 17.5 L 3 9 L 4.5 "
        "7.4 M 9.6 11 A 12 13 3.4 145 150 M 3 3 L 21 21",
        "hourglass": "M 6 3.5 L 18 3.5 M 6 20.5 L 18 20.5 M 7.5 3.5 C 7.5 9 11 10 11 12 C 11 14 7.5 15 7.5 20.5 M 16.5 "
        "3.5 C 16.5 9 13 10 13 12 C 13 14 16.5 15 16.5 20.5",
        "clock": "O 12 12 8.5 M 12 7 L 12 12 L 15.5 14",
        "calendar": "R 4 5.5 16 15 1.6 M 4 10 L 20 10 M 8.5 3.5 L 8.5 7 M 15.5 3.5 L 15.5 7",
        "person": "O 12 8 3.8 M 4.5 20.5 C 4.5 11.8 19.5 11.8 19.5 20.5",
        "people": "O 9 8.5 3.2 M 2.8 19.5 C 2.8 12 15.2 12 15.2 19.5 M 14.8 5.4 A 15.6 8.5 3.1 105 -210 M 17.6 13.2 "
        "C 20.4 14 21.4 16.6 21.4 19.5",
        "child": "O 8.5 7 3 M 3 20.5 C 3 10.5 14 10.5 14 17 O 17.8 13.4 2.2 M 14 20.5 C 14 15.8 21.5 15.8 21.5 20.5",
        "hand": "M 7 12.5 L 7 6.6 A 8.3 6.6 1.3 180 -180 L 9.6 11 L 9.6 4.6 A 10.9 4.6 1.3 180 -180 L 12.2 11 L "
        "12.2 5.4 A 13.5 5.4 1.3 180 -180 L 14.8 12 L 14.8 8.2 A 16.1 8.2 1.3 180 -180 L 17.4 15 C 17.4 "
        "19 15 21 12 21 C 8.6 21 7.4 19 4.4 14.6 C 3.8 13 5.8 12 7 14 L 7 12.5",
        "barred": "O 12 12 8.5 M 6 6 L 18 18",
        "way": "M 4 12 L 19 12 M 13 6 L 19 12 L 13 18",
        "bell": "M 5.5 17 C 7.5 15 7 12.5 7 10.5 C 7 4 17 4 17 10.5 C 17 12.5 16.5 15 18.5 17 Z M 10.2 20 C 11 21 "
        "13 21 13.8 20",
        "warning": "M 12 4 L 21 19.5 L 3 19.5 Z M 12 9.5 L 12 14 M 12 16.8 L 12 16.9",
        "lock": "R 5 10.5 14 10 1.8 M 8 10.5 L 8 7.5 A 12 7.5 4 180 -180 L 16 10.5 M 12 14.5 L 12 16.8",
        "key": "O 7.5 12 4 M 11.5 12 L 21 12 M 17.5 12 L 17.5 15.5 M 20.5 12 L 20.5 14.5",
        "phone": "M 6 4 L 9 4 L 10.5 8.5 L 8.5 10 C 9.5 12.5 11.5 14.5 14 15.5 L 15.5 13.5 L 20 15 L 20 18 C 20 "
        "19.5 18.5 20 17.5 20 C 10 19.5 4.5 14 4 6.5 C 4 5 5 4 6 4 Z",
        "keyboard": "R 2.5 6 19 12 1.6 M 6 10 L 6 10.1 M 9 10 L 9 10.1 M 12 10 L 12 10.1 M 15 10 L 15 10.1 M 18 10 L "
        "18 10.1 M 8 14.2 L 16 14.2",
        "gear": "O 12 12 3.2 M 12 3 L 12 6 M 12 18 L 12 21 M 3 12 L 6 12 M 18 12 L 21 12 M 5.6 5.6 L 7.8 7.8 M "
        "16.2 16.2 L 18.4 18.4 M 5.6 18.4 L 7.8 16.2 M 16.2 7.8 L 18.4 5.6",
        "again": "A 12 12 7.5 60 -300 M 15 2.8 L 16 5.6 L 13.2 6.8",
        "wheelchair": "O 10 4.4 1.7 M 10 8 L 10 13.5 L 15.5 13.5 L 18 19 L 20 18.2 M 10 10.5 L 15 10.5 A 10 16 5 120 "
        "270",
        "medical": "M 9.5 4 L 14.5 4 L 14.5 9.5 L 20 9.5 L 20 14.5 L 14.5 14.5 L 14.5 20 L 9.5 20 L 9.5 14.5 L 4 "
        "14.5 L 4 9.5 L 9.5 9.5 Z",
        "star": "M 12 3.5 L 14.6 9.3 L 21 10 L 16.2 14.2 L 17.6 20.5 L 12 17.2 L 6.4 20.5 L 7.8 14.2 L 3 10 L 9.4 "
        "9.3 Z",
        "message": "M 4 5 L 20 5 L 20 16 L 11 16 L 7 20 L 7 16 L 4 16 Z",
        "search": "O 10.5 10.5 6 M 15 15 L 20.5 20.5",
        "language": "O 12 12 8.5 M 3.5 12 L 20.5 12 M 12 3.5 C 7.5 8 7.5 16 12 20.5 M 12 3.5 C 16.5 8 16.5 16 12 20.5",
        "contrast": "O 12 12 8.5 M 12 3.5 L 12 20.5 M 12 7 L 15.8 7 M 12 10.3 L 17.8 10.3 M 12 13.7 L 17.8 13.7 M 12 "
        "17 L 15.8 17",
        "larger": "M 2.5 19 L 6 9 L 9.5 19 M 3.7 15.6 L 8.3 15.6 M 11 19 L 16.2 4.5 L 21.5 19 M 12.8 14 L 19.7 14",
        "lower": "M 12 4 L 12 17 M 6.5 11.5 L 12 17 L 17.5 11.5 M 5 21 L 19 21",
        "info": "O 12 12 8.5 M 12 11 L 12 16.5 M 12 7.6 L 12 7.7",
        "network": "M 4 10 C 8.5 5.5 15.5 5.5 20 10 M 7 13.5 C 10 10.8 14 10.8 17 13.5 M 12 17.6 L 12 17.7",
        "no_network": "M 4 10 C 6 8 8 7 10.5 6.7 M 15.5 7.4 C 17.2 8 18.7 8.8 20 10 M 7 13.5 C 8 12.6 9.2 12 10.5 11.7 "
        "M 12 17.6 L 12 17.7 M 4 4 L 20 20",
    }
)

SHAPES = MappingProxyType(
    {
        "plain": "",
        "circle": "O 12 12 11",
        "oval": "M 12 0.8 C 3.5 0.8 3.2 8.6 3.2 11.8 C 3.2 17.6 7 23.2 12 23.2 C 17 23.2 20.8 17.6 20.8 11.8 "
        "C 20.8 8.6 20.5 0.8 12 0.8 Z",
        "pill": "R 1 4 22 16 8",
        "diamond": "M 12 0.6 L 23.4 12 L 12 23.4 L 0.6 12 Z",
        "octagon": "M 7.4 1 L 16.6 1 L 23 7.4 L 23 16.6 L 16.6 23 L 7.4 23 L 1 16.6 L 1 7.4 Z",
        "square": "R 1.5 1.5 21 21 1.5",
    }
)
"""Outlines around an icon, one for each tone."""


@cache
def outline(drawing: str) -> QPainterPath:
    """The path of a drawing on the 24-grid. Raises `ValueError` for a word it does not know."""
    path, words = QPainterPath(), iter(drawing.split())
    word = next(words, "")
    while word:
        _draw(path, word, words)
        word = next(words, "")
        while word and not word.isalpha():  # more points of a line
            path.lineTo(float(word), float(next(words)))
            word = next(words, "")
    return path


def _draw(path: QPainterPath, word: str, words: Iterator[str]) -> None:
    def numbers(count: int) -> list[float]:
        return [float(next(words)) for _ in range(count)]

    match word:
        case "M":
            path.moveTo(*numbers(2))
        case "L":
            path.lineTo(*numbers(2))
        case "C":
            path.cubicTo(*numbers(6))
        case "O":
            x, y, r = numbers(3)
            path.addEllipse(QPointF(x, y), r, r)
        case "A":
            x, y, r, start, sweep = numbers(5)
            box = QRectF(x - r, y - r, 2 * r, 2 * r)
            if not path.elementCount() or abs(sweep) > 180:
                path.arcMoveTo(box, start)
            path.arcTo(box, start, sweep)
        case "R":
            x, y, w, h, r = numbers(5)
            path.addRoundedRect(x, y, w, h, r, r)
        case "Z":
            path.closeSubpath()
        case _:
            raise ValueError(f"an icon's drawing knows no {word!r}")


def paint(painter: QPainter, name: str, box: QRectF, ink: QColor, *, stroke: float = 1.8) -> None:
    """Draw an icon into `box`, `stroke` wide on the 24-grid. Raises `KeyError` for a name there is no drawing of."""
    _stroke(painter, outline(DRAWINGS[name]), box, ink, stroke)


def paint_shape(painter: QPainter, shape: str, box: QRectF, ink: QColor, *, stroke: float = 1.2) -> None:
    """Draw a tone's outline into `box`."""
    if SHAPES[shape]:
        _stroke(painter, outline(SHAPES[shape]), box, ink, stroke)


def _stroke(painter: QPainter, path: QPainterPath, box: QRectF, ink: QColor, stroke: float) -> None:
    side = min(box.width(), box.height())
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing)
    painter.translate(box.center().x() - side / 2, box.center().y() - side / 2)
    painter.scale(side / GRID, side / GRID)
    painter.setPen(QPen(ink, stroke, Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin))
    painter.setBrush(Qt.NoBrush)
    painter.drawPath(path)
    painter.restore()


def icon(name: str, px: int, ink: QColor | str) -> QIcon:
    """An icon for a button, `px` high. Raises `KeyError` for a name there is no drawing of."""
    picture = QPixmap(px, px)
    picture.fill(Qt.transparent)
    painter = QPainter(picture)
    paint(painter, name, QRectF(0, 0, px, px), QColor(ink))
    painter.end()
    return QIcon(picture)


class IconBox(QWidget):
    """An icon in its tone's outline, as large as its place allows."""

    def __init__(self, name: str = "", look: ToneLook | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._shape, self._ink = name, "plain", QColor("#000000")
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Ignored)
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        if look:
            self.show_icon(name, look)

    def show_icon(self, name: str, look: ToneLook, *, shaped: bool = True) -> None:
        """Draw this one, in the tone's ink and, if `shaped`, in its outline."""
        self._name, self._shape, self._ink = name, look.shape if shaped else "plain", QColor(look.ink)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        if not self._name:
            return
        painter = QPainter(self)
        side = min(self.width(), self.height()) - 2.0
        box = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        paint_shape(painter, self._shape, box, self._ink)
        inner = 0.0 if self._shape == "plain" else side * 0.21
        paint(painter, self._name, box.adjusted(inner, inner, -inner, -inner), self._ink)
        painter.end()
