"""Lines of ledgers as proof: excerpts up to the next seal, and the keys by which the gates sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection, select, union_all

from models.ledger import EntryKind
from models.store.chain import root_hash
from models.store.excerpt import Excerpt, ExcerptLine, Seal, cut, line_of
from sync.evidence import GateKeys
from sync.server import tables


class Place(NamedTuple):
    """Where a line stands."""

    device: str
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Lines:
    """What proves the lines that were asked for. `unsealed`: no seal of their gate has arrived behind these yet."""

    excerpts: tuple[Excerpt, ...]
    gates: tuple[GateKeys, ...]
    unsealed: tuple[Place, ...]


def lines_of_ticket(connection: Connection, event: str, ticket: str) -> list[Place]:
    """Every decision and every passage that names the ticket, at the gates that served the event."""
    entry, use = tables.entry, tables.use
    names = entry.c.body.contains(f'"ticket":"{ticket}"', autoescape=True)
    about = entry.c.body.contains(f'"event":"{event}"', autoescape=True)
    told = select(entry.c.device, entry.c.epoch, entry.c.seq).where(
        names, about, entry.c.kind.in_([EntryKind.DECISION, EntryKind.PASSAGE])
    )
    used = select(use.c.device, use.c.epoch, use.c.seq).where(use.c.event == event, use.c.ticket == ticket)
    return sorted({Place(*row) for row in connection.execute(union_all(told, used))})


def prove(connection: Connection, wanted: Iterable[Place], *, show: bool = True) -> Lines:
    """Excerpts that prove the `wanted` lines; without `show` they prove them by their digests alone."""
    excerpts: list[Excerpt] = []
    unsealed: list[Place] = []
    devices: set[str] = set()
    for (device, epoch), group in groupby(sorted(set(wanted)), key=lambda place: place[:2]):
        places = list(group)
        open_ones = [place.seq for place in places]
        while open_ones:
            seal = _seal_behind(connection, device, epoch, open_ones[0])
            if seal is None:
                unsealed += [Place(device, epoch, seq) for seq in open_ones]
                break
            inside = [seq for seq in open_ones if seq <= seal.seq]
            excerpts.append(_excerpt(connection, device, epoch, inside, seal, inside if show else ()))
            devices.add(device)
            open_ones = open_ones[len(inside) :]
    return Lines(tuple(excerpts), tuple(_keys(connection, device) for device in sorted(devices)), tuple(unsealed))


class _Sealed(NamedTuple):
    seq: int
    at: float
    public_key: bytes
    signature: bytes


def _seal_behind(connection: Connection, device: str, epoch: str, seq: int) -> _Sealed | None:
    table = tables.checkpoint
    found = connection.execute(
        select(table.c.seq, table.c.at, table.c.public_key, table.c.signature)
        .where(table.c.device == device, table.c.epoch == epoch, table.c.seq >= seq)
        .order_by(table.c.seq)
        .limit(1)
    ).first()
    return _Sealed(*found) if found else None


def _excerpt(
    connection: Connection, device: str, epoch: str, seqs: list[int], seal: _Sealed, show: Collection[int]
) -> Excerpt:
    table, gate = tables.entry, _gate(connection, device, epoch)
    here = table.c.device == device, table.c.epoch == epoch
    rows = connection.execute(
        select(table).where(*here, table.c.seq.between(seqs[0], seal.seq)).order_by(table.c.seq)
    ).all()
    lines: list[ExcerptLine] = [line_of(row.seq, row.at, row.kind, row.body, row.version) for row in rows]
    before = connection.execute(select(table.c.hash).where(*here, table.c.seq == seqs[0] - 1)).scalar()
    sealed = Seal(seal.at, seal.public_key.hex(), seal.signature.hex())
    return Excerpt(gate, epoch, (before or root_hash(gate, epoch)).hex(), cut(lines, show), sealed)


def _gate(connection: Connection, device: str, epoch: str) -> str:
    """The name under which the ledger was written: part of its hashes, whatever the gate is called now."""
    table = tables.ledger
    found = select(table.c.gate).where(table.c.device == device, table.c.epoch == epoch)
    return str(connection.execute(found).scalar_one())


def _keys(connection: Connection, device: str) -> GateKeys:
    table, old, ledger = tables.device, tables.old_key, tables.ledger
    found = connection.execute(select(table.c.name, table.c.signing_key).where(table.c.device == device)).one()
    before = connection.execute(select(old.c.signing_key).where(old.c.device == device)).scalars().all()
    name = connection.execute(select(ledger.c.gate).where(ledger.c.device == device)).scalars().first()
    return GateKeys(device, name or found.name, tuple(key.hex() for key in (found.signing_key, *before)))
