"""Patterns that suggest scalping, each with what it means and what it does not; who comes often, and who may."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from models.ids import DocumentType
from models.typed import CAN_BE_TYPED
from sync.server import frequent
from sync.server.pages.event_pages import shown
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, text
from sync.server.pages.render import page
from sync.server.pages.watch_days import last_moment
from sync.server.patterns import Kind, look_for_patterns
from sync.server.permissions import Permission, Person, check_event
from sync.server.problems import Refused
from sync.server.routes_patterns import read_document
from sync.server.sessions_http import require
from sync.server.tickets import policy_of_event

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Looker = Annotated[Person, Depends(require(Permission.WATCH_SEE))]
Proposer = Annotated[Person, Depends(require(Permission.WATCH_PROPOSE))]


@router.get("/patterns")
def patterns(request: Request, hub: TheHub, person: Looker, look: str = "") -> Response:
    """What the patterns are; and, once somebody asks to look, which there are: the look is audited."""
    found = look_for_patterns(hub, person) if look == "yes" else None
    kinds = [one.value for one in Kind]
    return page(request, "patterns.html", person, found=found, kinds=kinds, tab="patterns")


@router.get("/events/{event}/frequent")
def often(request: Request, hub: TheHub, person: Looker, event: str) -> Response:
    """Who comes more often than the rules allow, and who may."""
    with hub.begin() as connection:
        head = shown(connection, person, event)
        shows: dict[str, Any] = {"policy": policy_of_event(connection, event)}
        shows |= {"often": frequent.who_comes_often(hub, connection, event)}
        shows |= {"exempt": frequent.exemptions(connection, event)}
    documents = [one.value for one in CAN_BE_TYPED]
    return page(request, "frequent.html", **head, **shows, documents=documents, tab="frequent")


@router.post("/events/{event}/frequent")
def let(hub: TheHub, person: Proposer, event: str, fields: Fields) -> Response:
    """Somebody may come as often as the work asks."""
    kind, until = text(fields, "document"), last_moment(text(fields, "until"))
    if kind not in set(DocumentType) or until is None:
        raise Refused(422, "bad_field", "a kind of document, and a day")
    document = read_document(DocumentType(kind), text(fields, "number"))
    with hub.begin() as connection:
        check_event(connection, person, event)
        frequent.exempt(hub, connection, person.account, event, document, text(fields, "label"), until)
    return go(address("events", event, "frequent"))


@router.post("/events/{event}/frequent/end")
def end(hub: TheHub, person: Proposer, event: str, fields: Fields) -> Response:
    """The person is counted like everybody."""
    key = text(fields, "key")
    if len(key) != 64 or not set(key) <= set("0123456789abcdef"):
        raise Refused(404, "no_such_exemption", "nobody is exempt under this key")
    with hub.begin() as connection:
        check_event(connection, person, event)
        frequent.end_exemption(hub, connection, person.account, event, key)
    return go(address("events", event, "frequent"))
