"""What the gate process and the sync process say to each other on the sync process's socket; one JSON object a line."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from models.decision import ClaimAnswer
from models.passage import Direction, Use
from models.ticket import ManifestState
from models.watch import HeldList


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
    """The gate asks: may this ticket be used here, now? `claim` names the attempt, `code_step` a changing code's."""

    claim: str
    event: str
    ticket: str
    direction: Direction
    at: float
    code_step: int | None = None


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
class LaneWord:
    """How the lane stands, for the supervisor's page."""

    phase: str = ""
    mode: str = ""
    faults: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    clock_trusted: bool = True
    asked_at: float = 0.0  # when the devices were asked, since nobody came; 0: not since the last visitor
    silent: tuple[str, ...] = ()  # which of them did not answer
    proved_at: float = 0.0  # when the last test admission ended; 0: none since the gate started
    proved: bool = False  # whether all of it went well


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was refused and is left aside: a bundle by this gate, or lines by the authority.

    `what` names it, `code` is stable, `detail` says what to do.
    """

    what: str
    code: str
    detail: str
    at: float


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """How the sync process stands: what `gatectl sync status` shows. Times are Unix seconds, 0 for never."""

    site: str
    device: str
    server: str
    reach: Reach = Reach.ALONE
    contact_at: float = 0.0
    doorbell: bool = False  # a ring would be heard at once
    event: str = ""  # what the authority wants this gate to serve
    manifest: ManifestState | None = None
    watch: HeldList | None = None  # the list of persons
    epoch: str = ""
    written: int = 0
    acknowledged: int = 0
    trouble: str = ""  # why the last attempt came to nothing
    wiped: bool = False
    erased: bool = False  # wiped, since the event's persons were erased, and not since this lane was revoked
    refusals: tuple[Refusal, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class FromGate:
    """One line from the gate process, or from a technician's command that asks for `status`.

    `wrote` rings: the ledger has grown to this entry, there is something to send.
    """

    ask: Ask | None = None
    wrote: int | None = None
    status: bool = False
    lane: LaneWord | None = None


@dataclass(frozen=True, slots=True)
class FromSync:
    """One line from the sync process."""

    told: Told | None = None
    acknowledged: Acknowledged | None = None
    time: SignedTime | None = None
    reach: Reach | None = None
    status: SyncStatus | None = None
