"""The visitor's page for a word: welcome with seat and way, one moment please, or the next step."""

from __future__ import annotations

from PyQt5.QtCore import QRect, QRectF, Qt
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PyQt5.QtWidgets import QWidget

from ui import theme
from ui.fitting import FittedLabel
from ui.icons import IconBox
from ui.theme import Look
from ui.view import Screen


class WordPage(QWidget):
    """A large icon in its tone's outline, the word, and below it in a panel what to do next."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.icon = IconBox(parent=self)
        self.title = FittedLabel(parent=self, bold=True, align=Qt.AlignLeft | Qt.AlignBottom)
        self.body = FittedLabel(parent=self, align=Qt.AlignLeft | Qt.AlignTop)
        self.step = FittedLabel(parent=self, align=Qt.AlignCenter)
        self._look, self._panel = Look(), QRect()
        self._panel_colour = QColor("#ffffff")

    def show_screen(self, screen: Screen, look: Look) -> None:
        """Say this."""
        tone = theme.tone(screen.tone, contrast=look.high_contrast)
        self._look, self._panel_colour = look, QColor(tone.panel)
        self.icon.show_icon(screen.icon, tone)
        for label, text in ((self.title, screen.title), (self.body, screen.body), (self.step, screen.next)):
            label.setText(text)
            label.set_ink(tone.ink)
        self._arrange()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay it out anew."""
        self._arrange()

    def _arrange(self) -> None:
        """Icon to the left, words to the right; what to do below, over the whole width. Low: all of it further down."""
        width, height = self.width(), self.height()
        edge = round(min(width, height) * 0.07)
        top = round(height * 0.16) if self._look.low else edge
        panel = round(height * 0.30) if self.step.text() else 0
        upper = height - top - edge - (panel + edge // 2 if panel else 0)
        side = min(round(width * 0.28), upper)
        left = edge * 2 + side
        words = QRect(left, top, width - left - edge, upper)
        self.icon.setGeometry(edge, top + (upper - side) // 2, side, side)
        share = 0.54 if self.body.text() else 1.0
        title = QRect(words.left(), words.top(), words.width(), round(upper * share))
        self.title.setGeometry(title)
        self.title.set_align(Qt.AlignLeft | (Qt.AlignBottom if self.body.text() else Qt.AlignVCenter))
        self.body.setGeometry(words.left(), title.bottom() + 1, words.width(), upper - title.height())
        self._panel = QRect(edge, height - edge - panel, width - 2 * edge, panel)
        self.step.setGeometry(self._panel.adjusted(edge, edge // 3, -edge, -edge // 3) if panel else QRect())
        for label, most in ((self.title, 0.19), (self.body, 0.115), (self.step, 0.115)):
            label.set_sizes(round(height * most * (1.2 if self._look.large else 1)))
            label.setVisible(bool(label.text()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The panel behind the next step."""
        if not self.step.text():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setPen(Qt.NoPen)
        painter.setBrush(self._panel_colour)
        painter.drawRoundedRect(QRectF(self._panel), 18, 18)
        painter.end()
