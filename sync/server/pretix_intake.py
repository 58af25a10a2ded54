"""What pretix sold becomes tickets here. Revocations come before the new tickets, all in one transaction, one bundle.

A holder keeps her ticket for as long as the document stays the same. Another document is another holder: the old
ticket is revoked and the new holder gets a ticket of her own, so that claims and the ledger never mix two persons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from models.face import FaceReference
from models.ticket import TicketStatus
from sync.findings import Rule, Severity
from sync.holding import Holding
from sync.server import tables
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub
from sync.server.imports import CLOSED
from sync.server.problems import Refused
from sync.server.publish import Published, publish_changes
from sync.server.rules import findings_of_change
from sync.server.ticket_changes import in_use
from sync.server.tickets import find_tickets, put_tickets, revoke_tickets
from sync.sources.pretix_reading import Odd, Sold

SOURCE = "pretix"
ACTOR = "pretix"
NOT_WHOLLY = 0.0
"""Stands for the time of change of what is to be read again."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """What became of a portrait: a reference, or words about what is odd; neither: none was asked for."""

    reference: FaceReference | None = field(default=None, repr=False)
    words: str = ""
    again: bool = False  # it is to be tried again


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What a round changed here."""

    new: int = 0
    changed: int = 0
    revoked: int = 0
    odd: int = 0
    published: Published | None = None


@dataclass(slots=True)
class _Place:
    """One position on its way: its row before, what is to become of it."""

    sold: Sold
    row: Any
    ticket: str = ""
    holders: int = 0
    odd: str = ""
    words: str = ""
    put: Holding | None = None
    revoke: str = ""


def take_in(
    hub: Hub, connection: Connection, event: str, sold: Sequence[Sold], portraits: Mapping[int, Portrait]
) -> TakenIn:
    """Take in positions, in the order in which they were sold. Raises `Refused`: 404, 409 `event_closed`."""
    _lock(connection, event)
    rows = positions_of(connection, event, [one.position for one in sold])
    before = find_tickets(hub, connection, event, [row.ticket for row in rows.values() if row.ticket])
    places = [_place(connection, event, one, rows.get(one.position), before, portraits) for one in sold]
    revoked = revoke_tickets(hub, connection, ACTOR, event, [place.revoke for place in places if place.revoke])
    _leave_out_what_breaks_rules(hub, connection, event, places)
    holdings = [place.put for place in places if place.put]
    put = put_tickets(hub, connection, ACTOR, event, holdings, source=SOURCE) if holdings else None
    _keep(hub, connection, event, places, portraits)
    new, changed = (put.new, put.changed) if put else (0, 0)
    published = _publish(hub, connection, event) if new or changed or revoked.revoked else None
    return TakenIn(new, changed, revoked.revoked, sum(bool(place.odd) for place in places), published)


def positions_of(connection: Connection, event: str, positions: Sequence[int]) -> dict[int, Any]:
    """The rows of positions that are known."""
    table = tables.pretix_position
    found: dict[int, Any] = {}
    for start in range(0, len(positions), 500):
        some = positions[start : start + 500]
        rows = connection.execute(select(table).where(table.c.event == event, table.c.position.in_(some)))
        found |= {row.position: row for row in rows}
    return found


def _place(
    connection: Connection,
    event: str,
    sold: Sold,
    row: Any,
    before: Mapping[str, Holding],
    portraits: Mapping[int, Portrait],
) -> _Place:
    """What is to become of one position."""
    place = _Place(sold, row)
    if row is not None:
        place.ticket, place.holders = row.ticket, row.holders
    held = before.get(place.ticket)
    stands = held is not None and held.ticket.status is TicketStatus.VALID
    if sold.holding is None:
        place.revoke = place.ticket if stands else ""
        place.odd, place.words = (sold.odd.value, sold.words) if sold.odd else ("", "")
    elif held is not None and held.documents == sold.holding.documents:
        place.put = _same_holder(held, sold.holding, portraits.get(sold.position))
    elif held is not None and in_use(connection, event, place.ticket):
        place.odd, place.words = Odd.IN_USE.value, "somebody has entered with the ticket of the holder before"
    else:
        place.revoke = place.ticket if stands else ""
        _next_holder(place, sold, portraits.get(sold.position))
    return place


def _same_holder(held: Holding, told: Holding, portrait: Portrait | None) -> Holding:
    ticket = replace(told.ticket, ticket=held.ticket.ticket, bound_at=held.ticket.bound_at)
    return replace(told, ticket=replace(ticket, reference=portrait.reference if portrait else None))


def _next_holder(place: _Place, sold: Sold, portrait: Portrait | None) -> None:
    assert sold.holding is not None
    place.holders += 1
    ticket = sold.holding.ticket
    if place.holders > 1:  # as pretix names it for the first one; "ABCDE-1.2" for who has it after her
        ticket = replace(ticket, ticket=f"{sold.ref}.{place.holders}", bound_at=sold.changed_at)
    place.ticket = ticket.ticket
    place.put = replace(sold.holding, ticket=replace(ticket, reference=portrait.reference if portrait else None))


def _leave_out_what_breaks_rules(hub: Hub, connection: Connection, event: str, places: list[_Place]) -> None:
    """One ticket that may not be keeps no other one out. Of two for one identity, the one that came first stays."""
    by_ticket = {place.put.ticket.ticket: place for place in places if place.put}
    found = findings_of_change(hub, connection, event, [place.put for place in by_ticket.values() if place.put])
    for finding in found:
        if finding.severity is not Severity.ERROR:
            continue
        ours = [by_ticket[name] for name in finding.tickets if name in by_ticket]
        for place in ours[-1:] if finding.rule is Rule.SAME_IDENTITY else ours:
            place.odd, place.words = Odd.RULE.value, finding.words
            if place.put is not None and (place.row is None or place.row.ticket != place.ticket):
                place.ticket, place.holders = (place.row.ticket, place.row.holders) if place.row else ("", 0)
            place.put = None


def _keep(
    hub: Hub, connection: Connection, event: str, places: Sequence[_Place], portraits: Mapping[int, Portrait]
) -> None:
    table = tables.pretix_position
    for place in places:
        sold, portrait = place.sold, portraits.get(place.sold.position)
        values = {
            "order_code": sold.order,
            "place": sold.place,
            "ticket": place.ticket,
            "holders": place.holders,
            "sealed_secret": hub.seal(sold.secret.encode(), secret_place(event, sold.position)),
            "odd": place.odd,
            "words": place.words,
            "portrait": portrait.words if portrait else "",
            "changed_at": NOT_WHOLLY if portrait and portrait.again else sold.changed_at,
        }
        if place.row is None:
            connection.execute(insert(table).values(event=event, position=sold.position, **values))
        else:
            mine = (table.c.event == event) & (table.c.position == sold.position)
            connection.execute(update(table).where(mine).values(**values))
        if place.put:
            holder = {"event": event, "ticket": place.ticket, "position": sold.position}
            connection.execute(insert_or_ignore(connection, tables.pretix_holder).values(**holder))


def secret_place(event: str, position: int) -> str:
    """Where the sealed secret of a position belongs."""
    return f"pretix|{event}|{position}"


def _publish(hub: Hub, connection: Connection, event: str) -> Published | None:
    try:
        return publish_changes(hub, connection, ACTOR, event)
    except Refused as refused:
        if refused.code != "no_gates":
            raise
        return None  # the next gate that is assigned gets everything


def _lock(connection: Connection, event: str) -> None:
    table = tables.event
    state = connection.execute(select(table.c.state).where(table.c.event == event).with_for_update()).scalar()
    if state is None:
        raise Refused(404, "no_such_event", f"there is no event {event} here")
    if state == CLOSED:
        raise Refused(409, "event_closed", f"the event {event} is closed: its tickets stay as they are")
