"""A ledger that two boxes wrote, and a person who believes the box whose lines came second.

Then the lines that were held from the fork on give way: they are kept beside the chain, as the others were, and what
they meant is made again without them. The believed box sends its lines anew from there on. Where the held lines are
the right ones nothing has to move: see `sync.server.forks`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, update

from models.store.chain import root_hash
from models.wire import to_json
from sync.contract import LedgerLine
from sync.server import tables
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub
from sync.server.ingest import FORKED
from sync.server.problems import Refused
from sync.server.rebuild import rebuild


def believe_the_other(hub: Hub, connection: Connection, actor: str, device: str, epoch: str, why: str) -> int:
    """Give way from the first contradiction on; how many lines moved aside.

    Raises `Refused`: 404 no such forked ledger, 409 `no_lines` where the other box has sent none, 422 without a reason.
    """
    ledger, fork, entry = tables.ledger, tables.fork, tables.entry
    if not why.strip():
        raise Refused(422, "no_reason", "say why the held lines are not believed")
    held = connection.execute(
        select(ledger)
        .where(ledger.c.device == device, ledger.c.epoch == epoch, ledger.c.state == FORKED)
        .with_for_update()
    ).first()
    if held is None:
        raise Refused(404, "no_such_fork", "this ledger is not forked, or somebody has looked already")
    first = connection.execute(
        select(func.min(fork.c.seq)).where(fork.c.device == device, fork.c.epoch == epoch)
    ).scalar()
    if first is None:
        raise Refused(409, "no_lines", "the other box has sent no lines: there is nothing to believe in place of these")
    here = and_(entry.c.device == device, entry.c.epoch == epoch)
    moved = connection.execute(select(entry).where(here, entry.c.seq >= first).order_by(entry.c.seq)).all()
    for row in moved:
        connection.execute(insert_or_ignore(connection, fork).values(**_aside(hub, row)))
    connection.execute(delete(entry).where(here, entry.c.seq >= first))
    _cut(connection, held, first)
    rebuild(hub, connection, actor)
    hub.audit(
        connection, actor, "ledger.other_believed", device, epoch=epoch, seq=first, lines=len(moved), why=why.strip()
    )
    hub.ring(connection, device=device)
    return len(moved)


def _cut(connection: Connection, held: Any, first: int) -> None:
    """The ledger ends before line `first`, and is good again."""
    ledger, entry, checkpoint = tables.ledger, tables.entry, tables.checkpoint
    here = and_(checkpoint.c.device == held.device, checkpoint.c.epoch == held.epoch)
    connection.execute(delete(checkpoint).where(here, checkpoint.c.seq >= first))
    sealed = connection.execute(select(func.coalesce(func.max(checkpoint.c.seq), 0)).where(here)).scalar_one()
    before = connection.execute(
        select(entry.c.hash).where(entry.c.device == held.device, entry.c.epoch == held.epoch, entry.c.seq == first - 1)
    ).scalar()
    connection.execute(
        update(ledger)
        .where(ledger.c.device == held.device, ledger.c.epoch == held.epoch)
        .values(state="good", seq=first - 1, hash=before or root_hash(held.gate, held.epoch), sealed_seq=sealed)
    )


def _aside(hub: Hub, row: Any) -> dict[str, Any]:
    line = LedgerLine(row.seq, row.version, row.at, row.kind, row.body, row.hash.hex())
    values = {"device": row.device, "epoch": row.epoch, "seq": row.seq, "at": hub.clock()}
    return values | {"hash": row.hash, "line": to_json(line).decode()}
