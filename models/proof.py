"""What a lane proves of itself without a visitor: a test admission, and devices that were asked while nobody came."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from models.decision import Reason, Verdict
from models.passage import Passage


class Alive(StrEnum):
    """What came of asking a device whether it is there."""

    ANSWERS = "answers"
    CANNOT_TELL = "cannot_tell"  # its line is open, and it speaks only when something happens
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Asked:
    """The devices as they answered at `at` (Unix seconds), by their names."""

    at: float
    devices: dict[str, Alive] = field(default_factory=dict)

    @property
    def silent(self) -> tuple[str, ...]:
        """Those that did not answer."""
        return tuple(name for name, alive in self.devices.items() if alive is Alive.SILENT)


@dataclass(frozen=True, slots=True)
class ProofWish:
    """A test admission as it is asked for.

    `window_s`: how long a card presented at the reader is taken for the test card. `card`: one is presented; without it
    the gate uses a number that belongs to nobody. `face`: somebody, or a picture, stands before the camera. `pulse`:
    the turnstile is really released, once.
    """

    window_s: float = 60.0
    card: bool = True
    face: bool = True
    pulse: bool = False


class ProofStep(StrEnum):
    """Where a test admission stands, or where it ended."""

    DEVICES = "devices"
    FACE = "face"
    CARD = "card"
    DECISION = "decision"
    PASSAGE = "passage"
    LEDGER = "ledger"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class ProofBody:
    """A test admission, as the ledger keeps it: no visitor, no ticket, and nothing of the card or the face used.

    `step` is where it ended. `pulses`: how often the turnstile was really released.
    """

    actor: str
    ok: bool
    step: ProofStep
    why: str = ""
    card: bool = False
    face: bool = False
    verdict: Verdict | None = None
    reason: Reason | None = None
    pulses: int = 0
    passage: Passage | None = None
    event: str = ""  # of the manifest in force, by which visitors would be let in; empty: there is none
    manifest: int = 0  # its version
    devices: dict[str, Alive] = field(default_factory=dict)
    ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProofState:
    """For screens and commands: the test admission under way, or the last one. `began_at` (Unix seconds) names it."""

    began_at: float
    step: ProofStep
    ended: ProofBody | None = None
