"""What a venue hub and the centre say to each other beyond `sync.contract`."""

from __future__ import annotations

from dataclasses import dataclass

from sync.contract import BundleOffer, HeldManifest


@dataclass(frozen=True, slots=True)
class HubGate:
    """A gate that is enrolled at a venue hub, as the centre must know it. `old_keys` still prove old checkpoints."""

    device: str
    name: str
    signing_key: str
    device_key: str
    old_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldBase:
    """A whole manifest on a hub's shelf: which version, and which issue of it, see `BundleOffer`."""

    event: str
    version: int
    issue: int


@dataclass(frozen=True, slots=True)
class HubGates:
    """All gates of a venue hub, and how it stands with them.

    `leases` are the events for which it answers claims at this moment, `held` the newest manifests it has on its
    shelf, `bases` the newest whole ones, `waiting` the number of ledger lines that it has not passed on yet.
    """

    gates: tuple[HubGate, ...]
    leases: tuple[str, ...] = ()
    held: tuple[HeldManifest, ...] = ()
    waiting: int = 0
    bases: tuple[HeldBase, ...] = ()


@dataclass(frozen=True, slots=True)
class GateTask:
    """What a gate behind a venue hub is to serve; a revoked one serves nothing any more."""

    device: str
    event: str
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class HubEvent:
    """An event that a venue hub serves. With `leased` it answers the event's claims itself."""

    event: str
    name: str
    begins_at: float
    ends_at: float
    leased: bool


@dataclass(frozen=True, slots=True)
class HubStanding:
    """What the centre wants of a venue hub. A gate that was told and is not among `gates` was not accepted.

    `erased` are those of the events it holds whose persons were erased: the hub and its gates do likewise.
    """

    gates: tuple[GateTask, ...]
    events: tuple[HubEvent, ...] = ()
    offers: tuple[BundleOffer, ...] = ()
    erased: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """A ticket that is in use."""

    ticket: str
    claim: str
    device: str
    gate: str
    at: float
    passage: str


@dataclass(frozen=True, slots=True)
class HeldClaims:
    """Tickets in use, in order, for a hub that takes an event over. None: there are no more."""

    claims: tuple[HeldClaim, ...]
