"""What the screens are told of the lane; one snapshot holds everything a screen needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.decision import Reason, Verdict
from models.ticket import Note


class Phase(StrEnum):
    """Where the lane stands."""

    IDLE = "idle"
    LOOKUP = "lookup"
    CAPTURE = "capture"
    RELEASED = "released"
    REFERRED = "referred"
    PAUSED = "paused"
    FREE = "free"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class LaneView:
    """A snapshot of the lane. Names and numbers are masked already."""

    gate: str
    phase: Phase
    attempt: int
    verdict: Verdict | None = None
    reason: Reason | None = None
    ticket: str = ""
    masked_name: str = ""
    seat: str = ""
    way: str = ""
    language: str = "zh"
    hint: str = ""  # a FaceProblem's value while the camera looks
    notes: tuple[Note, ...] = ()
    faults: tuple[str, ...] = ()
    seconds: float = 0.0  # how long to show it; 0: until the next
