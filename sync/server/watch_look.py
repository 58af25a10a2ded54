"""Entries as people look at them: a list by what somebody asks for, and one with its history, hits and counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, select

from models.ids import mask_number
from models.watch import WatchState
from sync.server.hub import Hub
from sync.server.permissions import Person
from sync.server.watch_api import (
    ApprovalTold,
    CountTold,
    EvidenceTold,
    HitTold,
    StepTold,
    WatchDetailTold,
    WatchListTold,
    WatchTold,
)
from sync.server.watch_entries import document_of, find_entry
from sync.server.watch_items import state_of
from sync.server.watch_life import obstacles
from sync.server.watch_tables import (
    watch_approval,
    watch_entry,
    watch_evidence,
    watch_history,
    watch_hit,
    watch_hit_count,
)

SHOWN_STEPS = 200
SHOWN_HITS = 50
SHOWN_DAYS = 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; empty fields ask for all."""

    state: str = ""
    purpose: str = ""
    owner: str = ""
    batch: str = ""


def list_entries(
    hub: Hub, connection: Connection, person: Person, wanted: Wanted, skip: int = 0, limit: int = 100
) -> WatchListTold:
    """The entries that this person sees, the latest change first."""
    row = watch_entry.c
    conditions = [person.scope(row.organisation), *_conditions(wanted, hub.clock())]
    count = connection.execute(select(func.count()).select_from(watch_entry).where(*conditions)).scalar_one()
    asked = select(watch_entry).where(*conditions).order_by(row.changed_at.desc(), row.entry)
    rows = connection.execute(asked.offset(skip).limit(limit)).all()
    return WatchListTold(_told(hub, connection, person, rows), count)


def entries_of_batch(connection: Connection, person: Person, batch: str) -> list[str]:
    """The entries of one import that this person sees."""
    row = watch_entry.c
    asked = select(row.entry).where(row.batch == batch, person.scope(row.organisation))
    return list(connection.execute(asked.order_by(row.entry)).scalars())


def owners(connection: Connection, person: Person) -> list[str]:
    """Who answers for the entries that this person sees."""
    row = watch_entry.c
    asked = select(row.owner).where(person.scope(row.organisation)).distinct().order_by(row.owner).limit(200)
    return list(connection.execute(asked).scalars())


def look_at(hub: Hub, connection: Connection, person: Person, entry: str) -> WatchDetailTold:
    """Everything about one entry. Raises `Refused`: 404."""
    row = find_entry(connection, person, entry)
    (told,), document = _told(hub, connection, person, [row]), document_of(hub, row)
    obstacle = obstacles(hub, connection, person, [row])[entry]
    return WatchDetailTold(
        told,
        row.legal_basis,
        row.appeal,
        document.kind if document else "",
        mask_number(document.number) if document else "",
        tuple(json.loads(row.sites)),
        tuple(json.loads(row.entrances)),
        row.model_version,
        row.made_at,
        row.erased_at,
        obstacle.code if obstacle else "",
        _approvals(connection, entry),
        _history(connection, entry),
        _evidence(connection, entry),
        _others(hub, connection, person, row),
        _hits(connection, entry),
        _counts(connection, entry),
    )


def _conditions(wanted: Wanted, now: float) -> list[ColumnElement[bool]]:
    row = watch_entry.c
    found = [column == value for column, value in _named(wanted) if value]
    if wanted.state in set(WatchState):
        found.append(_stands(WatchState(wanted.state), now))
    elif wanted.state:
        found.append(row.state == wanted.state)
    return found


def _named(wanted: Wanted) -> list[tuple[Any, str]]:
    row = watch_entry.c
    return [(row.purpose, wanted.purpose), (row.owner, wanted.owner), (row.batch, wanted.batch)]


def _stands(state: WatchState, now: float) -> ColumnElement[bool]:
    """The condition that `state_of` says this."""
    row = watch_entry.c
    if state is WatchState.WITHDRAWN:
        return row.state == state
    if state is WatchState.EXPIRED:
        return and_(row.state != WatchState.WITHDRAWN, row.valid_to <= now)
    running = row.valid_to > now
    if state is WatchState.ACTIVE:
        return and_(running, row.state == WatchState.APPROVED, row.valid_from <= now)
    if state is WatchState.APPROVED:
        return and_(running, row.state == state, row.valid_from > now)
    return and_(running, row.state == state)


def _told(hub: Hub, connection: Connection, person: Person, rows: Sequence[Row[Any]]) -> tuple[WatchTold, ...]:
    names, keys = [row.entry for row in rows], [row.person_key for row in rows if row.person_key]
    entry, given, kept = watch_entry.c, watch_approval.c, watch_evidence.c
    mine = select(given.entry, func.count()).join(
        watch_entry, and_(entry.entry == given.entry, entry.version == given.version)
    )
    approvals = _counted(connection, mine.where(given.entry.in_(names)).group_by(given.entry))
    pieces = select(kept.entry, func.count()).where(kept.entry.in_(names)).group_by(kept.entry)
    evidence = _counted(connection, pieces)
    people = select(entry.person_key, func.count()).where(*_alive(person), entry.person_key.in_(keys))
    same = _counted(connection, people.group_by(entry.person_key))
    return tuple(
        WatchTold(
            row.entry,
            row.owner,
            row.purpose,
            row.action,
            (state := state_of(row, hub.clock())),
            row.version,
            row.valid_from,
            row.valid_to,
            row.sealed_template is not None,
            row.proposed_by,
            approvals.get(row.entry, 0),
            evidence.get(row.entry, 0),
            same.get(row.person_key, 0) - (state is not WatchState.WITHDRAWN) if row.person_key else 0,
            row.changed_at,
            row.organisation,
            row.partner,
            row.batch,
        )
        for row in rows
    )


def _counted(connection: Connection, asked: Select[Any]) -> dict[Any, int]:
    return {key: int(count) for key, count in connection.execute(asked)}


def _alive(person: Person) -> tuple[ColumnElement[bool], ...]:
    return person.scope(watch_entry.c.organisation), watch_entry.c.state != WatchState.WITHDRAWN


def _others(hub: Hub, connection: Connection, person: Person, row: Row[Any]) -> tuple[WatchTold, ...]:
    """Other entries of the same document."""
    if row.person_key is None:
        return ()
    entry = watch_entry.c
    same = and_(entry.person_key == row.person_key, entry.entry != row.entry)
    rows = connection.execute(select(watch_entry).where(same, *_alive(person)).order_by(entry.made_at).limit(20)).all()
    return _told(hub, connection, person, rows)


def _approvals(connection: Connection, entry: str) -> tuple[ApprovalTold, ...]:
    given = watch_approval.c
    asked = select(given.version, given.account, given.role, given.at).where(given.entry == entry)
    return tuple(ApprovalTold(*one) for one in connection.execute(asked.order_by(given.at)))


def _history(connection: Connection, entry: str) -> tuple[StepTold, ...]:
    step = watch_history.c
    asked = select(step.at, step.version, step.actor, step.act, step.state, step.why).where(step.entry == entry)
    return tuple(StepTold(*one) for one in connection.execute(asked.order_by(step.seq.desc()).limit(SHOWN_STEPS)))


def _evidence(connection: Connection, entry: str) -> tuple[EvidenceTold, ...]:
    kept = watch_evidence.c
    columns = kept.number, kept.name, kept.size, kept.sha256, kept.by, kept.at, kept.sealed.is_(None).label("erased")
    rows = connection.execute(select(*columns).where(kept.entry == entry).order_by(kept.number))
    return tuple(EvidenceTold(*one) for one in rows)


def _hits(connection: Connection, entry: str) -> tuple[HitTold, ...]:
    hit = watch_hit.c
    asked = select(hit.device, hit.at, hit.means, hit.distance, hit.done, hit.by).where(hit.item == entry)
    return tuple(HitTold(*one) for one in connection.execute(asked.order_by(hit.at.desc()).limit(SHOWN_HITS)))


def _counts(connection: Connection, entry: str) -> tuple[CountTold, ...]:
    count = watch_hit_count.c
    asked = select(count.day, count.partner, count.hits).where(count.entry == entry)
    ordered = asked.order_by(count.day.desc(), count.partner).limit(SHOWN_DAYS)
    return tuple(CountTold(*one) for one in connection.execute(ordered))
