"""Ledgers that two boxes write: what was held beside what came later, and the word of a person who has looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from models.wire import from_json
from sync.contract import LedgerLine
from sync.server import tables
from sync.server.hub import Hub
from sync.server.ingest import FORKED
from sync.server.problems import Refused
from sync.server.told import read

GOOD = "good"


@dataclass(frozen=True, slots=True)
class Side:
    """One of two lines that bear the same number."""

    kind: str
    at: float
    verdict: str
    reason: str
    ticket: str
    hash: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The two lines; `held` is `None` where nothing was held at that number."""

    epoch: str
    seq: int
    held: Side | None
    odd: Side


def ledgers_of(connection: Connection, device: str) -> Sequence[Row[Any]]:
    """The device's ledgers, the newest first."""
    ledger = tables.ledger
    found = select(ledger).where(ledger.c.device == device).order_by(ledger.c.first_at.desc(), ledger.c.epoch)
    return connection.execute(found).all()


def pairs_of(connection: Connection, device: str, limit: int = 20) -> list[Pair]:
    """The contradictions of the device's ledgers, in their order."""
    fork, entry = tables.fork, tables.entry
    same = (entry.c.device == fork.c.device) & (entry.c.epoch == fork.c.epoch) & (entry.c.seq == fork.c.seq)
    held = entry.c.version, entry.c.at, entry.c.kind, entry.c.body, entry.c.hash
    rows = connection.execute(
        select(fork.c.epoch, fork.c.seq, fork.c.line, *(column.label(f"held_{column.name}") for column in held))
        .join_from(fork, entry, same, isouter=True)
        .where(fork.c.device == device)
        .order_by(fork.c.epoch, fork.c.seq)
        .limit(limit)
    )
    return [_pair(row) for row in rows]


def trust_ledger(hub: Hub, connection: Connection, actor: str, device: str, epoch: str) -> None:
    """The copy is gone: go on with the lines that are held. Raises `Refused`: 404 where no such ledger is forked."""
    ledger = tables.ledger
    done = connection.execute(
        update(ledger)
        .where(ledger.c.device == device, ledger.c.epoch == epoch, ledger.c.state == FORKED)
        .values(state=GOOD)
        .returning(ledger.c.seq)
    ).first()
    if done is None:
        raise Refused(404, "no_such_fork", "this ledger is not forked, or somebody has looked already")
    hub.audit(connection, actor, "ledger.trusted", device, epoch=epoch, seq=done.seq)
    hub.ring(connection, device=device)


def _pair(row: Any) -> Pair:
    held = None
    if row.held_kind is not None:
        line = LedgerLine(row.seq, row.held_version, row.held_at, row.held_kind, row.held_body, row.held_hash.hex())
        held = _side(line)
    return Pair(row.epoch, row.seq, held, _side(from_json(LedgerLine, row.line)))


def _side(line: LedgerLine) -> Side:
    body = read(line)
    ticket = body.opens.ticket if body.opens else ""
    return Side(line.kind, line.at, body.decision.verdict, body.decision.reason, ticket, line.hash)
