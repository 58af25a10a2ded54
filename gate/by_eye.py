"""What staff see while they compare by eye: the lane's live picture, and the portrait in the document.

Both belong to one person, and only while she is referred for a comparison. Nobody is shown who has declined the camera;
the portrait she has handed over herself with the document, where the policy lets staff see it.
"""

from __future__ import annotations

from gate.core.case import BY_EYE, needs_face
from gate.core.state import Lane, may_go_on
from gate.hardware import Eyes
from models.decision import Policy, Reason, StewardAction
from models.view import Phase

MARGIN_S = 5.0
"""The camera ends by itself so much later than the lane's own time for a referral."""


class ByEye:
    """Follows the lane, and lets the screens see what they may."""

    def __init__(self, eyes: Eyes | None) -> None:
        self._eyes = eyes
        self._attempt = 0
        self._portrait = b""
        self._shown: tuple[int, bool, bool, int] | None = None

    @property
    def portrait(self) -> bool:
        """Whether staff are shown the document's portrait now."""
        return self._shown is not None and self._shown[2]

    def keep(self, attempt: int, portrait: bytes, policy: Policy) -> None:
        """This is the portrait in the document; kept where staff may come to see it."""
        if policy.show_portrait and self._eyes is not None and self._eyes.shows(portrait):
            self._attempt, self._portrait = attempt, portrait

    def follow(self, lane: Lane, policy: Policy) -> None:
        """The lane has made a step."""
        if lane.attempt != self._attempt or not may_go_on(lane):
            self._portrait = b""
        live, portrait = shows_live(lane, policy), bool(self._portrait) and compares(lane)
        wanted = (lane.attempt, live, portrait, len(lane.facts.steward)) if live or portrait else None
        if self._eyes is None or wanted == self._shown:
            return
        if wanted is not None:
            given = self._portrait if portrait else b""
            self._eyes.show(lane.attempt, policy.refer_s + MARGIN_S, live=live, portrait=given)
        elif self._shown is not None:
            self._eyes.hide(self._shown[0])
        self._shown = wanted


def compares(lane: Lane) -> bool:
    """Whether a person is asked to compare by eye now."""
    word = lane.decision
    return lane.phase is Phase.REFERRED and word is not None and not word.awaiting and word.reason in BY_EYE


def shows_live(lane: Lane, policy: Policy) -> bool:
    """Whether the camera's picture helps staff to compare, and the person has not declined the camera."""
    return compares(lane) and (policy.show_portrait or needs_face(lane.facts, policy)) and not _declined(lane)


def _declined(lane: Lane) -> bool:
    word, facts = lane.decision, lane.facts
    if word is None or word.reason is Reason.FACE_DECLINED:
        return True
    tickets = facts.lookup.tickets if facts.lookup else ()
    by_ticket = any(one.face_declined for one in tickets if one.ticket == word.ticket)
    return by_ticket or any(said.action is StewardAction.SKIP_FACE for said in facts.steward)
