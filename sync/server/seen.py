"""How often a document came in a day, under the event's keyed hash of it: counted from the lines of all entrances.

One admission on the way in is one time. Nothing but the hash, the day, the number and the gates is kept, of as many
days as the event's policy looks back; what is older goes. Like all that lines mean, it can be made again from them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from sqlalchemy import Connection, delete, select, update

from models.decision import Policy
from models.passage import Direction
from models.wire import from_json
from sync.contract import LedgerLine
from sync.server import tables
from sync.server.database import insert_or_ignore
from sync.server.tally import minute_of
from sync.server.told import Told
from sync.server.watch_tables import seen

Person = tuple[str, bytes]
"""Event, and the document's keyed hash in it."""


@lru_cache(maxsize=64)
def policy_in(text: str) -> Policy:
    """The policy as an event's row holds it."""
    return from_json(Policy, text)


def counting(connection: Connection, events: Iterable[str]) -> dict[str, Policy]:
    """Those of `events` that count who comes too often, with their rules."""
    row = tables.event.c
    found = connection.execute(select(row.event, row.policy).where(row.event.in_(sorted(set(events)))))
    rules = {one.event: policy_in(one.policy) for one in found}
    return {event: policy for event, policy in rules.items() if policy.frequent_times is not None}


def day_of(at: float, policy: Policy) -> date:
    """The day at the venue."""
    zone = timezone(timedelta(seconds=policy.utc_offset_s)) if policy.utc_offset_s else UTC
    return datetime.fromtimestamp(at, zone).date()


def count(connection: Connection, gate: str, told: Iterable[tuple[LedgerLine, Told]], now: float) -> set[Person]:
    """Count the admissions among the lines of `gate`, each line once; gives whom it counted."""
    came = [(line, body) for line, body in told if _came_in(body)]
    rules = counting(connection, {body.event for _, body in came})
    times: dict[tuple[str, bytes, str], int] = defaultdict(int)
    for line, body in came:
        key = _key(body)
        if body.event in rules and key:
            at = minute_of(line.at, now) * 60.0
            times[body.event, key, day_of(at, rules[body.event]).isoformat()] += 1
    for (event, key, day), number in sorted(times.items()):
        _add(connection, event, key, day, number, gate)
    return {(event, key) for event, key, _ in times}


def _came_in(body: Told) -> bool:
    return body.opens is not None and body.opens.direction is Direction.ENTRY and bool(body.opens.person_key)


def _key(body: Told) -> bytes:
    try:
        return bytes.fromhex(body.opens.person_key) if body.opens else b""
    except ValueError:
        return b""


def _add(connection: Connection, event: str, key: bytes, day: str, number: int, gate: str) -> None:
    row = {"event": event, "person_key": key, "day": day}
    connection.execute(insert_or_ignore(connection, seen).values(**row, times=0))
    here = (seen.c.event == event) & (seen.c.person_key == key) & (seen.c.day == day)
    held = connection.execute(select(seen.c.gates).where(here).with_for_update()).scalar_one()
    gates = json.dumps(sorted({*json.loads(held), gate}), ensure_ascii=False)
    connection.execute(update(seen).where(here).values(times=seen.c.times + number, gates=gates))


def days_of(connection: Connection, person: Person) -> dict[date, int]:
    """How often this person came, by day."""
    event, key = person
    rows = connection.execute(select(seen.c.day, seen.c.times).where(seen.c.event == event, seen.c.person_key == key))
    return {date.fromisoformat(row.day): row.times for row in rows}


def forget(connection: Connection, now: float) -> int:
    """Delete the days that no event looks back to any more; how many rows went."""
    gone = 0
    row = tables.event.c
    for event, text in connection.execute(select(row.event, row.policy)).all():
        policy = policy_in(text)
        days = policy.frequent_days if policy.frequent_times is not None else 0
        oldest = (day_of(now, policy) - timedelta(days=days)).isoformat()
        old = delete(seen).where(seen.c.event == event, seen.c.day <= oldest).returning(seen.c.day)
        gone += len(connection.execute(old).all())
    return gone
