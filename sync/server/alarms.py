"""Alarms that the server raises itself: looked for every ten seconds, kept until they are over and were noticed.

One that goes on is one row, however often it is found; one that comes again is another. Nothing ends an alarm but that
it is no longer so, and nothing takes it off the list but a person's notice: an hour without a gate is to be known of,
also when it came back by itself.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from sync.server import tables
from sync.server.alarm_rules import AlarmKind, EventFacts, Found, GateFacts, is_on, of_event, of_gate, of_site
from sync.server.board import RECENT_MIN
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub
from sync.server.ingest import FORKED
from sync.server.live import contact_of, newest_bundle, tallied
from sync.server.permissions import Person
from sync.server.problems import Refused

_log = logging.getLogger(__name__)

PERIOD_S = 10.0
LONGEST_LIST = 500


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """One alarm as people see it. `ended_at` is `None` while it goes on, `noticed_by` empty until then."""

    alarm: int
    kind: AlarmKind
    object: str
    event: str
    detail: dict[str, Any]
    raised_at: float
    ended_at: float | None
    noticed_at: float | None
    noticed_by: str
    words: str


def look(hub: Hub) -> None:
    """Find what is so now; raise, go on with and end accordingly."""
    with hub.begin() as connection:
        now = hub.clock()
        found = {(one.kind.value, one.object): one for one in _all(connection, now)}
        table = tables.alarm
        going_on = {
            (row.kind, row.object): row.alarm
            for row in connection.execute(select(table).where(table.c.ended_at.is_(None)))
        }
        for key, one in found.items():
            if key in going_on:
                same = {"seen_at": now, "detail": _json(one)}
                connection.execute(update(table).where(table.c.alarm == going_on[key]).values(**same))
            else:
                _raise(hub, connection, one, now)
        for key in going_on.keys() - found.keys():
            connection.execute(update(table).where(table.c.alarm == going_on[key]).values(ended_at=now))
            hub.audit(connection, "server", "alarm.ended", key[1], alarm_kind=key[0])


def list_alarms(connection: Connection, person: Person, *, closed: bool = False) -> list[AlarmLine]:
    """What goes on or was not noticed yet, the newest first; `closed`: what is over and was noticed."""
    table = tables.alarm
    over = and_(table.c.ended_at.is_not(None), table.c.noticed_at.is_not(None))
    rows = connection.execute(
        select(table)
        .where(over if closed else ~over, _seen_by(person))
        .order_by(table.c.raised_at.desc(), table.c.alarm.desc())
        .limit(LONGEST_LIST)
    )
    return [_line(row) for row in rows]


def open_alarms(connection: Connection, person: Person) -> int:
    """How many go on, or wait for somebody's notice."""
    table = tables.alarm
    waits = or_(table.c.ended_at.is_(None), table.c.noticed_at.is_(None))
    return int(connection.execute(select(func.count()).select_from(table).where(waits, _seen_by(person))).scalar_one())


def take_notice(hub: Hub, connection: Connection, person: Person, alarm: int, words: str = "") -> None:
    """Somebody has seen it and sees to it. Raises `Refused`: 404 where there is no such alarm, or it was noticed."""
    table = tables.alarm
    done = connection.execute(
        update(table)
        .where(table.c.alarm == alarm, table.c.noticed_at.is_(None), _seen_by(person))
        .values(noticed_at=hub.clock(), noticed_by=person.account, words=words)
        .returning(table.c.kind, table.c.object)
    ).first()
    if done is None:
        raise Refused(404, "no_such_alarm", "there is no such alarm, or somebody has taken notice already")
    hub.audit(connection, person.account, "alarm.noticed", done.object, alarm_kind=done.kind)


def persons_kept(connection: Connection) -> int:
    """Of how many persons a face is kept, at most: who comes to two events counts twice, since nobody can tell.

    An event's persons are known by a keyed hash of its own, so that two events' lists can't be laid beside each other.
    """
    ticket = tables.ticket
    kept = select(func.count()).select_from(ticket).where(ticket.c.has_reference)
    return int(connection.execute(kept).scalar_one())


def _raise(hub: Hub, connection: Connection, one: Found, now: float) -> None:
    row = {"kind": one.kind.value, "object": one.object, "organisation": one.organisation, "event": one.event}
    new = insert_or_ignore(connection, tables.alarm).values(**row, detail=_json(one), raised_at=now, seen_at=now)
    if connection.execute(new.returning(tables.alarm.c.alarm)).first() is None:
        return  # another worker was first
    hub.audit(connection, "server", "alarm.raised", one.object, alarm_kind=one.kind.value)
    _log.warning("alarm: %s, %s", one.kind, one.object)


def _all(connection: Connection, now: float) -> Iterator[Found]:
    for gate in _gates(connection):
        yield from of_gate(gate, now)
    for event in _events(connection, now):
        yield from of_event(event, now)
    yield from of_site(persons_kept(connection))


def _gates(connection: Connection) -> Iterator[GateFacts]:
    device, event, venue, ledger = tables.device, tables.event, tables.venue, tables.ledger
    forked = set(connection.execute(select(ledger.c.device).where(ledger.c.state == FORKED)).scalars())
    rows = connection.execute(
        select(device, venue.c.organisation, event.c.begins_at, event.c.ends_at)
        .join_from(device, venue)
        .join(event, event.c.event == device.c.event, isouter=True)
        .where(device.c.state == "enrolled", device.c.kind == "gate")
        .order_by(device.c.device)
    ).all()
    newest = {name: newest_bundle(connection, name) for name in {row.event for row in rows if row.event}}
    for row in rows:
        bundle, contact = newest.get(row.event), contact_of(row.contact)
        held = contact.manifest if contact.manifest and contact.manifest.event == row.event else None
        holds = bundle is None or (held is not None and held.version >= bundle.version)
        yield GateFacts(
            row.device,
            row.name,
            row.organisation,
            row.event or "",
            row.begins_at or 0.0,
            row.ends_at or 0.0,
            row.last_contact_at,
            contact,
            None if bundle is None or holds else bundle.issued_at,
            row.device in forked,
        )


def _events(connection: Connection, now: float) -> Iterator[EventFacts]:
    event, minute = tables.event, int(now // 60)
    for row in connection.execute(select(event).order_by(event.c.event)).all():
        if is_on(row.begins_at, row.ends_at, now):
            rows = tallied(connection, row.event, minute - 60 - RECENT_MIN)
            yield EventFacts(row.event, row.name, row.organisation, rows)


def _seen_by(person: Person) -> Any:
    """Of one's own organisation; the whole site's concern everybody who is asked for faces."""
    organisation = tables.alarm.c.organisation
    return or_(person.scope(organisation), organisation.is_(None))


def _line(row: Row[Any]) -> AlarmLine:
    return AlarmLine(
        row.alarm,
        AlarmKind(row.kind),
        row.object,
        row.event,
        json.loads(row.detail),
        row.raised_at,
        row.ended_at,
        row.noticed_at,
        row.noticed_by or "",
        row.words,
    )


def _json(one: Found) -> str:
    return json.dumps(one.detail, ensure_ascii=False, sort_keys=True)
