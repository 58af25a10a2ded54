"""The steward's window: one glance, one tap.

The verdict is the whole background. On the left stands why and what to do, in the middle the live face, on the right
the last ten, at the top the lane and its devices, at the bottom what can be done, the obvious thing first and large. It
paints the last snapshot and sends words; it knows no rule, and keeps nothing but what stands on the screen.
"""

from __future__ import annotations

from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PyQt5.QtWidgets import QWidget

from models.command import Answer, Snapshot
from models.red_path import Urgency
from models.view import Who
from ui import operator_says as says
from ui import theme
from ui.answers import in_words
from ui.link import GateLink
from ui.mirror_feed import MirrorFeed
from ui.operator_banner import Banner
from ui.operator_buttons import Bubble, TapRow
from ui.operator_cell import CellView
from ui.operator_faces import Faces
from ui.operator_list import SideList
from ui.operator_notes import NotesView, rows
from ui.operator_plan import GAP, Box, Plan, plan
from ui.operator_reason import ReasonView, WhoView
from ui.operator_sheets import open_sheet
from ui.operator_taps import OF_A_PERSON, Sheet, answer_to
from ui.theme import Look
from ui.view import Screen, Tap, Tone, steward_screen
from ui.words import load

UNTROUBLED = (Tone.CALM, Tone.LOOK, Tone.WAIT)
"""Nothing need be done: no button is louder than another."""


ROOMY_PX = 560
"""From this height on notes need not stand closer when there is an alert."""


ABOVE_SHEET_PX = 28
"""How high the banner is over a sheet: it stands in the sheet's margin, and covers none of its words."""


class OperatorWindow(QWidget):
    """Follows `link` and shows what it tells; `mirror` brings the faces, where the lane has a camera to show."""

    def __init__(
        self, link: GateLink, mirror: MirrorFeed | None = None, language: str = "zh", *, look: Look | None = None
    ) -> None:
        super().__init__()
        self.link, self.mirror, self.words, self.look = link, mirror, load(language), look or Look()
        self.snapshot: Snapshot | None = None
        self.screen_said: Screen = steward_screen(None, self.words)
        self.sheet: QWidget | None = None
        self.urgency = Urgency.STRETCHER
        self._plan: Plan | None = None
        self._sent: dict[int, QPoint] = {}
        self._build()
        self._listen(mirror)
        self.show_snapshot(link.last)

    def _build(self) -> None:
        self.reason, self.who, self.notes = ReasonView(self), WhoView(self), NotesView(self)
        self.faces, self.list, self.taps = Faces(self), SideList(self), TapRow(self)
        self.banner, self.bubble = Banner(self, still=self.look.still), Bubble(self)
        self.bar = [CellView(self, touchable=number >= 3) for number in range(5)]
        self.bar[3].tapped.connect(self._turn_list)
        self.bar[4].tapped.connect(self._open_shift)
        self.taps.tapped.connect(self._answer_tap)
        self.faces.live.say(self.words("operator.live"), self.words("operator.no_live"))
        self.faces.portrait.say(self.words("operator.portrait"), self.words("operator.no_portrait"))
        self.setMinimumSize(800, 480)
        self.setAttribute(Qt.WA_OpaquePaintEvent)

    def _listen(self, mirror: MirrorFeed | None) -> None:
        self.link.snapshot.connect(self.show_snapshot)
        self.link.silent.connect(lambda: self.show_snapshot(None))
        self.link.answered.connect(self._hear)
        if mirror is not None:
            mirror.frame.connect(self.faces.take_frame)
            mirror.portrait.connect(lambda image: self.faces.take_portrait(mirror.attempt, image))
            mirror.gone.connect(self.faces.stop)

    # --- what is shown

    def show_snapshot(self, snapshot: Snapshot | None) -> None:
        """Paint what the gate told; `None`: it tells nothing any more."""
        self.snapshot = snapshot
        screen = self.screen_said = steward_screen(snapshot, self.words)
        tone = theme.tone(screen.tone, contrast=self.look.high_contrast)
        for part in (self.who, self.notes, self.list, self.taps, self.banner, *self.bar):
            part.set_tone(tone)
        self.faces.colour(QColor(tone.ink), QColor(tone.panel))
        self.reason.say(screen, says.more(snapshot.view, self.words) if snapshot else "", tone)
        if snapshot is not None:
            self._say_lane(snapshot)
        attempt = snapshot.view.attempt if snapshot else 0
        self.taps.offer(screen.taps, attempt, tone, self._label, obvious=screen.tone not in UNTROUBLED)
        self._arrange()
        self.update()

    def _say_lane(self, snapshot: Snapshot) -> None:
        view = snapshot.view
        self.who.say(view.who)
        self.faces.allow_portrait(view.attempt, view.portrait)
        self.list.say(snapshot, self.words)
        self.banner.say(says.alerts(view, self.words))
        cells = (says.place, says.reach, says.data, says.health, says.shift)
        for cell, say in zip(self.bar, cells, strict=True):
            cell.say(say(snapshot, self.words))

    def _label(self, tap: Tap) -> str:
        reason = self.snapshot.view.reason if self.snapshot else None
        label = says.label(tap, reason, self.words)
        return f"{label}: {self.words(f'urgency.{self.urgency}')}" if tap is Tap.RED else label

    def _arrange(self) -> None:
        """Everything in its place; a silent gate leaves the words alone on the screen."""
        alive = self.snapshot is not None
        for part in (self.faces, self.list, self.taps, *self.bar):
            part.setVisible(alive)
        if self.snapshot is None:
            for part in (self.who, self.notes, self.banner):
                part.hide()
            middle = Box(self.width() // 10, self.height() // 6, self.width() * 8 // 10, self.height() * 2 // 3)
            self.reason.place(*middle.split_rows(0.5, 0.5))
            return
        view = self.snapshot.view
        touch = min(theme.touch_px(self, self.look), self.height() // 5)
        most = 2 if view.alerts and self.height() < ROOMY_PX else 4
        self.notes.say(view.notes, self.words, most)
        places = plan(
            self.width(),
            self.height(),
            touch,
            banner=bool(view.alerts),
            notes=len(rows(view.notes, most)),
            who=view.who != Who(language=view.who.language),
            low=self.look.low,
        )
        self._put(places)

    def _put(self, places: Plan) -> None:
        self.reason.place(places.title, places.text)
        pairs = ((self.who, places.who), (self.notes, places.notes), (self.banner, places.banner))
        for part, box in (*pairs, (self.faces, places.faces), (self.list, places.list), (self.taps, places.taps)):
            part.setGeometry(*box)
            part.setVisible(box.height > 0)
        for cell, box in zip(self.bar, places.bar.split_columns(1.0, 1.1, 1.15, 1.15, 0.85, gap=GAP), strict=True):
            cell.setGeometry(*box)

        if self.sheet is not None and places.banner.height:
            self.banner.setGeometry(0, 0, self.width(), ABOVE_SHEET_PX)
            self.banner.raise_()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Places for another size."""
        self._arrange()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The verdict is the ground of everything."""
        painter = QPainter(self)
        tone = theme.tone(self.screen_said.tone, contrast=self.look.high_contrast)
        painter.fillRect(self.rect(), QColor(tone.background))
        painter.end()

    # --- what is touched

    def _answer_tap(self, tap: Tap, attempt: int, where: QPoint) -> None:
        """Send the word, open the sheet, or say where the finger was why neither."""
        snapshot = self.snapshot
        if snapshot is None or self.sheet is not None:
            return
        if tap in OF_A_PERSON and attempt != snapshot.view.attempt:
            self.bubble.say(self.words("operator.over"), where)
            return
        asked = answer_to(tap, snapshot, attempt, self.urgency)
        if isinstance(asked, Sheet):
            if asked is Sheet.SHIFT:
                self.bubble.say(self.words("operator.shift_first"), where)
            self._open(asked, snapshot)
        elif not self._sent:
            self._sent[self.link.send(asked)] = where

    def _hear(self, answer: object) -> None:
        if isinstance(answer, Answer) and (where := self._sent.pop(answer.id, None)) is not None and not answer.ok:
            self.bubble.say(in_words(answer, self.words), where)

    def _open(self, which: Sheet, snapshot: Snapshot) -> None:
        self.sheet = sheet = open_sheet(which, self, self.link, snapshot, self.words)
        closed = getattr(sheet, "closed", sheet.destroyed)
        closed.connect(self._forget_sheet)
        self._arrange()
        self.bubble.raise_()

    def _forget_sheet(self) -> None:
        self.sheet = None
        self._arrange()

    def _open_shift(self) -> None:
        if self.snapshot is not None and self.snapshot.pins and self.sheet is None:
            self._open(Sheet.SHIFT, self.snapshot)

    def _turn_list(self) -> None:
        self.list.turn()
        if self.snapshot is not None:
            self.list.say(self.snapshot, self.words)
