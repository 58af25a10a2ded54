"""Changes of tickets as people and platforms ask for them. What concerns the gates goes to them in the same request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, exists, or_, select

from models.ids import mask_name, normalise_number
from models.passage import Passage
from models.ticket import Entitlement, Note, NoteKind, Ticket, TicketStatus, Validity
from sync.holding import Document, Holding
from sync.server import tables
from sync.server.comparing import compare
from sync.server.events_api import BuyerBody, Changed, HandedOver, TicketBody
from sync.server.hub import Hub
from sync.server.imports import CLOSED
from sync.server.problems import Refused
from sync.server.publish import PUBLISHED, publish_changes
from sync.server.rules import SHOWN, findings_of_change, refuse_errors
from sync.server.tickets import (
    Written,
    find_ticket,
    find_tickets,
    put_tickets,
    remove_tickets,
    revoke_tickets,
)
from sync.sources.people import wrong_number


def put(hub: Hub, connection: Connection, actor: str, event: str, tickets: Sequence[TicketBody]) -> Changed:
    """Write tickets; once more is harmless. Raises `Refused`: 404, 409 `event_closed`, `rules_broken`; 422."""
    state = _lock(connection, event)
    holdings = [holding_of(each, event, f"tickets.{place}") for place, each in enumerate(tickets)]
    if len({holding.ticket.ticket for holding in holdings}) != len(holdings):
        raise Refused(422, "ticket_twice", "a ticket stands twice in the list: send each once")
    difference = compare(find_tickets(hub, connection, event, [each.ticket for each in tickets]), holdings)
    return _write(hub, connection, actor, event, state, difference.written, Written(same=difference.same))


def revoke(hub: Hub, connection: Connection, actor: str, event: str, names: Iterable[str]) -> Changed:
    """Revoke tickets. Raises `Refused`: 404, 409 `event_closed`."""
    _lock(connection, event)
    written = revoke_tickets(hub, connection, actor, event, names)
    return Changed(written, publish_changes(hub, connection, actor, event) if written.revoked else None)


def erase(hub: Hub, connection: Connection, actor: str, event: str, names: Iterable[str]) -> Changed:
    """Erase tickets and what is kept of their holders, also of an event that is over. Raises `Refused`: 404."""
    _lock(connection, event, also_closed=True)
    there = find_tickets(hub, connection, event, list(names))
    if not there:
        return Changed(Written())
    written = remove_tickets(hub, connection, actor, event, there)
    return Changed(written, publish_changes(hub, connection, actor, event))


def resell(hub: Hub, connection: Connection, actor: str, event: str, seller: str, buyer: BuyerBody) -> Changed:
    """The seat changes hands: one ticket revoked, a new one for the same place, in one bundle; once more is harmless.

    Raises `Refused`: 404; 409 `event_closed`, `already_revoked`, `ticket_in_use`, `ticket_exists`, `rules_broken`; 422.
    """
    return hand_over(hub, connection, actor, event, [seller], [buyer], "resold")


def hand_over(
    hub: Hub,
    connection: Connection,
    actor: str,
    event: str,
    released: Sequence[str],
    waiting: Sequence[BuyerBody],
    act: str = "waitlist_served",
) -> Changed:
    """The seats that were given back go, in order, to those who wait. Without a buyer, a ticket stays as it is.

    Raises as `resell`.
    """
    state = _lock(connection, event)
    if len(set(released)) != len(released) or len({each.ticket for each in waiting}) != len(waiting):
        raise Refused(422, "ticket_twice", "a ticket stands twice in the list: send each once")
    pairs = list(zip(released, waiting, strict=False))
    sold = [_sale(hub, connection, event, seller, buyer, f"waiting.{n}") for n, (seller, buyer) in enumerate(pairs)]
    fresh = [new for _, new in sold if new is not None]
    gone = [old for old, new in sold if new is not None]
    revoked = revoke_tickets(hub, connection, actor, event, gone) if gone else Written()
    before = Written(revoked=revoked.revoked, same=len(sold) - len(fresh))
    changed = _write(hub, connection, actor, event, state, fresh, before)
    handed = tuple(HandedOver(seller, buyer.ticket) for seller, buyer in pairs)
    hub.audit(connection, actor, act, event, seats=[[each.seller, each.buyer] for each in handed])
    return replace(
        changed,
        handed_over=handed,
        still_waiting=tuple(each.ticket for each in waiting[len(pairs) :]),
        unsold=tuple(released[len(pairs) :]),
    )


def holding_of(body: TicketBody, event: str, place: str) -> Holding:
    """What is kept of a ticket that was sent. Raises `Refused`: 422, which names `place`."""
    if body.not_after <= body.not_before:
        raise Refused(422, "bad_times", f"{place}.not_after: a time after not_before")
    entitlement = Entitlement(event, body.gates, body.seat, body.way, body.department, body.doctor)
    ticket = Ticket(
        body.ticket,
        entitlement,
        Validity(body.not_before, body.not_after),
        status=body.status,
        category=body.category,
        bound_at=body.bound_at,
    )
    return _with_person(ticket, body, place)


def _sale(
    hub: Hub, connection: Connection, event: str, seller: str, buyer: BuyerBody, place: str
) -> tuple[str, Holding | None]:
    """The buyer's ticket for the seller's place; `None` where that was done before."""
    old = find_ticket(hub, connection, event, seller).ticket
    there = find_tickets(hub, connection, event, [buyer.ticket]).get(buyer.ticket)
    bound_at = hub.clock() if buyer.bound_at is None else buyer.bound_at
    fresh = replace(old, ticket=buyer.ticket, status=TicketStatus.VALID, bound_at=bound_at, reference=None)
    new = _with_person(fresh, buyer, place)
    if old.status is TicketStatus.REVOKED:
        if there and (there.documents, there.ticket.entitlement) == (new.documents, old.entitlement):
            return seller, None
        raise Refused(409, "already_revoked", f"the ticket {seller} is revoked already: put the buyer's ticket instead")
    if there:
        raise Refused(409, "ticket_exists", f"there is a ticket {buyer.ticket} already: the buyer's needs a new name")
    if in_use(connection, event, seller):
        raise Refused(409, "ticket_in_use", f"somebody has entered with the ticket {seller}: it can't be sold again")
    return seller, new


def _with_person(ticket: Ticket, body: BuyerBody, place: str) -> Holding:
    documents = []
    for number, each in enumerate(body.documents):
        document = Document(each.kind, normalise_number(each.number), each.valid_to)
        expected = wrong_number(document.kind, document.number) if document.number else "the document's number"
        if expected:
            raise Refused(422, "bad_document", f"{place}.documents.{number}.number: expected {expected}")
        documents.append(document)
    ticket = replace(
        ticket,
        masked_name=mask_name(body.name),
        language=body.language,
        guardian=body.guardian,
        face_declined=body.face_declined,
        twin=body.twin,
        notes=tuple(Note(NoteKind(note.kind), note.text, note.hold) for note in body.notes),
    )
    return Holding(ticket, tuple(documents), body.guardian_consent)


def _write(
    hub: Hub, connection: Connection, actor: str, event: str, state: str, holdings: Sequence[Holding], before: Written
) -> Changed:
    """Write, hold against the rules, send to the gates. What breaks a rule of a published event undoes all of it."""
    if not holdings and not before.revoked:
        return Changed(before)
    put = put_tickets(hub, connection, actor, event, holdings)
    found = findings_of_change(hub, connection, event, holdings)
    if state == PUBLISHED:
        refuse_errors(found)
    written = replace(before, new=put.new, changed=put.changed)
    return Changed(written, publish_changes(hub, connection, actor, event), tuple(found[:SHOWN]))


def _lock(connection: Connection, event: str, *, also_closed: bool = False) -> str:
    """The event's state; nobody else changes the event until the end of this transaction."""
    table = tables.event
    state = connection.execute(select(table.c.state).where(table.c.event == event).with_for_update()).scalar()
    if state is None:
        raise Refused(404, "no_such_event", f"there is no event {event} here")
    if state == CLOSED and not also_closed:
        raise Refused(409, "event_closed", f"the event {event} is closed: its tickets stay as they are")
    return str(state)


def in_use(connection: Connection, event: str, ticket: str) -> bool:
    """Whether somebody has entered, or is entering, with a ticket."""
    claim, use = tables.claim, tables.use
    claimed = exists().where(claim.c.event == event, claim.c.ticket == ticket)
    passed = or_(use.c.passage.is_(None), use.c.passage != Passage.NO_SHOW)
    used = exists().where(use.c.event == event, use.c.ticket == ticket, passed)
    return bool(connection.execute(select(or_(claimed, used))).scalar_one())
