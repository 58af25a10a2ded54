"""What a person settles with both sides before him: a ticket that was used before, and a list's hint.

Concert-goers were told "already admitted" with their own ID in hand, and had to prove who they were. So the first use
stands beside the person now, one touch lets her in and has the first passage looked into. No picture of that first
passage is kept, and the sheet says so, for stewards ask. A list's hint shows whose list it is, why, and what it
allows; never who is on it. The sheet goes with the attempt that it is about.
"""

from __future__ import annotations

from functools import partial

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QImage
from PyQt5.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from models.command import Command, Order, Snapshot
from models.decision import Reason
from models.staff import StewardAction
from models.view import Phase
from ui.dispute_says import Line, clock, in_hand, of_first_use, of_hits
from ui.fitting import FittedLabel
from ui.link import GateLink
from ui.mirror_feed import MirrorFeed
from ui.operator_faces import Faces
from ui.operator_plan import GAP
from ui.sheets import Sheet
from ui.view import Tone
from ui.words import Words

LEFT = int(Qt.AlignLeft | Qt.AlignVCenter)


class FacesBeside(Faces):
    """The live face, and the portrait at its right: side by side they are compared best."""

    def _arrange(self) -> None:
        each = (self.width() - GAP) // 2 if self._allowed else self.width()
        self.live.setGeometry(0, 0, each, self.height())
        self.portrait.setGeometry(each + GAP, 0, each, self.height())
        self.portrait.setVisible(self._allowed)


class DisputeSheet(Sheet):
    """The one in the lane and what stands against her, with one touch for either end."""

    def __init__(self, window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> None:
        super().__init__(window, link, snapshot, words)
        view = snapshot.view
        self.attempt, self.listed = view.attempt, view.reason is Reason.WATCHLISTED
        self._about, self._began = view.reason, began(snapshot)
        yes = StewardAction.CLEAR_WATCH if self.listed else StewardAction.HOLDER_HERE
        key = "clear" if self.listed else "here"
        self.yes = self.tile(
            words("dispute.clear") if self.listed else words("tap.holder_here"),
            partial(self._say, yes),
            words(f"dispute.{key}_note"),
            tone=Tone.GO,
        )
        refuse = partial(self._say, StewardAction.REFUSE)
        self.no = self.tile(words("tap.refuse"), refuse, words("dispute.refuse_note"), tone=Tone.STOP)
        self.take = self.tile(words("dispute.take"), self._take_in_hand, words("dispute.take_note"))
        self.clock = self.said("", 30, bold=True)
        self.owner = self.said("", 18, align=LEFT)
        self.faces = FacesBeside(self)
        self.turn_to(self._page(), words("dispute.title_watch" if self.listed else "dispute.title_used"))
        self._show_faces(window)
        self._show_clock()

    def _page(self) -> QWidget:
        """What stands against her on the left, she herself on the right, the two ends below."""
        view = self.snapshot.view
        lines = of_hits(view.hits, self.words) if self.listed else of_first_use(view.first_use, self.words)
        said = QVBoxLayout()
        said.setSpacing(4)
        for line in lines:
            said.addWidget(self._label(line), line.share)
        if self.listed:
            running = QHBoxLayout()
            running.addWidget(self.clock, 3)
            running.addWidget(self.owner, 7)
            said.addLayout(running, 3)
        upper, lower = QHBoxLayout(), QHBoxLayout()
        upper.setSpacing(16)
        upper.addLayout(said, 6 if self.listed else 5)
        upper.addWidget(self.faces, 4 if self.listed else 5)
        lower.addWidget(self.yes)
        if self.listed:
            lower.addWidget(self.take)
        self.take.setVisible(self.listed)
        lower.addWidget(self.no)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(upper, 11)
        column.addLayout(lower, 4)
        return page

    def _label(self, line: Line) -> FittedLabel:
        return self.said(line.text, line.largest, bold=line.bold, align=LEFT)

    def _show_faces(self, window: QWidget) -> None:
        """The same faces as in the window below: what it has, and what comes."""
        view, words = self.snapshot.view, self.words
        ink = QColor(self._paper.ink)
        faint = QColor(ink)
        faint.setAlphaF(0.12)
        self.faces.colour(ink, faint)
        self.faces.live.say(words("dispute.person_now"), words("dispute.no_person"))
        self.faces.portrait.say(words("dispute.portrait"), words("dispute.no_portrait"))
        self.faces.allow_portrait(view.attempt, view.portrait)
        below = getattr(window, "faces", None)
        if isinstance(below, Faces):
            self.faces.live.show_image(below.live.image)
            if view.portrait and below.portrait.image is not None:
                self.faces.take_portrait(view.attempt, below.portrait.image)
        self._mirror = getattr(window, "mirror", None)
        if isinstance(self._mirror, MirrorFeed):
            self._mirror.frame.connect(self.faces.take_frame)
            self._mirror.portrait.connect(self._take_portrait)
            self._mirror.gone.connect(self.faces.stop)

    def _take_portrait(self, image: QImage) -> None:
        if isinstance(self._mirror, MirrorFeed):
            self.faces.take_portrait(self._mirror.attempt, image)

    def follow(self, before: Snapshot, now: Snapshot) -> None:
        """Somebody else settled it, or its time is over: there is nothing left to settle here."""
        view = now.view
        if (view.attempt, view.phase, view.reason) != (self.attempt, Phase.REFERRED, self._about):
            self.close_sheet()
            return
        self.faces.allow_portrait(view.attempt, view.portrait)
        self._show_clock()

    def _show_clock(self) -> None:
        """How long the person has waited, and who looks: she may be a patient, and nobody is held for a hint."""
        if not self.listed:
            return
        now, review = self.snapshot, self.snapshot.view.review
        began, most_s = (review.since, review.most_s) if review else (self._began, now.refer_s)
        self.clock.setText(clock(now.at - began, most_s, self.words))
        self.owner.setText(in_hand(now, self.words))
        self.take.setEnabled(review is None or review.taken_by != self.actor)

    def _take_in_hand(self) -> None:
        """It is this steward's from now on; the sheet stays, for he has not decided."""
        action = StewardAction.TAKE_WATCH
        command = Command(id=0, order=Order.STEWARD, actor=self.actor, attempt=self.attempt, action=action)
        self.send(command, lambda answer: None)

    def _say(self, action: StewardAction) -> None:
        self.send(Command(id=0, order=Order.STEWARD, actor=self.actor, attempt=self.attempt, action=action))


def began(snapshot: Snapshot) -> float:
    """When this attempt came before a person: as the list of the last visitors tells, else now."""
    return next((one.at for one in snapshot.recent if one.attempt == snapshot.view.attempt), snapshot.at)


def open_dispute(window: QWidget, link: GateLink, snapshot: Snapshot, words: Words) -> Sheet:
    """Settle a ticket that was used before, or a list's hint."""
    sheet = DisputeSheet(window, link, snapshot, words)
    sheet.open()
    return sheet
