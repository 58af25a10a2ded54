"""The report for the authority: one event in numbers, and nothing that names a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, select

from models.decision import Reason, Verdict
from models.passage import Passage
from models.ticket import TicketStatus
from sync.server import board, tables
from sync.server.board import Tallied
from sync.server.conflicts import Finding
from sync.server.live import admitted_tickets, contact_of, totals
from sync.server.tally import FLAG, FREE, IN, OUT, RED

BY_STAFF = (Reason.OK_BY_STEWARD, Reason.REFUSED_BY_STEWARD, Reason.STEWARD_TIMEOUT)


@dataclass(frozen=True, slots=True)
class GateFigures:
    """What one gate did."""

    name: str
    admitted: int
    refused: int
    passed_in: int
    unchecked: int


@dataclass(frozen=True, slots=True)
class Report:
    """An event in numbers. `figures` are named as in the strings files; `unsent` are gates with lines still to come."""

    figures: dict[str, int | float]
    by_reason: list[tuple[str, int]]
    by_finding: list[tuple[str, int]]
    by_gate: list[GateFigures]
    unsent: list[str]


def report_of(connection: Connection, event: str) -> Report:
    """The event as it stands now."""
    rows = totals(connection, event)
    tickets = _grouped(connection, tables.ticket, "status", event)
    states = _grouped(connection, tables.conflict, "state", event)
    findings = _grouped(connection, tables.conflict, "finding", event)
    issued = {
        "sold": sum(tickets.values()),
        "valid": tickets[TicketStatus.VALID],
        "revoked": tickets[TicketStatus.REVOKED],
        "admitted": admitted_tickets(connection, event),
    }
    conflicts = {"conflicts": states.total() - states["withdrawn"], "conflicts_open": states["open"]}
    settled = [(name, number) for name, number in findings.most_common() if name in set(Finding)]
    names = _names(connection, {row.device for row in rows})
    return Report(
        figures={**issued, **figures(rows), **conflicts},
        by_reason=board.reasons(rows),
        by_finding=settled,
        by_gate=by_gate(rows, names),
        unsent=_unsent(connection, event),
    )


def figures(rows: Sequence[Tallied]) -> dict[str, int | float]:
    """What the tally of an event comes to."""
    counts = Counter[tuple[str, str]]()
    words = Counter[str]()
    for row in rows:
        counts[row.word, row.reason] += row.number
        words[row.word] += row.number
    passed_in = words[IN] - counts[IN, Passage.NO_SHOW]
    unchecked = counts[IN, FREE]
    manual_admitted = counts[Verdict.ADMIT, Reason.OK_BY_STEWARD]
    manual_refused = sum(counts[Verdict.DENY, reason] for reason in BY_STAFF)
    return {
        "admissions": words[Verdict.ADMIT],
        "passed_in": passed_in,
        "passed_out": words[OUT] - counts[OUT, Passage.NO_SHOW],
        "no_show": counts[IN, Passage.NO_SHOW] + counts[OUT, Passage.NO_SHOW],
        "refused": words[Verdict.DENY],
        "manual": manual_admitted + manual_refused,
        "manual_admitted": manual_admitted,
        "manual_refused": manual_refused,
        "unchecked": unchecked,
        "unchecked_share": unchecked / passed_in if passed_in else 0.0,
        "claim_unanswered": counts[FLAG, "claim_unanswered"],
        "no_face": counts[FLAG, "non_face_alternative"],
        "emergencies": words[RED],
        "companions": counts[FLAG, "companion"],
    }


def by_gate(rows: Sequence[Tallied], names: dict[str, str]) -> list[GateFigures]:
    """The same for each gate, by name."""
    made = []
    for device in {row.device for row in rows}:
        own = figures([row for row in rows if row.device == device])
        told = [int(own[key]) for key in ("admissions", "refused", "passed_in", "unchecked")]
        made.append(GateFigures(names.get(device, device), *told))
    return sorted(made, key=lambda gate: gate.name)


def _grouped(connection: Connection, table: Table, column: str, event: str) -> Counter[str]:
    of = table.c[column]
    rows = connection.execute(select(of, func.count()).where(table.c.event == event).group_by(of))
    return Counter({str(name): int(number) for name, number in rows})


def _names(connection: Connection, devices: set[str]) -> dict[str, str]:
    device = tables.device
    rows = connection.execute(select(device.c.device, device.c.name).where(device.c.device.in_(devices)))
    return {row.device: row.name for row in rows}


def _unsent(connection: Connection, event: str) -> list[str]:
    """The event's gates that said at their last contact that they have more lines than are held, or never said it."""
    device, ledger = tables.device, tables.ledger
    rows = connection.execute(
        select(device.c.device, device.c.name, device.c.contact, device.c.last_contact_at)
        .where(device.c.event == event, device.c.kind == "gate", device.c.state == "enrolled")
        .order_by(device.c.name)
    ).all()
    held = {
        (row.device, row.epoch): row.seq
        for row in connection.execute(
            select(ledger.c.device, ledger.c.epoch, ledger.c.seq).where(
                ledger.c.device.in_([row.device for row in rows]), ledger.c.state == "good"
            )
        )
    }
    found = []
    for row in rows:
        told = contact_of(row.contact).ledger
        if row.last_contact_at is None or (told is not None and told.seq > held.get((row.device, told.epoch), 0)):
            found.append(row.name)
    return found
