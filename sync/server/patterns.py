"""Patterns across events that suggest scalping, as reports with their evidence, for a person to judge.

Nothing follows from a pattern: no gate hears of it, no list grows by it, nobody is refused. Whoever looks decides, with
the tickets before him, and proposes an entry by hand where there is ground for it. That somebody looked is audited.

| pattern | what was found |
|---|---|
| `handed_on` | one buyer, or one order, whose tickets were given back and bound to others, several times |
| `many_gates` | one document refused at several gates of an event |
| `one_face` | references that look like one face under documents that have nothing in common |
| `one_picture` | the very same picture handed in under several documents |
| `several_faces` | one document with references of different faces |
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select

from models.decision import Verdict
from models.ids import normalise_number
from models.ledger import EntryKind
from models.ticket import COMPANION
from models.watch_domain import person_key
from sync.holding import Holding
from sync.server import tables
from sync.server.hub import Hub
from sync.server.pattern_faces import Alike, Held, faces_of_one, faces_of_others, pictures_of_others
from sync.server.permissions import Person
from sync.server.tickets import find_tickets, sealed_holdings, unseal_holdings
from sync.server.told import read_body
from sync.server.watch_items import own_domain

HANDED_ON_TIMES = 3
GATES_TRIED = 3
MOST_SHOWN = 100
LOOKED_BACK_S = 90 * 86_400.0
_HANDED = ("resold", "waitlist_served")


class Kind(StrEnum):
    """What kind of pattern."""

    HANDED_ON = "handed_on"
    MANY_GATES = "many_gates"
    ONE_FACE = "one_face"
    ONE_PICTURE = "one_picture"
    SEVERAL_FACES = "several_faces"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that belongs to a pattern, with where it can be looked up. Nobody's number, name or face."""

    event: str
    ticket: str = ""
    other: str = ""  # the ticket it became, or the one it looks like
    other_event: str = ""
    gate: str = ""
    reason: str = ""
    at: float | None = None
    distance: float | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """What was found: `size` is how many tickets, gates or documents make it."""

    kind: Kind
    size: int
    events: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Crowd:
    """The tickets of the events that are looked at, in clear, in memory; documents as keyed hashes of our own."""

    events: tuple[str, ...]
    held: tuple[tuple[str, Holding], ...]
    secret: bytes

    def persons(self, holding: Holding) -> frozenset[bytes]:
        """Who opens this ticket."""
        keys = (person_key(self.secret, one.kind, normalise_number(one.number)) for one in holding.documents)
        return frozenset(bytes.fromhex(key) for key in keys)


def look_for_patterns(hub: Hub, person: Person) -> list[Pattern]:
    """All patterns in the events that `person` sees and whose persons are kept still, the largest of each kind first.

    A large crowd's faces take seconds, for which nobody waits. The look is audited.
    """
    with hub.begin() as connection:
        hub.audit(connection, person.account, "patterns.looked")
        secret = own_domain(hub, connection)[1]
    with hub.engine.connect() as connection:
        crowd = _crowd(hub, connection, person, secret)
        found = [*_handed_on(hub, connection, crowd), *_many_gates(connection, crowd.events, hub.clock())]
    found += _faces(crowd)
    order = list(Kind)
    return sorted(found, key=lambda one: (order.index(one.kind), -one.size, one.events))


def _crowd(hub: Hub, connection: Connection, person: Person, secret: bytes) -> Crowd:
    row = tables.event.c
    erased = select(tables.erasure.c.event)
    seen = select(row.event).where(person.scope(row.organisation), row.event.not_in(erased)).order_by(row.event)
    events = tuple(connection.execute(seen).scalars())
    held = tuple(
        (event, holding)
        for event in events
        for holding in unseal_holdings(hub, event, sealed_holdings(connection, event))
    )
    return Crowd(events, held, secret)


# --- tickets that changed hands ---------------------------------------------------------------------------------------


def _handed_on(hub: Hub, connection: Connection, crowd: Crowd) -> Iterator[Pattern]:
    by: dict[bytes, list[Evidence]] = defaultdict(list)
    for event, at, seats in _handovers(connection, crowd.events):
        sellers = find_tickets(hub, connection, event, [seller for seller, _ in seats])
        for seller, buyer in seats:
            for one in crowd.persons(sellers[seller]) if seller in sellers else ():
                by[one].append(Evidence(event, seller, other=buyer, at=at))
    yield from (_pattern(Kind.HANDED_ON, found) for found in by.values() if len(found) >= HANDED_ON_TIMES)
    yield from _orders(connection, crowd.events)


def _handovers(connection: Connection, events: Sequence[str]) -> Iterator[tuple[str, float, list[tuple[str, str]]]]:
    row = tables.audit.c
    asked = select(row.object, row.at, row.detail).where(row.act.in_(_HANDED), row.object.in_(events)).order_by(row.at)
    for event, at, detail in connection.execute(asked).all():
        told = json.loads(detail) if isinstance(detail, str) else detail
        yield event, at, [(str(seller), str(buyer)) for seller, buyer in told.get("seats", [])]


def _orders(connection: Connection, events: Sequence[str]) -> Iterator[Pattern]:
    """Orders of a ticketing platform whose positions went to other holders after the sale."""
    row = tables.pretix_position.c
    asked = select(row.event, row.order_code, row.ticket, row.holders, row.changed_at)
    by: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for one in connection.execute(asked.where(row.event.in_(events), row.holders > 1).order_by(row.ticket)):
        by[one.event, one.order_code].append(one)
    for (event, _), positions in sorted(by.items()):
        times = sum(one.holders - 1 for one in positions)
        if times >= HANDED_ON_TIMES:
            evidence = tuple(Evidence(event, one.ticket, at=one.changed_at) for one in positions)
            yield Pattern(Kind.HANDED_ON, times, (event,), evidence[:MOST_SHOWN])


# --- one document at many gates ---------------------------------------------------------------------------------------


def _many_gates(connection: Connection, events: Sequence[str], now: float) -> Iterator[Pattern]:
    """Refusals of one document, by its keyed hash in the event, at several gates."""
    entry, ledger = tables.entry.c, tables.ledger.c
    of = (entry.device == ledger.device) & (entry.epoch == ledger.epoch)
    lines = (
        select(ledger.gate, entry.at, entry.body)
        .select_from(tables.entry.join(tables.ledger, of))
        .where(entry.kind == EntryKind.DECISION.value, entry.received_at > now - LOOKED_BACK_S)
        .order_by(entry.device, entry.epoch, entry.seq)
    )
    by: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
    wanted = set(events)
    for line in connection.execute(lines.execution_options(yield_per=1_000)):
        body = read_body(line.body)
        if body.decision.verdict == Verdict.DENY and body.person_key and body.event in wanted:
            found = Evidence(body.event, gate=line.gate, reason=body.decision.reason, at=line.at)
            by[body.event, body.person_key].append(found)
    for refused in by.values():
        gates = {one.gate for one in refused}
        if len(gates) >= GATES_TRIED:
            yield _pattern(Kind.MANY_GATES, refused, len(gates))


# --- faces ------------------------------------------------------------------------------------------------------------


def _faces(crowd: Crowd) -> Iterator[Pattern]:
    held = [
        Held(
            event,
            one.ticket.ticket,
            crowd.persons(one),
            one.ticket.reference.model_version,
            one.ticket.reference.template,
        )
        for event, one in crowd.held
        if one.ticket.reference is not None and one.ticket.category != COMPANION
    ]
    for pairs in faces_of_others(held):
        yield _pattern(Kind.ONE_FACE, _told(pairs), _persons(pairs))
    for those in pictures_of_others(held):
        yield _pattern(Kind.ONE_PICTURE, [Evidence(one.event, one.ticket) for one in those])
    for pairs in faces_of_one(held):
        yield _pattern(Kind.SEVERAL_FACES, _told(pairs))


def _told(pairs: Iterable[Alike]) -> list[Evidence]:
    return [
        Evidence(pair.one.event, pair.one.ticket, pair.other.ticket, pair.other.event, distance=pair.distance)
        for pair in pairs
    ]


def _persons(pairs: Iterable[Alike]) -> int:
    return len({one.persons for pair in pairs for one in (pair.one, pair.other)})


def _pattern(kind: Kind, evidence: Sequence[Evidence], size: int = 0) -> Pattern:
    events = {one.event for one in evidence} | {one.other_event for one in evidence if one.other_event}
    return Pattern(kind, size or len(evidence), tuple(sorted(events)), tuple(evidence[:MOST_SHOWN]))
