"""Finding a ticket by what its holder shows, revoking it, selling its seat anew. Nobody browses persons."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, func, select

from models.ids import DocumentType, mask_number, normalise_number
from models.ticket import TicketStatus
from sync.server import tables
from sync.server.conflict_desk import seat_check
from sync.server.events_api import BuyerBody, DocumentBody
from sync.server.hub import Hub
from sync.server.pages.event_pages import shown
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, reason, sure, text
from sync.server.pages.render import page, words_for
from sync.server.permissions import Permission, Person, check_event
from sync.server.problems import Refused
from sync.server.sessions_http import require
from sync.server.ticket_changes import erase, resell, revoke
from sync.server.tickets import find_ticket, tickets_of

router = APIRouter(prefix="/events/{event}", route_class=PageRoute, include_in_schema=False)

Keeper = Annotated[Person, Depends(require(Permission.TICKETS_MANAGE))]
KINDS = [kind.value for kind in DocumentType]
SHOWN = 50


@router.get("/tickets")
def ask(request: Request, hub: TheHub, person: Keeper, event: str, done: str = "") -> Response:
    """The form."""
    with hub.engine.connect() as connection:
        head, counts = shown(connection, person, event), _counts(connection, event)
    form = _form() | {"done": words_for(request, person)("tickets.erased") if done == "erased" else ""}
    return page(request, "tickets.html", **head, **form, counts=counts, found=None)


@router.post("/tickets")
def search(request: Request, hub: TheHub, person: Keeper, event: str, fields: Fields) -> Response:
    """Tickets that are exactly what was asked for. Who asked and why stands in the audit; a number does not."""
    by, what = text(fields, "by", 64), text(fields, "what", 100)
    why = reason(fields)
    with hub.begin() as connection:
        head = shown(connection, person, event)
        found = _search(hub, connection, event, by, what)
        names = [row.ticket for row in found]
        hub.audit(connection, person.account, "tickets.searched", event, by=by, why=why, found=names)
        counts = _counts(connection, event)
    return page(request, "tickets.html", **head, **_form(by, why), counts=counts, found=found)


@router.get("/ticket")
def ticket(request: Request, hub: TheHub, person: Keeper, event: str, name: str, done: str = "") -> Response:
    """One ticket, masked, and its uses."""
    with hub.begin() as connection:
        head = shown(connection, person, event)
        holding = find_ticket(hub, connection, event, name)
        uses, check = _uses(connection, event, name), seat_check(connection, event, name)
        hub.audit(connection, person.account, "ticket.seen", event, ticket=name)
    t = words_for(request, person)
    said = {"revoked": t("tickets.revoked", ticket=name), "resold": t("tickets.resold", ticket=name)}
    documents = [(document.kind.value, mask_number(document.number)) for document in holding.documents]
    shows: dict[str, Any] = {"ticket": holding.ticket, "documents": documents, "uses": uses, "kinds": KINDS}
    shows["check"] = check
    return page(request, "ticket.html", **head, **shows, tab="tickets", done=said.get(done, ""))


@router.post("/ticket/revoke")
def revoke_one(hub: TheHub, person: Keeper, event: str, fields: Fields) -> Response:
    """Revoke it, with a reason."""
    name, why = text(fields, "name", 64), reason(fields)
    sure(fields)
    with hub.begin() as connection:
        check_event(connection, person, event)
        revoke(hub, connection, person.account, event, [name])
        hub.audit(connection, person.account, "ticket.revoked_by_hand", event, ticket=name, why=why)
    return go(_page_of(event, name) + "&done=revoked")


@router.post("/ticket/erase")
def erase_one(hub: TheHub, person: Keeper, event: str, fields: Fields) -> Response:
    """Forget whom it was for, here and at the gates; what it was used for stays counted."""
    name, why = text(fields, "name", 64), reason(fields)
    sure(fields)
    with hub.begin() as connection:
        check_event(connection, person, event)
        erase(hub, connection, person.account, event, [name])
        hub.audit(connection, person.account, "ticket.erased_by_hand", event, ticket=name, why=why)
    return go(address("events", event, "tickets") + "?done=erased")


@router.post("/ticket/resell")
def resell_one(hub: TheHub, person: Keeper, event: str, fields: Fields) -> Response:
    """The seat changes hands."""
    name, new, why = text(fields, "name", 64), text(fields, "ticket", 64), reason(fields)
    sure(fields)
    buyer = BuyerBody(ticket=new, name=text(fields, "holder", 100), documents=(_document(fields),))
    if not (buyer.ticket and buyer.name):
        raise Refused(422, "bad_field", "the new ticket has a number, and its holder a name")
    with hub.begin() as connection:
        check_event(connection, person, event)
        resell(hub, connection, person.account, event, name, buyer)
        hub.audit(connection, person.account, "ticket.resold_by_hand", event, ticket=name, buyer=new, why=why)
    return go(_page_of(event, new) + "&done=resold")


def _document(fields: Any) -> DocumentBody:
    return DocumentBody(number=text(fields, "number", 100), kind=_kind(text(fields, "kind", 40)))


def _kind(kind: str) -> DocumentType:
    try:
        return DocumentType(kind)
    except ValueError:
        raise Refused(422, "bad_field", "choose a kind of document") from None


def _search(hub: Hub, connection: Connection, event: str, by: str, what: str) -> list[Any]:
    table = tables.ticket
    if by in ("ticket", "seat"):
        wanted = (table.c.ticket if by == "ticket" else table.c.seat) == what
    else:
        held = tickets_of(hub, connection, event, _kind(by), normalise_number(what))
        wanted = table.c.ticket.in_([holding.ticket.ticket for holding in held])
    columns = table.c.ticket, table.c.status, table.c.masked_name, table.c.seat, table.c.category
    chosen = select(*columns).where(table.c.event == event, wanted).order_by(table.c.ticket).limit(SHOWN)
    return list(connection.execute(chosen))


def _counts(connection: Connection, event: str) -> dict[str, int]:
    status = tables.ticket.c.status
    rows = connection.execute(select(status, func.count()).where(tables.ticket.c.event == event).group_by(status))
    counts = Counter({str(name): int(number) for name, number in rows})
    return {"all": counts.total()} | {each.value: counts[each] for each in TicketStatus}


def _uses(connection: Connection, event: str, name: str) -> list[Any]:
    use, device = tables.use, tables.device
    chosen = select(use, device.c.name.label("gate")).outerjoin(device, device.c.device == use.c.device)
    return list(
        connection.execute(chosen.where(use.c.event == event, use.c.ticket == name).order_by(use.c.at).limit(200))
    )


def _form(by: str = "ticket", why: str = "") -> dict[str, Any]:
    return {"tab": "tickets", "by": by, "why": why, "documents": KINDS, "done": ""}


def _page_of(event: str, name: str) -> str:
    return address("events", event, "ticket") + "?name=" + address(name)[1:]
