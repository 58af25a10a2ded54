"""What the ledger's entries say, kind by kind: the bodies of `models.ledger.Entry`.

A decision's body holds all that `decide` was given, so that anybody can run it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from models.decision import Decision, Facts
from models.passage import Direction, Passage, SignalKind
from models.view import Mode


@dataclass(frozen=True, slots=True)
class DecisionBody:
    """One word on one attempt. `policy` is the digest of the policy in force; `ms` milliseconds per step."""

    attempt: int
    facts: Facts
    decision: Decision
    at: float
    policy: str = ""
    ms: dict[str, float] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class DeviceBody:
    """A device went or came back."""

    device: str
    up: bool
    why: str = ""


Body = DecisionBody | PassageBody | SignalBody | ModeBody | DeviceBody
