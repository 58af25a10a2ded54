"""How an event is set up: its rules, and which venue hub answers for it; and closing it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, select

from models.decision import Profile
from sync.server import events, tables
from sync.server.events_api import PolicyBody
from sync.server.leases import find_lease, give_back, lease
from sync.server.pages import rule_fields
from sync.server.pages.event_pages import Looker, Maker, shown
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, reason, sure, text
from sync.server.pages.render import page, words_for
from sync.server.permissions import Permission, Person, check_device, check_event
from sync.server.problems import Refused
from sync.server.publish import Published
from sync.server.sessions_http import require
from sync.server.tickets import policy_of_event

router = APIRouter(prefix="/events/{event}", route_class=PageRoute, include_in_schema=False)

Keeper = Annotated[Person, Depends(require(Permission.DEVICES_MANAGE))]


@router.get("/setup")
def setup(request: Request, hub: TheHub, person: Looker, event: str, done: str = "") -> Response:
    """What is set up, with the ways to change it."""
    with hub.engine.connect() as connection:
        head = shown(connection, person, event)
        policy, held = policy_of_event(connection, event), holder(connection, event)
        link = tables.pretix_link
        linked = connection.execute(select(link).where(link.c.event == event)).first()
        erased = connection.execute(select(tables.erasure.c.at).where(tables.erasure.c.event == event)).scalar()
    said = {"closed": "setup.closed"}
    told = words_for(request, person)(said[done]) if done in said else ""
    shows: dict[str, Any] = {"policy": policy, "held": held, "linked": linked, "erased": erased}
    return page(request, "setup.html", **head, **shows, tab="setup", done=told)


@router.post("/close")
def close(hub: TheHub, person: Maker, event: str, fields: Fields) -> Response:
    """It is over."""
    sure(fields)
    with hub.begin() as connection:
        check_event(connection, person, event)
        events.close_event(hub, connection, person.account, event)
    return go(address("events", event, "setup") + "?done=closed")


# --- rules ----------------------------------------------------------------------------------------------------------


@router.get("/rules")
def rules(request: Request, hub: TheHub, person: Looker, event: str, done: str = "") -> Response:
    """The rules, each with what it means."""
    with hub.engine.connect() as connection:
        head, policy = shown(connection, person, event), policy_of_event(connection, event)
    said = {"same": "rules.same", "kept": "rules.kept", "published": "rules.published"}
    told = words_for(request, person)(said[done]) if done in said else ""
    shows: dict[str, Any] = {"policy": policy, "groups": rule_fields.GROUPS, "profiles": [one.value for one in Profile]}
    return page(request, "rules.html", **head, **shows, tab="setup", done=told)


@router.post("/rules")
def change_rules(hub: TheHub, person: Maker, event: str, fields: Fields) -> Response:
    """Change single rules."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        policy = policy_of_event(connection, event)
    form = {name: value for name, value in fields.items() if isinstance(value, str)}
    wanted = rule_fields.changes(policy, form)
    if not wanted:
        return go(address("events", event, "rules") + "?done=same")
    _, published = events.change_policy(hub, person.account, event, PolicyBody(None, wanted))
    return _ruled(event, published)


@router.post("/rules/profile")
def change_profile(hub: TheHub, person: Maker, event: str, fields: Fields) -> Response:
    """Begin anew with the rules of a profile."""
    sure(fields)
    try:
        profile = Profile(text(fields, "profile", 40))
    except ValueError:
        raise Refused(422, "bad_field", "choose what is checked") from None
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
    _, published = events.change_policy(hub, person.account, event, PolicyBody(profile))
    return _ruled(event, published)


def _ruled(event: str, published: Published | None) -> Response:
    return go(address("events", event, "rules") + ("?done=published" if published else "?done=kept"))


# --- who answers ----------------------------------------------------------------------------------------------------


@router.get("/venue-hub")
def venue_hub(request: Request, hub: TheHub, person: Looker, event: str, done: str = "") -> Response:
    """Who answers for the event's tickets, and who could."""
    with hub.engine.connect() as connection:
        head = shown(connection, person, event)
        held, hubs = holder(connection, event), hubs_of(connection, event)
    said = {one: f"lease.{one}" for one in ("given", "asked", "taken")}
    told = words_for(request, person)(said[done]) if done in said else ""
    return page(request, "venue_hub.html", **head, tab="setup", held=held, hubs=hubs, done=told)


@router.post("/venue-hub")
def give(hub: TheHub, person: Keeper, event: str, fields: Fields) -> Response:
    """Let a venue hub answer."""
    device = text(fields, "device", 100)
    with hub.begin() as connection:
        check_event(connection, person, event)
        check_device(connection, person, device)
        lease(hub, connection, person.account, event, device)
    return go(address("events", event, "venue-hub") + "?done=given")


@router.post("/venue-hub/return")
def end(hub: TheHub, person: Keeper, event: str, fields: Fields) -> Response:
    """Ask it back; or take it, although the hub may still be answering."""
    force = fields.get("force") == "yes"
    why = reason(fields) if force else ""
    if force:
        sure(fields)
    with hub.begin() as connection:
        check_event(connection, person, event)
        give_back(hub, connection, person.account, event, force=force, why=why)
    return go(address("events", event, "venue-hub") + ("?done=taken" if force else "?done=asked"))


def holder(connection: Connection, event: str) -> dict[str, Any] | None:
    """The event's lease with its hub's name and last contact; `None` where this server answers."""
    held, device = find_lease(connection, event), tables.device
    if held is None:
        return None
    row = connection.execute(select(device).where(device.c.device == held.device)).one()
    return {"lease": held, "device": held.device, "name": row.name, "contact_at": row.last_contact_at}


def hubs_of(connection: Connection, event: str) -> list[Any]:
    """The venue hubs of the event's organisation."""
    device, venue, of = tables.device, tables.venue, tables.event
    owner = select(of.c.organisation).where(of.c.event == event).scalar_subquery()
    chosen = select(device.c.device, device.c.name, device.c.last_contact_at, venue.c.name.label("venue_name"))
    chosen = chosen.join_from(device, venue).where(device.c.kind == "hub", device.c.state == "enrolled")
    return list(connection.execute(chosen.where(venue.c.organisation == owner).order_by(device.c.name)))
