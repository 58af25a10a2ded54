"""Events, what every gate holds of one, and publishing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, func, select

from models.decision import Profile
from models.profiles import policy_of
from sync.server import publication, tables
from sync.server.board import QUIET_MIN
from sync.server.conflicts import count_open
from sync.server.live import gates_of, newest_bundle, tallied
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, text
from sync.server.pages.render import UTC_OFFSET_S, page, words_for
from sync.server.permissions import Permission, Person, check_event, check_venue
from sync.server.places import list_venues
from sync.server.problems import Refused
from sync.server.publish import publish_again, publish_changes
from sync.server.rules import findings_of
from sync.server.sessions_http import require
from sync.server.tickets import NewEvent, make_event

router = APIRouter(prefix="/events", route_class=PageRoute, include_in_schema=False)

Looker = Annotated[Person, Depends(require(Permission.EVENTS_SEE))]
Maker = Annotated[Person, Depends(require(Permission.EVENTS_MANAGE))]
Publisher = Annotated[Person, Depends(require(Permission.EVENTS_PUBLISH))]


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as the head of its pages shows it."""

    event: str
    name: str
    venue_name: str
    begins_at: float
    ends_at: float
    state: str
    revision: int
    conflicts: int


def shown(connection: Connection, person: Person, event: str) -> dict[str, Any]:
    """What each page of an event needs. Raises `Refused`: 404."""
    check_event(connection, person, event)
    of, venue = tables.event, tables.venue
    row = connection.execute(select(of, venue.c.name.label("venue_name")).join(venue).where(of.c.event == event)).one()
    head = row.event, row.name, row.venue_name, row.begins_at, row.ends_at, row.state, row.revision
    return {"event": Shown(*head, count_open(connection, event)), "base": address("events", event), "person": person}


@router.get("")
def events(request: Request, hub: TheHub, person: Looker) -> Response:
    """All events that the person sees, the next ones first."""
    of, venue, ticket = tables.event, tables.venue, tables.ticket
    counted = select(func.count()).where(ticket.c.event == of.c.event).scalar_subquery()
    with hub.engine.connect() as connection:
        rows = connection.execute(
            select(of, venue.c.name.label("venue_name"), counted.label("tickets"))
            .join(venue)
            .where(person.scope(of.c.organisation))
            .order_by(of.c.begins_at.desc(), of.c.event)
            .limit(500)
        ).all()
        venues = list_venues(connection, person.organisation)
    return page(request, "events.html", person, events=rows, venues=venues, profiles=[one.value for one in Profile])


@router.post("")
def make(hub: TheHub, person: Maker, fields: Fields) -> Response:
    """A new event, a draft."""
    name, event, venue = text(fields, "name"), text(fields, "event", 64), text(fields, "venue", 64)
    if not name or not (event.isascii() and event.replace("-", "").replace("_", "").replace(".", "").isalnum()):
        raise Refused(422, "bad_field", "an event has a name, and an identifier of letters, digits and hyphens")
    try:
        policy = policy_of(Profile(text(fields, "profile", 64)), event)
    except ValueError:
        raise Refused(422, "bad_field", "choose what is checked") from None
    times = _moment(text(fields, "begins")), _moment(text(fields, "ends"))
    with hub.begin() as connection:
        check_venue(connection, person, venue)
        owner = select(tables.venue.c.organisation).where(tables.venue.c.venue == venue)
        new = NewEvent(connection.execute(owner).scalar_one(), venue, name, *times, policy)
        make_event(hub, connection, person.account, new)
    return go(address("events", event))


@router.get("/{event}")
def overview(request: Request, hub: TheHub, person: Looker, event: str, done: str = "") -> Response:
    """What was issued, what every gate holds, and what the rules say."""
    with hub.engine.connect() as connection:
        head = shown(connection, person, event)
        standing = _standing(hub, connection, event)
    t, issued = words_for(request, person), standing["issued"]
    said = {"": "", "none": t("publish.none_needed")}
    if issued:
        said["published"] = t("publish.done", version=issued.version, tickets=issued.tickets)
    found = (
        findings_of(hub, event) if person.may(Permission.EVENTS_PUBLISH) and head["event"].state == "draft" else None
    )
    return page(
        request,
        "event.html",
        **head,
        **standing,
        tab="overview",
        findings=found,
        done=said.get(done, ""),
        blocked=done == "rules",
    )


@router.get("/{event}/gates")
def gates(request: Request, hub: TheHub, person: Looker, event: str) -> Response:
    """The part of the page that keeps itself fresh."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        standing = _standing(hub, connection, event)
    return page(request, "gates_live.html", person, **standing)


@router.post("/{event}/publish")
def publish_event(hub: TheHub, person: Publisher, event: str, fields: Fields) -> Response:
    """Seal and publish everything; or what has changed; or what was issued, for gates that came late."""
    with hub.begin() as connection:
        check_event(connection, person, event)
        what, made = text(fields, "what", 20), True
        if what == "again":
            publish_again(hub, connection, person.account, event)
        elif what == "changes":
            made = publish_changes(hub, connection, person.account, event) is not None
    if what == "":
        try:
            publication.publish_event(hub, person.account, event)
        except Refused as refused:
            if refused.code == "rules_broken":
                return go(address("events", event) + "?done=rules#findings")
            raise
    return go(address("events", event) + ("?done=published" if made else "?done=none"))


def _standing(hub: TheHub, connection: Connection, event: str) -> dict[str, Any]:
    now = hub.clock()
    late = tallied(connection, event, int(now // 60) - QUIET_MIN - 1)
    return {"issued": newest_bundle(connection, event), "gates": gates_of(connection, event, now, late)}


def _moment(written: str) -> float:
    """What a browser sends of a day and a time of day, in China's time."""
    try:
        return (datetime.fromisoformat(written).replace(tzinfo=UTC) - timedelta(seconds=UTC_OFFSET_S)).timestamp()
    except (ValueError, OverflowError):
        raise Refused(422, "bad_field", "a day and a time, as in 2026-06-01T19:30") from None
