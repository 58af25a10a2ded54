"""At a venue hub: its gates' ledger lines on their way to the centre.

What is held here is sent there, each ledger in its own order; what the centre acknowledged is kept in `forwarded`, so
that nothing is lost and little is sent twice, however long the line was cut. A ledger that the centre refuses is set
aside and holds no other up.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from models.store.chain import root_hash
from models.wire import from_json
from sync.contract import LedgerBatch, LedgerLine, LedgerReceipt, LedgerSeal
from sync.failures import RefusedBy
from sync.server import tables
from sync.server.database import insert_or_ignore

MOST_LINES = 500
MOST_BYTES = 4 << 20
SET_ASIDE_S = 30.0
RETRY_S = 1.0

FORK = ""
"""In place of the hash before the first line: these are not lines of the chain."""

Which = tuple[str, str]
"""Device and epoch."""


def pending(connection: Connection, now: float) -> list[Which]:
    """The ledgers of which there is more to send, and which are not set aside."""
    ledger, sent, fork = tables.ledger, tables.forwarded, tables.fork
    same = and_(sent.c.device == ledger.c.device, sent.c.epoch == ledger.c.epoch)
    forks = (
        select(func.max(fork.c.fork))
        .where(fork.c.device == ledger.c.device, fork.c.epoch == ledger.c.epoch)
        .scalar_subquery()
    )
    more = or_(
        ledger.c.seq > func.coalesce(sent.c.seq, 0),
        ledger.c.sealed_seq > func.coalesce(sent.c.sealed_seq, 0),
        forks > func.coalesce(sent.c.fork, 0),
    )
    chosen = select(ledger.c.device, ledger.c.epoch).select_from(ledger.outerjoin(sent, same))
    rows = connection.execute(
        chosen.where(more, func.coalesce(sent.c.not_before, 0.0) <= now).order_by(ledger.c.device, ledger.c.epoch)
    )
    return [(row.device, row.epoch) for row in rows]


def batch_for(connection: Connection, which: Which) -> LedgerBatch | None:
    """What is to be sent next of a ledger: lines and seals, then lines that contradict those."""
    device, epoch = which
    sent = _sent(connection, which)
    entry, checkpoint = tables.entry, tables.checkpoint
    rows = connection.execute(
        select(entry)
        .where(entry.c.device == device, entry.c.epoch == epoch, entry.c.seq > sent.seq)
        .order_by(entry.c.seq)
        .limit(MOST_LINES)
    )
    lines = _not_too_many([_line(row) for row in rows])
    reaches = lines[-1].seq if lines else sent.seq
    seals = connection.execute(
        select(checkpoint)
        .where(checkpoint.c.device == device, checkpoint.c.epoch == epoch)
        .where(checkpoint.c.seq > sent.sealed_seq, checkpoint.c.seq <= reaches)
        .order_by(checkpoint.c.seq)
        .limit(MOST_LINES)
    ).all()
    if not lines and not seals:
        return _fork_batch(connection, which, sent.fork)
    return LedgerBatch(epoch, _hash_of(connection, which, sent.seq), tuple(lines), tuple(map(_seal, seals)), device)


def acknowledge(connection: Connection, batch: LedgerBatch, receipt: LedgerReceipt) -> None:
    """The centre holds what the receipt says, durably. It never holds more than we do."""
    if batch.after_hash == FORK:
        _write(connection, batch, fork=_newest_fork(connection, batch))
        return
    last = batch.lines[-1].seq if batch.lines else 0
    sent = _sent(connection, (batch.device, batch.epoch))
    sealed = max([sent.sealed_seq, *(seal.seq for seal in batch.seals)])
    seq = max(sent.seq, min(receipt.acknowledged, last))
    _write(connection, batch, seq=seq, sealed_seq=sealed, refusal="", not_before=0.0)


def refused(connection: Connection, batch: LedgerBatch, why: RefusedBy, now: float) -> None:
    """The centre took nothing of `batch`: see what can be done about it."""
    sent = _sent(connection, (batch.device, batch.epoch))
    if why.code == "replayed":
        return  # the next request has a higher number
    if batch.after_hash == FORK and why.code == "forked":  # that is what we had to say
        _write(connection, batch, fork=_newest_fork(connection, batch), refusal=why.code)
    elif why.code == "gap" and sent.seq:  # the centre holds less than it did: it lets pass what it has
        _write(connection, batch, seq=0, refusal=why.code, not_before=now + RETRY_S)
    elif why.code == "bad_seal" and batch.seals:  # the lines are worth more than their seals
        _write(connection, batch, sealed_seq=max(seal.seq for seal in batch.seals), refusal=why.code)
    elif why.code == "no_such_gate":
        _write(connection, batch, refusal=why.code, not_before=now + RETRY_S)
    else:
        _write(connection, batch, refusal=why.code, not_before=now + SET_ASIDE_S)


def _sent(connection: Connection, which: Which) -> Any:
    row = tables.forwarded
    chosen = select(row).where(row.c.device == which[0], row.c.epoch == which[1])
    found = connection.execute(chosen).first()
    if found is None:
        connection.execute(insert_or_ignore(connection, row).values(device=which[0], epoch=which[1]))
        found = connection.execute(chosen).one()
    return found


def _write(connection: Connection, batch: LedgerBatch, **values: Any) -> None:
    row = tables.forwarded
    here = and_(row.c.device == batch.device, row.c.epoch == batch.epoch)
    connection.execute(update(row).where(here).values(**values))


def _not_too_many(lines: list[LedgerLine]) -> list[LedgerLine]:
    size = 0
    for count, line in enumerate(lines):
        size += len(line.body.encode())
        if size > MOST_BYTES and count:
            return lines[:count]
    return lines


def _hash_of(connection: Connection, which: Which, seq: int) -> str:
    """The hash of the line before the first one that is sent."""
    device, epoch = which
    ledger, entry = tables.ledger, tables.entry
    here = and_(ledger.c.device == device, ledger.c.epoch == epoch)
    if seq == 0:
        gate = connection.execute(select(ledger.c.gate).where(here)).scalar_one()
        return root_hash(gate, epoch).hex()
    chosen = select(entry.c.hash).where(entry.c.device == device, entry.c.epoch == epoch, entry.c.seq == seq)
    found: bytes = connection.execute(chosen).scalar_one()
    return found.hex()


def _fork_batch(connection: Connection, which: Which, after: int) -> LedgerBatch | None:
    """All lines that contradict lines the centre holds; it will see that for itself."""
    fork = tables.fork
    chosen = select(fork.c.line).where(fork.c.device == which[0], fork.c.epoch == which[1], fork.c.fork > after)
    lines = connection.execute(chosen.order_by(fork.c.seq, fork.c.fork).limit(MOST_LINES)).scalars().all()
    if not lines:
        return None
    return LedgerBatch(which[1], FORK, tuple(from_json(LedgerLine, line) for line in lines), (), which[0])


def _newest_fork(connection: Connection, batch: LedgerBatch) -> int:
    fork = tables.fork
    hashes = [bytes.fromhex(line.hash) for line in batch.lines]
    here = and_(fork.c.device == batch.device, fork.c.epoch == batch.epoch, fork.c.hash.in_(hashes))
    return int(connection.execute(select(func.max(fork.c.fork)).where(here)).scalar_one())


def _line(row: Any) -> LedgerLine:
    return LedgerLine(row.seq, row.version, row.at, row.kind, row.body, row.hash.hex())


def _seal(row: Any) -> LedgerSeal:
    return LedgerSeal(row.seq, row.at, row.hash.hex(), row.public_key.hex(), row.signature.hex())
