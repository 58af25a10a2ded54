"""The event's link to pretix: making it, how it stands, what people have to settle, and ending it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select

from models.wire import from_json, to_builtins
from sync.server import pretix_link, routes_pretix, tables
from sync.server.pages.event_pages import Looker, Maker, shown
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, sure, text
from sync.server.pages.render import page, words_for
from sync.server.permissions import Permission, Person, check_event
from sync.server.pretix_link import Link
from sync.server.pretix_round import do_round
from sync.server.problems import Refused
from sync.server.routes_pretix import LinkBody
from sync.server.sessions_http import require
from sync.sources.pretix_reading import Reading

router = APIRouter(prefix="/events/{event}/pretix", route_class=PageRoute, include_in_schema=False)

Keeper = Annotated[Person, Depends(require(Permission.TICKETS_MANAGE))]
DEVICE_CODE, API_TOKEN = "device_code", "api_token"
SHOWN_WORK = 200
_BODY: TypeAdapter[LinkBody] = TypeAdapter(LinkBody)


@router.get("")
def look(request: Request, hub: TheHub, person: Looker, event: str, done: str = "") -> Response:
    """How the link stands, or the form for making it."""
    link = tables.pretix_link
    with hub.engine.connect() as connection:
        head = shown(connection, person, event)
        row = connection.execute(select(link).where(link.c.event == event)).first()
        standing = pretix_link.standing(connection, event) if row else None
        work = pretix_link.work_list(connection, event, SHOWN_WORK) if row else []
    t = words_for(request, person)
    said = {one: f"pretix.{one}" for one in ("linked", "round", "stopped")}
    told = t(said[done]) if done in said and not (standing and standing.trouble) else ""
    reading = from_json(Reading, row.reading) if row else Reading()
    shows: dict[str, Any] = {"link": row, "standing": standing, "work": work, "reading": reading}
    return page(request, "pretix.html", **head, **shows, tab="setup", done=told)


@router.post("")
def link(hub: TheHub, person: Maker, event: str, fields: Fields) -> Response:
    """Link it, or exchange its link; the credential is tried at once."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        held = pretix_link.find_link(hub, connection, event)
    routes_pretix.link(event, _body(fields, held), person, hub)
    return go(address("events", event, "pretix") + "?done=linked")


@router.post("/round")
def bring_up_to_date(hub: TheHub, person: Keeper, event: str) -> Response:
    """Do a round now."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
    do_round(hub, event)
    return go(address("events", event, "pretix") + "?done=round")


@router.post("/stop")
def stop(hub: TheHub, person: Maker, event: str, fields: Fields) -> Response:
    """Forget the link and its credential."""
    sure(fields)
    routes_pretix.unlink(event, person, hub)
    return go(address("events", event, "pretix") + "?done=stopped")


def _body(fields: Any, held: Link | None) -> LinkBody:
    """What the interface takes, made of a form and checked as there. Raises `Refused`: 422, which names the field.

    What the form does not show stays as it is in the link that is `held`.
    """
    by = text(fields, "by", 20)
    said: dict[str, Any] = {name: text(fields, name) for name in ("base_url", "organizer", "pretix_event")}
    said["check_in_list"] = text(fields, "check_in_list", 20)
    said["subevent"] = text(fields, "subevent", 20) or None
    said[DEVICE_CODE if by == DEVICE_CODE else API_TOKEN] = text(fields, "credential")
    said["period_s"] = text(fields, "period_s", 10) or "30"
    reading = {name: text(fields, name, 64) for name in ("number", "portrait", "consent")}
    said |= _kept(held, said) if held else {}
    said["reading"] = said.get("reading", {}) | reading
    try:
        return _BODY.validate_python(said)
    except ValidationError as error:
        wrong = sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]})
        raise Refused(422, "bad_field", "to be put right: " + re.sub(r"[^a-z_, ]", "", ", ".join(wrong))) from None


def _kept(held: Link, said: dict[str, Any]) -> dict[str, Any]:
    """The questions stay an organiser's own; lists and products have numbers that mean nothing at another event."""
    reading = to_builtins(held.reading)
    if (said["organizer"], said["pretix_event"]) != (held.access.organizer, held.access.event):
        return {"reading": reading | {"categories": {}, "gates": {}}}
    return {"reading": reading, "gate_lists": dict(held.gate_lists)}
