"""What the lane asks for, in the imperative. Effects are carried out in order; when one fails, the rest are dropped."""

from __future__ import annotations

from dataclasses import dataclass

from gate.core.events import Timer
from models.ledger import EntryKind
from models.record import Body
from models.view import LaneView


@dataclass(frozen=True, slots=True)
class Lookup:
    """Ask the stores about the scanned credential."""

    attempt: int
    scan: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Ask the nearest authority: this ticket is being used here, now."""

    attempt: int
    ticket: str


@dataclass(frozen=True, slots=True)
class Capture:
    """Take a probe and compare it with the reference of `ticket`. With `turn`, of a head that turns first."""

    attempt: int
    ticket: str
    seconds: float
    turn: bool = False


@dataclass(frozen=True, slots=True)
class StopCapture:
    """Take no more pictures of this person."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Record:
    """Commit to the ledger, durably, before the next effect. It `opens` a release, or `settles` the one this opened."""

    attempt: int
    kind: EntryKind
    body: Body
    opens: bool = False
    settles: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """Pulse the relay: one person may pass."""

    attempt: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the barrier open (free passage), or stop doing so."""

    open: bool


@dataclass(frozen=True, slots=True)
class Show:
    """Tell every listener how the lane stands."""

    view: LaneView


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Send `TimedOut` after so many seconds. A newer timer of the same name replaces the older."""

    timer: Timer
    attempt: int
    seconds: float


Effect = Lookup | Claim | Capture | StopCapture | Record | Release | Hold | Show | StartTimer
