"""The left side: the reason in words, what to do next, and whom it is about as far as a screen may say."""

from __future__ import annotations

from functools import lru_cache

from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PyQt5.QtWidgets import QWidget

from models.view import Who
from ui import theme
from ui.fitting import SMALLEST_PX, FittedLabel
from ui.icons import IconBox
from ui.operator_ink import LEFT, Inked, has_room, panel, write
from ui.operator_plan import Box
from ui.theme import ToneLook
from ui.view import Screen

_TOP_LEFT = int(Qt.AlignLeft | Qt.AlignTop)


class ReasonView(Inked):
    """The verdict's title with its icon; below it why, what to do, and what else is to be known."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.icon = IconBox(parent=self)
        self.title = FittedLabel(parent=self, largest=64, bold=True, align=LEFT)
        self.body = FittedLabel(parent=self, largest=26, align=_TOP_LEFT)
        self.step = FittedLabel(parent=self, largest=26, bold=True, align=_TOP_LEFT)
        self.more = FittedLabel(parent=self, largest=22, align=_TOP_LEFT)

    def say(self, screen: Screen, more: str, tone: ToneLook) -> None:
        """Say this from now on."""
        self.set_tone(tone)
        self.icon.show_icon(screen.icon, tone)
        said = (screen.title, screen.body, screen.next, more)
        for label, text in zip((self.title, self.body, self.step, self.more), said, strict=True):
            label.setText(text)
            label.set_ink(tone.ink)

    def place(self, title: Box, text: Box) -> None:
        """Where the title stands, and the sentences below it; in the window's pixels."""
        self.setGeometry(title.x, title.y, title.width, text.y + text.height - title.y)
        side = min(title.height, round(title.width * 0.26))
        self.icon.setGeometry(0, (title.height - side) // 2, side, side)
        self.title.setGeometry(side + 12, 0, title.width - side - 12, title.height)
        largest = self.window().height()
        self.title.set_sizes(round(largest * 0.13))
        self._place_sentences(Box(2, text.y - title.y, title.width - 4, text.height), max(24, round(largest * 0.05)))

    def _place_sentences(self, room: Box, largest: int) -> None:
        """All in letters of one size. Where not all fit, the explanation goes first: the title has said it already."""
        labels = [label for label in (self.body, self.step, self.more) if label.text()]
        px, heights = _share(tuple((label.text(), label is self.step) for label in labels), room, largest)
        if sum(heights) > room.height and self.body in labels and len(labels) > 1:
            labels.remove(self.body)
            px, heights = _share(tuple((label.text(), label is self.step) for label in labels), room, largest)
        gap = max(0.0, (room.height - sum(heights)) / (len(labels) + 1)) if labels else 0.0
        y = room.y + min(gap, 14.0)
        for label in (self.body, self.step, self.more):
            label.setVisible(label in labels)
        for label, height in zip(labels, heights, strict=True):
            label.set_sizes(px)
            label.setGeometry(room.x, round(y), room.width, round(height))
            y += height + min(gap, 14.0)


@lru_cache(maxsize=512)
def _share(texts: tuple[tuple[str, bool], ...], room: Box, largest: int) -> tuple[int, list[float]]:
    """The largest letters, in pixels, with which all texts (with: is it bold?) fit below each other; their heights."""
    heights: list[float] = []
    for px in range(largest, SMALLEST_PX - 1, -1):
        heights = [_height(text, bold, room.width, px) for text, bold in texts]
        if sum(heights) <= room.height:
            return px, heights
    return SMALLEST_PX, heights


def _height(text: str, bold: bool, width: int, px: int) -> float:
    metrics = QFontMetricsF(theme.font(px, bold=bold))
    box = metrics.boundingRect(QRectF(0, 0, width - 1, 1e6), int(Qt.TextWordWrap), text)
    return box.height() + 1 if box.width() <= width else 1e6


class WhoView(Inked):
    """The masked name, the seat and the way."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._who = Who()

    def say(self, who: Who) -> None:
        """Say this from now on."""
        if who != self._who:
            self._who = who
            self.setAccessibleName(" ".join(filter(None, (who.masked_name, who.seat, who.way))))
            self.update()

    def misfits(self) -> list[str]:
        """What is cut short."""
        return [text for text, box, px, bold in self._texts() if not has_room(text, box, px, bold=bold)]

    def _texts(self) -> list[tuple[str, QRectF, int, bool]]:
        who, inner = self._who, QRectF(self.rect()).adjusted(12, 3, -10, -3)
        name = QRectF(inner.left(), inner.top(), inner.width() * 0.36, inner.height())
        left = name.right() + 8 if who.masked_name else inner.left()
        seat = QRectF(left, inner.top(), inner.right() - left, inner.height() * (0.5 if who.way else 1.0))
        way = QRectF(left, seat.bottom(), seat.width(), inner.bottom() - seat.bottom())
        if not who.seat:
            way = QRectF(left, inner.top(), seat.width(), inner.height())
        if not who.seat and not who.way:
            name = inner
        large = round(self.height() * 0.5)
        texts = [(who.masked_name, name, large, True), (who.seat, seat, 30, True), (who.way, way, 22, False)]
        return [one for one in texts if one[0]]

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Name on the left, seat and way beside it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        panel(painter, QRectF(self.rect()), self.panel)
        painter.setPen(self.ink)
        for text, box, px, bold in self._texts():
            write(painter, text, box, px, bold=bold)
        painter.end()
