"""Conflicts: the work list of those who settle disputes, and how one is closed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select, update

from sync.server import tables
from sync.server.hub import Hub
from sync.server.problems import Refused

OPEN, SETTLED = "open", "settled"
LONGEST_WORDS = 500


class Finding(StrEnum):
    """What a person found out."""

    HOLDER_FIRST = "holder_first"
    HOLDER_SECOND = "holder_second"
    SAME_PERSON = "same_person"
    GATE_ERROR = "gate_error"
    STAFF_LET_IN = "staff_let_in"
    NOT_CLEARED_UP = "not_cleared_up"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A ticket that let somebody in once too often. `uses` are all of the ticket's uses that were known then."""

    conflict: int
    event: str
    ticket: str
    nth: int
    found_at: float
    uses: tuple[dict[str, Any], ...]
    state: str
    settled_by: str
    settled_at: float | None
    finding: str
    words: str

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The entries by which somebody came in, the first use first."""
        return [use for use in self.uses if use.get("direction") == "entry" and use.get("passage") == "passed"]


def list_conflicts(connection: Connection, event: str, *, is_open: bool, limit: int = 200) -> list[Conflict]:
    """The event's open conflicts, the oldest first; or those that are closed, the newest first."""
    table = tables.conflict
    chosen = select(table).where(table.c.event == event, (table.c.state == OPEN) == is_open)
    order = table.c.conflict if is_open else table.c.settled_at.desc()
    return [_conflict(row) for row in connection.execute(chosen.order_by(order).limit(limit))]


def count_open(connection: Connection, event: str) -> int:
    """How many wait for a finding."""
    table = tables.conflict
    counted = select(func.count()).where(table.c.event == event, table.c.state == OPEN)
    return int(connection.execute(counted).scalar_one())


def settle_conflict(
    hub: Hub, connection: Connection, actor: str, event: str, conflict: int, finding: str, words: str = ""
) -> None:
    """Close a conflict. Raises `Refused`: 404 none that is open, 422 no finding, or too many words."""
    if finding not in set(Finding):
        raise Refused(422, "no_finding", f"choose what was found: one of {', '.join(Finding)}")
    words = " ".join(words.split())
    if len(words) > LONGEST_WORDS:
        raise Refused(422, "too_long", f"a remark has at most {LONGEST_WORDS} characters")
    table = tables.conflict
    done = connection.execute(
        update(table)
        .where(table.c.conflict == conflict, table.c.event == event, table.c.state == OPEN)
        .values(state=SETTLED, settled_by=actor, settled_at=hub.clock(), finding=finding, words=words)
        .returning(table.c.ticket)
    ).first()
    if done is None:
        raise Refused(404, "no_such_conflict", "there is no such open conflict: somebody else may have settled it")
    hub.audit(connection, actor, "conflict.settled", event, conflict=conflict, ticket=done.ticket, finding=finding)


def _conflict(row: Any) -> Conflict:
    return Conflict(
        row.conflict,
        row.event,
        row.ticket,
        row.nth,
        row.found_at,
        tuple(json.loads(row.uses)),
        row.state,
        row.settled_by or "",
        row.settled_at,
        row.finding,
        row.words,
    )
