"""What is handed to a ledger, and what it says of releases.

A *release* is one pulse of the relay: it is opened by the entry that admits and settled by the entry that tells how it
ended. Both facts are written into the entries' bodies, under `opens` and `settles`, and so are part of the chain.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.ledger import EntryKind
from models.passage import Direction, Passage


@dataclass(frozen=True, slots=True)
class Release:
    """One person may pass. Without ticket and person: free passage, which is counted and uses nothing.

    `passage` is given only where the end is known already (the turn of a free turnstile): such a release is settled
    at once.
    """

    direction: Direction = Direction.ENTRY
    ticket: str = ""
    person_key: str = ""
    passage: Passage | None = None
    code_step: int | None = None  # of a code that changes: this step and those before it are used up for the ticket


@dataclass(frozen=True, slots=True)
class Settlement:
    """How the release that entry `seq` opened has ended."""

    seq: int
    passage: Passage


@dataclass(frozen=True, slots=True)
class Draft:
    """A line to be. `body` is a noun or a dict, without the keys `opens` and `settles`. `at` is Unix seconds."""

    kind: EntryKind
    body: object
    at: float
    opens: Release | None = None
    settles: Settlement | None = None


@dataclass(frozen=True, slots=True)
class OpenRelease:
    """A release that nobody has settled yet. `seq` is the entry that opened it."""

    seq: int
    ticket: str
    person_key: str
    direction: Direction
    at: float


@dataclass(frozen=True, slots=True)
class Summary:
    """One decision as a list shows it. `passage` is `None` where nothing was released, or is still open."""

    seq: int
    at: float
    verdict: str
    reason: str
    ticket: str
    passage: Passage | None


@dataclass(frozen=True, slots=True)
class Word:
    """Verdict, reason and ticket inside a decision's body; empty in other entries."""

    verdict: str = ""
    reason: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """The part of a body that the ledger itself understands; everything else in it is the gate's."""

    opens: Release | None = None
    settles: Settlement | None = None
    decision: Word = Word()

    @property
    def inside(self) -> int:
        """By how much `opens` changes the number of people inside: +1, 0 or -1."""
        if self.opens is None or self.opens.passage is Passage.NO_SHOW:
            return 0
        return step(self.opens.direction)


def step(direction: Direction) -> int:
    """+1 for somebody more inside, -1 for one less."""
    return 1 if direction is Direction.ENTRY else -1
