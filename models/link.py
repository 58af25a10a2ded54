"""What the gate process and the sync process say to each other on the sync process's socket; one JSON object a line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.decision import ClaimAnswer
from models.passage import Direction, Use


def claim_name(epoch: str, attempt: int) -> str:
    """What a claim is called everywhere: the ledger's epoch and the attempt in it, so that entries find their claim."""
    return f"{epoch}:{attempt}"


class Reach(StrEnum):
    """Whom the sync process reaches just now."""

    ONLINE = "online"  # the centre
    VENUE = "venue"  # the venue's hub, and it has no centre
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Ask:
    """The gate asks: may this ticket be used here, now? `claim` names the attempt."""

    claim: str
    event: str
    ticket: str
    direction: Direction
    at: float


@dataclass(frozen=True, slots=True)
class Told:
    """The answer, with the use that stands against it."""

    claim: str
    answer: ClaimAnswer
    first: Use | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The authority holds the ledger of `epoch` up to `seq`, durably."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class SignedTime:
    """The authority's clock, verified: Unix seconds at the moment of sending."""

    at: float


@dataclass(frozen=True, slots=True)
class FromGate:
    """One line from the gate process. `wrote` rings: the ledger has grown to this entry, there is something to send."""

    ask: Ask | None = None
    wrote: int | None = None


@dataclass(frozen=True, slots=True)
class FromSync:
    """One line from the sync process."""

    told: Told | None = None
    acknowledged: Acknowledged | None = None
    time: SignedTime | None = None
    reach: Reach | None = None
