"""What threads and the vision child tell the loop: small frozen facts, each posted once, in the past tense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from models.credential import CardFault, Credential
from models.face import FaceProbe, FaceProblem, FaceReference
from models.passage import SensorSignal


@dataclass(frozen=True, slots=True)
class ReaderGave:
    """A document was presented. `at_mono`: when its data were complete, monotonic seconds."""

    device: str
    item: Credential | CardFault
    at_mono: float


@dataclass(frozen=True, slots=True)
class SensorGave:
    """The passage sensor saw something at `at_mono`, monotonic seconds."""

    device: str
    signal: SensorSignal
    at_mono: float


@dataclass(frozen=True, slots=True)
class SensorMissed:
    """Something the sensor said was lost or garbled: a turn may be missing."""

    device: str
    why: str


@dataclass(frozen=True, slots=True)
class DeviceUp:
    """The device is connected and works. A relay is at rest at this moment, whatever it was before."""

    device: str


@dataclass(frozen=True, slots=True)
class DeviceDown:
    """The device is gone, or could not be connected at the start. Posted once for each loss."""

    device: str
    why: str


@dataclass(frozen=True, slots=True)
class PumpDied:
    """A thread met an error that nobody foresaw. The process should end and be started anew.

    `trace` names error type and places in the code, without the error's own words: they may hold what a card holds.
    """

    device: str
    trace: str


@dataclass(frozen=True, slots=True)
class FaceHint:
    """The camera looks and this is in the way; posted when it changes."""

    attempt: int
    problem: FaceProblem


@dataclass(frozen=True, slots=True)
class FaceProbed:
    """The capture's end: a usable probe, or the last problem when time ran out.

    `ms` holds the milliseconds spent in all on `grab` and on `probe`, and on the `portrait`. `reference` is what became
    of the document's portrait, where one was given. `held_s` is the age of features that were held before the card.
    """

    attempt: int
    probe: FaceProbe
    ms: dict[str, float] = field(default_factory=dict)
    reference: FaceReference | None = None
    held_s: float | None = None


@dataclass(frozen=True, slots=True)
class PortraitRefused:
    """The capture's end: the document's portrait gives no reference; `why` in one word. Nobody is photographed."""

    attempt: int
    why: str


@dataclass(frozen=True, slots=True)
class FaceFailed:
    """The capture's end: camera or engine failed. `why` is for staff and technician."""

    attempt: int
    why: str


@dataclass(frozen=True, slots=True)
class DocumentTyped:
    """A person read a document off for whom no reader could. `child`: by the household book."""

    credential: Credential
    typed_by: str
    child: bool = False


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """How a device fares. Times are monotonic seconds.

    `since_mono` is when it last went up or down, `beat_mono` its last sign of life, `reconnects` how often it came
    back, `bad_answers` how often it spoke nonsense, refused or was silent, `uses` how often it did what it is there
    for: a contact closed, a turn seen, a document read, a cue shown. `why` tells of the last loss and survives the
    return.
    """

    name: str
    up: bool = False
    why: str = ""
    since_mono: float = 0.0
    reconnects: int = 0
    bad_answers: int = 0
    uses: int = 0
    beat_mono: float = 0.0


Message: TypeAlias = (
    ReaderGave
    | SensorGave
    | SensorMissed
    | DeviceUp
    | DeviceDown
    | PumpDied
    | FaceHint
    | FaceProbed
    | PortraitRefused
    | FaceFailed
    | DocumentTyped
)
Post: TypeAlias = Callable[[Message], None]
"""Hands one message to the loop. Called from any thread, so it must be safe there and must not block."""
