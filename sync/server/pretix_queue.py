"""What pretix hears of: who passed, who was refused. A queue in the database: nothing is lost, nothing told twice.

A passage has happened; pretix is told with force and marks what it would have refused. The nonce is made of the ledger
line, so that telling it again after a lost answer changes nothing there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, and_, insert, select, update

from models.decision import Reason, Verdict
from models.ledger import EntryKind
from models.passage import Direction, Passage
from models.wire import WireError, from_json
from sync.server import tables
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub
from sync.server.pretix_intake import secret_place
from sync.server.pretix_link import Link
from sync.sources.pretix_client import Checkin, Pretix, PretixAway, PretixDenied, PretixRefused

QUEUED, TOLD, REFUSED = "queued", "told", "refused"
REFUSAL = "refusal"
LATE_S = 60.0
"""A line's time of receipt is read before its transaction commits; so far back refusals are looked for again."""

_AT_ONCE = 500
_LONGEST_WAIT_S = 600.0
_PASSED = (Passage.PASSED.value, Passage.UNKNOWN.value)

_REASONS = {
    Reason.REVOKED: "canceled",
    Reason.ALREADY_ADMITTED: "already_redeemed",
    Reason.CODE_USED: "already_redeemed",
    Reason.WRONG_GATE: "product",
    Reason.WRONG_EVENT: "product",
    Reason.NOT_YET_VALID: "invalid_time",
    Reason.EXPIRED: "invalid_time",
    Reason.UNBOUND: "rules",
}
_UNTOLD = "refused by staff"
_UNKNOWN = "invalid"


@dataclass(frozen=True, slots=True)
class _Word:
    verdict: str = ""
    reason: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class _Manifest:
    event: str = ""


@dataclass(frozen=True, slots=True)
class _Lookup:
    manifest: _Manifest | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    direction: Direction = Direction.ENTRY
    lookup: _Lookup | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    decision: _Word = field(default_factory=_Word)
    facts: _Facts = field(default_factory=_Facts)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a round told pretix."""

    told: int = 0
    refused: int = 0


def fill_queue(hub: Hub, connection: Connection, link: Link) -> int:
    """Queue the passages and refusals that pretix has not heard of; how many there are."""
    return _queue_passages(connection, link.event) + _queue_refusals(hub, connection, link)


def send_queue(hub: Hub, link: Link, pretix: Pretix) -> Sent:
    """Tell pretix what is due, oldest first.

    Raises `PretixAway`, `PretixDenied`: nothing later is told then either, so that no exit comes before its entry.
    """
    told = refused = 0
    for row in _due(hub, link.event):
        try:
            answer = _tell(hub, link, pretix, row)
        except (PretixAway, PretixDenied):
            _postpone(hub, row)
            raise
        except PretixRefused as error:
            answer = str(error)
        _settle(hub, row, REFUSED if answer else TOLD, answer)
        told, refused = told + (not answer), refused + bool(answer)
    return Sent(told, refused)


def _queue_passages(connection: Connection, event: str) -> int:
    use, queue, holder, device = tables.use, tables.pretix_checkin, tables.pretix_holder, tables.device
    same = and_(queue.c.device == use.c.device, queue.c.epoch == use.c.epoch, queue.c.seq == use.c.seq)
    rows = connection.execute(
        select(use, device.c.name)
        .join(holder, and_(holder.c.event == use.c.event, holder.c.ticket == use.c.ticket))
        .join(device, device.c.device == use.c.device)
        .outerjoin(queue, same)
        .where(use.c.event == event, use.c.passage.in_(_PASSED), queue.c.seq.is_(None))
    ).all()
    values = [_row(row, row.ticket, row.name, Direction(row.direction).value) for row in rows]
    if values:
        connection.execute(insert(queue), [{"event": event} | each for each in values])
    return len(values)


def _queue_refusals(hub: Hub, connection: Connection, link: Link) -> int:
    """Refusals are no uses: they are looked for among the lines received since the last time."""
    entry, device, queue = tables.entry, tables.device, tables.pretix_checkin
    rows = connection.execute(
        select(entry, device.c.name)
        .join(device, device.c.device == entry.c.device)
        .where(entry.c.received_at >= link.refusals_at - LATE_S, entry.c.kind == EntryKind.DECISION.value)
    ).all()
    refusals = [(row, line) for row in rows if (line := _read(row.body)) and _is_refusal(line, link.event)]
    known = _known(connection, link.event, sorted({line.decision.ticket for _, line in refusals}))
    queued = 0
    for row, line in refusals:
        if line.decision.ticket in known:
            values = _row(row, line.decision.ticket, row.name, REFUSAL) | {"event": link.event}
            values["reason"] = line.decision.reason
            made = insert_or_ignore(connection, queue).values(**values).returning(queue.c.seq)
            queued += connection.execute(made).first() is not None
    table = tables.pretix_link
    latest = max((row.received_at for row in rows), default=link.refusals_at)
    connection.execute(update(table).where(table.c.event == link.event).values(refusals_at=latest))
    return queued


def _row(row: Any, ticket: str, gate: str, kind: str) -> dict[str, Any]:
    """One row of the queue, but for its event."""
    key = {"device": row.device, "epoch": row.epoch, "seq": row.seq}
    return key | {"ticket": ticket, "kind": kind, "gate": gate, "at": row.at}


def _read(body: str) -> _Line | None:
    try:
        return from_json(_Line, body)
    except WireError:  # of a newer program
        return None


def _is_refusal(line: _Line, event: str) -> bool:
    manifest = line.facts.lookup.manifest if line.facts.lookup else None
    refused = line.decision.verdict == Verdict.DENY and line.decision.ticket
    return bool(refused and manifest and manifest.event == event)


def _known(connection: Connection, event: str, tickets: Sequence[str]) -> set[str]:
    holder, found = tables.pretix_holder, set[str]()
    for start in range(0, len(tickets), 500):
        some = holder.c.ticket.in_(tickets[start : start + 500])
        found |= set(connection.execute(select(holder.c.ticket).where(holder.c.event == event, some)).scalars())
    return found


def _due(hub: Hub, event: str) -> Sequence[Any]:
    queue, holder, sold = tables.pretix_checkin, tables.pretix_holder, tables.pretix_position
    with hub.engine.connect() as connection:
        rows = connection.execute(
            select(queue, sold.c.position, sold.c.sealed_secret)
            .join(holder, and_(holder.c.event == queue.c.event, holder.c.ticket == queue.c.ticket))
            .join(sold, and_(sold.c.event == holder.c.event, sold.c.position == holder.c.position))
            .where(queue.c.event == event, queue.c.state == QUEUED)
            .order_by(queue.c.at, queue.c.device, queue.c.epoch, queue.c.seq)
            .limit(_AT_ONCE)
        ).all()
    return [] if rows and rows[0].not_before > hub.clock() else rows


def _tell(hub: Hub, link: Link, pretix: Pretix, row: Any) -> str:
    """Tell one; why pretix would not have it, or empty."""
    secret = hub.unseal(row.sealed_secret, secret_place(row.event, row.position)).decode()
    told = Checkin(link.list_of(row.gate), secret, row.kind == Direction.EXIT.value, row.at, nonce_of(row))
    if row.kind == REFUSAL:
        reason, words = told_reason(row.reason)
        pretix.refused(told, reason, f"{words} ({row.gate})")
        return ""
    answer = pretix.check_in(told)
    if answer.status == "ok":
        return ""
    if answer.reason == _UNKNOWN:  # it checks in nobody on a single position that was cancelled, not even by force
        pretix.refused(told, "canceled", f"went through nevertheless, before the gate knew ({row.gate})")
    return f"went through, but pretix did not take it as a check-in: {answer.reason or answer.status}"


def nonce_of(row: Any) -> str:
    """The same for the same line of the same ledger, and for no other."""
    line = f"{row.device}|{row.epoch}|{row.seq}"
    return f"menshen-{hashlib.sha256(line.encode()).hexdigest()[:40]}"


def told_reason(reason: str) -> tuple[str, str]:
    """Pretix's own reason, and words for its staff. Faces, documents and lists are not for its ears."""
    theirs = _REASONS.get(Reason(reason)) if reason in set(Reason) else None
    return (theirs, reason.replace("_", " ")) if theirs else ("error", _UNTOLD)


def _settle(hub: Hub, row: Any, state: str, answer: str) -> None:
    queue = tables.pretix_checkin
    with hub.begin() as connection:
        connection.execute(
            update(queue).where(_same(row)).values(state=state, answer=answer, told_at=hub.clock(), tries=row.tries + 1)
        )


def _postpone(hub: Hub, row: Any) -> None:
    queue, wait_s = tables.pretix_checkin, min(2.0 ** min(row.tries, 12), _LONGEST_WAIT_S)
    with hub.begin() as connection:
        connection.execute(update(queue).where(_same(row)).values(tries=row.tries + 1, not_before=hub.clock() + wait_s))


def _same(row: Any) -> Any:
    queue = tables.pretix_checkin
    return and_(queue.c.device == row.device, queue.c.epoch == row.epoch, queue.c.seq == row.seq)
