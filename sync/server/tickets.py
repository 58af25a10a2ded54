"""Events and their tickets. What is kept of a person is sealed; who may look her up needs the document she shows.

Every change raises the event's revision and is stamped with it, so that a delta knows what the gates don't have yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from os import urandom
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from models.decision import Policy
from models.ids import DocumentType
from models.store.vault import SECRET_BYTES, lookup_key
from models.ticket import TicketStatus
from models.wire import from_json, to_json
from sync.holding import Holding
from sync.server import tables
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub
from sync.server.problems import Refused
from sync.server.ticket_rows import Rows, event_place, rows_of, ticket_place, unsealed

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What an event begins as. Times are Unix seconds; the policy names the event."""

    organisation: str
    venue: str
    name: str
    begins_at: float
    ends_at: float
    policy: Policy


@dataclass(frozen=True, slots=True)
class Written:
    """What a change of tickets came to."""

    new: int = 0
    changed: int = 0
    same: int = 0
    revoked: int = 0
    removed: int = 0


def make_event(hub: Hub, connection: Connection, actor: str, new: NewEvent) -> str:
    """A new event, still a draft. Raises `Refused`: 409 `event_exists`, 422 `bad_times`."""
    event = new.policy.event
    if not new.begins_at < new.ends_at:
        raise Refused(422, "bad_times", "an event ends after it begins")
    values: dict[str, Any] = {
        "event": event,
        "organisation": new.organisation,
        "venue": new.venue,
        "name": new.name,
        "begins_at": new.begins_at,
        "ends_at": new.ends_at,
        "policy": to_json(new.policy).decode(),
        "sealed_secret": hub.seal(urandom(SECRET_BYTES), event_place(event)),
        "made_at": hub.clock(),
    }
    made = insert_or_ignore(connection, tables.event).values(**values).returning(tables.event.c.event)
    if connection.execute(made).first() is None:
        raise Refused(409, "event_exists", f"there is an event {event} already: choose another identifier")
    hub.audit(connection, actor, "event_made", event, profile=new.policy.profile)
    return event


def set_policy(hub: Hub, connection: Connection, actor: str, policy: Policy) -> None:
    """Exchange the event's rules; the gates get them with the next bundle."""
    event = tables.event
    done = connection.execute(
        update(event)
        .where(event.c.event == policy.event)
        .values(policy=to_json(policy).decode(), revision=event.c.revision + 1)
        .returning(event.c.event)
    )
    if done.first() is None:
        raise _no_event(policy.event)
    hub.audit(connection, actor, "policy_set", policy.event)


def policy_of_event(connection: Connection, event: str) -> Policy:
    """The event's rules. Raises `Refused`: 404."""
    found = connection.execute(select(tables.event.c.policy).where(tables.event.c.event == event)).scalar()
    if found is None:
        raise _no_event(event)
    return from_json(Policy, found)


def secret_of(hub: Hub, connection: Connection, event: str) -> bytes:
    """The event's secret, for building and looking up. Raises `Refused`: 404."""
    sealed = connection.execute(select(tables.event.c.sealed_secret).where(tables.event.c.event == event)).scalar()
    if sealed is None:
        raise _no_event(event)
    return hub.unseal(sealed, event_place(event))


def put_tickets(
    hub: Hub, connection: Connection, actor: str, event: str, holdings: Sequence[Holding], *, source: str = "api"
) -> Written:
    """Write tickets, new ones and changed ones; those that are as they were stay unstamped."""
    secret, revision = secret_of(hub, connection, event), _next_revision(connection, event)
    new = changed = same = 0
    for start in range(0, len(holdings), _CHUNK):
        some = holdings[start : start + _CHUNK]
        before = _plain(hub, connection, event, [holding.ticket.ticket for holding in some])
        rows = rows_of(hub, event, secret, before, some, source)
        _insert(connection, event, rows, revision)
        new, changed, same = new + len(rows.fresh), changed + len(rows.other), same + rows.same
    hub.audit(connection, actor, "tickets_put", event, new=new, changed=changed, same=same, source=source)
    return Written(new, changed, same)


def put_rows(hub: Hub, connection: Connection, actor: str, event: str, rows: Rows, *, source: str) -> Written:
    """As `put_tickets`, with rows that were sealed before the transaction began: nothing may have changed since."""
    _insert(connection, event, rows, _next_revision(connection, event))
    new, changed = len(rows.fresh), len(rows.other)
    hub.audit(connection, actor, "tickets_put", event, new=new, changed=changed, same=rows.same, source=source)
    return Written(new, changed, rows.same)


def revoke_tickets(hub: Hub, connection: Connection, actor: str, event: str, names: Iterable[str]) -> Written:
    """Refunded, re-sold, withdrawn: the gates refuse them by that reason. Raises `Refused`: 404 for an unknown one."""
    revoked, same = [], 0
    for name in dict.fromkeys(names):
        holding = find_ticket(hub, connection, event, name)
        if holding.ticket.status is TicketStatus.REVOKED:
            same += 1
        else:
            revoked.append(replace(holding, ticket=replace(holding.ticket, status=TicketStatus.REVOKED)))
    if revoked:
        put_tickets(hub, connection, actor, event, revoked, source="revocation")
        hub.audit(connection, actor, "tickets_revoked", event, tickets=[one.ticket.ticket for one in revoked])
    return Written(revoked=len(revoked), same=same)


def remove_tickets(hub: Hub, connection: Connection, actor: str, event: str, names: Iterable[str]) -> Written:
    """Erase tickets, with everything that is kept of their holders; the gates forget them with the next bundle."""
    revision = _next_revision(connection, event)
    removed = 0
    for name in dict.fromkeys(names):
        if _drop(connection, event, name):
            removed += 1
            _tombstone(connection, event, name, revision)
    hub.audit(connection, actor, "tickets_removed", event, removed=removed)
    return Written(removed=removed)


def find_ticket(hub: Hub, connection: Connection, event: str, name: str) -> Holding:
    """One ticket. Raises `Refused`: 404."""
    found = _plain(hub, connection, event, [name])
    if name not in found:
        raise Refused(404, "no_such_ticket", f"the event {event} has no ticket {name}")
    return from_json(Holding, found[name])


def tickets_of(hub: Hub, connection: Connection, event: str, document: DocumentType, number: str) -> list[Holding]:
    """The tickets that a document opens."""
    key = lookup_key(secret_of(hub, connection, event), document, number)
    opens = tables.ticket_document
    names = connection.execute(
        select(opens.c.ticket).where(opens.c.event == event, opens.c.lookup_key == key).order_by(opens.c.ticket)
    )
    return [find_ticket(hub, connection, event, name) for name in names.scalars()]


def holdings_of(hub: Hub, connection: Connection, event: str, after_revision: int = -1) -> Iterator[Holding]:
    """The tickets changed after a revision; all of them from the start."""
    return unseal_holdings(hub, event, sealed_holdings(connection, event, after_revision))


def sealed_holdings(connection: Connection, event: str, after_revision: int = -1) -> list[tuple[str, bytes]]:
    """As `holdings_of`, still sealed: a large house is unsealed outside of the transaction, which others wait for."""
    ticket = tables.ticket
    rows = connection.execute(
        select(ticket.c.ticket, ticket.c.sealed_holding)
        .where(ticket.c.event == event, ticket.c.revision > after_revision)
        .order_by(ticket.c.ticket)
    )
    return [(row.ticket, row.sealed_holding) for row in rows]


def unseal_holdings(hub: Hub, event: str, sealed: Iterable[tuple[str, bytes]]) -> Iterator[Holding]:
    """What `sealed_holdings` gave, in clear."""
    for name, holding in sealed:
        yield from_json(Holding, hub.unseal(holding, ticket_place(event, name)))


def find_tickets(hub: Hub, connection: Connection, event: str, names: Sequence[str]) -> dict[str, Holding]:
    """Those of the tickets that there are."""
    found: dict[str, Holding] = {}
    for start in range(0, len(names), _CHUNK):
        plain = _plain(hub, connection, event, names[start : start + _CHUNK])
        found |= {name: from_json(Holding, holding) for name, holding in plain.items()}
    return found


def removed_of(connection: Connection, event: str, after_revision: int) -> list[str]:
    """The tickets that were erased after a revision."""
    gone = tables.removed_ticket
    rows = connection.execute(select(gone.c.ticket).where(gone.c.event == event, gone.c.revision > after_revision))
    return list(rows.scalars())


def count_tickets(connection: Connection, event: str) -> int:
    """How many tickets there are, revoked ones among them."""
    ticket = tables.ticket
    return int(connection.execute(select(func.count()).select_from(ticket).where(ticket.c.event == event)).scalar_one())


def _next_revision(connection: Connection, event: str) -> int:
    """Raised first of all: on PostgreSQL that locks the event's row, so that two changes follow one another."""
    table = tables.event
    raised = update(table).where(table.c.event == event).values(revision=table.c.revision + 1)
    row = connection.execute(raised.returning(table.c.revision)).first()
    if row is None:
        raise _no_event(event)
    return int(row.revision)


def sealed_among(connection: Connection, event: str, names: Sequence[str]) -> list[tuple[str, bytes]]:
    """Those of the tickets that there are, still sealed."""
    ticket, found = tables.ticket, []
    for start in range(0, len(names), _CHUNK):
        here = ticket.c.event == event, ticket.c.ticket.in_(names[start : start + _CHUNK])
        rows = connection.execute(select(ticket.c.ticket, ticket.c.sealed_holding).where(*here))
        found += [(row.ticket, row.sealed_holding) for row in rows]
    return found


def _plain(hub: Hub, connection: Connection, event: str, names: Sequence[str]) -> dict[str, bytes]:
    return unsealed(hub, event, sealed_among(connection, event, names))


def _insert(connection: Connection, event: str, rows: Rows, revision: int) -> None:
    for name in rows.other:
        _drop(connection, event, name)
    for start in range(0, len(rows.fresh), _CHUNK):
        _forget_tombstones(connection, event, rows.fresh[start : start + _CHUNK])
    if rows.tickets:
        connection.execute(insert(tables.ticket), [row | {"revision": revision} for row in rows.tickets])
        connection.execute(insert(tables.ticket_document), rows.documents)


def _drop(connection: Connection, event: str, name: str) -> bool:
    ticket, opens = tables.ticket, tables.ticket_document
    connection.execute(delete(opens).where(opens.c.event == event, opens.c.ticket == name))
    dropped = delete(ticket).where(ticket.c.event == event, ticket.c.ticket == name).returning(ticket.c.ticket)
    return connection.execute(dropped).first() is not None


def _forget_tombstones(connection: Connection, event: str, names: Sequence[str]) -> None:
    """A ticket that comes back was not removed: it replaces whatever the gates may still have."""
    gone = tables.removed_ticket
    connection.execute(delete(gone).where(gone.c.event == event, gone.c.ticket.in_(names)))


def _tombstone(connection: Connection, event: str, name: str, revision: int) -> None:
    connection.execute(insert(tables.removed_ticket).values(event=event, ticket=name, revision=revision))


def _no_event(event: str) -> Refused:
    return Refused(404, "no_such_event", f"there is no event {event} here")
