"""The row of what can be done: the one obvious action large, the others smaller, and what became of a tap."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QElapsedTimer, QPoint, QRectF, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PyQt5.QtWidgets import QAbstractButton, QWidget

from ui import icons, theme
from ui.operator_ink import CENTRE, LEFT, Inked, has_room, panel, write
from ui.operator_plan import GAP, Box
from ui.operator_taps import OF_A_PERSON
from ui.view import Tap

OBVIOUS = 2.2
"""How much wider the obvious action is than another."""

BUBBLE_S = 5.0
"""How long a tap's failure stays where the finger was."""

ICONS = {
    Tap.RETRY_FACE: "again",
    Tap.ADMIT: "tick",
    Tap.REFUSE: "hand",
    Tap.CONFIRM: "tick",
    Tap.CLEAR_WATCH: "eye",
    Tap.SKIP_FACE: "document",
    Tap.HOLDER_HERE: "person",
    Tap.OVERRIDE: "key",
    Tap.TYPE: "keyboard",
    Tap.SUPERVISOR: "people",
    Tap.MODE: "way",
    Tap.COMPANION: "people",
    Tap.RED: "medical",
    Tap.RED_WHY: "medical",
    Tap.SIGHTING: "message",
}


class TapButton(QAbstractButton):
    """One tap. The obvious one is painted in the tone's ink, the others only edged with it."""

    def __init__(self, tap: Tap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tap = tap
        self.obvious = False
        self.setFocusPolicy(Qt.NoFocus)
        self._tone: theme.ToneLook | None = None

    def dress(self, text: str, obvious: bool, tone: theme.ToneLook) -> None:
        """What it says, and how loudly."""
        self.obvious, self._tone = obvious, tone
        self.setText(text)
        self.setAccessibleName(text)
        self.update()

    def misfits(self) -> list[str]:
        """The words, where they are cut short."""
        fits = has_room(self.text(), self._words_box(), self._px(), bold=self.obvious)
        return [] if fits else [self.text()]

    def _px(self) -> int:
        return round(self.height() * (0.42 if self.obvious else 0.26))

    def _icon_box(self) -> QRectF:
        side = self.height() * (0.5 if self.obvious else 0.32)
        return QRectF(self.height() * (0.2 if self.obvious else 0.12), (self.height() - side) / 2, side, side)

    def _words_box(self) -> QRectF:
        left = self._icon_box().right() + 6
        return QRectF(left, 2, max(1.0, self.width() - left - 6), self.height() - 4)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """No key touches a button: a scanner that types like a keyboard ends with Enter, which is nobody's word."""
        if event is not None:
            event.ignore()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Ground, icon, words; darker while the finger is on it."""
        if self._tone is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        ink, ground = QColor(self._tone.ink), QColor(self._tone.panel)
        if self.obvious:
            ink, ground = ground, ink
        if self.isDown():
            ink, ground = ground, ink
        panel(painter, QRectF(self.rect()), ground, QColor(self._tone.ink), thick=2)
        icons.paint(painter, ICONS[self.tap], self._icon_box(), ink)
        painter.setPen(ink)
        write(painter, self.text(), self._words_box(), self._px(), bold=self.obvious, align=LEFT)
        painter.end()


GLANCE_S = 0.25
"""Who touches so soon after the row changed has seen the one before."""

MEANT_ANOTHER = -1
"""The attempt of a touch that was meant for what stood there before."""


class TapRow(Inked):
    """The buttons of the moment. `tapped` brings the tap, the attempt it was meant for, and where the finger was."""

    tapped = pyqtSignal(object, int, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: dict[Tap, TapButton] = {}
        self._order: tuple[Tap, ...] = ()
        self._attempt = 0
        self._obvious = True
        self._meant = 0
        self.glance_s = GLANCE_S
        self._since = QElapsedTimer()

    def offer(
        self,
        taps: tuple[Tap, ...],
        attempt: int,
        tone: theme.ToneLook,
        label: Callable[[Tap], str],
        *,
        obvious: bool = True,
    ) -> None:
        """These, for this attempt; the first is the `obvious` one, where there is such a thing.

        Whoever touches just after they changed meant what stood there before.
        """
        if (taps, attempt) != (self._order, self._attempt) and set(self._order) & OF_A_PERSON:
            self._since.start()
        self._attempt = attempt
        for tap in taps:
            if tap not in self._buttons:
                self._buttons[tap] = self._make(tap)
            self._buttons[tap].dress(label(tap), obvious and tap is taps[0], tone)
        if (taps, obvious) != (self._order, self._obvious):
            self._order, self._obvious = taps, obvious
            self._arrange()
        for tap, button in self._buttons.items():
            button.setVisible(tap in taps)

    def buttons(self) -> list[TapButton]:
        """Those that can be touched now, the obvious one first."""
        return [self._buttons[tap] for tap in self._order]

    def _make(self, tap: Tap) -> TapButton:
        button = TapButton(tap, self)
        button.pressed.connect(self._remember)
        button.clicked.connect(lambda: self._tell(button))
        return button

    def _remember(self) -> None:
        too_soon = self._since.isValid() and self._since.elapsed() < self.glance_s * 1000
        self._meant = MEANT_ANOTHER if too_soon else self._attempt

    def _tell(self, button: TapButton) -> None:
        middle = button.mapTo(self.window(), button.rect().center())
        self.tapped.emit(button.tap, self._meant, middle)

    def _arrange(self) -> None:
        if not self._order:
            return
        weights = (OBVIOUS if self._obvious else 1.0, *(1.0 for _ in self._order[1:]))
        for tap, box in zip(self._order, Box(0, 0, self.width(), self.height()).split_columns(*weights), strict=True):
            self._buttons[tap].setGeometry(*box)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Share the width anew."""
        self._arrange()


class Bubble(Inked):
    """A few words where the finger was, for some seconds or until touched."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._text = ""
        self._away = QTimer(self)
        self._away.setSingleShot(True)
        self._away.timeout.connect(self.hide)
        self.hide()

    def text(self) -> str:
        """What it says, or said last."""
        return self._text

    def say(self, text: str, where: QPoint, seconds: float = BUBBLE_S) -> None:
        """Show the words above the place `where` of the parent, as a whole inside it."""
        around = self.parentWidget()
        assert around is not None
        self._text = text
        self.setAccessibleName(text)
        width, height = min(440, around.width() - 2 * GAP), max(84, around.height() // 6)
        left = min(max(GAP, where.x() - width // 2), around.width() - width - GAP)
        top = where.y() - height - 46
        self.setGeometry(left, top if top >= GAP else where.y() + 46, width, height)
        self.show()
        self.raise_()
        self.update()
        self._away.start(round(seconds * 1000))

    def misfits(self) -> list[str]:
        """The words, where they are cut short."""
        return [] if has_room(self._text, self._words_box(), 24, bold=True) else [self._text]

    def _words_box(self) -> QRectF:
        return QRectF(self.rect()).adjusted(14, 8, -14, -8)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Read: be gone."""
        self.hide()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Black on white with a thick edge, on whatever tone."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        panel(painter, QRectF(self.rect()), QColor("#ffffff"), QColor("#000000"), thick=4)
        painter.setPen(QColor("#000000"))
        write(painter, self._text, self._words_box(), 24, bold=True, align=CENTRE)
        painter.end()
