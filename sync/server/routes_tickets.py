"""Tickets: written by a ticketing platform, seen masked, revoked, erased, sold again. Gates hear of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from sqlalchemy import Connection, select

from sync.server import tables, ticket_changes
from sync.server.events_api import (
    AfterTicket,
    Changed,
    EventName,
    NamesBody,
    PageSize,
    ResaleBody,
    TicketsBody,
    TicketsTold,
    WaitlistBody,
)
from sync.server.hub import Hub
from sync.server.import_preview import MaskedTicket, masked
from sync.server.permissions import Permission, Person, check_event
from sync.server.routes_events import ANSWERS, TheHub, Watcher
from sync.server.sessions_http import require
from sync.server.tickets import find_ticket, find_tickets

router = APIRouter(prefix="/v1/admin/events/{event}", tags=["tickets"])

TicketKeeper = Annotated[Person, Depends(require(Permission.TICKETS_MANAGE))]


@router.put("/tickets", responses=ANSWERS)
def put_tickets(event: EventName, body: TicketsBody, person: TicketKeeper, hub: TheHub) -> Changed:
    """Write up to 1,000 tickets, by their names; the same once more changes nothing."""
    with _own(hub, person, event) as connection:
        return ticket_changes.put(hub, connection, person.account, event, body.tickets)


@router.get("/tickets", responses=ANSWERS)
def list_tickets(
    event: EventName, person: Watcher, hub: TheHub, after: AfterTicket = "", limit: PageSize = 100
) -> TicketsTold:
    """Tickets in the order of their names, masked."""
    ticket = tables.ticket
    with _own(hub, person, event) as connection:
        names = list(
            connection.execute(
                select(ticket.c.ticket)
                .where(ticket.c.event == event, ticket.c.ticket > after)
                .order_by(ticket.c.ticket)
                .limit(limit)
            ).scalars()
        )
        found = find_tickets(hub, connection, event, names)
    shown = tuple(masked(found[name]) for name in names)
    return TicketsTold(shown, names[-1] if len(names) == limit else "")


@router.get("/tickets/{ticket:path}", responses=ANSWERS)
def show_ticket(
    event: EventName,
    ticket: Annotated[str, Path(max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")],
    person: Watcher,
    hub: TheHub,
) -> MaskedTicket:
    """One ticket, masked."""
    with _own(hub, person, event) as connection:
        return masked(find_ticket(hub, connection, event, ticket))


@router.post("/revocations", responses=ANSWERS)
def revoke_tickets(event: EventName, body: NamesBody, person: TicketKeeper, hub: TheHub) -> Changed:
    """Refunded or withdrawn: the gates refuse these tickets within seconds."""
    with _own(hub, person, event) as connection:
        return ticket_changes.revoke(hub, connection, person.account, event, body.tickets)


@router.post("/erasures", responses=ANSWERS)
def erase_tickets(event: EventName, body: NamesBody, person: TicketKeeper, hub: TheHub) -> Changed:
    """Erase tickets with all that is kept of their holders, here and at the gates; unknown ones are passed over."""
    with _own(hub, person, event) as connection:
        return ticket_changes.erase(hub, connection, person.account, event, body.tickets)


@router.post("/resales", responses=ANSWERS)
def resell_ticket(event: EventName, body: ResaleBody, person: TicketKeeper, hub: TheHub) -> Changed:
    """A seat changes hands: the seller's ticket is revoked and the buyer's is good, in one step at every gate."""
    with _own(hub, person, event) as connection:
        return ticket_changes.resell(hub, connection, person.account, event, body.seller, body.buyer)


@router.post("/waitlist", responses=ANSWERS)
def serve_waitlist(event: EventName, body: WaitlistBody, person: TicketKeeper, hub: TheHub) -> Changed:
    """Seats that were given back go to those who wait, in order; all of it or nothing."""
    with _own(hub, person, event) as connection:
        return ticket_changes.hand_over(hub, connection, person.account, event, body.released, body.waiting)


@contextmanager
def _own(hub: Hub, person: Person, event: str) -> Iterator[Connection]:
    """A transaction on an event that is this person's to see."""
    with hub.begin() as connection:
        check_event(connection, person, event)
        yield connection
