"""What can happen at a lane, in the past tense. `attempt` ties an answer to the person it was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from models.credential import CardProblem, Medium
from models.decision import CardFacts, ClaimAnswer, FaceFacts, LookupFacts, StewardAction
from models.face import FaceProblem
from models.keeping import Window
from models.ledger import EntryKind
from models.passage import Direction, SensorSignal, Use
from models.record import Body
from models.red_path import Urgency
from models.staff import Cause
from models.view import Mode, Who
from models.watch import WatchHit


class Timer(StrEnum):
    """What the lane waits for, each with an end."""

    LOOKUP = "lookup"
    CLAIM = "claim"
    CAPTURE = "capture"
    PASSAGE = "passage"
    REFER = "refer"
    REVIEW = "review"
    SHOW = "show"


@dataclass(frozen=True, slots=True)
class CardRead:
    """A document was read. `scan` names the credential, which stays outside; `same` is equal for equal persons."""

    scan: int
    card: CardFacts
    same: str = ""
    direction: Direction | None = None  # None: the lane's own


@dataclass(frozen=True, slots=True)
class CardFailed:
    """A card was presented and gave no credential."""

    problem: CardProblem
    direction: Direction | None = None
    medium: Medium | None = None


@dataclass(frozen=True, slots=True)
class TicketFound:
    """The stores answered, with tickets or without. `holders` tells by ticket what a screen may say of its holder."""

    attempt: int
    lookup: LookupFacts
    holders: dict[str, Who] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LookupFailed:
    """The stores could not answer."""

    attempt: int
    why: str


@dataclass(frozen=True, slots=True)
class ClaimAnswered:
    """The nearest authority answered, or was found to be out of reach. `first` is the use that stands against it."""

    attempt: int
    answer: ClaimAnswer
    first: Use | None = None


@dataclass(frozen=True, slots=True)
class FaceCompared:
    """One try of the camera: a comparison, a problem or a fault. `hits` may be of single frames, which tell nothing."""

    attempt: int
    face: FaceFacts
    hits: tuple[WatchHit, ...] = ()


@dataclass(frozen=True, slots=True)
class FaceHinted:
    """The camera looks and something is in the way; the visitor is told at once."""

    attempt: int
    problem: FaceProblem


@dataclass(frozen=True, slots=True)
class Passed:
    """The turnstile turned."""

    direction: Direction = Direction.ENTRY


@dataclass(frozen=True, slots=True)
class SensorSaw:
    """Anything else a sensor tells. `device` is the passage sensor or a further input."""

    signal: SensorSignal
    device: str = "sensor"


@dataclass(frozen=True, slots=True)
class SensorDoubted:
    """A message of the sensor was lost: whether somebody passed just now, nobody knows."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """A timer of this attempt ran down."""

    attempt: int
    timer: Timer


@dataclass(frozen=True, slots=True)
class StewardSaid:
    """A person decided. `cause` belongs to an override, and `second` is who overrides as well."""

    attempt: int
    action: StewardAction
    actor: str
    why: str = ""
    cause: Cause | None = None
    second: str = ""
    of: str = ""


@dataclass(frozen=True, slots=True)
class RedTapped:
    """A person lets an emergency in. It asks for no attempt: whoever taps can't wait for one."""

    actor: str
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class ModeSet:
    """A person changed how the lane is run; with `until` (Unix seconds) for a while."""

    mode: Mode
    actor: str
    why: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class ModeEnded:
    """The while is over for which a mode was set, up to `until`."""

    until: float


@dataclass(frozen=True, slots=True)
class StaffNoted:
    """Something about the people at the lane is to be on record: a shift, a wrong PIN, a setting."""

    kind: EntryKind
    body: Body


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """A device of this lane is gone."""

    device: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class DeviceBack:
    """A device of this lane is there again."""

    device: str


@dataclass(frozen=True, slots=True)
class ClockJudged:
    """Whether the clock may be believed."""

    trusted: bool


@dataclass(frozen=True, slots=True)
class WindowSet:
    """A person says which event it is, while the clock is not trusted; with `None` no longer."""

    window: Window | None
    actor: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class RecordFailed:
    """The ledger did not take an entry; nothing that should have followed it was done."""

    attempt: int
    why: str


@dataclass(frozen=True, slots=True)
class ReleaseFailed:
    """The relay did not take the pulse."""

    attempt: int
    why: str


Event = (
    CardRead
    | CardFailed
    | TicketFound
    | LookupFailed
    | ClaimAnswered
    | FaceCompared
    | FaceHinted
    | Passed
    | SensorSaw
    | SensorDoubted
    | TimedOut
    | StewardSaid
    | RedTapped
    | ModeSet
    | ModeEnded
    | StaffNoted
    | DeviceLost
    | DeviceBack
    | ClockJudged
    | WindowSet
    | RecordFailed
    | ReleaseFailed
)
