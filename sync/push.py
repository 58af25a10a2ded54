"""From the gate's ledger to what is sent: the ledger is the outbox, what is beyond `acknowledged` is still to go."""

from __future__ import annotations

from models.ledger import Checkpoint, Entry
from models.store.chain import root_hash
from models.store.ledger_read import LedgerReader
from models.wire import to_json
from sync.contract import LedgerBatch, LedgerLine, LedgerSeal

MOST_LINES = 500


def next_batch(ledger: LedgerReader, after: int, limit: int = MOST_LINES) -> LedgerBatch | None:
    """Up to `limit` lines beyond number `after`, with the seals on them; `None` where there is nothing new."""
    entries = ledger.entries(after, limit)
    if not entries:
        return None
    before = ledger.entry(after)
    after_hash = before.hash if before else root_hash(ledger.gate, ledger.epoch)
    last = entries[-1].seq
    seals = tuple(_seal(one) for one in ledger.checkpoints(after, limit) if one.seq <= last)
    return LedgerBatch(ledger.epoch, after_hash.hex(), tuple(map(_line, entries)), seals)


def _line(entry: Entry) -> LedgerLine:
    body = to_json(entry.body).decode()
    return LedgerLine(entry.seq, entry.version, entry.at, entry.kind, body, entry.hash.hex())


def _seal(made: Checkpoint) -> LedgerSeal:
    return LedgerSeal(made.seq, made.at, made.hash.hex(), made.public_key.hex(), made.signature.hex())
