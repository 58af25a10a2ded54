"""The visitor's page between visitors: what to do, the notice that the law asks for, and the choices.

The notice names who processes faces, what for, for how long and what there is instead, before anybody stands before
the camera (China, Measures for the security of face recognition, in force since 2025-06-01: told openly, beforehand,
never the only way). The whole of it is one touch away.
"""

from __future__ import annotations

from PyQt5.QtCore import QRect, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PyQt5.QtWidgets import QWidget

from ui import theme
from ui.fitting import FittedLabel, level
from ui.icons import IconBox
from ui.theme import Look
from ui.view import Screen
from ui.visitor_button import VisitorButton
from ui.words import Words

ITEMS = ("who", "why", "kept", "instead")


class Notice(QWidget):
    """The notice in short: four headings, and a sentence to each."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heads = [FittedLabel(parent=self, bold=True, align=Qt.AlignLeft | Qt.AlignVCenter) for _ in ITEMS]
        self.texts = [FittedLabel(parent=self, align=Qt.AlignLeft | Qt.AlignTop) for _ in ITEMS]
        self._panel = QColor("#ffffff")
        self._large = False

    def say(self, words: Words, controller: str, look: Look, ink: str, panel: str, ready_s: float = 0.0) -> None:
        """The words in this language and these colours. `ready_s`: faces are held so long before a card."""
        for item, head, text in zip(ITEMS, self.heads, self.texts, strict=True):
            head.setText(words(f"visitor.notice_{item}"))
            said = f"visitor.notice_{item}_{'ready' if item == 'kept' and ready_s else 'text'}"
            text.setText(words(said, controller=controller, seconds=f"{ready_s:g}"))
            head.set_ink(ink)
            text.set_ink(ink)
        self._panel, self._large = QColor(panel), look.large
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay it out anew."""
        self._arrange()

    def _arrange(self) -> None:
        """Two columns of two, each with its heading above its sentence."""
        edge = gap = max(12, round(self.height() * 0.07))
        wide = (self.width() - 3 * edge) // 2
        tall = (self.height() - 3 * gap) // 2
        head = round(tall * 0.34)
        for index, (heading, text) in enumerate(zip(self.heads, self.texts, strict=True)):
            x = edge + (index % 2) * (wide + edge)
            y = gap + (index // 2) * (tall + gap)
            heading.setGeometry(x, y, wide, head)
            text.setGeometry(x, y + head, wide, tall - head)
        most = round(self.height() * (0.15 if self._large else 0.13))
        for label in (*self.heads, *self.texts):
            label.set_sizes(most)
        level(*self.texts)
        level(*self.heads)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Its ground."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setPen(Qt.NoPen)
        painter.setBrush(self._panel)
        painter.drawRoundedRect(QRectF(self.rect()), 16, 16)
        painter.end()


class IdlePage(QWidget):
    """Welcome, notice, choices. Everything that is touched stands at the lower edge."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.icon = IconBox(parent=self)
        self.title = FittedLabel(parent=self, bold=True, align=Qt.AlignLeft | Qt.AlignBottom)
        self.body = FittedLabel(parent=self, align=Qt.AlignLeft | Qt.AlignTop)
        self.notice = Notice(self)
        self.without_face = VisitorButton("no_camera", self, strong=True)
        self.details = VisitorButton("info", self)
        self.language = VisitorButton("language", self)
        self.easier = VisitorButton("larger", self)
        self._look, self._faces = Look(), True

    def show_screen(
        self, screen: Screen, words: Words, look: Look, *, faces: bool, chosen: bool, who: str, ready_s: float = 0.0
    ) -> None:
        """Say this. `faces`: the lane looks at faces; `chosen`: not at this visitor's; `who` answers for the data."""
        tone = theme.tone(screen.tone, contrast=look.high_contrast)
        self._look, self._faces = look, faces
        self.icon.show_icon("no_camera" if chosen else screen.icon, tone)
        self.title.setText(words("visitor.without_face_chosen") if chosen else screen.title)
        self.body.setText(screen.body)
        for label in (self.title, self.body):
            label.set_ink(tone.ink)
        self.notice.say(words, who, look, tone.ink, tone.panel, ready_s)
        self.without_face.say(
            words("visitor.undo" if chosen else "visitor.without_face"), "camera" if chosen else "no_camera"
        )
        self.details.say(words("visitor.details"))
        self.easier.say(words("visitor.easier"))
        for button in (self.without_face, self.details, self.language, self.easier):
            button.dress(tone, large=look.large)
        for part in (self.notice, self.without_face, self.details):
            part.setVisible(faces)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay it out anew."""
        self._arrange()

    def _arrange(self) -> None:
        """Welcome, notice, and the choices at the foot. Low: the notice above, and what is read first further down."""
        width, height = self.width(), self.height()
        edge = round(min(width, height) * 0.05)
        foot = max(round(theme.touch_px(self, self._look) * 1.2), round(height * 0.13))
        room = QRect(edge, edge, width - 2 * edge, height - 3 * edge - foot)
        notice = round(room.height() * 0.53) if self._faces else 0
        head = room.height() - notice - (edge if notice else 0)
        low = self._look.low
        self.notice.setGeometry(room.left(), room.top() if low else room.bottom() + 1 - notice, room.width(), notice)
        self._arrange_head(QRect(room.left(), room.bottom() + 1 - head if low else room.top(), room.width(), head))
        self._arrange_foot(QRect(edge, height - edge - foot, width - 2 * edge, foot))

    def _arrange_head(self, box: QRect) -> None:
        side = min(box.height(), round(box.width() * (0.2 if self._faces else 0.3)))
        self.icon.setGeometry(box.left(), box.top() + (box.height() - side) // 2, side, side)
        left = box.left() + side + round(box.width() * 0.035)
        upper = round(box.height() * 0.48)
        self.title.setGeometry(left, box.top(), box.right() - left, upper)
        self.body.setGeometry(left, box.top() + upper, box.right() - left, box.height() - upper)
        more = 1.2 if self._look.large or not self._faces else 1
        self.title.set_sizes(round(self.height() * 0.13 * more))
        self.body.set_sizes(round(self.height() * 0.075 * more))

    def _arrange_foot(self, box: QRect) -> None:
        gap = max(10, round(box.width() * 0.015))
        shares = {self.without_face: 2.2, self.details: 1.0, self.language: 1.1, self.easier: 1.1}
        shown = {button: share for button, share in shares.items() if self._faces or button not in self._of_faces()}
        unit = (box.width() - gap * (len(shown) - 1)) / sum(shares.values())
        x = float(box.right() + 1) - unit * sum(shown.values()) - gap * (len(shown) - 1)
        for button, share in shown.items():
            button.setGeometry(round(x), box.top(), round(unit * share), box.height())
            x += unit * share + gap

    def _of_faces(self) -> tuple[QWidget, ...]:
        return (self.without_face, self.details)


class WholeNotice(QWidget):
    """The notice in full, and the way back."""

    closed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = FittedLabel(parent=self, bold=True, align=Qt.AlignLeft | Qt.AlignVCenter)
        self.text = FittedLabel(parent=self, align=Qt.AlignLeft | Qt.AlignTop)
        self.back = VisitorButton("back", self, strong=True)
        self.back.clicked.connect(self.closed)
        self._look = Look()

    def say(self, words: Words, controller: str, look: Look, tone: theme.ToneLook, ready_s: float = 0.0) -> None:
        """The words in this language. `ready_s`: faces are looked at before the card, and kept so long."""
        self._look = look
        self.title.setText(words("visitor.notice_title"))
        when = words("visitor.notice_when_ready" if ready_s else "visitor.notice_when_on_card", seconds=f"{ready_s:g}")
        self.text.setText(words("visitor.notice_full", controller=controller, when=when))
        for label in (self.title, self.text):
            label.set_ink(tone.ink)
        self.back.say(words("visitor.back"))
        self.back.dress(tone, large=look.large)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay it out anew."""
        self._arrange()

    def _arrange(self) -> None:
        width, height = self.width(), self.height()
        edge = round(min(width, height) * 0.05)
        foot = max(theme.touch_px(self, self._look), round(height * 0.12))
        head = round(height * 0.11)
        self.title.setGeometry(edge, edge, width - 2 * edge, head)
        self.text.setGeometry(edge, edge + head, width - 2 * edge, height - 3 * edge - head - foot)
        self.back.setGeometry(edge, height - edge - foot, round(width * 0.3), foot)
        self.title.set_sizes(round(height * 0.07))
        self.text.set_sizes(round(height * 0.055 * (1.2 if self._look.large else 1)))
