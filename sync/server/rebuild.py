"""Make again what lines mean: uses, claims, the tally, who came how often, conflicts and stewards' reports.

For the day on which a projection is found to be wrong, or its program has changed. Lines are taken up as they came, in
the same order and the same batches, so that the result is what it was. What people have said stays: a settled conflict
is settled, with its number, and so is a settled report. Claims that were asked for and of which no line speaks yet stay
as they are.

All waits meanwhile: do it between events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from sync.contract import LedgerLine
from sync.server import hits, seen, sightings, tables
from sync.server.hub import Hub
from sync.server.projection import project
from sync.server.told import read
from sync.server.watch_tables import seen as seen_table

Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What there was to take up."""

    lines: int
    uses: int
    open_conflicts: int


class _Batch(NamedTuple):
    """Lines of one ledger that came at once."""

    received_at: float
    device: str
    epoch: str
    first: int
    last: int


def rebuild(hub: Hub, connection: Connection, actor: str, progress: Progress | None = None) -> Rebuilt:
    """Do it, in the caller's transaction. `progress` is told how many batches of how many are done."""
    _stop_the_others(connection)
    held = _held(connection)
    settled = connection.execute(select(tables.conflict).where(tables.conflict.c.state == "settled")).all()
    for table in (tables.use, tables.tally, tables.claim, seen_table):
        connection.execute(delete(table))
    hits.forget_all(connection)
    connection.execute(update(tables.conflict).values(state="withdrawn", stands=0))
    batches = _batches(connection)
    gates = {(row.device, row.epoch): row.gate for row in connection.execute(select(tables.ledger))}
    for done, batch in enumerate(batches, 1):
        lines = _lines(connection, batch)
        gate = gates[batch.device, batch.epoch]
        project(connection, batch.device, gate, batch.epoch, lines, batch.received_at)
        seen.count(connection, gate, [(line, read(line)) for line in lines], batch.received_at)
        sightings.take_up(hub, connection, batch.device, gate, batch.epoch, lines, batch.received_at)
        if progress is not None:
            progress(done, len(batches))
    seen.forget(connection, hub.clock())
    _put_back(connection, held)
    _settle_again(connection, settled)
    made = Rebuilt(sum(one.last - one.first + 1 for one in batches), _count(connection), _open(connection))
    hub.audit(connection, actor, "rebuilt", lines=made.lines, uses=made.uses, open_conflicts=made.open_conflicts)
    return made


def _stop_the_others(connection: Connection) -> None:
    """No line is taken in and no claim answered until this transaction ends; on SQLite that is so anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE ledger, claim IN EXCLUSIVE MODE"))


def _batches(connection: Connection) -> list[_Batch]:
    """In the order in which they came. A ledger's lines stay in theirs, even where our clock once went back."""
    entry = tables.entry
    came = func.max(entry.c.received_at).over(partition_by=(entry.c.device, entry.c.epoch), order_by=entry.c.seq)
    each = select(entry.c.device, entry.c.epoch, entry.c.seq, came.label("came")).subquery()
    rows = connection.execute(
        select(each.c.came, each.c.device, each.c.epoch, func.min(each.c.seq), func.max(each.c.seq))
        .group_by(each.c.came, each.c.device, each.c.epoch)
        .order_by(each.c.came, each.c.device, each.c.epoch)
    )
    return [_Batch(*row) for row in rows]


def _lines(connection: Connection, batch: _Batch) -> list[LedgerLine]:
    entry = tables.entry
    rows = connection.execute(
        select(entry)
        .where(entry.c.device == batch.device, entry.c.epoch == batch.epoch)
        .where(entry.c.seq.between(batch.first, batch.last))
        .order_by(entry.c.seq)
    )
    return [LedgerLine(row.seq, row.version, row.at, row.kind, row.body, row.hash.hex()) for row in rows]


def _held(connection: Connection) -> list[Row[Any]]:
    """Claims whose turn is awaited."""
    return list(connection.execute(select(tables.claim).where(tables.claim.c.passage == "held")))


def _put_back(connection: Connection, held: Sequence[Row[Any]]) -> None:
    """Of these claims those of which no line speaks."""
    claim, use = tables.claim, tables.use
    for row in held:
        spoken = select(use.c.seq).where(use.c.device == row.device, use.c.claim == row.claim)
        if connection.execute(spoken.limit(1)).first() is None:
            connection.execute(delete(claim).where(claim.c.event == row.event, claim.c.ticket == row.ticket))
            connection.execute(insert(claim).values(**row._mapping))


def _settle_again(connection: Connection, settled: Sequence[Row[Any]]) -> None:
    conflict = tables.conflict
    for row in settled:
        kept = {name: getattr(row, name) for name in ("state", "settled_by", "settled_at", "finding", "words")}
        kept |= {"found_at": row.found_at, "uses": row.uses}
        connection.execute(update(conflict).where(conflict.c.conflict == row.conflict).values(**kept))


def _count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(tables.use)).scalar_one())


def _open(connection: Connection) -> int:
    conflict = tables.conflict
    return int(connection.execute(select(func.count()).where(conflict.c.state == "open")).scalar_one())
