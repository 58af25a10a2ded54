"""What the lane says of its own house, as bodies of ledger entries: what was purged, the disk, the event by word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """What something is kept for; each has a time to live of its own."""

    LEDGER = "ledger"  # lines that the centre holds, which move into an archive and are not destroyed
    ARCHIVES = "archives"  # of the ledger: lines that the centre holds, and that are here no longer
    MANIFEST = "manifest"
    LOGS = "logs"
    TAPES = "tapes"
    SUPPORT = "support"
    SNAPSHOTS = "snapshots"
    LEFTOVERS = "leftovers"
    WRONG_PINS = "wrong_pins"


@dataclass(frozen=True, slots=True)
class PurgeBody:
    """A receipt: `count` things kept for `purpose` and older than `older_than` (Unix seconds) are gone.

    `digest` is SHA-256 over what they were called, or their content's own digest; `detail` says which manifest or which
    archive. `signature` (Ed25519, hexadecimal) is by the lane's signing key, over all of it, the gate and the epoch.
    """

    purpose: Purpose
    count: int
    size: int
    older_than: float
    at: float
    digest: str = ""
    detail: str = ""
    public_key: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class DiskBody:
    """How much space is left: `plenty`, `low`, or `tight`, when the ballast has been given up."""

    room: str
    free_bytes: int


@dataclass(frozen=True, slots=True)
class ManifestGone:
    """What the sync process leaves for the gate to write down: it destroyed this manifest."""

    event: str
    version: int
    tickets: int
    digest: str
    expired_at: float
    at: float


@dataclass(frozen=True, slots=True)
class Window:
    """While the clock is not trusted, somebody says that it is this event now: between these two (Unix seconds)."""

    event: str
    since: float
    until: float
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ClockBody:
    """Somebody stated the window, or it ended (`window` is `None`): by his word, or since the clock is right."""

    actor: str
    window: Window | None = None
    why: str = ""


OfTheHouse = PurgeBody | DiskBody | ClockBody
