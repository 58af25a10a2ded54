"""Ledgers in: every line is held against its chain before it is believed, and kept whatever it says.

A line that comes again is nothing new. A line that contradicts one that is held means that two boxes write the same
ledger: the line is kept as a fork, the ledger is marked, and nothing more of it is taken until a person has looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from models.ledger import Checkpoint
from models.store.chain import checkpoint_is_genuine, line_hash, root_hash
from models.wire import to_json
from sync.contract import LedgerBatch, LedgerLine, LedgerReceipt, LedgerSeal
from sync.server import tables
from sync.server.database import insert_or_ignore
from sync.server.frequent import take_up
from sync.server.hub import Hub
from sync.server.many import insert_all
from sync.server.problems import Refused
from sync.server.projection import project
from sync.server.sightings import take_up as take_up_sightings

LARGEST_BATCH = 1000
LARGEST_BODY = 65_536
FORKED = "forked"


@dataclass(frozen=True, slots=True)
class Held:
    """How much of an epoch is held: the last entry's number and hash. `gate` is the name that its hashes contain."""

    gate: str
    seq: int
    hash: bytes
    state: str = "good"


def take(hub: Hub, connection: Connection, device: str, gate: str, batch: LedgerBatch) -> LedgerReceipt:
    """Hold the lines of `batch`, which `device` under the name `gate` wrote; within the caller's transaction.

    Raises `Refused`: 409 `gap` (with the number that is held), `forked`; 422 `broken_chain`, `bad_seal`, `too_large`.
    A fork is written down in a transaction of its own before it is raised.
    """
    if len(batch.lines) > LARGEST_BATCH or any(len(line.body) > LARGEST_BODY for line in batch.lines):
        raise Refused(422, "too_large", f"at most {LARGEST_BATCH} lines of {LARGEST_BODY} characters at a time")
    held = _held(connection, device, gate, batch.epoch)
    if held.state == FORKED:
        raise Refused(409, "forked", f"the ledger {batch.epoch} was written by two boxes: the office has to settle it")
    known = [line for line in batch.lines if line.seq <= held.seq]
    fresh = [line for line in batch.lines if line.seq > held.seq]
    _compare(hub, connection, device, batch.epoch, known)
    if fresh:
        _check_joint(batch, fresh, held)
        _check_chain(batch.epoch, held, fresh)
        _keep(connection, device, batch.epoch, fresh, hub.clock())
        project(connection, device, gate, batch.epoch, fresh, hub.clock())
        take_up(hub, connection, gate, fresh)
        take_up_sightings(hub, connection, device, gate, batch.epoch, fresh, hub.clock())
        held = Held(held.gate, fresh[-1].seq, bytes.fromhex(fresh[-1].hash))
        _mark(connection, device, batch.epoch, held)
    _keep_seals(connection, device, held.gate, batch)
    return LedgerReceipt(batch.epoch, held.seq)


def _held(connection: Connection, device: str, gate: str, epoch: str) -> Held:
    """The row of this ledger, locked; made when its first line comes."""
    ledger = tables.ledger
    chosen = select(ledger.c.gate, ledger.c.seq, ledger.c.hash, ledger.c.state).where(
        ledger.c.device == device, ledger.c.epoch == epoch
    )
    row = connection.execute(chosen.with_for_update()).first()
    if row is None:
        root = root_hash(gate, epoch)
        values = {"device": device, "epoch": epoch, "gate": gate, "seq": 0, "hash": root, "first_at": 0.0}
        connection.execute(insert_or_ignore(connection, ledger).values(**values))
        row = connection.execute(chosen.with_for_update()).one()
        connection.execute(update(tables.device).where(tables.device.c.device == device).values(epoch=epoch))
    return Held(row.gate, row.seq, row.hash, row.state)


def _compare(hub: Hub, connection: Connection, device: str, epoch: str, known: Sequence[LedgerLine]) -> None:
    """Lines that are held already must be the same lines."""
    if not known:
        return
    entry = tables.entry
    rows = connection.execute(
        select(entry.c.seq, entry.c.hash).where(
            entry.c.device == device, entry.c.epoch == epoch, entry.c.seq.in_([line.seq for line in known])
        )
    )
    hashes = {row.seq: row.hash.hex() for row in rows}
    odd = [line for line in known if hashes.get(line.seq) != line.hash]
    if odd:
        raise Forked(device, epoch, odd)


class Forked(Exception):
    """Lines that contradict those that are held: see `keep_fork`."""

    def __init__(self, device: str, epoch: str, lines: Sequence[LedgerLine]) -> None:
        super().__init__(f"the ledger {epoch} of {device} has two lines {lines[0].seq}")
        self.device, self.epoch, self.lines = device, epoch, tuple(lines)


def keep_fork(hub: Hub, connection: Connection, fork: Forked) -> Refused:
    """Write a fork down and mark the ledger; gives the refusal that the device is told."""
    for line in fork.lines:
        values = {"device": fork.device, "epoch": fork.epoch, "seq": line.seq, "at": hub.clock()}
        values |= {"hash": _bytes(line.hash), "line": to_json(line).decode()}
        connection.execute(insert_or_ignore(connection, tables.fork).values(**values))
    mark_forked(hub, connection, fork.device, fork.epoch, fork.lines[0].seq)
    return Refused(409, FORKED, f"{fork}: a copied card or a restored backup writes beside this one")


def mark_forked(hub: Hub, connection: Connection, device: str, epoch: str, seq: int) -> None:
    """Nothing more of this ledger is taken until a person has looked."""
    ledger = tables.ledger
    marked = connection.execute(
        update(ledger)
        .where(ledger.c.device == device, ledger.c.epoch == epoch, ledger.c.state != FORKED)
        .values(state=FORKED)
        .returning(ledger.c.device)
    )
    if marked.first() is not None:
        hub.audit(connection, device, "ledger_forked", epoch, seq=seq)


def _check_joint(batch: LedgerBatch, fresh: Sequence[LedgerLine], held: Held) -> None:
    if fresh[0].seq != held.seq + 1:
        raise Refused(409, "gap", f"{held.seq} is the last line held of {batch.epoch}: send from {held.seq + 1} on")
    first = batch.lines[0].seq == fresh[0].seq
    if first and batch.after_hash != held.hash.hex():
        raise Refused(409, "gap", f"the lines do not follow on line {held.seq} of {batch.epoch} as it is held here")


def _check_chain(epoch: str, held: Held, fresh: Sequence[LedgerLine]) -> None:
    seq, hash_ = held.seq, held.hash
    for line in fresh:
        seq += 1
        if line.seq != seq:
            raise Refused(422, "broken_chain", f"line {seq} of {epoch} is missing in the batch")
        hash_ = line_hash(hash_, held.gate, epoch, line.seq, line.at, line.kind, line.body.encode(), line.version)
        if line.hash != hash_.hex():
            raise Refused(422, "broken_chain", f"line {seq} of {epoch} does not have the hash of its content")


def _keep(connection: Connection, device: str, epoch: str, fresh: Sequence[LedgerLine], now: float) -> None:
    rows = [
        {
            "device": device,
            "epoch": epoch,
            "seq": line.seq,
            "version": line.version,
            "at": line.at,
            "kind": line.kind,
            "body": line.body,
            "hash": bytes.fromhex(line.hash),
            "received_at": now,
        }
        for line in fresh
    ]
    insert_all(connection, tables.entry, rows)


def _mark(connection: Connection, device: str, epoch: str, held: Held) -> None:
    ledger = tables.ledger
    connection.execute(
        update(ledger).where(ledger.c.device == device, ledger.c.epoch == epoch).values(seq=held.seq, hash=held.hash)
    )


def _keep_seals(connection: Connection, device: str, gate: str, batch: LedgerBatch) -> None:
    """Signed checkpoints, each by a key of this device over a line that is held."""
    if not batch.seals:
        return
    keys = _keys(connection, device)
    entry = tables.entry
    rows = connection.execute(
        select(entry.c.seq, entry.c.hash).where(
            entry.c.device == device, entry.c.epoch == batch.epoch, entry.c.seq.in_([one.seq for one in batch.seals])
        )
    )
    hashes = {row.seq: row.hash for row in rows}
    for seal in batch.seals:
        made = _checkpoint(batch.epoch, seal)
        if made.public_key not in keys or hashes.get(seal.seq) != made.hash or not checkpoint_is_genuine(gate, made):
            raise Refused(422, "bad_seal", f"the seal on line {seal.seq} of {batch.epoch} is not this device's")
        values = {"device": device, "epoch": batch.epoch, "seq": made.seq, "at": made.at, "hash": made.hash}
        values |= {"public_key": made.public_key, "signature": made.signature}
        connection.execute(insert_or_ignore(connection, tables.checkpoint).values(**values))
    ledger = tables.ledger
    newest = max(seal.seq for seal in batch.seals)
    connection.execute(
        update(ledger)
        .where(ledger.c.device == device, ledger.c.epoch == batch.epoch, ledger.c.sealed_seq < newest)
        .values(sealed_seq=newest)
    )


def _keys(connection: Connection, device: str) -> set[bytes]:
    """Every key that this device ever had: old seals stay good."""
    now = select(tables.device.c.signing_key).where(tables.device.c.device == device)
    before = select(tables.old_key.c.signing_key).where(tables.old_key.c.device == device)
    return {row.signing_key for row in connection.execute(now.union(before))}


def _checkpoint(epoch: str, seal: LedgerSeal) -> Checkpoint:
    return Checkpoint(epoch, seal.seq, seal.at, _bytes(seal.hash), _bytes(seal.public_key), _bytes(seal.signature))


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Refused(422, "not_as_documented", "hashes, keys and signatures are written in hexadecimal") from None
