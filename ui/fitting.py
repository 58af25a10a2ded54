"""A label that finds the largest letters with which its text fits, wrapped, between a largest and a smallest size."""

from __future__ import annotations

from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PyQt5.QtWidgets import QSizePolicy, QWidget

from ui import theme

Alignment = int | Qt.Alignment | Qt.AlignmentFlag

SMALLEST_PX = 14
"""Nobody reads less on a gate."""


ONE_WORD = 4
"""Chinese may be broken between any two letters. A text so short is a word, and isn't."""

ONE_GLANCE, SMALLER_FOR_ONE_LINE = 10, 0.66
"""So few letters are read at a glance when they stand on one line; for that they may be smaller by so much."""


def fitting_px(text: str, width: float, height: float, largest: int, smallest: int, *, bold: bool = False) -> int:
    """The largest letter height in pixels, `smallest` at least, with which `text` fits wrapped into the box."""
    low, high = smallest, max(smallest, largest)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(text, width, height, middle, bold=bold):
            low = middle
        else:
            high = middle - 1
    return low


def fits(text: str, width: float, height: float, px: int, *, bold: bool = False) -> bool:
    """Whether `text` in letters of `px` fits wrapped into the box, no word broken, nor two to four Chinese letters."""
    metrics = QFontMetricsF(theme.font(px, bold=bold))
    if len(text) <= ONE_WORD and metrics.horizontalAdvance(text) > width:
        return False
    box = metrics.boundingRect(QRectF(0, 0, max(1.0, width), 1e6), int(Qt.TextWordWrap), text)
    return box.width() <= width + 0.5 and box.height() <= height + 0.5


def balanced_width(text: str, width: float, px: int, *, bold: bool = False) -> float:
    """The least width in which `text` takes no more lines than in `width`: so no line is left with a single word."""
    metrics = QFontMetricsF(theme.font(px, bold=bold))

    def height(across: float) -> float:
        return metrics.boundingRect(QRectF(0, 0, across, 1e6), int(Qt.TextWordWrap), text).height()

    tall, low, high = height(width), 1.0, max(1.0, width)
    if tall <= metrics.height() * 1.5:
        return width
    while high - low > 2.0:
        middle = (low + high) / 2
        narrow = metrics.boundingRect(QRectF(0, 0, middle, 1e6), int(Qt.TextWordWrap), text)
        low, high = (low, middle) if narrow.height() <= tall and narrow.width() <= middle else (middle, high)
    return high


class FittedLabel(QWidget):
    """Wrapped text in the largest letters that fit the place it is given; it never clips while `fits()` holds.

    Its ink is the palette's `WindowText` unless `set_ink` said otherwise.
    """

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        *,
        largest: int = 64,
        smallest: int = SMALLEST_PX,
        bold: bool = False,
        align: Alignment = Qt.AlignCenter,
    ) -> None:
        super().__init__(parent)
        self._text, self._largest, self._smallest, self._bold = text, largest, smallest, bold
        self._align = int(align)
        self._ink: QColor | None = None
        self._px = self._limit = 0
        self._sized = QSize()
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Ignored)
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self.setAccessibleName(text)

    def text(self) -> str:
        """What it says."""
        return self._text

    def setText(self, text: str) -> None:
        """Say something else."""
        if text != self._text:
            self._text, self._px = text, 0
            self.setAccessibleName(text)
            self.update()

    def set_ink(self, ink: QColor | str) -> None:
        """Write in this colour."""
        self._ink = QColor(ink)
        self.update()

    def set_align(self, align: Alignment) -> None:
        """Where in its place the text stands: Qt's alignment flags."""
        self._align = int(align)
        self.update()

    def set_sizes(self, largest: int, smallest: int | None = None) -> None:
        """Other limits for the height of letters, in pixels."""
        self._largest = largest
        self._smallest = self._smallest if smallest is None else smallest
        self._px = 0
        self.update()

    def limit(self, px: int) -> None:
        """No letters above `px` for now, see `level`; 0: none but its own largest."""
        if px != self._limit:
            self._limit, self._px = px, 0
            self.update()

    def px(self) -> int:
        """The height of its letters now, in pixels."""
        if not self._px or self._sized != self.size():  # a hidden widget is told of no new size
            self._sized = self.size()
            most = min(self._largest, self._limit or self._largest)
            self._px = fitting_px(self._text, self.width(), self.height(), most, self._smallest, bold=self._bold)
            one_line = self._one_line_px()
            if len(self._text) <= ONE_GLANCE and SMALLER_FOR_ONE_LINE * self._px <= one_line < self._px:
                self._px = max(one_line, self._smallest)
        return self._px

    def _one_line_px(self) -> int:
        """How large the letters could be if all stood on one line."""
        advance = QFontMetricsF(theme.font(100, bold=self._bold)).horizontalAdvance(self._text)
        return int((self.width() - 1) * 100 / advance) if advance else 0

    def fits(self) -> bool:
        """Whether all of the text is seen, at the size that was found."""
        return not self._text or fits(self._text, self.width(), self.height(), self.px(), bold=self._bold)

    def _room(self) -> QRectF:
        """Where the lines stand: as narrow as their number allows, on the side where the text is aligned."""
        room = QRectF(self.rect())
        spare = room.width() - balanced_width(self._text, room.width(), self.px(), bold=self._bold)
        left = spare / 2 if self._align & int(Qt.AlignHCenter) else 0.0
        right = spare if self._align & int(Qt.AlignRight) else left
        return room.adjusted(right, 0, -(spare - right), 0)

    def sizeHint(self) -> QSize:
        """One line at the largest size, no wider than is usual."""
        metrics = QFontMetricsF(theme.font(self._largest, bold=self._bold))
        return QSize(round(min(metrics.horizontalAdvance(self._text), 600)), round(metrics.height()))

    def minimumSizeHint(self) -> QSize:
        """One line at the smallest size."""
        return QSize(self._smallest, round(self._smallest * 1.4) if self._text else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write."""
        painter = QPainter(self)
        painter.setFont(theme.font(self.px(), bold=self._bold))
        painter.setPen(self._ink or self.palette().windowText().color())
        painter.drawText(self._room(), self._align | int(Qt.TextWordWrap), self._text)
        painter.end()


def level(*labels: FittedLabel) -> None:
    """Let labels that belong together have letters of one size: the largest that fits them all."""
    for label in labels:
        label.limit(0)
    least = min((label.px() for label in labels if label.text()), default=0)
    for label in labels:
        label.limit(least)
