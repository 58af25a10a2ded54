"""Older lines on their way out of the ledger's file, and the way back to them.

    moved = archive_lines(ledger, older_than=now - 7 * DAY_S, now=now)

Only lines that the centre has acknowledged move, the oldest first, a file at a time. The file is on the disk and was
read back before one transaction notes where the lines went, and takes them out. What ends before that leaves a file
that the next attempt writes again; what ends after it leaves nothing to do. Nothing is ever in neither place.

Where archives have a time to live, the oldest goes by a receipt: a line of the ledger that names the file and its
digest, written before the file is taken away. What no receipt covers is missing; what one covers is gone by a rule.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import wire
from models.keeping import PurgeBody, Purpose
from models.store.archive_file import FOLDER, FORMAT, Head, Line, name_of, problems_of, read_archive, write_archive
from models.store.chain import root_hash
from models.store.errors import StoreFailed

if TYPE_CHECKING:
    from models.store.ledger_db import Ledger
    from models.store.ledger_read import LedgerReader

MOST_LINES = 1000
"""In one file. Taking them out keeps the store busy for a moment, and a search reads whole files."""

KEPT_LINES = 1000
"""The last ones stay whatever their age: a start and the screens look into them."""

_LINES = "SELECT seq, version, at, kind, body, prev_hash, hash FROM entry WHERE seq BETWEEN ? AND ? ORDER BY seq"


@dataclass(frozen=True, slots=True)
class Archived:
    """One archive as the ledger knows it."""

    first_seq: int
    last_seq: int
    last_hash: bytes
    file: str
    sha256: bytes
    kinds: dict[str, int]
    first_at: float = 0.0
    last_at: float = 0.0

    def path(self, ledger: Path) -> Path:
        """Where it lies, for the ledger in this file."""
        return ledger.parent / FOLDER / self.file


def archives_of(reader: LedgerReader) -> tuple[Archived, ...]:
    """All archives of the ledger, the oldest first."""
    rows = reader.rows(
        "SELECT first_seq, last_seq, last_hash, file, sha256, kinds, first_at, last_at FROM archive ORDER BY last_seq"
    )
    return tuple(_archived(*row) for row in rows)


def _archived(first: int, last: int, hash_: bytes, file: str, digest: bytes, kinds: str, *at: float) -> Archived:
    return Archived(first, last, hash_, file, digest, json.loads(kinds), *at)


def archives_left(reader: LedgerReader) -> tuple[Archived, ...]:
    """The archives that are here, or ought to be. Raises `StoreFailed`."""
    found = archives_of(reader)
    if not found or found[0].path(reader.path).exists():
        return found
    gone = gone_up_to(reader)
    return tuple(one for one in found if one.last_seq > gone)


def gone_up_to(reader: LedgerReader) -> int:
    """The last line whose archive went by a receipt; 0 where none did. The newest receipt stands for those before."""
    found = archives_of(reader)
    for body in _purges(reader, found):
        if last := receipted(found, body):
            return last
    return 0


def receipted(archives: tuple[Archived, ...], body: str) -> int:
    """The last line of the archive that a receipt is for, whose `body` is JSON; 0: it is for something else."""
    try:
        receipt = wire.from_json(PurgeBody, body)
    except wire.WireError:
        return 0
    if receipt.purpose is not Purpose.ARCHIVES:
        return 0
    of = (one.last_seq for one in archives if (one.file, one.sha256.hex()) == (receipt.detail, receipt.digest))
    return next(of, 0)


def _purges(reader: LedgerReader, archives: tuple[Archived, ...]) -> Iterator[str]:
    """The bodies of all receipts, the newest first, back to the first archive that is not here."""
    yield from (body for (body,) in reader.rows("SELECT body FROM entry WHERE kind = 'purge' ORDER BY seq DESC"))
    for one in reversed(archives):
        if not one.path(reader.path).exists():
            return
        if one.kinds.get("purge"):
            yield from (line[4] for line in reversed(list(lines_of(reader, one))) if line[3] == "purge")


def oldest_to_go(ledger: Ledger, older_than: float) -> Archived | None:
    """The oldest archive, where all its lines are from before `older_than` and the centre holds them now."""
    left = archives_left(ledger)
    old = left and left[0].last_at < older_than and left[0].last_seq <= ledger.acknowledged()
    return left[0] if old else None


def archive_lines(ledger: Ledger, older_than: float, now: float, *, keep: int = KEPT_LINES) -> Archived | None:
    """Move the oldest lines out, at most `MOST_LINES`; `None` where none may go yet.

    Full files alone are made, so that there are few. Raises `StoreFailed`; then the lines are where they were.
    """
    before = archives_of(ledger)
    first = before[-1].last_seq + 1 if before else 1
    last = first + MOST_LINES - 1
    if last > min(ledger.acknowledged(), ledger.last_seq() - keep):
        return None
    lines = ledger.rows(_LINES, (first, last))
    if not lines or lines[-1][2] >= older_than:
        return None
    prev_hash = before[-1].last_hash if before else root_hash(ledger.gate, ledger.epoch)
    made = _write(ledger, lines, prev_hash)
    _take_out(ledger, made, now)
    return made


def _write(ledger: Ledger, lines: list[Line], prev_hash: bytes) -> Archived:
    first, last = lines[0][0], lines[-1][0]
    last_hash = lines[-1][6]
    head = Head(FORMAT, ledger.gate, ledger.epoch, first, last, prev_hash.hex(), last_hash.hex())
    seals = [seal for seal in ledger.checkpoints(first - 1, MOST_LINES) if seal.seq <= last]
    name = name_of(ledger.epoch, first, last)
    path = ledger.path.parent / FOLDER / name
    try:
        digest = write_archive(path, head, lines, seals, ledger.path.stat().st_mode & 0o777)
    except OSError as error:
        raise StoreFailed(f"{path} can't be written: {error.strerror}; the lines stay where they are") from error
    if wrong := problems_of(path):
        raise StoreFailed(f"{path} is not what was written: {wrong[0]}; the lines stay where they are")
    kinds = dict(Counter(line[3] for line in lines))
    return Archived(first, last, last_hash, name, digest, kinds, lines[0][2], lines[-1][2])


def _take_out(ledger: Ledger, made: Archived, now: float) -> None:
    kinds = json.dumps(made.kinds, sort_keys=True)
    row = made.last_seq, made.first_seq, made.first_at, made.last_at, made.last_hash, made.file, made.sha256, kinds, now
    with ledger.transaction() as conn:
        conn.execute(
            "INSERT INTO archive (last_seq, first_seq, first_at, last_at, last_hash, file, sha256, kinds, at)"
            " VALUES (?,?,?,?,?,?,?,?,?)",
            row,
        )
        conn.execute("DELETE FROM entry WHERE seq BETWEEN ? AND ?", (made.first_seq, made.last_seq))


def archived_rows(reader: LedgerReader, after_seq: int, up_to: int) -> Iterator[tuple[Any, ...]]:
    """Lines of the archives with numbers beyond `after_seq`, as the reader's own rows, in order."""
    for one in archives_left(reader):
        if one.last_seq > after_seq and one.first_seq <= up_to:
            yield from (_row(line) for line in lines_of(reader, one) if after_seq < line[0] <= up_to)


def archived_backwards(reader: LedgerReader, kind: str, before_seq: int) -> Iterator[tuple[Any, ...]]:
    """Lines of one kind with numbers below `before_seq`, the newest first. Opens no file that has none."""
    for one in reversed(archives_left(reader)):
        if one.kinds.get(kind) and one.first_seq < before_seq:
            lines = [line for line in lines_of(reader, one) if line[3] == kind and line[0] < before_seq]
            yield from map(_row, reversed(lines))


def lines_of(reader: LedgerReader, archived: Archived) -> Iterator[Line]:
    """All lines of one archive. Raises `StoreFailed` where it is missing, damaged or another ledger's."""
    path = archived.path(reader.path)
    head, lines, _ = read_archive(path)
    if (head.gate, head.epoch, head.last_hash) != (reader.gate, reader.epoch, archived.last_hash.hex()):
        raise StoreFailed(f"{path} is of another ledger")
    return lines


def _row(line: Line) -> tuple[Any, ...]:
    seq, version, at, kind, body, prev_hash, hash_ = line
    return seq, at, kind, body, prev_hash, hash_, version
