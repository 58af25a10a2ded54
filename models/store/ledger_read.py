"""Questions to a ledger: for the lane, the screens, the upload and the technician."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

from sqlite_utils import Database

from models import wire
from models.ledger import Checkpoint, Entry, EntryKind
from models.passage import Direction, Passage, Use
from models.store.archive import archived_backwards, archived_rows
from models.store.connection import as_store_failure, connect_reader
from models.store.errors import StoreFailed, WrongStore
from models.store.lines import OpenRelease, Said, Summary
from models.store.migrate import check_version

_ENTRY = "SELECT seq, at, kind, body, prev_hash, hash, version FROM entry "

# A release that is still open counts as used: the person may be in the turnstile this moment.
_USES = """
SELECT ticket, person_key, direction, coalesce(passage, 'unknown'), at, code_step FROM release
WHERE passage IS NOT 'no_show' AND seq IN (
    SELECT seq FROM release WHERE ticket <> '' AND ticket IN (SELECT value FROM json_each(?))
    UNION SELECT seq FROM release WHERE person_key <> '' AND person_key = ?)
ORDER BY seq
"""

_DECISIONS = """
SELECT e.seq, e.at, e.body, r.passage FROM entry AS e LEFT JOIN release AS r ON r.seq = e.seq
WHERE e.kind = 'decision' ORDER BY e.seq DESC LIMIT ?
"""


_PAGE = 50

T = TypeVar("T")


class LedgerReader:
    """A ledger as everybody but its writer sees it. One thread at a time.

    Every question may raise `StoreFailed`. `db` is the same connection for sqlite-utils, for queries of one's own.
    """

    def __init__(self, path: Path, conn: sqlite3.Connection) -> None:
        self.path = path
        self.db = Database(conn, recursive_triggers=False, execute_plugins=False)
        rows = self._rows("SELECT gate, epoch FROM ledger")
        if not rows:
            raise WrongStore(f"{path} holds no ledger: its first writer did not come to an end; start it once")
        self.gate, self.epoch = map(str, rows[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; twice is no harm."""
        self.db.conn.close()

    def last_seq(self) -> int:
        """The number of the last entry; 0 in an empty ledger."""
        return int(self._one("SELECT coalesce((SELECT max(seq) FROM entry), (SELECT max(last_seq) FROM archive), 0)"))

    def entry(self, seq: int) -> Entry | None:
        """The entry of this number, from the archive if it went there."""
        found = self._rows(_ENTRY + "WHERE seq = ?", (seq,)) or list(archived_rows(self, seq - 1, seq))
        return self._made(self._entry, found)[0] if found else None

    def entries(self, after_seq: int = 0, limit: int = 500) -> tuple[Entry, ...]:
        """Up to `limit` entries beyond `after_seq`, in order: what an upload sends next. Archives are part of it."""
        rows = self._rows(_ENTRY + "WHERE seq > ? ORDER BY seq LIMIT ?", (after_seq, limit))
        if limit > 0 and (not rows or rows[0][0] != after_seq + 1):
            begins = rows[0][0] if rows else self.last_seq() + 1
            rows = [*islice(archived_rows(self, after_seq, begins - 1), limit), *rows][:limit]
        return self._made(self._entry, rows)

    def tail(self, n: int = 20) -> tuple[Entry, ...]:
        """The last `n` entries, oldest first. An archive leaves as many here as anybody asks for."""
        rows = self._rows(_ENTRY + "ORDER BY seq DESC LIMIT ?", (n,))
        return self._made(self._entry, rows[::-1])

    def latest(self, kind: EntryKind, n: int = 1) -> tuple[Entry, ...]:
        """The last `n` entries of a kind, oldest first."""
        return tuple(islice(self.newest(kind), n))[::-1]

    def newest(
        self, kind: EntryKind, before_seq: int = 2**63 - 1, field: str = "", value: object = None
    ) -> Iterator[Entry]:
        """The entries of a kind below `before_seq`, the newest first, archives at the end; with a `field`, as in
        `attempt`, those alone in whose body it is `value`."""
        parameters: list[object]
        where, parameters = "WHERE kind = ? AND seq < ?", [kind.value, before_seq]
        if field:
            where, parameters = f"{where} AND json_extract(body, ?) = ?", [*parameters, f"$.{field}", value]
        for offset in count(0, _PAGE):
            rows = self._rows(f"{_ENTRY}{where} ORDER BY seq DESC LIMIT {_PAGE} OFFSET {offset}", tuple(parameters))
            yield from self._made(self._entry, rows)
            if len(rows) < _PAGE:
                break
        found = (self._made(self._entry, [row])[0] for row in archived_backwards(self, kind.value, before_seq))
        yield from (entry for entry in found if not field or entry.body.get(field) == value)

    def summaries(self, n: int = 10) -> tuple[Summary, ...]:
        """The last `n` decisions, newest first."""
        return self._made(_summary, self._rows(_DECISIONS, (n,)))

    def uses(self, tickets: Iterable[str], person_key: str = "") -> tuple[Use, ...]:
        """What this gate knows of these tickets, and of this person with any ticket, in order; without no-shows."""
        rows = self._rows(_USES, (wire.to_json(list(tickets)).decode(), person_key))
        return self._made(self._use, rows)

    def inside(self) -> int:
        """Entries less exits at this gate, open releases included; below zero where more people leave than come."""
        return int(self._one("SELECT inside FROM ledger"))

    def open_releases(self) -> tuple[OpenRelease, ...]:
        """Releases without an end, in order."""
        rows = self._rows(
            "SELECT seq, ticket, person_key, direction, at FROM release WHERE passage IS NULL ORDER BY seq"
        )
        return self._made(_open_release, rows)

    def acknowledged(self) -> int:
        """The last entry that the centre has said it holds; what is beyond is still to be sent."""
        return int(self._one("SELECT acknowledged FROM ledger"))

    def checkpoints(self, after_seq: int = 0, limit: int = 500) -> tuple[Checkpoint, ...]:
        """Up to `limit` checkpoints beyond `after_seq`, in order."""
        rows = self._rows(
            "SELECT seq, at, hash, public_key, signature FROM checkpoint WHERE seq > ? ORDER BY seq LIMIT ?",
            (after_seq, limit),
        )
        return tuple(Checkpoint(self.epoch, *row) for row in rows)

    def count_by_kind(self) -> dict[str, int]:
        """How many entries of each `EntryKind` there are."""
        return dict(self._rows("SELECT kind, sum(entries) FROM tally GROUP BY kind"))

    def count_by_verdict(self) -> dict[str, int]:
        """How many decisions of each `Verdict` there are."""
        return dict(self._rows("SELECT verdict, sum(entries) FROM tally WHERE verdict <> '' GROUP BY verdict"))

    def count_by_reason(self) -> dict[str, int]:
        """How many decisions of each `Reason` there are."""
        return dict(self._rows("SELECT reason, sum(entries) FROM tally WHERE reason <> '' GROUP BY reason"))

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        seq, at, kind, body, prev_hash, hash_, version = row
        return Entry(
            self.epoch, seq, at, EntryKind(kind), wire.from_json(dict[str, Any], body), prev_hash, hash_, version
        )

    def _use(self, row: tuple[Any, ...]) -> Use:
        ticket, person, direction, passage, at, code_step = row
        return Use(ticket, person, Direction(direction), Passage(passage), at, self.gate, code_step)

    def _made(self, make: Callable[[tuple[Any, ...]], T], rows: list[tuple[Any, ...]]) -> tuple[T, ...]:
        """The rows as nouns. What a disk has garbled makes none: that is a failure of the store, not of its reader."""
        try:
            return tuple(map(make, rows))
        except (ValueError, TypeError) as error:
            raise StoreFailed(f"{self.path}: a line is damaged; verify the file and set it aside") from error

    def rows(self, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """The answer to a question of the store's own; whoever is outside asks `db`. Raises `StoreFailed`."""
        return self._rows(sql, parameters)

    def _one(self, sql: str) -> Any:
        return self._rows(sql)[0][0]

    def _rows(self, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self.db.conn.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            self._fail(error)

    def _fail(self, error: sqlite3.Error) -> NoReturn:
        raise StoreFailed(f"{self.path}: {error}") from error


def read_ledger(path: Path) -> LedgerReader:
    """Open a ledger for questions alone. Raises `StoreFailed` when there is none, `WrongStore` for another version."""
    conn = connect_reader(path)
    try:
        with as_store_failure(path):
            check_version(conn, "ledger")
        return LedgerReader(path, conn)
    except Exception:
        conn.close()
        raise


def _open_release(row: tuple[Any, ...]) -> OpenRelease:
    seq, ticket, person, way, at = row
    return OpenRelease(seq, ticket, person, Direction(way), at)


def _summary(row: tuple[Any, ...]) -> Summary:
    seq, at, body, passage = row
    word = wire.from_json(Said, body).decision
    return Summary(seq, at, word.verdict, word.reason, word.ticket, Passage(passage) if passage else None)
