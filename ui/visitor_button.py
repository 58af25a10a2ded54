"""A button for visitors: an icon and words, never smaller than a finger, as dark as the tone it stands on is light."""

from __future__ import annotations

from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt5.QtWidgets import QAbstractButton, QWidget

from ui import fitting, icons, theme
from ui.theme import ToneLook

_ROUND_PX = 14.0
_LARGEST_PX = 30


class VisitorButton(QAbstractButton):
    """Icon and words. `strong` is filled with ink: the one that the visitor should find first."""

    def __init__(self, icon: str, parent: QWidget | None = None, *, strong: bool = False) -> None:
        super().__init__(parent)
        self._icon, self._strong = icon, strong
        self._ink, self._paper = QColor("#000000"), QColor("#ffffff")
        self._most = 1.0
        self.setFocusPolicy(Qt.NoFocus)

    def say(self, text: str, icon: str = "") -> None:
        """Other words, and another icon where one is named."""
        self._icon = icon or self._icon
        self.setText(text)
        self.setAccessibleName(text)
        self.update()

    def dress(self, look: ToneLook, *, large: bool = False) -> None:
        """Ink and paper of the tone that it stands on."""
        self._ink, self._paper = QColor(look.ink), QColor(look.panel)
        self._most = 1.25 if large else 1.0
        self.update()

    def fits(self) -> bool:
        """Whether all of its words are seen."""
        room = self._room()
        return fitting.fits(self.text(), room.width(), room.height(), self._px(), bold=True)

    def _px(self) -> int:
        room = self._room()
        return fitting.fitting_px(
            self.text(),
            room.width(),
            room.height(),
            round(max(_LARGEST_PX, self.height() * 0.34) * self._most),
            fitting.SMALLEST_PX,
            bold=True,
        )

    def _side(self) -> float:
        """The icon's."""
        return min(self.height() * 0.44, self.width() * 0.22, 56.0)

    def _room(self) -> QRectF:
        """Where the words go."""
        left = self._side() + 22.0
        return QRectF(left, 6, max(1.0, self.width() - left - 12), max(1.0, self.height() - 12))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, icon, words; pressed it is a shade darker."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        ground, ink = (self._ink, self._paper) if self._strong else (self._paper, self._ink)
        if self.isDown():
            ground = ground.lighter(140) if self._strong else ground.darker(112)
        painter.setBrush(ground)
        painter.setPen(QPen(self._ink, 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), _ROUND_PX, _ROUND_PX)
        side, room = self._side(), self._room()
        painter.setFont(theme.font(self._px(), bold=True))
        room.setWidth(fitting.balanced_width(self.text(), room.width(), self._px(), bold=True))
        used = painter.boundingRect(room, int(Qt.AlignLeft | Qt.AlignVCenter | Qt.TextWordWrap), self.text())
        shift = max(0.0, (self._room().right() - used.right()) / 2)
        icons.paint(painter, self._icon, QRectF(12 + shift, (self.height() - side) / 2, side, side), ink)
        painter.setPen(ink)
        painter.drawText(room.translated(shift, 0), int(Qt.AlignLeft | Qt.AlignVCenter | Qt.TextWordWrap), self.text())
        painter.end()
