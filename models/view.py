"""What the screens are told of the lane; one snapshot holds everything a screen needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from models.credential import Medium
from models.decision import Reason, Verdict
from models.passage import Use
from models.ticket import Note
from models.watch import HitMeans, WatchAction, WatchFallback


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


class Mode(StrEnum):
    """How the lane is run, by a person's word."""

    CONTROLLED = "controlled"
    PAUSED = "paused"  # locked: nobody is admitted, and everybody is told so
    FREE = "free"
    OUT_OF_ORDER = "out_of_order"  # taken out of service by a person; a lost device does that without being told


@dataclass(frozen=True, slots=True)
class Who:
    """What a screen may say of the visitor."""

    masked_name: str = ""
    seat: str = ""
    way: str = ""
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class ShownHit:
    """What staff may be told of a list's hint: why, whose list, what it allows. Never who is on it."""

    purpose: str
    owner: str
    action: WatchAction
    means: HitMeans
    appeal: str = ""  # where the listed person turns to


@dataclass(frozen=True, slots=True)
class ShownReview:
    """A review under way: who has it in hand, since when she has waited, how long she is to, and what follows then."""

    taken_by: str = ""  # a staff identifier; empty while nobody has
    since: float = 0.0  # Unix seconds
    most_s: float = 0.0
    fallback: WatchFallback | None = None  # `None`: whoever holds her, nothing goes on by itself


@dataclass(frozen=True, slots=True)
class ShownPatient:
    """A patient inside, for staff to say whose companion somebody is."""

    ticket: str
    masked_name: str = ""
    department: str = ""


@dataclass(frozen=True, slots=True)
class LaneView:
    """A snapshot of the lane. Names and numbers are masked already."""

    gate: str
    phase: Phase
    attempt: int
    verdict: Verdict | None = None
    reason: Reason | None = None
    ticket: str = ""
    who: Who = field(default_factory=Who)
    hint: str = ""  # a FaceProblem's value while the camera looks
    notes: tuple[Note, ...] = ()
    faults: tuple[str, ...] = ()
    settleable: bool = False  # a steward's "admit" would settle the reason
    mode: Mode = Mode.CONTROLLED
    seconds: float = 0.0  # how long to show it; 0: until the next
    alerts: tuple[str, ...] = ()  # SignalKinds that stand, in the order in which they came; for staff
    first_use: Use | None = None  # where and when the ticket was used, when that is why it is refused; for staff
    medium: Medium | None = None  # what was presented: some reasons have other words for a code than for a card
    overridable: bool = False  # a supervisor's word would settle the reason, though a steward's does not
    refused: Reason | None = None  # at rest: why the last one was refused, while that may still be overridden
    hits: tuple[ShownHit, ...] = ()  # when a list's hint is what is to be settled; for staff
    review: ShownReview | None = None  # of these hints
    portrait: bool = False  # the document's portrait is at hand, for staff to compare by eye
    patients: tuple[ShownPatient, ...] = ()  # whose companion this may be, who came last first; for staff
    flags: tuple[str, ...] = ()  # what was let pass although it was not plain; for staff
