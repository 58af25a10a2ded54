"""The visitor's page while the camera looks: herself as in a mirror, an outline for the face, one hint at a time."""

from __future__ import annotations

import math

from PyQt5.QtCore import QPointF, QRect, QRectF, Qt
from PyQt5.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PyQt5.QtWidgets import QWidget

from ui import icons, theme
from ui.fitting import FittedLabel
from ui.theme import Look
from ui.view import Screen
from ui.visitor_button import VisitorButton

_ROUND_PX = 20.0
_BREATH_FRAMES = 30


class Mirror(QWidget):
    """The live picture, left and right swapped, cut to its place. Nothing of it is kept but the latest frame.

    The outline is dashed while something is in the way, and whole when all is well; unless still, it breathes with the
    frames that come, so that it costs no timer.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frame: QImage | None = None
        self._beat = 0
        self._hinted = self._still = False
        self._ink, self._paper = QColor("#ffffff"), QColor("#000000")

    def take_frame(self, frame: QImage) -> None:
        """Show this frame, mirrored."""
        self._frame = frame.mirrored(True, False)
        self._beat = (self._beat + 1) % _BREATH_FRAMES
        if self.isVisible():
            self.update()

    def forget(self) -> None:
        """There is no picture; nobody's face stays on the screen."""
        self._frame = None
        self.update()

    def dress(self, ink: str, paper: str, *, hinted: bool, still: bool) -> None:
        """The tone's colours, whether something is in the way, and whether nothing may move."""
        self._ink, self._paper = QColor(ink), QColor(paper)
        self._hinted, self._still = hinted, still
        self.update()

    def face_box(self) -> QRectF:
        """Where the face should be, in the widget's pixels: the outline without its breath."""
        height = min(self.height() * 0.74, self.width() * 0.98)
        width = height * 0.74
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)

    def source_box(self) -> QRectF:
        """The part of the frame that is shown: as tall or as wide as it is, cut to the place's proportions."""
        if self._frame is None:
            return QRectF()
        wide, tall = float(self._frame.width()), float(self._frame.height())
        scale = min(wide / max(1, self.width()), tall / max(1, self.height()))
        width, height = self.width() * scale, self.height() * scale
        return QRectF((wide - width) / 2, (tall - height) / 2, width, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Picture, veil around the outline, outline."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.Antialiasing | QPainter.SmoothPixmapTransform)
        frame = QPainterPath()
        frame.addRoundedRect(QRectF(self.rect()), _ROUND_PX, _ROUND_PX)
        painter.setClipPath(frame)
        painter.fillRect(self.rect(), self._paper)
        face = QPainterPath()
        face.addEllipse(self._breathing(self.face_box()))
        if self._frame is not None:
            painter.drawImage(QRectF(self.rect()), self._frame, self.source_box())
            painter.fillPath(frame.subtracted(face), theme.colour("#000000", 0.42))
        else:
            side = self.face_box().width() * 0.6
            centre = QPointF(self.width() / 2 - side / 2, self.height() / 2 - side / 2)
            icons.paint(painter, "face", QRectF(centre.x(), centre.y(), side, side), self._ink)
        pen = QPen(QColor("#ffffff") if self._frame is not None else self._ink, 6, Qt.SolidLine, Qt.RoundCap)
        if self._hinted:
            pen.setDashPattern([2.2, 2.4])
        painter.setPen(pen)
        painter.drawPath(face)
        painter.end()

    def _breathing(self, box: QRectF) -> QRectF:
        if self._still or self._hinted:
            return box
        by = math.sin(self._beat / _BREATH_FRAMES * 2 * math.pi) * box.height() * 0.012
        return box.adjusted(-by, -by, by, by)


class LookPage(QWidget):
    """The mirror to the left; to the right what to do, and the way without a face."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mirror = Mirror(self)
        self.title = FittedLabel(parent=self, bold=True, align=Qt.AlignLeft | Qt.AlignBottom)
        self.hint = FittedLabel(parent=self, align=Qt.AlignLeft | Qt.AlignTop)
        self.without_face = VisitorButton("no_camera", self)
        self.told = FittedLabel(parent=self, align=Qt.AlignLeft | Qt.AlignVCenter)
        self._look = Look()

    def show_screen(self, screen: Screen, look: Look, *, hinted: bool, offer: str, told: str) -> None:
        """Say this. `offer` is written on the button; `told` takes its place when there is nothing to choose."""
        self._look = look
        tone = theme.tone(screen.tone, contrast=look.high_contrast)
        self.mirror.dress(tone.ink, tone.panel, hinted=hinted, still=look.still)
        for label, text in ((self.title, screen.title), (self.hint, screen.body), (self.told, told)):
            label.setText(text)
            label.set_ink(tone.ink)
        self.without_face.say(offer)
        self.without_face.dress(tone, large=look.large)
        self.without_face.setVisible(bool(offer) and not told)
        self.told.setVisible(bool(told))
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay it out anew."""
        self._arrange()

    def _arrange(self) -> None:
        width, height = self.width(), self.height()
        edge = round(min(width, height) * 0.05)
        mirror = QRect(edge, edge, round(width * 0.54), height - 2 * edge)
        self.mirror.setGeometry(mirror)
        button = max(round(theme.touch_px(self, self._look) * 1.25), round(height * 0.13))
        words = QRect(mirror.right() + edge, edge, width - mirror.right() - 2 * edge, height - 3 * edge - button)
        top = round(words.height() * (0.30 if self._look.low else 0.0))
        half = round((words.height() - top) * 0.44)
        self.title.setGeometry(words.left(), words.top() + top, words.width(), half)
        self.hint.setGeometry(
            words.left(), words.top() + top + half + edge // 2, words.width(), words.height() - top - half - edge // 2
        )
        foot = QRect(words.left(), height - edge - button, words.width(), button)
        self.without_face.setGeometry(foot)
        self.told.setGeometry(foot)
        more = 1.2 if self._look.large else 1
        self.title.set_sizes(round(height * 0.12 * more))
        self.hint.set_sizes(round(height * 0.085 * more))
        self.told.set_sizes(round(height * 0.06 * more))
