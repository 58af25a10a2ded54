"""What a story at a lane is told with: the people, the answers, and what was recorded of them."""

from __future__ import annotations

from typing import Any

from gate.core.effects import Effect, Record
from gate.core.events import (
    CardRead,
    FaceCompared,
    StewardSaid,
    TicketFound,
)
from gate.core.state import new_lane
from models.decision import Reason, StewardAction, Verdict
from models.passage import Passage
from models.record import DecisionBody, PassageBody
from tests.gate.core.paper_lane import PaperLane
from tests.gate.core.strategies import GATE, card, face, lookup, policy

AN, WEI = CardRead(1, card(), "an"), CardRead(2, card(), "wei")


def a_lane(rules: Any = None, **changes: Any) -> PaperLane:
    """A lane with a passage sensor at a concert."""
    return PaperLane(new_lane(GATE, **{"has_sensor": True} | changes), rules or policy())


def found(*held: Any, **changes: Any) -> TicketFound:
    """The stores' answer to the first person."""
    return TicketFound(1, lookup(*held, **changes))


def says(action: StewardAction, attempt: int = 1) -> StewardSaid:
    """A steward speaks about the first person."""
    return StewardSaid(attempt, action, "steward-4", "seen")


def compared(distance: float = 0.3, **changes: Any) -> FaceCompared:
    """The camera's answer about the first person."""
    return FaceCompared(1, face(distance, **changes))


def kinds(effects: tuple[Effect, ...]) -> list[str]:
    """The names of the effects, in order."""
    return [type(effect).__name__ for effect in effects]


def words(lane: PaperLane) -> list[tuple[Verdict, Reason]]:
    """Every decision that was recorded."""
    bodies = [record.body for record in lane.effects(Record)]
    return [(body.decision.verdict, body.decision.reason) for body in bodies if isinstance(body, DecisionBody)]


def passages(lane: PaperLane) -> list[tuple[int, Passage, str]]:
    """Every passage that was recorded."""
    bodies = [record.body for record in lane.effects(Record)]
    return [(body.attempt, body.passage, body.detail) for body in bodies if isinstance(body, PassageBody)]
