"""The ledger of one gate on disk: the only writer.

    with Ledger.open(Path("ledger.db"), key, gate="north", clock=time.time) as ledger:
        admitted = ledger.append(EntryKind.DECISION, body, at, opens=Release(ticket="T1", person_key="p"))
        ledger.append(EntryKind.PASSAGE, body, at, settles=Settlement(admitted.seq, Passage.PASSED))

`append` returns when the line is on the disk (`synchronous=FULL`), and not before: whoever pulses a relay waits for it.
When the disk fails, the ledger closes itself and says `StoreFailed`; a failed sync is never repeated on the same
connection, because the kernel may have thrown the unwritten pages away. `reopen` starts again from what the disk holds.

The connection may move between threads but serves one at a time: give it to an executor with one worker.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NoReturn, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models import wire
from models.ledger import Checkpoint, Entry, EntryKind
from models.passage import Direction, Passage
from models.store.chain import LINE_VERSION, line_hash, root_hash, sign_checkpoint
from models.store.connection import WriterLock, as_store_failure, connect_writer
from models.store.errors import StoreFailed, UnknownRelease, WrongStore
from models.store.ledger_read import LedgerReader, read_ledger
from models.store.ledger_verify import CHECKPOINT_EVERY, Verification, verify
from models.store.lines import Draft, OpenRelease, Release, Said, Settlement, step
from models.store.migrate import migrate

__all__ = ["Draft", "Ledger", "LedgerReader", "Release", "Settlement", "Verification", "read_ledger", "verify"]

PAGE_BYTES = 512
"""A line changes many small places, and each costs its page twice: small pages wear an SD card a third as much."""


class Ledger(LedgerReader):
    """The one writer of a ledger, and a reader of it as well."""

    _seq: int
    _hash: bytes
    _sealed: int  # the last line under a checkpoint

    def __init__(
        self, path: Path, lock: WriterLock, key: Ed25519PrivateKey, gate: str, clock: Callable[[], float]
    ) -> None:
        self._lock, self._key, self._clock = lock, key, clock
        super().__init__(path, _prepared(path, gate))
        if self.gate != gate:
            self.db.conn.close()
            raise WrongStore(
                f"{path} is the ledger of gate {self.gate}, not of {gate}: set it aside, or correct the name"
            )
        self._load_head()

    @classmethod
    def open(cls, path: Path, signing_key: Ed25519PrivateKey, *, gate: str, clock: Callable[[], float]) -> Self:
        """Open the ledger in `path`; a new file becomes a new epoch. `clock` gives Unix seconds.

        Raises `StoreBusy` while another process writes it, `WrongStore` for another gate's or a newer program's file,
        `UnsafeStore` when durability can't be had, `StoreFailed` for anything the disk says.
        """
        lock = WriterLock(path)
        try:
            return cls(path, lock, signing_key, gate, clock)
        except BaseException:
            lock.close()
            raise

    def close(self) -> None:
        """End the connection and let others write; twice is no harm."""
        super().close()
        self._lock.close()

    def append(
        self,
        kind: EntryKind,
        body: object,
        at: float,
        *,
        opens: Release | None = None,
        settles: Settlement | None = None,
    ) -> Entry:
        """Write one line, durably. `body` is a noun or a dict. Raises as `append_many` does."""
        return self.append_many([Draft(kind, body, at, opens, settles)])[0]

    def append_many(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """Write lines in one durable commit: all of them or none.

        Raises `UnknownRelease` or `wire.WireError` for a draft that can't be written (the ledger goes on),
        `StoreFailed` when the disk fails (the ledger is closed).
        """
        seq, prev_hash, sealed = self._seq, self._hash, self._sealed
        written = []
        with self.transaction() as conn:
            for draft in drafts:
                entry = self._insert(conn, draft, seq + 1, prev_hash)
                seq, prev_hash = entry.seq, entry.hash
                written.append(entry)
                if seq - sealed >= CHECKPOINT_EVERY:
                    sealed = self._seal(conn, seq, entry.at, prev_hash).seq
        self._seq, self._hash, self._sealed = seq, prev_hash, sealed
        return tuple(written)

    def checkpoint(self, at: float) -> Checkpoint | None:
        """Sign the chain as it stands; `None` when nothing was written since the last checkpoint."""
        if self._seq == self._sealed:
            return None
        with self.transaction() as conn:
            made = self._seal(conn, self._seq, at, self._hash)
        self._sealed = made.seq
        return made

    def acknowledge(self, seq: int) -> None:
        """The centre holds all up to `seq`. May go back: a centre restored from a backup wants the rest again."""
        if not 0 <= seq <= self._seq:
            raise ValueError(
                f"the ledger ends at {self._seq}, so {seq} can't have been received: is this another epoch?"
            )
        with self.transaction() as conn:
            conn.execute("UPDATE ledger SET acknowledged = ?", (seq,))

    def settle_left_open(self, passage: Passage = Passage.UNKNOWN, detail: str = "restart") -> tuple[Entry, ...]:
        """Settle every open release, in one commit. At a start: the process ended between pulse and turn."""
        now = self._clock()
        return self.append_many([self._ending(left, passage, detail, now) for left in self.open_releases()])

    def reopen(self) -> tuple[Entry, ...]:
        """After `StoreFailed`: open the file anew, verify all of it and go on.

        Returns the lines that are in the file although their `append` had failed. As no relay was pulsed for them,
        their releases are settled here as no-shows. Raises `StoreFailed` while the disk still fails, or when lines
        are missing.
        """
        self.db.conn.close()
        told = self._seq
        try:
            self._attach(told)
            surprises = self.entries(told, limit=self._seq - told)
            ghosts = [left for left in self.open_releases() if left.seq > told]
            self.append_many([self._ending(left, Passage.NO_SHOW, "append failed", self._clock()) for left in ghosts])
        except BaseException:
            self._seq = told  # the next attempt has to measure by the same word
            self.db.conn.close()
            raise
        return surprises

    def _attach(self, told: int) -> None:
        super().__init__(self.path, _prepared(self.path, self.gate, settled=True))
        self._load_head()
        found = verify(self.path)
        wrong = found.problems[0] if found.problems else ""
        if self._seq < told:
            wrong = f"it ends at line {self._seq}, but line {told} had been written"
        if wrong:
            raise StoreFailed(f"{self.path}: {wrong}; set the file aside for the technician and start a new one")

    def _load_head(self) -> None:
        head = self._rows("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1")
        moved = self._rows("SELECT last_seq, last_hash FROM archive ORDER BY last_seq DESC LIMIT 1")
        self._seq, self._hash = (head or moved or [(0, root_hash(self.gate, self.epoch))])[0]
        self._sealed = int(self._one("SELECT coalesce(max(seq), 0) FROM checkpoint"))

    def _insert(self, conn: sqlite3.Connection, draft: Draft, seq: int, prev_hash: bytes) -> Entry:
        body = wire.to_json(_with_release(draft))
        at, said = float(draft.at), wire.from_json(Said, body)
        hash_ = line_hash(prev_hash, self.gate, self.epoch, seq, at, draft.kind, body)
        row = (seq, LINE_VERSION, at, draft.kind.value, body.decode(), prev_hash, hash_)
        conn.execute("INSERT INTO entry (seq, version, at, kind, body, prev_hash, hash) VALUES (?,?,?,?,?,?,?)", row)
        _project(conn, seq, at, draft.kind, said)
        return self._entry((seq, at, draft.kind, body, prev_hash, hash_, LINE_VERSION))

    def _seal(self, conn: sqlite3.Connection, seq: int, at: float, hash_: bytes) -> Checkpoint:
        made = sign_checkpoint(self._key, self.gate, self.epoch, seq, at, hash_)
        row = (made.seq, made.at, made.hash, made.public_key, made.signature)
        conn.execute("INSERT INTO checkpoint (seq, at, hash, public_key, signature) VALUES (?,?,?,?,?)", row)
        return made

    def _ending(self, left: OpenRelease, passage: Passage, detail: str, at: float) -> Draft:
        opener = self.entry(left.seq)
        body = {
            "attempt": opener.body.get("attempt", 0) if opener else 0,
            "passage": passage,
            "direction": left.direction,
            "ticket": left.ticket,
            "detail": detail,
        }
        return Draft(EntryKind.PASSAGE, body, at, settles=Settlement(left.seq, passage))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One durable commit of what is done inside, or nothing of it; for the parts of the store alone."""
        conn = self.db.conn
        try:
            conn.execute("BEGIN IMMEDIATE")
            yield conn
            conn.execute("COMMIT")
        except sqlite3.Error as error:
            self._fail(error)
        except BaseException:
            conn.execute("ROLLBACK")
            raise

    def _fail(self, error: sqlite3.Error) -> NoReturn:
        with suppress(sqlite3.Error):
            self.db.conn.close()
        raise StoreFailed(f"{self.path}: {error}; the ledger is closed, reopen it before going on") from error


def _prepared(path: Path, gate: str, *, settled: bool = False) -> sqlite3.Connection:
    """A writing connection to a file of the newest schema, with its row of gate and epoch.

    What an earlier process left in the write-ahead log is first copied into the file and synced, so that nothing stands
    on a page whose sync had failed. A reader in the middle of a query can delay that; with `settled` that is an error.
    """
    conn = connect_writer(path, PAGE_BYTES)
    try:
        with as_store_failure(path):
            migrate(conn, "ledger")
            busy = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            epoch = secrets.token_hex(8)
            conn.execute("INSERT OR IGNORE INTO ledger (one, gate, epoch) VALUES (1, ?, ?)", (gate, epoch))
        if busy and settled:
            raise StoreFailed(f"{path}: another program keeps a query open: close shells and backups on this file")
    except BaseException:
        conn.close()
        raise
    return conn


def _with_release(draft: Draft) -> dict[str, object]:
    body = wire.to_builtins(draft.body)
    if not isinstance(body, dict):
        raise wire.WireError(f"a body is a noun or a dict, not {type(draft.body).__name__}")
    if body.keys() & {"opens", "settles"}:
        raise wire.WireError(
            "the keys opens and settles of a body are the ledger's own: hand them over beside the body"
        )
    if draft.opens is not None:
        body["opens"] = wire.to_builtins(draft.opens)
    if draft.settles is not None:
        body["settles"] = wire.to_builtins(draft.settles)
    return body


def _project(conn: sqlite3.Connection, seq: int, at: float, kind: EntryKind, said: Said) -> None:
    inside = said.inside
    if said.opens is not None:
        _open(conn, seq, at, said.opens)
    if said.settles is not None:
        inside += _settle(conn, seq, said.settles)
    if inside:
        conn.execute("UPDATE ledger SET inside = inside + ?", (inside,))
    conn.execute(
        "INSERT INTO tally (kind, verdict, reason, entries) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (kind, verdict, reason) DO UPDATE SET entries = entries + 1",
        (kind.value, said.decision.verdict, said.decision.reason),
    )


def _open(conn: sqlite3.Connection, seq: int, at: float, release: Release) -> None:
    passage = release.passage.value if release.passage else None
    conn.execute(
        "INSERT INTO release (seq, ticket, person_key, direction, at, passage, settled_by, code_step)"
        " VALUES (?,?,?,?,?,?,?,?)",
        (
            seq,
            release.ticket,
            release.person_key,
            release.direction.value,
            at,
            passage,
            seq if passage else None,
            release.code_step,
        ),
    )


def _settle(conn: sqlite3.Connection, seq: int, settlement: Settlement) -> int:
    """Close the release; by how much that changes the number of people inside."""
    with closing(
        conn.execute(
            "UPDATE release SET passage = ?, settled_by = ? WHERE seq = ? AND passage IS NULL RETURNING direction",
            (settlement.passage.value, seq, settlement.seq),
        )
    ) as updated:
        rows = updated.fetchall()
    if not rows:
        raise UnknownRelease(f"entry {settlement.seq} opened no release, or it has been settled already")
    return -step(Direction(rows[0][0])) if settlement.passage is Passage.NO_SHOW else 0
