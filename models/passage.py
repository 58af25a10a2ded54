"""What the turnstile did: passages, no-shows, intrusions, and the uses that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way, seen from outside."""

    ENTRY = "entry"
    EXIT = "exit"


class Passage(StrEnum):
    """How a release ended."""

    PASSED = "passed"  # the sensor saw the turn
    UNKNOWN = "unknown"  # no sensor, or the gate went down between release and turn
    NO_SHOW = "no_show"  # nobody passed in time: the ticket stays good


class SignalKind(StrEnum):
    """What a passage sensor can tell."""

    TURNED = "turned"
    SECOND_PERSON = "second_person"
    HELD_OPEN = "held_open"
    JAM = "jam"  # the barrier was told to move and could not, or stands half open
    CABINET = "cabinet"  # the turnstile's or the box's own door is open
    STUCK = "stuck"  # an input has stood for longer than anything it stands for; `detail` names it
    FIRE = "fire"
    TAMPER = "tamper"
    CLEARED = "cleared"  # the state named by `detail` is over


STANDING = frozenset(
    {
        SignalKind.HELD_OPEN,
        SignalKind.JAM,
        SignalKind.CABINET,
        SignalKind.STUCK,
        SignalKind.FIRE,
        SignalKind.TAMPER,
    }
)
"""States: they stand until `CLEARED` names them. A sensor that is connected anew tells again what stands."""


@dataclass(frozen=True, slots=True)
class SensorSignal:
    """One message of a passage sensor."""

    kind: SignalKind
    direction: Direction = Direction.ENTRY
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A ticket was used, here or at another gate. `at` in Unix seconds."""

    ticket: str
    person_key: str
    direction: Direction
    passage: Passage
    at: float
    gate: str
    code_step: int | None = None  # the step of the changing code it was used by, see `models.totp`
