"""Which alarms there are, and when each is raised: from rows alone, without database or clock.

The thresholds of refusals and unknown documents are the live board's (`sync.server.board`); the others stand here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sync.contract import Contact
from sync.server.board import Tallied, alarms

SILENT_S = 60.0
"""A gate is in contact every ten seconds. The board calls it dead after 30; nobody is called out for a restart."""

BEFORE_S = 2 * 3600.0
"""So long before an event its gates have to be there, with its tickets."""

DATA_OLD_S = 600.0
"""A change reaches a gate in seconds; one that lacks it ten minutes later does not get it by waiting."""

FILING_PERSONS = 100_000
WARN_PERSONS = 80_000
"""Who keeps the faces of 100,000 persons has to file that with the authority, within 30 working days (China, 2025)."""

LOW, TIGHT = "disk_low", "disk_tight"
"""What a gate calls it in the faults that it tells."""


class AlarmKind(StrEnum):
    """What was found."""

    DEVICE_SILENT = "device_silent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNKNOWN_RISING = "unknown_rising"
    DATA_OLD = "data_old"
    DISK_LOW = "disk_low"
    DISK_TIGHT = "disk_tight"
    CLOCK_UNTRUSTED = "clock_untrusted"
    LEDGER_FORKED = "ledger_forked"
    PROOF_FAILED = "proof_failed"
    PERSONS = "persons"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is so now. `object` is a device, an event or "site"; `detail` names and figures."""

    kind: AlarmKind
    object: str
    organisation: str | None
    event: str = ""
    detail: dict[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateFacts:
    """A gate that is enrolled and serves an event, as the server knows it. Times are Unix seconds."""

    device: str
    name: str
    organisation: str
    event: str = ""
    begins_at: float = 0.0
    ends_at: float = 0.0
    contact_at: float | None = None
    contact: Contact = field(default_factory=lambda: Contact(0.0))
    behind_since: float | None = None  # when the manifest was issued that it does not hold
    forked: bool = False


@dataclass(frozen=True, slots=True)
class EventFacts:
    """An event that is on, with the tally of the last hour and more."""

    event: str
    name: str
    organisation: str
    rows: Sequence[Tallied] = ()


def is_on(begins_at: float, ends_at: float, now: float) -> bool:
    """Whether gates have to be there: only then are they missed."""
    return begins_at - BEFORE_S <= now <= ends_at


def of_gate(gate: GateFacts, now: float) -> Iterator[Found]:
    """What is wrong with one gate."""

    def found(kind: AlarmKind, **detail: str | float) -> Found:
        return Found(kind, gate.device, gate.organisation, gate.event, {"name": gate.name, **detail})

    heard = gate.contact_at is not None and now - gate.contact_at <= SILENT_S
    on = bool(gate.event) and is_on(gate.begins_at, gate.ends_at, now)
    if on and not heard:
        yield found(AlarmKind.DEVICE_SILENT)
    if on and gate.behind_since is not None and now - gate.behind_since > DATA_OLD_S:
        yield found(AlarmKind.DATA_OLD)
    if gate.forked:
        yield found(AlarmKind.LEDGER_FORKED)
    if not heard:
        return  # the rest it said too long ago
    if TIGHT in gate.contact.faults:
        yield found(AlarmKind.DISK_TIGHT)
    elif LOW in gate.contact.faults:
        yield found(AlarmKind.DISK_LOW)
    if not gate.contact.clock_trusted:
        yield found(AlarmKind.CLOCK_UNTRUSTED)
    if gate.contact.proved_at and not gate.contact.proved:
        yield found(AlarmKind.PROOF_FAILED)


def of_event(event: EventFacts, now: float) -> Iterator[Found]:
    """What is wrong with one event as a whole."""
    for one in alarms(event.rows, int(now // 60)):
        detail: dict[str, str | float] = {"name": event.name, "share": one.share, "limit": one.limit}
        yield Found(AlarmKind(one.what), event.event, event.organisation, event.event, detail)


def of_site(persons: int) -> Iterator[Found]:
    """What concerns all who keep faces here."""
    if persons >= WARN_PERSONS:
        yield Found(AlarmKind.PERSONS, "site", None, "", {"persons": persons, "limit": FILING_PERSONS})
