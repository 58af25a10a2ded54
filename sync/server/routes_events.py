"""Events, their rules, their publication."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from models.wire import to_builtins
from sync.findings import Severity
from sync.server import events, publication
from sync.server.events_api import (
    REFUSED,
    BundleTold,
    EventBody,
    EventName,
    EventTold,
    FindingsTold,
    PageSize,
    PolicyBody,
    PolicyTold,
    PublicationTold,
)
from sync.server.hub import Hub, hub_of
from sync.server.permissions import Permission, Person, check_event, check_venue
from sync.server.publish import Published, publish_again
from sync.server.rules import findings_of
from sync.server.sessions_http import PEOPLE, require
from sync.server.tickets import policy_of_event

router = APIRouter(prefix="/v1/admin/events", tags=["events"])

TheHub = Annotated[Hub, Depends(hub_of)]
Watcher = Annotated[Person, Depends(require(Permission.EVENTS_SEE))]
Organiser = Annotated[Person, Depends(require(Permission.EVENTS_MANAGE))]
Publisher = Annotated[Person, Depends(require(Permission.EVENTS_PUBLISH))]
ANSWERS: dict[int | str, dict[str, Any]] = PEOPLE | REFUSED


@router.post("", status_code=201, responses=ANSWERS)
def add_event(body: EventBody, person: Organiser, hub: TheHub) -> EventTold:
    """A new event by a profile; a draft until it is published."""
    with hub.begin() as connection:
        check_venue(connection, person, body.venue)
        return events.add_event(hub, connection, person.account, body)


@router.get("", responses=PEOPLE)
def list_events(person: Watcher, hub: TheHub) -> list[EventTold]:
    """The events that you see, the latest first."""
    with hub.engine.connect() as connection:
        return events.list_events(connection, person)


@router.get("/{event}", responses=ANSWERS)
def show_event(event: EventName, person: Watcher, hub: TheHub) -> EventTold:
    """One event."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        return events.event_told(connection, event)


@router.post("/{event}/close", responses=ANSWERS)
def close_event(event: EventName, person: Organiser, hub: TheHub) -> EventTold:
    """It is over: its tickets stay as they are, but for erasure."""
    with hub.begin() as connection:
        check_event(connection, person, event)
        return events.close_event(hub, connection, person.account, event)


@router.get("/{event}/policy", responses=ANSWERS)
def show_policy(event: EventName, person: Watcher, hub: TheHub) -> PolicyTold:
    """All rules of the event's gates."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        return PolicyTold(to_builtins(policy_of_event(connection, event)))


@router.put("/{event}/policy", responses=ANSWERS)
def change_policy(event: EventName, body: PolicyBody, person: Organiser, hub: TheHub) -> PolicyTold:
    """Rules of a profile, with changes; of a published event the gates get them at once."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
    policy, published = events.change_policy(hub, person.account, event, body)
    return PolicyTold(to_builtins(policy), published)


@router.get("/{event}/findings", responses=ANSWERS)
def show_findings(
    event: EventName, person: Watcher, hub: TheHub, limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000
) -> FindingsTold:
    """The conflict list: what the rules find in the tickets now, errors first. With an error nothing is published."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
    found = findings_of(hub, event)
    errors = sum(finding.severity is Severity.ERROR for finding in found)
    by_rule = Counter(finding.rule.value for finding in found)
    return FindingsTold(errors, len(found) - errors, dict(by_rule), tuple(found[:limit]))


@router.post("/{event}/publish", responses=ANSWERS)
def publish_event(event: EventName, person: Publisher, hub: TheHub, again: bool = False) -> Published:
    """All of it, as a whole manifest, to the gates of the event. Later changes go out by themselves.

    `again`: the newest whole manifest once more, with nothing sealed anew, for gates that were assigned later.
    """
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
    if not again:
        return publication.publish_event(hub, person.account, event)
    with hub.begin() as connection:
        return publish_again(hub, connection, person.account, event)


@router.get("/{event}/publication", responses=ANSWERS)
def show_publication(event: EventName, person: Watcher, hub: TheHub) -> PublicationTold:
    """The issuer's count and hash beside those that each gate holds."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        return publication.publication(hub, connection, event)


@router.get("/{event}/bundles", responses=ANSWERS)
def list_bundles(event: EventName, person: Watcher, hub: TheHub, limit: PageSize = 100) -> list[BundleTold]:
    """What was published, the newest first."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        return publication.list_bundles(connection, event, limit)
