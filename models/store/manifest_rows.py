"""What goes into a manifest's database: whole manifests, and changes of one. And what is found in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from models.cohort import Cohort
from models.decision import Policy
from models.ticket import ManifestState, Ticket
from models.watch import WatchEntry

OpeningRow: TypeAlias = tuple[bytes, int, bytes]
"""lookup key, row, wrapped data key."""

TicketRow: TypeAlias = tuple[int, bytes]
"""row, sealed ticket."""


@dataclass(frozen=True, slots=True)
class ManifestContents:
    """One whole manifest on its way into the database. The iterables are walked once, tickets first."""

    state: ManifestState
    issuer: str
    policy: Policy
    event_secret: bytes = field(repr=False)
    tickets: Iterable[TicketRow] = field(repr=False)
    openings: Iterable[OpeningRow] = field(repr=False)
    watch: Iterable[WatchEntry] = field(default=(), repr=False)
    cohort: Iterable[Cohort] = ()  # one, or none


@dataclass(frozen=True, slots=True)
class ManifestChange:
    """What makes the manifest `after` (version), `before` (digest) the one of `state`: rows out, rows in.

    A row that comes in replaces the one there was, with all its openings. The iterables are walked once, in this order.
    """

    state: ManifestState
    issuer: str
    policy: Policy
    after: int
    before: str
    removed: Iterable[int] = field(repr=False)
    tickets: Iterable[TicketRow] = field(repr=False)
    openings: Iterable[OpeningRow] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What the manifest knows of a presented document."""

    person_key: str = ""
    tickets: tuple[Ticket, ...] = ()
    hits: tuple[WatchEntry, ...] = ()
