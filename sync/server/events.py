"""Events and their rules, as people make, see, change and close them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from models.decision import Policy
from models.profiles import policy_of
from models.wire import WireError, from_builtins, from_json, to_builtins
from sync.findings import findings
from sync.server import tables
from sync.server.events_api import EventBody, EventTold, PolicyBody
from sync.server.hub import Hub
from sync.server.imports import CLOSED
from sync.server.permissions import Person
from sync.server.problems import Refused
from sync.server.publish import PUBLISHED, Published, publish_changes
from sync.server.rules import refuse_errors
from sync.server.tickets import NewEvent, make_event, policy_of_event, sealed_holdings, set_policy, unseal_holdings

_LONGEST_NAME = 96  # bytes: folders are called by them
_LARGEST = 1e9
_LIMITS = {
    "utc_offset_s": (-50_400.0, 50_400.0),
    "frequent_days": (1.0, 92.0),
    "companions": (0.0, 10.0),
    "face_frames": (1.0, 8.0),
    "face_wider": (0.0, 2.0),
    "face_ready_s": (0.0, 10.0),
    "pad_accept": (0.0, 1.0),
}
_FIXED = ("event", "profile")


def add_event(hub: Hub, connection: Connection, actor: str, body: EventBody) -> EventTold:
    """A new event, a draft. Raises `Refused`: 404 for its venue; 409 `event_exists`; 422."""
    if len(body.event.encode()) > _LONGEST_NAME:
        raise Refused(422, "bad_identifier", f"an event's identifier has at most {_LONGEST_NAME} bytes")
    venue = tables.venue
    organisation = connection.execute(select(venue.c.organisation).where(venue.c.venue == body.venue)).scalar_one()
    policy = changed_policy(policy_of(body.profile, body.event), body.changes)
    new = NewEvent(organisation, body.venue, body.name, body.begins_at, body.ends_at, policy)
    make_event(hub, connection, actor, new)
    return event_told(connection, body.event)


def list_events(connection: Connection, person: Person) -> list[EventTold]:
    """The events that concern a person, the latest first."""
    table = tables.event
    seen = _seen().where(person.scope(table.c.organisation)).order_by(table.c.begins_at.desc(), table.c.event)
    return [_told(row) for row in connection.execute(seen)]


def event_told(connection: Connection, event: str) -> EventTold:
    """One event. Raises `Refused`: 404."""
    row = connection.execute(_seen().where(tables.event.c.event == event)).first()
    if row is None:
        raise Refused(404, "no_such_event", f"there is no event {event} here")
    return _told(row)


def close_event(hub: Hub, connection: Connection, actor: str, event: str) -> EventTold:
    """Its tickets stay as they are from now on; once more is harmless."""
    table = tables.event
    closing = update(table).where(table.c.event == event, table.c.state != CLOSED).values(state=CLOSED)
    if connection.execute(closing.returning(table.c.event)).first() is not None:
        hub.audit(connection, actor, "event_closed", event)
    return event_told(connection, event)


def change_policy(hub: Hub, actor: str, event: str, body: PolicyBody) -> tuple[Policy, Published | None]:
    """Exchange the rules; a published event's gates get them at once.

    Raises `Refused`: 404; 409 `event_closed`, or `rules_broken` when the tickets of a published event break them; 422.
    """
    with hub.begin() as connection:
        before, state = policy_of_event(connection, event), event_told(connection, event).state
        sealed = sealed_holdings(connection, event) if state == PUBLISHED else []
    if state == CLOSED:
        raise Refused(409, "event_closed", f"the event {event} is closed: its rules stay as they are")
    policy = changed_policy(policy_of(body.profile, event) if body.profile else before, body.changes)
    refuse_errors(findings(list(unseal_holdings(hub, event, sealed)), policy, hub.clock()))
    with hub.begin() as connection:
        set_policy(hub, connection, actor, policy)
        return policy, publish_changes(hub, connection, actor, event)


def changed_policy(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """`policy` with some fields exchanged. Raises `Refused`: 422, which names the field."""
    known = [each.name for each in fields(Policy) if each.name not in _FIXED]
    if unknown := sorted(set(changes) - set(known)):
        shown = unknown[0][:40] if unknown[0].isprintable() else "one of them"
        raise Refused(422, "bad_policy", f"{shown} is no rule that can be changed; there are: {', '.join(known)}")
    for name, value in changes.items():
        _refuse_absurd(name, value)
    try:
        made = from_builtins(Policy, to_builtins(policy) | dict(changes))
    except WireError as error:
        raise Refused(422, "bad_policy", str(error)) from None
    return replace(made, event=policy.event)


def _refuse_absurd(name: str, value: Any) -> None:
    """Numbers, at any depth, are finite, and not negative but for the offset of the time zone."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_absurd(f"{name}.{key}"[:80], inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_absurd(name, inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        least, most = _LIMITS.get(name, (0.0, _LARGEST))
        if not (math.isfinite(value) and least <= value <= most):
            raise Refused(422, "bad_policy", f"{name} is a number from {least:g} to {most:g}")


def _seen() -> Any:
    event, ticket, bundle = tables.event, tables.ticket, tables.bundle
    tickets = select(func.count()).where(ticket.c.event == event.c.event).scalar_subquery()
    version = select(func.max(bundle.c.version)).where(bundle.c.event == event.c.event).scalar_subquery()
    return select(event, tickets.label("tickets"), version.label("version"))


def _told(row: Row[Any]) -> EventTold:
    return EventTold(
        row.event,
        row.organisation,
        row.venue,
        row.name,
        row.begins_at,
        row.ends_at,
        from_json(Policy, row.policy).profile,
        row.state,
        row.tickets,
        row.revision,
        row.version or 0,
    )
