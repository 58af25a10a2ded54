"""What the ledger's entries say, kind by kind: the bodies of `models.ledger.Entry`.

A decision's body holds all that `decide` was given, so that anybody can run it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from models.command import Settings
from models.decision import Decision, Facts
from models.ids import DocumentType
from models.keeping import OfTheHouse
from models.passage import Direction, Passage, SignalKind
from models.proof import ProofBody
from models.red_path import RedBody as RedBody
from models.red_path import RedNamedBody as RedNamedBody
from models.sighting import SightingBody
from models.view import Mode
from models.watch import WatchTaken


@dataclass(frozen=True, slots=True)
class DecisionBody:
    """One word on one attempt. `policy` is the digest of the policy in force; `ms` milliseconds per step."""

    attempt: int
    facts: Facts
    decision: Decision
    at: float
    policy: str = ""
    ms: dict[str, float] = field(default_factory=dict)
    watch: tuple[WatchTaken, ...] = ()  # each hit of a list that counted, and what was made of it


@dataclass(frozen=True, slots=True)
class PassageBody:
    """How a release ended. `attempt` 0: in free passage, where nobody was asked."""

    attempt: int
    passage: Passage
    direction: Direction = Direction.ENTRY
    ticket: str = ""
    detail: str = ""
    ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignalBody:
    """A sensor's word that belongs to no release: an intrusion, a tailgate, fire, tamper."""

    signal: SignalKind
    direction: Direction = Direction.ENTRY
    attempt: int = 0
    detail: str = ""
    device: str = ""  # which further input it was; empty for the passage sensor


@dataclass(frozen=True, slots=True)
class ModeBody:
    """Who changed how the lane is run, and why."""

    mode: Mode
    actor: str
    why: str = ""
    until: float | None = None  # when the lane is controlled again, Unix seconds


@dataclass(frozen=True, slots=True)
class DeviceBody:
    """A device went or came back."""

    device: str
    up: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class ShiftBody:
    """Somebody began or ended work at this lane. `why` is empty where it was that person's own word."""

    actor: str
    on: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class WrongPinBody:
    """A PIN that was not the actor's: `tries` in a row now, and no further one is taken for `wait_s`."""

    actor: str
    order: str
    tries: int
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TypedBody:
    """Who typed a document of which kind. Not `taken`: too many within a minute, and nothing was looked up."""

    actor: str
    document: DocumentType
    child: bool = False
    taken: bool = True


@dataclass(frozen=True, slots=True)
class SettingsBody:
    """Who changed how loud and bright the lane is."""

    actor: str
    settings: Settings


OfStaff = ShiftBody | WrongPinBody | SettingsBody | TypedBody | SightingBody | ProofBody
Body = DecisionBody | PassageBody | SignalBody | ModeBody | DeviceBody | RedBody | RedNamedBody | OfStaff | OfTheHouse
