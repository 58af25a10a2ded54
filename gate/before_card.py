"""When faces may be looked at before the card: the policy says so, and the lane is at rest and open to all.

From the card on nothing more is held. Who is let in, referred or sent away, and who stands at a lane that is paused,
free or out of order, is looked at only when asked for.
"""

from __future__ import annotations

from gate.core.state import Lane
from gate.hardware import Eyes
from models.decision import Policy
from models.pad import PadChallenge
from models.passage import Direction
from models.view import Phase


class BeforeCard:
    """Follows the lane, and tells the eyes how to look."""

    def __init__(self, eyes: Eyes | None) -> None:
        self._eyes = eyes
        self._told: tuple[float, int, dict[str, float]] | None = None

    def follow(self, lane: Lane, policy: Policy) -> None:
        """The lane has made a step, or has new rules."""
        wanted = ready_s(lane, policy), policy.face_frames, apart(policy)
        if self._eyes is not None and wanted != self._told:
            self._told = wanted
            self._eyes.watch(*wanted)


def ready_s(lane: Lane, policy: Policy) -> float:
    """How long features are to be held now, in seconds. A card that was read is still to be answered with them."""
    looked_at = policy.needs_face and policy.needs_ticket and lane.direction is Direction.ENTRY
    looked_at = looked_at and policy.pad_challenge is not PadChallenge.ALWAYS  # nobody is asked to turn before a card
    waits = lane.phase is Phase.IDLE or (lane.phase in (Phase.LOOKUP, Phase.CAPTURE) and lane.facts.face is None)
    return policy.face_ready_s if looked_at and waits and not lane.told else 0.0


def apart(policy: Policy) -> dict[str, float]:
    """By model: how far the templates of two frames may lie from each other and still be of one person."""
    found: dict[str, float] = {}
    for bands in policy.bands:
        plain = bands.accept if bands.ceiling is None else bands.ceiling
        found[bands.model_version] = max(plain, found.get(bands.model_version, 0.0))
    return found
