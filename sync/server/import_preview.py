"""What a person sees of an import before it is written: counts, findings, and the first rows, masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.decision import Policy
from models.ids import mask_number
from sync.findings import Finding, Severity, findings
from sync.holding import Holding
from sync.server.comparing import Difference, after

SHOWN_ROWS = 20
SHOWN_FINDINGS = 50
SHOWN_ABSENT = 50


class Mode(StrEnum):
    """`replace`: the table is the whole list, and the tickets it leaves out go; `add`: they stay."""

    ADD = "add"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class MaskedTicket:
    """A ticket as a screen may show it."""

    ticket: str
    status: str
    category: str
    masked_name: str
    documents: tuple[str, ...]  # kind and masked number
    seat: str
    gates: tuple[str, ...]
    not_before: float
    not_after: float
    bound_at: float | None
    guardian: str
    has_reference: bool
    face_declined: bool
    notes: tuple[str, ...]  # kinds only


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen. `absent` are tickets that are valid now and not in the table: with `replace` they would go.

    `reinstated` are among the changed: revoked now, valid again afterwards. `revision` is the event's when this was
    seen. `problems` counts all of them, where the table was refused.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    reinstated: int = 0
    absent: int = 0
    first_absent: tuple[str, ...] = ()
    photographs: int = 0
    errors: int = 0
    warnings: int = 0
    first_findings: tuple[Finding, ...] = ()
    first_rows: tuple[MaskedTicket, ...] = ()
    revision: int = 0
    problems: int = 0


def preview_of(
    before: Mapping[str, Holding],
    listed: Sequence[Holding],
    difference: Difference,
    mode: Mode,
    policy: Policy,
    now: float,
    revision: int,
) -> Preview:
    """Look at what the import would make of the event."""
    found = findings(after(before, difference, without_absent=mode is Mode.REPLACE), policy, now)
    errors = sum(finding.severity is Severity.ERROR for finding in found)
    found.sort(key=lambda finding: finding.severity)  # errors first: so the words fall
    return Preview(
        new=len(difference.new),
        changed=len(difference.changed),
        same=difference.same,
        reinstated=difference.reinstated,
        absent=len(difference.absent),
        first_absent=difference.absent[:SHOWN_ABSENT],
        photographs=sum(holding.ticket.reference is not None for holding in listed),
        errors=errors,
        warnings=len(found) - errors,
        first_findings=tuple(found[:SHOWN_FINDINGS]),
        first_rows=tuple(map(masked, listed[:SHOWN_ROWS])),
        revision=revision,
    )


def masked(holding: Holding) -> MaskedTicket:
    """What a screen may show of a ticket."""
    ticket = holding.ticket
    return MaskedTicket(
        ticket=ticket.ticket,
        status=ticket.status,
        category=ticket.category,
        masked_name=ticket.masked_name,
        documents=tuple(f"{document.kind} {mask_number(document.number)}" for document in holding.documents),
        seat=ticket.entitlement.seat,
        gates=ticket.entitlement.gates,
        not_before=ticket.validity.not_before,
        not_after=ticket.validity.not_after,
        bound_at=ticket.bound_at,
        guardian=ticket.guardian,
        has_reference=ticket.reference is not None,
        face_declined=ticket.face_declined,
        notes=tuple(note.kind for note in ticket.notes),
    )
