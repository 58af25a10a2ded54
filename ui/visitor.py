"""The visitor's window: present a card, look here, welcome; or what to do next, said kindly and to her alone.

It paints the last snapshot and holds no state but a visitor's wishes, for as long as she stands there
(`ui.visitor_wishes`). The one thing that it ever asks of the gate is the way without a face, as the actor `visitor`;
the gate takes that while an attempt runs, so a wish made before the card is sent with the next attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from PyQt5.QtCore import QObject, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QColor, QImage, QPainter, QPaintEvent
from PyQt5.QtWidgets import QStackedLayout, QWidget

from models.command import Answer, Command, Order, Snapshot
from models.decision import StewardAction
from models.staff import VISITOR
from models.view import Phase
from ui import theme, words
from ui.link import GateLink
from ui.mirror_feed import MirrorFeed
from ui.theme import Look
from ui.view import Screen, Tone, asks_for_faces, visitor_screen
from ui.visitor_idle import IdlePage, WholeNotice
from ui.visitor_mirror import LookPage
from ui.visitor_wishes import WISH_S, Wishes
from ui.visitor_word import WordPage
from ui.words import Words

READING_S = 60.0
"""So long the whole notice stays open by itself."""


class VisitorWindow(QWidget):
    """What the visitor sees. `words_language` is spoken until the gate names the lane's own; `clock` is monotonic."""

    spoken = pyqtSignal(str)
    """The language changed: voices follow it."""

    def __init__(
        self,
        link: GateLink,
        mirror: MirrorFeed | None = None,
        words_language: str = "zh",
        *,
        look: Look | None = None,
        clock: Callable[[], float] = monotonic,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._link, self._usual, self._look, self._clock = link, words_language, look or Look(), clock
        self._snapshot: Snapshot | None = link.last
        self._wishes = Wishes()
        self._order = 0  # the id of the command that asked for the way without a face
        self._refused = False
        self._words: Words = words.load(words_language)
        self.screen_now: Screen = visitor_screen(None, self._words)
        self.idle, self.looking, self.word, self.whole = (
            IdlePage(self),
            LookPage(self),
            WordPage(self),
            WholeNotice(self),
        )
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        for page in (self.idle, self.looking, self.word, self.whole):
            self._stack.addWidget(page)
        self._later = _once(self, self._follow)
        self._reading = _once(self, self._close_notice)
        self._join(mirror)
        self._repaint()

    @property
    def language(self) -> str:
        """What is spoken now."""
        return self._words.language

    def _join(self, mirror: MirrorFeed | None) -> None:
        self._link.snapshot.connect(self._hear)
        self._link.silent.connect(self._fall_silent)
        self._link.answered.connect(self._hear_answer)
        if mirror is not None:
            mirror.frame.connect(self._take_frame)
            mirror.gone.connect(self.looking.mirror.forget)
        self.idle.without_face.clicked.connect(self._toggle_without_face)
        self.looking.without_face.clicked.connect(self._toggle_without_face)
        self.idle.language.clicked.connect(self._speak_next)
        self.idle.easier.clicked.connect(self._toggle_easier)
        self.idle.details.clicked.connect(self._open_notice)
        self.whole.closed.connect(self._close_notice)

    # --- what the gate says -----------------------------------------------------------------------------------

    def _hear(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        if snapshot.view.phase is not Phase.CAPTURE:
            self.looking.mirror.forget()
        if snapshot.view.phase is not Phase.IDLE:
            self._reading.stop()
        self._follow()

    def _fall_silent(self) -> None:
        self._snapshot = None
        self.looking.mirror.forget()
        self._reading.stop()
        self._repaint()

    def _hear_answer(self, answer: Answer) -> None:
        if answer.id == self._order and not answer.ok:
            self._refused = True
            self._repaint()

    def _take_frame(self, frame: QImage) -> None:
        """A picture is looked at while the camera looks, and dropped at any other time."""
        if self._snapshot is not None and self._snapshot.view.phase is Phase.CAPTURE:
            self.looking.mirror.take_frame(frame)

    # --- what the visitor touches -----------------------------------------------------------------------------

    def _toggle_without_face(self) -> None:
        self._wishes.ask_without_face(not self._wishes.without_face or self._is_looking(), self._clock())
        self._touched()

    def _speak_next(self) -> None:
        self._wishes.speak(self._next_language(), self._clock())
        self._touched()

    def _toggle_easier(self) -> None:
        self._wishes.make_easier(not self._wishes.easier, self._clock())
        self._touched()

    def _open_notice(self) -> None:
        self._reading.start(round(READING_S * 1000))
        self._repaint()

    def _close_notice(self) -> None:
        self._reading.stop()
        self._repaint()

    def _touched(self) -> None:
        self._later.start(round(WISH_S * 1000) + 50)  # the wish ends though the gate say nothing new
        self._follow()

    def _follow(self) -> None:
        """Hold the wishes against the lane, say to the gate what is to be said, and paint."""
        if self._snapshot is not None and self._wishes.hear(self._snapshot.view, self._clock()):
            self._send_without_face(self._snapshot.view.attempt)
        self._repaint()

    def _send_without_face(self, attempt: int) -> None:
        self._refused = False
        action = StewardAction.SKIP_FACE
        self._order = self._link.send(Command(0, Order.STEWARD, VISITOR, attempt, action, why="asked at the lane"))

    # --- what is painted --------------------------------------------------------------------------------------

    def _is_looking(self) -> bool:
        return self._snapshot is not None and self._snapshot.view.phase is Phase.CAPTURE

    def _next_language(self) -> str:
        known = words.languages()
        at = known.index(self.language) if self.language in known else -1
        return known[(at + 1) % len(known)]

    def _easy_look(self) -> Look:
        return replace(self._look, high_contrast=True, large=True) if self._wishes.easier else self._look

    def _repaint(self) -> None:
        """Choose words, page and colours for how things stand."""
        before = self.language
        self._words = words.load(self._wishes.language(self._snapshot, self._usual))
        self.screen_now = visitor_screen(self._snapshot, self._words)
        self._show_page(self.screen_now, self._easy_look())
        self.update()
        if self.language != before:
            self.spoken.emit(self.language)

    def _show_page(self, screen: Screen, look: Look) -> None:
        if screen.tone is Tone.CALM:
            self._show_idle(screen, look)
        elif screen.key == "phase.capture":
            self._show_looking(screen, look)
        else:
            self.word.show_screen(screen, look)
            self._stack.setCurrentWidget(self.word)

    def _show_idle(self, screen: Screen, look: Look) -> None:
        who = (self._snapshot.controller if self._snapshot else "") or self._words("visitor.controller")
        self.idle.language.say(words.load(self._next_language())("language.name"))
        ready_s = self._snapshot.face_ready_s if self._snapshot else 0.0
        if self._reading.isActive():
            tone = theme.tone(screen.tone, contrast=look.high_contrast)
            self.whole.say(self._words, who, look, tone, ready_s)
            self._stack.setCurrentWidget(self.whole)
            return
        chosen, faces = self._wishes.without_face, asks_for_faces(self._snapshot)
        self.idle.show_screen(screen, self._words, look, faces=faces, chosen=chosen and faces, who=who, ready_s=ready_s)
        self._stack.setCurrentWidget(self.idle)

    def _show_looking(self, screen: Screen, look: Look) -> None:
        assert self._snapshot is not None
        view = self._snapshot.view
        told = ""
        if self._wishes.sent_for == view.attempt:
            told = self._words("visitor.tell_a_colleague" if self._refused else "visitor.without_face_sent")
        offer = self._words("visitor.without_face")
        self.looking.show_screen(screen, look, hinted=bool(view.hint), offer=offer, told=told)
        self._stack.setCurrentWidget(self.looking)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The tone, over the whole window."""
        painter = QPainter(self)
        tone = theme.tone(self.screen_now.tone, contrast=self._easy_look().high_contrast)
        painter.fillRect(self.rect(), QColor(tone.background))
        painter.end()


def _once(parent: QObject, call: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setTimerType(Qt.CoarseTimer)
    timer.timeout.connect(call)
    return timer
