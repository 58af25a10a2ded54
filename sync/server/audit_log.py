"""Reading the audit: who did what, newest first, a page at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select, union

from sync.server import tables
from sync.server.permissions import Person

LONGEST_PAGE = 500


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One act. `detail` is what the act said of itself."""

    seq: int
    at: float
    actor: str
    act: str
    object: str
    detail: dict[str, Any]
    from_address: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Empty means all. An `act` that ends with a dot stands for all that begin so, as in `enrol.`."""

    actor: str = ""
    act: str = ""
    object: str = ""
    since: float = 0.0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class AuditPage:
    """`before` goes into the next request; 0: this was the last page."""

    lines: tuple[AuditLine, ...]
    before: int = field(default=0)


def read_audit(
    connection: Connection, person: Person, wanted: AuditFilter, before: int = 0, limit: int = 100
) -> AuditPage:
    """Lines before the number `before` (0: from the newest) that `person` may see, at most `limit`.

    Who is of one organisation sees what its people did, and what was done to its events, venues and devices.
    """
    audit = tables.audit
    limit = max(1, min(limit, LONGEST_PAGE))
    found = select(audit).where(*_conditions(wanted), *_scope(person)).order_by(audit.c.seq.desc()).limit(limit + 1)
    if before:
        found = found.where(audit.c.seq < before)
    rows = connection.execute(found).all()
    lines = [
        AuditLine(row.seq, row.at, row.actor, row.act, row.object, json.loads(row.detail), row.from_address)
        for row in rows[:limit]
    ]
    return AuditPage(tuple(lines), lines[-1].seq if len(rows) > limit else 0)


def _conditions(wanted: AuditFilter) -> list[Any]:
    audit, found = tables.audit, []
    if wanted.actor:
        found.append(audit.c.actor == wanted.actor)
    if wanted.act:
        whole = not wanted.act.endswith(".")
        found.append(audit.c.act == wanted.act if whole else audit.c.act.startswith(wanted.act, autoescape=True))
    if wanted.object:
        found.append(audit.c.object == wanted.object)
    if wanted.since:
        found.append(audit.c.at >= wanted.since)
    if wanted.until:
        found.append(audit.c.at < wanted.until)
    return found


def _scope(person: Person) -> list[Any]:
    if person.organisation is None:
        return []
    own = person.organisation
    account, event, venue, device = tables.account, tables.event, tables.venue, tables.device
    people = select(account.c.account).where(account.c.organisation == own)
    things = union(
        select(event.c.event).where(event.c.organisation == own),
        select(venue.c.venue).where(venue.c.organisation == own),
        select(device.c.device).join_from(device, venue).where(venue.c.organisation == own),
    )
    return [tables.audit.c.actor.in_(people) | tables.audit.c.object.in_(things)]
