"""Leases: which venue hub answers for an event's claims in place of the centre.

While a lease holds the centre answers nobody for that event, so that a ticket has one judge even when the line between
both is cut. A hub gives an event back in two steps: it is asked to, stops answering, passes on what it still has, and
then the centre takes over. By force the centre takes over at once; a hub that can't be reached may still be answering.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from sync.contract_hub import HeldClaim, HeldClaims
from sync.server import tables
from sync.server.devices import ENROLLED, directory
from sync.server.hub import Hub
from sync.server.newcomers import publish_for_gates
from sync.server.problems import Refused

LEASED, RETURNING = "leased", "returning"
CLAIMS_PAGE = 1000


def lease(hub: Hub, connection: Connection, actor: str, event: str, device: str) -> None:
    """Let the venue hub `device` answer for `event`; its gates that have nothing to serve get it.

    Raises `Refused`: 404 no such event or hub, 409 `leased_already`.
    """
    _lock(connection, event)
    row = tables.device
    found = connection.execute(select(row.c.kind, row.c.state).where(row.c.device == device)).first()
    if found is None or found.kind != "hub" or found.state != ENROLLED:
        raise Refused(404, "no_such_hub", "no venue hub of this identifier is enrolled here")
    held = find_lease(connection, event)
    if held is not None and held.device != device:
        raise Refused(409, "leased_already", "another hub answers for this event: have it given back first")
    if held is None:
        values = {"event": event, "device": device, "made_by": actor, "made_at": hub.clock()}
        connection.execute(insert(tables.lease).values(**values, state=LEASED))
    else:
        connection.execute(update(tables.lease).where(tables.lease.c.event == event).values(state=LEASED))
    connection.execute(update(tables.event).where(tables.event.c.event == event).values(lessee=device))
    fresh = connection.execute(
        update(row)
        .where(row.c.hub == device, row.c.state == ENROLLED, row.c.event.is_(None))
        .values(event=event)
        .returning(row.c.device)
    )
    publish_for_gates(hub, connection, actor, [(event, gate) for gate in fresh.scalars()])
    hub.audit(connection, actor, "lease.made", event, device=device)
    _tell(hub, connection, event, device)


def give_back(hub: Hub, connection: Connection, actor: str, event: str, *, force: bool = False, why: str = "") -> bool:
    """Ask the hub to give `event` back, or take it back by force; whether the centre answers from now on.

    Raises `Refused`: 404 `not_leased`, 422 force without a reason.
    """
    _lock(connection, event)
    held = find_lease(connection, event)
    if held is None:
        raise Refused(404, "not_leased", "no hub answers for this event")
    if not force:
        connection.execute(update(tables.lease).where(tables.lease.c.event == event).values(state=RETURNING))
        hub.audit(connection, actor, "lease.asked_back", event, device=held.device)
        _tell(hub, connection, event, held.device)
        return False
    if not why.strip():
        raise Refused(422, "no_reason", "say why: the hub may still be letting people in by itself")
    _end(hub, connection, event, held.device)
    hub.audit(connection, actor, "lease.taken_back", event, device=held.device, why=why.strip(), forced=True)
    return True


def end_leases(hub: Hub, connection: Connection, actor: str, device: str, why: str) -> None:
    """The hub `device` may answer nobody any more: from now on the centre answers for all its events.

    Until the hub hears of it, a hub that can't be reached may still be answering; so it is with force, too.
    """
    row = tables.lease
    held = select(row.c.event).where(row.c.device == device).order_by(row.c.event)
    for event in connection.execute(held).scalars().all():
        _lock(connection, event)
        _end(hub, connection, event, device)
        hub.audit(connection, actor, "lease.taken_back", event, device=device, why=why, forced=True)


def take_returns(hub: Hub, connection: Connection, device: str, answering: Iterable[str], waiting: int) -> None:
    """The hub `device` says for what it answers and how many lines it still has: what it gave back is ours again."""
    row = tables.lease
    chosen = select(row.c.event).where(row.c.device == device, row.c.state == RETURNING).order_by(row.c.event)
    for event in connection.execute(chosen).scalars().all() if not waiting else ():
        if event not in answering:
            _end(hub, connection, event, device)
            hub.audit(connection, device, "lease.given_back", event)


def find_lease(connection: Connection, event: str) -> Any:
    """The row of the event's lease, or `None`."""
    return connection.execute(select(tables.lease).where(tables.lease.c.event == event)).first()


def leased_to(connection: Connection, device: str) -> set[str]:
    """The events for which the hub `device` is to answer."""
    row = tables.lease
    return set(connection.execute(select(row.c.event).where(row.c.device == device, row.c.state == LEASED)).scalars())


def claims_of(connection: Connection, device: str, event: str, after: str) -> HeldClaims:
    """The tickets in use, a page of them, for the hub that takes `event` over. Raises `Refused`: 403."""
    if event not in leased_to(connection, device):
        raise Refused(403, "not_your_event", "this event is not leased to this hub")
    held = tables.claim
    rows = connection.execute(
        select(held).where(held.c.event == event, held.c.ticket > after).order_by(held.c.ticket).limit(CLAIMS_PAGE)
    )
    return HeldClaims(
        tuple(HeldClaim(one.ticket, one.claim, one.device, one.gate, one.at, one.passage) for one in rows)
    )


def _lock(connection: Connection, event: str) -> None:
    row = tables.event
    if connection.execute(select(row.c.event).where(row.c.event == event).with_for_update()).first() is None:
        raise Refused(404, "no_such_event", f"there is no event {event} here")


def _end(hub: Hub, connection: Connection, event: str, device: str) -> None:
    connection.execute(delete(tables.lease).where(tables.lease.c.event == event))
    connection.execute(update(tables.event).where(tables.event.c.event == event).values(lessee=None))
    _tell(hub, connection, event, device)


def _tell(hub: Hub, connection: Connection, event: str, device: str) -> None:
    directory(hub).forget(device)
    hub.ring(connection, event=event)
    hub.ring(connection, device=device)
