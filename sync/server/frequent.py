"""Who comes more often than the house rules allow: a review at the gates, for a while, and no more than that.

The rule is the event's (`frequent_times` within `frequent_days`, the day that is today among them). Whoever breaks it
gets an item of the list that our own gates hold, in the event's own domain, with the purpose `frequent` and the action
`review`; no partner ever gets it. It ends with the day on which the count, if nobody comes again, no longer breaks the
rule. Couriers and staff are exempt until a day that somebody names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from models.decision import Policy
from models.ids import normalise_number
from models.store.vault import lookup_key
from models.watch import WatchAction, WatchEntry, WatchPurpose
from sync.contract import LedgerLine
from sync.holding import Document
from sync.server import seen, tables
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub
from sync.server.problems import Refused
from sync.server.seen import Person
from sync.server.tickets import policy_of_event, secret_of
from sync.server.told import read
from sync.server.watch_items import keep_domain, put, remove, renew_domain
from sync.server.watch_tables import seen as seen_table
from sync.server.watch_tables import seen_exempt, watch_item

LONGEST_LABEL = 40
LONGEST_EXEMPT_S = 365 * 86_400.0


def domain_of(event: str) -> str:
    """The event's own domain: its secret is what gates key documents with anyway."""
    return f"event:{event}"


def take_up(hub: Hub, connection: Connection, gate: str, lines: Iterable[LedgerLine]) -> None:
    """Count who came by these lines, and have those who came too often looked at."""
    now = hub.clock()
    for person in sorted(seen.count(connection, gate, [(line, read(line)) for line in lines], now)):
        judge(hub, connection, person)


def judge(hub: Hub, connection: Connection, person: Person) -> bool:
    """Whether the person comes too often; then the gates hold an item of it, and else they hold none."""
    event, _ = person
    policy, now = policy_of_event(connection, event), hub.clock()
    ends = None
    if policy.frequent_times is not None and not is_exempt(connection, person, now):
        days = seen.days_of(connection, person)
        ends = ends_on(days, seen.day_of(now, policy), policy.frequent_times, policy.frequent_days)
    item = item_of(person)
    if ends is None:
        remove(hub, connection, item)
        return False
    valid_to = _midnight(ends, policy)
    held = connection.execute(select(watch_item).where(watch_item.c.item == item)).first()
    if held is None or held.removed or held.valid_to != valid_to:
        _put(hub, connection, person, valid_to, held)
    return True


def ends_on(days: Mapping[date, int], today: date, most: int, window: int) -> date | None:
    """The first day from today on whose window holds no more than `most`; `None` where today's does already."""
    for ahead in range(window + 1):
        day = today + timedelta(days=ahead)
        within = sum(times for one, times in days.items() if day - timedelta(days=window) < one <= day)
        if within <= most:
            return day if ahead else None
    return today + timedelta(days=window + 1)  # only where days of the future were counted


def item_of(person: Person) -> str:
    """What the item is called: nothing that says who it is without the event's secret."""
    event, key = person
    return "frequent-" + hashlib.sha256(event.encode() + b"\0" + key).hexdigest()[:32]


def _put(hub: Hub, connection: Connection, person: Person, valid_to: float, held: Row[Any] | None) -> None:
    event, key = person
    domain = domain_of(event)
    secret = keep_domain(hub, connection, domain, secret_of(hub, connection, event))
    name = connection.execute(select(tables.event.c.name).where(tables.event.c.event == event)).scalar_one()
    entry = WatchEntry(
        item_of(person),
        owner=name,
        purpose=WatchPurpose.FREQUENT,
        action=WatchAction.REVIEW,
        valid_from=hub.clock(),
        valid_to=valid_to,
        person_key=key.hex(),
        version=1 if held is None else held.version + 1,
        domain=domain,
    )
    put(hub, connection, entry, secret)


def _midnight(day: date, policy: Policy) -> float:
    zone = timezone(timedelta(seconds=policy.utc_offset_s)) if policy.utc_offset_s else UTC
    return datetime.combine(day, time.min, zone).timestamp()


# --- those who may ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exempt:
    """Somebody who may come as often as the work asks; `key` is the keyed hash, hexadecimal."""

    key: str
    label: str
    by: str
    until: float


def is_exempt(connection: Connection, person: Person, now: float) -> bool:
    """Whether the person may come as often as the work asks."""
    event, key = person
    row = seen_exempt.c
    asked = select(row.until).where(row.event == event, row.person_key == key, row.until > now)
    return connection.execute(asked).first() is not None


def exempt(
    hub: Hub,
    connection: Connection,
    actor: str,
    event: str,
    document: Document,
    label: str,
    until: float,
) -> Exempt:
    """Let somebody come as often as the work asks, until a day. `label` is a trade, "courier", and no name.

    Raises `Refused`: 404; 422 `bad_exemption`.
    """
    label, now = label.strip(), hub.clock()
    if not 0 < len(label) <= LONGEST_LABEL or not now < until <= now + LONGEST_EXEMPT_S:
        raise Refused(422, "bad_exemption", f"a trade of 1 to {LONGEST_LABEL} characters, and a day within a year")
    key = lookup_key(secret_of(hub, connection, event), document.kind, normalise_number(document.number))
    row = {"event": event, "person_key": key}
    connection.execute(delete(seen_exempt).where(seen_exempt.c.event == event, seen_exempt.c.person_key == key))
    values = {"label": label, "by": actor, "until": until}
    connection.execute(insert_or_ignore(connection, seen_exempt).values(**row, **values))
    hub.audit(connection, actor, "frequent.exempted", event, label=label)
    judge(hub, connection, (event, key))
    return Exempt(key.hex(), label, actor, until)


def end_exemption(hub: Hub, connection: Connection, actor: str, event: str, key: str) -> None:
    """The person is counted like everybody from now on. Raises `Refused`: 404."""
    person = (event, bytes.fromhex(key))
    here = seen_exempt.c.event == event, seen_exempt.c.person_key == person[1]
    ended = connection.execute(delete(seen_exempt).where(*here).returning(seen_exempt.c.label)).first()
    if ended is None:
        raise Refused(404, "no_such_exemption", "nobody is exempt under this key")
    hub.audit(connection, actor, "frequent.counted_again", event, label=ended.label)
    judge(hub, connection, person)


def exemptions(connection: Connection, event: str) -> list[Exempt]:
    """Who is exempt at the event, by trade."""
    row = seen_exempt.c
    rows = connection.execute(select(seen_exempt).where(row.event == event).order_by(row.label, row.person_key))
    return [Exempt(one.person_key.hex(), one.label, one.by, one.until) for one in rows]


# --- who comes often --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Often:
    """Somebody who comes more often than the rules allow, as a keyed hash."""

    key: str
    times: int
    days: int
    gates: tuple[str, ...]
    until: float


def who_comes_often(hub: Hub, connection: Connection, event: str) -> list[Often]:
    """Whom the gates are to have looked at, the most frequent first."""
    policy = policy_of_event(connection, event)
    if policy.frequent_times is None:
        return []
    since = (seen.day_of(hub.clock(), policy) - timedelta(days=policy.frequent_days)).isoformat()
    row = seen_table.c
    within = select(row.person_key).where(row.event == event, row.day > since)
    often = within.group_by(row.person_key).having(func.sum(row.times) > policy.frequent_times)
    rows = connection.execute(select(seen_table).where(row.event == event, row.day > since, row.person_key.in_(often)))
    by: dict[bytes, list[Row[Any]]] = {}
    for one in rows:
        by.setdefault(bytes(one.person_key), []).append(one)
    items = {one.item: one.valid_to for one in connection.execute(select(watch_item).where(~watch_item.c.removed))}
    told = [
        Often(
            key.hex(),
            sum(one.times for one in rows_of),
            len(rows_of),
            tuple(sorted({gate for one in rows_of for gate in json.loads(one.gates)})),
            items[item_of((event, key))],
        )
        for key, rows_of in by.items()
        if item_of((event, key)) in items
    ]
    return sorted(told, key=lambda one: (-one.times, one.key))


def clear(hub: Hub) -> None:
    """Once in a while: forget days that are over, and take back items that have run out."""
    with hub.begin() as connection:
        seen.forget(connection, hub.clock())
        row = watch_item.c
        over = select(row.item).where(~row.removed, row.item.like("frequent-%"), row.valid_to <= hub.clock())
        for item in connection.execute(over).scalars().all():
            remove(hub, connection, item)
        connection.execute(delete(seen_exempt).where(seen_exempt.c.until <= hub.clock()))


def forget_event(hub: Hub, connection: Connection, event: str) -> None:
    """The event's persons are erased: the gates drop its items, and nobody keys a document as it did any more."""
    row = watch_item.c
    held = select(row.item).where(~row.removed, row.domain == domain_of(event))
    for item in connection.execute(held).scalars().all():
        remove(hub, connection, item)
    renew_domain(hub, connection, domain_of(event))
