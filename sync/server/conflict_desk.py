"""What those need who go to the seat: whose ticket it is and who passed first; and a conflict taken up once more."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select, update

from models.passage import Direction, Passage
from sync.server import tables
from sync.server.hub import Hub
from sync.server.problems import Refused
from sync.server.told import read_body

LONGEST_WORDS = 500

SEAT_CHECK = "seat_check"
"""A gate's flag on an admission: the holder stood there, and somebody had passed by the ticket before."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Somebody went through a gate by this ticket. `at` is the gate's own time.

    `holder_here`: the ticket had been used, and staff at the gate let in whoever stood there, as its holder.
    """

    gate: str
    device: str
    direction: str
    at: float
    holder_here: bool = False


@dataclass(frozen=True, slots=True)
class SeatCheck:
    """One ticket for whoever stands before the seat: who sits there by right of having come first?

    `first` is the first passage that is still a visit: what came before an exit does not count. `inside` says how many
    are inside by the gates' count. Names are masked; a ticket that this server does not keep has no seat here.
    """

    event: str
    ticket: str
    seat: str
    category: str
    masked_name: str
    inside: int
    first: Passed | None
    passages: tuple[Passed, ...]


def seat_check(connection: Connection, event: str, ticket: str) -> SeatCheck:
    """Everything about one ticket's passages. Raises `Refused`: 404 where it is neither kept nor used."""
    kept = tables.ticket
    row = connection.execute(select(kept).where(kept.c.event == event, kept.c.ticket == ticket)).first()
    passages = _passages(connection, event, ticket)
    if row is None and not passages:
        raise Refused(404, "no_such_ticket", f"the event {event} has no ticket {ticket}, and nobody used one")
    seat, category, name = (row.seat, row.category, row.masked_name) if row is not None else ("", "", "")
    inside = sum(1 if one.direction == Direction.ENTRY else -1 for one in passages)
    return SeatCheck(event, ticket, seat, category, name, inside, _first(passages), passages)


def reopen_conflict(hub: Hub, connection: Connection, actor: str, event: str, conflict: int, why: str) -> None:
    """Take up a settled conflict once more; its old finding stays in the audit.

    Raises `Refused`: 404 none that is settled, 422 without a reason.
    """
    why = " ".join(why.split())
    if not 0 < len(why) <= LONGEST_WORDS:
        raise Refused(422, "no_reason", f"say in 1 to {LONGEST_WORDS} characters why it is taken up once more")
    table = tables.conflict
    here = table.c.conflict == conflict, table.c.event == event, table.c.state == "settled"
    before = connection.execute(select(table).where(*here).with_for_update()).first()
    if before is None:
        raise Refused(404, "no_such_conflict", "there is no such settled conflict in this event")
    fresh = {"state": "open", "settled_by": None, "settled_at": None, "finding": "", "words": ""}
    connection.execute(update(table).where(table.c.conflict == conflict).values(**fresh))
    was = {"finding": before.finding, "words": before.words, "settled_by": before.settled_by}
    hub.audit(connection, actor, "conflict.reopened", event, conflict=conflict, ticket=before.ticket, why=why, was=was)


def _passages(connection: Connection, event: str, ticket: str) -> tuple[Passed, ...]:
    """In order of the gates' clocks; those who certainly went through."""
    use, device, entry = tables.use, tables.device, tables.entry
    same = and_(entry.c.device == use.c.device, entry.c.epoch == use.c.epoch, entry.c.seq == use.c.seq)
    gate, body = func.coalesce(device.c.name, "").label("gate"), func.coalesce(entry.c.body, "{}").label("body")
    rows = connection.execute(
        select(use.c.device, use.c.direction, use.c.at, gate, body)
        .outerjoin(device, device.c.device == use.c.device)
        .outerjoin(entry, same)
        .where(use.c.event == event, use.c.ticket == ticket, use.c.passage == Passage.PASSED.value)
        .order_by(use.c.at, use.c.device, use.c.seq)
    )
    return tuple(
        Passed(row.gate, row.device, row.direction, row.at, SEAT_CHECK in read_body(row.body).decision.flags)
        for row in rows
    )


def _first(passages: tuple[Passed, ...]) -> Passed | None:
    """The first entry since the ticket was last out altogether."""
    first, inside = None, 0
    for one in passages:
        inside = max(inside + (1 if one.direction == Direction.ENTRY else -1), 0)
        if inside == 0:
            first = None
        elif first is None:
            first = one
    return first
