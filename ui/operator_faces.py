"""The live face, and beside it the document's portrait where the gate says that staff may see one.

A picture that stopped is worse than none: a steward would compare somebody who has left. So the live one goes when the
feed says that it is gone, and a portrait goes with its attempt.
"""

from __future__ import annotations

from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPixmap, QResizeEvent
from PyQt5.QtWidgets import QWidget

from ui.operator_ink import CENTRE, has_room, write
from ui.operator_plan import GAP

TALLEST = 1.3
"""A picture's height to its width, at most."""

CAPTION_PX = 22
_LETTERS_PX = 16
_ROUND_PX = 10.0


class Picture(QWidget):
    """One face, cut to fill its frame from the middle, with a caption below. Without a picture: why there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.caption = ""
        self.instead = ""
        self.ink, self.paper = QColor("white"), QColor(0, 0, 0, 60)
        self._image: QImage | None = None
        self._scaled: QPixmap | None = None

    @property
    def has_image(self) -> bool:
        """Whether a face is to be seen."""
        return self._image is not None

    @property
    def image(self) -> QImage | None:
        """The face that is to be seen."""
        return self._image

    def show_image(self, image: QImage | None) -> None:
        """Show this picture from now on; `None`: none."""
        if image is None and self._image is None:
            return
        self._image, self._scaled = image, None
        self.update()

    def say(self, caption: str, instead: str) -> None:
        """The words below the picture, and those in its place."""
        if (caption, instead) != (self.caption, self.instead):
            self.caption, self.instead = caption, instead
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The picture, or the outline of a head with the words why there is none."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        frame = QRectF(0, 0, self.width(), max(1, self.height() - CAPTION_PX))
        edge = QPainterPath()
        edge.addRoundedRect(frame, _ROUND_PX, _ROUND_PX)
        painter.fillPath(edge, self.paper)
        if self._image is None:
            self._paint_absence(painter, frame)
        else:
            painter.setClipPath(edge)
            painter.drawPixmap(0, 0, self._fitted(self._image, frame.size().toSize()))
            painter.setClipping(False)
        painter.setPen(self.ink)
        write(painter, self.caption, self._below(), _LETTERS_PX, align=CENTRE)
        painter.end()

    def _fitted(self, image: QImage, size: QSize) -> QPixmap:
        if self._scaled is None or self._scaled.size() != size:
            # Fast is good enough for a face that moves, and a portrait is scaled once.
            grown = image.scaled(size, Qt.KeepAspectRatioByExpanding, Qt.FastTransformation)
            left, top = (grown.width() - size.width()) // 2, (grown.height() - size.height()) // 2
            self._scaled = QPixmap.fromImage(grown.copy(left, top, size.width(), size.height()))
        return self._scaled

    def _paint_absence(self, painter: QPainter, frame: QRectF) -> None:
        faint = QColor(self.ink)
        faint.setAlpha(90)
        painter.setPen(Qt.NoPen)
        painter.setBrush(faint)
        unit, x, y = min(frame.width(), frame.height()) / 10, frame.center().x(), frame.height() * 0.34
        painter.drawEllipse(QRectF(x - 1.5 * unit, y - 2 * unit, 3 * unit, 3.6 * unit))
        painter.drawChord(QRectF(x - 3 * unit, y + 1.9 * unit, 6 * unit, 4 * unit), 0, 180 * 16)
        painter.setPen(self.ink)
        write(painter, self.instead, self._in_place(), _LETTERS_PX, align=CENTRE)

    def _below(self) -> QRectF:
        return QRectF(0, self.height() - CAPTION_PX, self.width(), CAPTION_PX)

    def _in_place(self) -> QRectF:
        high = self.height() - CAPTION_PX
        return QRectF(4, high * 0.72, self.width() - 8, high * 0.26)

    def misfits(self) -> list[str]:
        """Words that are cut short."""
        missing = self._image is None and not has_room(self.instead, self._in_place(), _LETTERS_PX)
        cut = not has_room(self.caption, self._below(), _LETTERS_PX)
        return [self.instead] * missing + [self.caption] * cut


class Faces(QWidget):
    """The live face, and the portrait below it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.live, self.portrait = Picture(self), Picture(self)
        self._attempt, self._allowed = 0, False
        self._portrait: tuple[int, QImage] | None = None

    def colour(self, ink: QColor, paper: QColor) -> None:
        """Ink for words and outlines, paper behind a picture that isn't there."""
        for picture in (self.live, self.portrait):
            picture.ink, picture.paper = ink, paper
            picture.update()

    def allow_portrait(self, attempt: int, allowed: bool) -> None:
        """Whether the portrait of this attempt may be seen. An older one's is forgotten."""
        self._attempt, self._allowed = attempt, allowed
        if self._portrait is not None and self._portrait[0] < attempt:
            self._portrait = None
        self._show_portrait()

    def take_portrait(self, attempt: int, image: QImage) -> None:
        """The portrait in this attempt's document. It may come before the snapshot that allows it."""
        self._portrait = (attempt, image)
        self._show_portrait()

    def _show_portrait(self) -> None:
        mine = self._portrait is not None and self._portrait[0] == self._attempt
        self.portrait.show_image(self._portrait[1] if self._portrait and mine and self._allowed else None)
        self._arrange()

    def take_frame(self, image: QImage) -> None:
        """The camera's latest picture."""
        self.live.show_image(image)

    def stop(self) -> None:
        """There is no picture to be shown any more."""
        self._portrait = None
        self.live.show_image(None)
        self._show_portrait()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Share the height anew."""
        self._arrange()

    def _arrange(self) -> None:
        """The live face on top; it takes all the room while there is no portrait, but is no taller than faces are."""
        tallest = round(self.width() * TALLEST) + CAPTION_PX
        each = min(tallest, (self.height() - GAP) // 2 if self._allowed else self.height())
        self.live.setGeometry(0, 0, self.width(), each)
        self.portrait.setGeometry(0, each + GAP, self.width(), each)
        self.portrait.setVisible(self._allowed)
