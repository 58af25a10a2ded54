"""The common modal sheet: what lies over the steward's window while something is typed, chosen or settled.

It is a widget over the window and no window of its own, so that nothing is ever lost behind another. It follows the
lane: a fire, a break-in or a silent gate puts it away, and so does a minute and a half without a touch, for a forgotten
sheet would hide who comes next. It sends one command at a time and says in words what became of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PyQt5.QtCore import QEvent, QObject, QRectF, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PyQt5.QtWidgets import QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from models.command import Answer, Command, Snapshot
from models.passage import SignalKind
from ui import theme
from ui.answers import in_words
from ui.fitting import FittedLabel
from ui.link import GateLink
from ui.operator_taps import actor
from ui.theme import Look
from ui.tiles import TEXT_PX, Tile
from ui.view import Tone
from ui.words import Words

FORGOTTEN_S = 90.0
"""So long untouched, and a sheet goes away by itself."""

URGENT = frozenset({SignalKind.FIRE.value, SignalKind.TAMPER.value})
"""Alerts before which any sheet steps aside."""

MARGIN_PX = 10

SMALL_PX = 480
"""The height of the smallest screen; letters grow with higher ones."""

ROOM_FOR_LARGE_PX = 560
"""Below this height a pad with larger keys would not fit; they stay as large as a finger needs."""


class Sheet(QWidget):
    """A modal sheet over `window`, in `words`. Its pages lie in a stack; `back` leads from one to the one before.

    A sheet fills itself with `turn_to(page, title)`, overrides `follow` to hear of new snapshots, and sends with
    `send`. `window.look`, where there is one, is how the steward wants it to look.
    """

    closed = pyqtSignal()

    def __init__(self, window: QWidget, link: GateLink, snapshot: Snapshot, words: Words, by: str = "") -> None:
        super().__init__(window)
        self.link, self.snapshot, self.words = link, snapshot, words
        look: Look = getattr(window, "look", None) or Look()
        self.look = replace(look, large=look.large and window.height() >= ROOM_FOR_LARGE_PX)
        self.actor = by or actor(snapshot)
        self._paper = theme.tone(Tone.CALM, contrast=self.look.high_contrast)
        self._scale = min(1.6, max(1.0, window.height() / SMALL_PX))
        self._titles: list[str] = []
        self._waiting: dict[int, Callable[[Answer], None]] = {}
        self._open = True
        self._build()
        self._forgotten = QTimer(self)
        self._forgotten.setSingleShot(True)
        self._forgotten.setInterval(round(FORGOTTEN_S * 1000))
        self._forgotten.timeout.connect(self.close_sheet)
        link.snapshot.connect(self._take)
        link.answered.connect(self._hear)
        link.silent.connect(self.close_sheet)
        window.installEventFilter(self)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setGeometry(window.rect())

    def _build(self) -> None:
        side = theme.touch_px(self, self.look)
        self.title = self.said("", 26, bold=True, align=int(Qt.AlignLeft | Qt.AlignVCenter))
        self.status = self.said("", 19)
        self.status.setFixedHeight(round(34 * self._scale))
        self.status.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
        self._back = Tile(self.words("sheet.back"), look=self.look, largest=20)
        self._away = Tile(self.words("sheet.close"), look=self.look, largest=20)
        for tile, slot in ((self._back, self.back), (self._away, self.close_sheet)):
            tile.setFixedSize(round(side * 1.5), side)
            tile.clicked.connect(slot)
        head = QHBoxLayout()
        head.addWidget(self._back)
        head.addWidget(self.title, 1)
        head.addWidget(self._away)
        self.pages = QStackedWidget()
        self.pages.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Ignored)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[MARGIN_PX + 10] * 4)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.pages, 1)
        column.addWidget(self.status)

    def said(self, text: str, largest: int = 22, *, bold: bool = False, align: int = Qt.AlignCenter) -> FittedLabel:
        """Words in the sheet's own ink."""
        largest = round(largest * (1.25 if self.look.large else 1) * self._scale)
        made = FittedLabel(text, largest=largest, bold=bold, align=align)
        made.set_ink(self._paper.ink)
        return made

    def tile(
        self,
        text: str,
        slot: Callable[[], object] | None = None,
        note: str = "",
        *,
        tone: Tone = Tone.CALM,
        largest: int = TEXT_PX,
    ) -> Tile:
        """A tile that calls `slot` when touched."""
        made = Tile(text, note, tone=tone, look=self.look, largest=largest)
        if slot is not None:
            made.clicked.connect(lambda: slot())
        return made

    # --- pages

    def turn_to(self, page: QWidget, title: str) -> None:
        """Show `page` under `title`. The one before stays below it."""
        self._titles.append(title)
        self.pages.setCurrentIndex(self.pages.addWidget(page))
        self._say_title()
        self.tell("")

    def back(self) -> None:
        """Throw the page away, and show the one before."""
        if len(self._titles) < 2:
            return
        page = self.pages.currentWidget()
        self._titles.pop()
        if page is not None:
            self.pages.removeWidget(page)
            page.deleteLater()
        self._say_title()
        self.tell("")

    def _say_title(self) -> None:
        self.title.setText(self._titles[-1])
        self._back.setVisible(len(self._titles) > 1)

    def tell(self, text: str, tone: Tone = Tone.CALM) -> None:
        """Say `text` at the sheet's foot: what went wrong, or what is to be done."""
        self.status.setText(text)
        self.status.set_ink(self._paper.ink if tone is Tone.CALM else self._urgent_ink())

    def _urgent_ink(self) -> str:
        return self._paper.ink if self.look.high_contrast else theme.tone(Tone.STOP).background

    # --- the gate

    @property
    def busy(self) -> bool:
        """Whether a command waits for its answer."""
        return bool(self._waiting)

    def send(self, command: Command, done: Callable[[Answer], None] | None = None) -> bool:
        """Send `command`, unless one is under way. `done` hears the answer; without it, success closes the sheet."""
        if self.busy or not self._open:
            return False
        self.tell(self.words("sheet.sending"))
        self._waiting[self.link.send(command)] = done or self._close_when_done
        return True

    def _hear(self, answer: object) -> None:
        if isinstance(answer, Answer) and (done := self._waiting.pop(answer.id, None)) is not None:
            self.tell("" if answer.ok else in_words(answer, self.words), Tone.STOP)
            done(answer)

    def _close_when_done(self, answer: Answer) -> None:
        if answer.ok:
            self.close_sheet()

    def _take(self, snapshot: object) -> None:
        if not isinstance(snapshot, Snapshot) or not self._open:
            return
        urgent = URGENT & set(snapshot.view.alerts) - set(self.snapshot.view.alerts)
        before, self.snapshot = self.snapshot, snapshot
        if urgent:
            self.close_sheet()
        else:
            self.follow(before, snapshot)

    def follow(self, before: Snapshot, now: Snapshot) -> None:
        """Hear what the lane looks like now."""

    # --- the window below

    def open(self) -> None:
        """Come up over the window, and take what is typed."""
        self.show()
        self.raise_()
        self.setFocus()
        self._forgotten.start()

    def close_sheet(self) -> None:
        """Go away for good."""
        if not self._open:
            return
        self._open = False
        self.forget()
        self._forgotten.stop()
        self.link.snapshot.disconnect(self._take)
        self.link.answered.disconnect(self._hear)
        self.link.silent.disconnect(self.close_sheet)
        self.hide()
        self.closed.emit()
        self.deleteLater()

    def forget(self) -> None:
        """Wipe what was typed. Called when the sheet goes."""

    def touched(self) -> None:
        """Somebody is at it: not forgotten yet."""
        self._forgotten.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cover the window at whatever size it has."""
        if event.type() == QEvent.Resize and watched is self.parent():
            self.setGeometry(self.parentWidget().rect())
        return False

    def event(self, event: QEvent) -> bool:
        """Nothing that is touched goes through to the window below, and every touch counts."""
        taken = super().event(event)
        if event.type() in (QEvent.MouseButtonPress, QEvent.MouseButtonRelease, QEvent.KeyPress):
            self.touched()
            event.accept()
            return True
        return taken

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab stays here: what is typed must not wander to the window below."""
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A touch beside everything does nothing."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dim what lies below, and lay the paper on it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.fillRect(self.rect(), theme.colour("#000000", 0.55))
        painter.setPen(Qt.NoPen)
        painter.setBrush(QColor(self._paper.background))
        inner = QRectF(self.rect()).adjusted(MARGIN_PX, MARGIN_PX, -MARGIN_PX, -MARGIN_PX)
        painter.drawRoundedRect(inner, 16, 16)
        painter.end()
