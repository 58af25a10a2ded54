"""What evidence says of a ticket: each time it was presented, what was decided, who passed, what came of a dispute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Connection, select, tuple_

from models.ledger import EntryKind
from sync.server import tables
from sync.server.evidence_lines import Place, lines_of_ticket
from sync.server.pages.words import Words
from sync.server.problems import Refused
from sync.server.report_files import Sheet, as_pdf
from sync.server.told import read_body

_TICKET = ("ticket", "status", "category", "seat", "bound_at", "source", "source_ref", "changed_at")
_USE = ("device", "epoch", "seq", "direction", "passage", "at")
_CONFLICT = ("conflict", "nth", "found_at", "state", "settled_by", "settled_at", "finding", "words")
_CHINA = timezone(timedelta(hours=8))


def ticket_facts(connection: Connection, event: str, ticket: str) -> dict[str, Any]:
    """All that is known of the ticket but whose it is. Raises `Refused`: 404 where it is neither kept nor used."""
    table = tables.ticket
    row = connection.execute(select(table).where(table.c.event == event, table.c.ticket == ticket)).first()
    places = lines_of_ticket(connection, event, ticket)
    if row is None and not places:
        raise Refused(404, "no_such_ticket", f"the event {event} has no ticket {ticket}, and nobody presented one")
    kept = {name: getattr(row, name) for name in _TICKET} if row is not None else {"ticket": ticket}
    return {
        "event": event,
        "ticket": kept,
        "decisions": _decisions(connection, places),
        "uses": _rows(connection, tables.use, event, ticket, _USE),
        "conflicts": _rows(connection, tables.conflict, event, ticket, _CONFLICT),
    }


def visitor_report(facts: dict[str, Any], languages: Sequence[Words], now: float) -> bytes:
    """A PDF for the ticket's holder: each presentation with time, gate and outcome, in every one of the languages."""
    head: list[str] = []
    sheets: list[Sheet] = []
    for t in languages:
        head += [t("evidence.title"), t("evidence.of", event=facts["event"], ticket=facts["ticket"]["ticket"])]
        head += [t("evidence.note")]
        sheets += [_presented(facts, t), _disputed(facts, t)]
    return as_pdf(head, sheets, _clock(now))


def _presented(facts: dict[str, Any], t: Words) -> Sheet:
    heads = t("evidence.outcome"), t("evidence.at"), t("evidence.gate")
    rows = tuple((t.of("reasons", told["reason"]), _clock(told["at"]), told["gate"]) for told in facts["decisions"])
    return Sheet(t("evidence.presented"), heads, rows)


def _disputed(facts: dict[str, Any], t: Words) -> Sheet:
    heads = t("evidence.finding"), t("evidence.at")
    rows = tuple(
        (t.of("finding", one["finding"]) if one["finding"] else t("evidence.open"), _clock(one["found_at"]))
        for one in facts["conflicts"]
    )
    return Sheet(t("evidence.disputed"), heads, rows)


def _decisions(connection: Connection, places: list[Place]) -> list[dict[str, Any]]:
    """Each decision among the lines at `places`, in order of the gates' clocks."""
    entry, ledger = tables.entry, tables.ledger
    same = (ledger.c.device == entry.c.device) & (ledger.c.epoch == entry.c.epoch)
    told: list[dict[str, Any]] = []
    for at in range(0, len(places), 200):
        here = tuple_(entry.c.device, entry.c.epoch, entry.c.seq).in_(places[at : at + 200])
        rows = connection.execute(
            select(entry, ledger.c.gate).join_from(entry, ledger, same).where(here, entry.c.kind == EntryKind.DECISION)
        )
        told += [_decision(row) for row in rows]
    return sorted(told, key=lambda one: (one["at"], one["device"], one["seq"]))


def _decision(row: Any) -> dict[str, Any]:
    word = read_body(row.body).decision
    place = {"device": row.device, "epoch": row.epoch, "seq": row.seq, "at": row.at, "gate": row.gate}
    return place | {"verdict": word.verdict, "reason": word.reason, "flags": list(word.flags)}


def _rows(connection: Connection, table: Any, event: str, ticket: str, names: Sequence[str]) -> list[dict[str, Any]]:
    columns = [table.c[name] for name in names]
    here = table.c.event == event, table.c.ticket == ticket
    rows = connection.execute(select(*columns).where(*here)).mappings()
    return [dict(row) for row in rows]


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, _CHINA):%Y-%m-%d %H:%M:%S}"
