"""Is this ledger what was written? Reads every line once, keeps none, changes nothing.

What it can tell by itself: any change to a line, a seal or a figure derived from them; holes; lines cut off behind the
last checkpoint. What it can't: a tail cut off together with its checkpoints. That shows at the server, which has both.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models import wire
from models.ledger import Checkpoint
from models.passage import Direction, Passage
from models.store.archive import Archived, receipted
from models.store.archive_file import FOLDER, read_archive, sha256_of
from models.store.chain import checkpoint_is_genuine, line_hash, root_hash
from models.store.connection import as_store_failure, connect_reader
from models.store.errors import StoreFailed
from models.store.lines import Said, step
from models.store.migrate import check_version, migrate

CHECKPOINT_EVERY = 100
"""No more lines than this may stand without a signature over them."""

PROBLEMS_KEPT = 20

# What stands beside a line that is in an archive: its seal and its release stayed.
_BESIDE = """
SELECT c.at, c.hash, c.public_key, c.signature, r.ticket, r.person_key, r.direction, r.at, r.code_step
FROM (SELECT ? AS seq) AS e LEFT JOIN checkpoint AS c ON c.seq = e.seq LEFT JOIN release AS r ON r.seq = e.seq
"""

_ARCHIVES = "SELECT first_seq, last_seq, last_hash, file, sha256 FROM archive ORDER BY last_seq"

_LINES = """
SELECT e.seq, e.version, e.at, e.kind, e.body, e.prev_hash, e.hash, c.at, c.hash, c.public_key, c.signature,
       r.ticket, r.person_key, r.direction, r.at, r.code_step
FROM entry AS e LEFT JOIN checkpoint AS c ON c.seq = e.seq LEFT JOIN release AS r ON r.seq = e.seq ORDER BY e.seq
"""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk through a ledger found.

    `gone` is the last line whose archive was purged, with a receipt among the lines that are here; 0: none was.
    `problems` are plain sentences, the first twenty. `first_bad_seq` is the first line that is wrong or missing, `None`
    where no line is to blame. `last_hash` is what to compare with the server's.
    """

    gate: str
    epoch: str
    entries: int
    checkpoints: int
    last_seq: int
    last_hash: bytes
    problems: tuple[str, ...] = ()
    first_bad_seq: int | None = None
    gone: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing at all was found."""
        return not self.problems


def verify(path: Path, public_key: bytes | None = None) -> Verification:
    """Walk through the ledger in `path`; a writer may go on meanwhile.

    With `public_key` (raw Ed25519, 32 bytes) every checkpoint must be signed by it; without, each by the key it names.
    Raises `StoreFailed` when there is no such file, `WrongStore` when it is of another version.
    """
    with closing(connect_reader(path)) as conn:
        with as_store_failure(path):
            check_version(conn, "ledger")
        conn.text_factory = bytes  # a damaged text need not be UTF-8
        walk = _Walk(conn, public_key, path.parent / FOLDER)
        try:
            conn.execute("BEGIN")  # one moment's picture
            walk.file()
            walk.lines()
            walk.figures()
        # A damaged file can hold any type in any column, whatever the schema says.
        except (sqlite3.Error, TypeError, ValueError, AttributeError) as error:
            walk.blame(walk.last_seq + 1, f"the file is damaged behind line {walk.last_seq}: {type(error).__name__}")
    return walk.outcome()


@dataclass
class _Walk:
    conn: sqlite3.Connection
    public_key: bytes | None
    folder: Path  # of the archives
    complete: bool = True  # no archive is missing, so that the figures can be counted
    gate: str = ""
    epoch: str = ""
    entries: int = 0
    checkpoints: int = 0
    last_seq: int = 0
    last_hash: bytes = b""
    sealed: int = 0
    opened: int = 0
    settled: int = 0
    inside: int = 0
    first_bad: int | None = None
    problems: list[str] = field(default_factory=list)
    archives: tuple[Archived, ...] = ()
    missing: list[tuple[int, int, str]] = field(default_factory=list)  # archives: first and last line, the problem
    gone: int = 0
    tally: Counter[tuple[bytes, bytes, bytes]] = field(default_factory=Counter)

    def blame(self, seq: int | None, problem: str) -> None:
        if seq is not None and (self.first_bad is None or seq < self.first_bad):
            self.first_bad = seq
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(problem)

    def outcome(self) -> Verification:
        return Verification(
            self.gate,
            self.epoch,
            self.entries,
            self.checkpoints,
            self.last_seq,
            self.last_hash,
            tuple(self.problems),
            self.first_bad,
            self.gone,
        )

    def file(self) -> None:
        for (finding,) in self.conn.execute("PRAGMA integrity_check(5)"):
            if finding != b"ok":
                self.blame(None, f"the file is damaged: {_text(finding)}")
        if _schema(self.conn) != _schema_as_made():
            self.blame(None, "tables, indexes or triggers are not as this program makes them")
        row = self.conn.execute("SELECT gate, epoch FROM ledger").fetchone() or (b"", b"")
        self.gate, self.epoch = map(_text, row)
        self.last_hash = root_hash(self.gate, self.epoch)

    def lines(self) -> None:
        self.archives = tuple(
            Archived(first, last, last_hash, _text(file), digest, {})
            for first, last, last_hash, file, digest in self.conn.execute(_ARCHIVES).fetchall()
        )
        for one in self.archives:
            self._archive(one.first_seq, one.last_seq, one.last_hash, one.file, one.sha256)
        moved = self.last_seq
        for row in self.conn.execute(_LINES):
            self._line(row)
        for first, last, problem in self.missing:
            if last > self.gone:  # no receipt covers it
                self.blame(first, problem)
        gone = "SELECT seq FROM checkpoint WHERE seq > ? AND seq NOT IN (SELECT seq FROM entry)"
        for (seq,) in self.conn.execute(gone, (moved,)):
            self.blame(
                self.last_seq + 1, f"checkpoint {seq} seals a line that is gone; the lines end at {self.last_seq}"
            )

    def _archive(self, first: int, last: int, last_hash: bytes, file: str, digest: bytes) -> None:
        path = self.folder / file
        try:
            changed = sha256_of(path) != digest
            _, lines, _ = read_archive(path)
        except StoreFailed as error:
            problem = f"lines {first} to {last} are not in their archive: {error}"
            if path.exists():
                self.blame(first, problem)
            else:
                self.missing.append((first, last, problem))
            self.complete, self.last_seq, self.last_hash, self.sealed = False, last, last_hash, last
            return
        if changed:
            self.blame(first, f"the archive {file} is not the file that was written")
        for line in lines:
            seq, version, at, kind, body, prev_hash, hash_ = line
            row = seq, version, at, kind.encode(), body.encode(), prev_hash, hash_
            self._line((*row, *self.conn.execute(_BESIDE, (seq,)).fetchone()))
        if (self.last_seq, self.last_hash) != (last, last_hash):
            self.blame(first, f"the archive {file} does not end with line {last} as it was")

    def _line(self, row: tuple[Any, ...]) -> None:
        seq, kind, body, sound = row[0], row[3], row[4], self._chain(*row[:7])
        self._seal(seq, row[6], row[7:11])
        if sound and kind == b"purge":
            self.gone = max(self.gone, receipted(self.archives, _text(body)))
        if sound:
            self._releases(seq, row[2], kind, body, row[11:])

    def _chain(
        self, seq: int, version: int, at: float, kind: bytes, body: bytes, prev_hash: bytes, hash_: bytes
    ) -> bool:
        self.entries += 1
        if seq != self.last_seq + 1:
            self.blame(self.last_seq + 1, f"lines {self.last_seq + 1} to {seq - 1} are missing")
        if prev_hash != self.last_hash:
            self.blame(seq, f"line {seq} does not follow from the line before it")
        try:
            sound = hash_ == line_hash(prev_hash, self.gate, self.epoch, seq, at, _text(kind), body, version)
        except wire.WireError:  # a time of "infinity"
            sound = False
        if not sound:
            self.blame(seq, f"line {seq} is not what was hashed: it has been changed")
        self.last_seq, self.last_hash = seq, hash_
        return sound

    def _seal(self, seq: int, hash_: bytes, seal: tuple[Any, ...]) -> None:
        at, sealed_hash, public_key, signature = seal
        if at is None:
            if seq - self.sealed == CHECKPOINT_EVERY:
                self.blame(seq, f"no checkpoint in the {CHECKPOINT_EVERY} lines up to {seq}")
            return
        self.checkpoints, self.sealed = self.checkpoints + 1, seq
        if sealed_hash != hash_:
            self.blame(seq, f"checkpoint {seq} seals another line than the one that stands there")
        if not checkpoint_is_genuine(self.gate, Checkpoint(self.epoch, seq, at, sealed_hash, public_key, signature)):
            self.blame(seq, f"checkpoint {seq} has a signature that does not verify")
        elif self.public_key not in (None, public_key):
            self.blame(seq, f"checkpoint {seq} is signed by another key")

    def _releases(self, seq: int, at: float, kind: bytes, body: bytes, row: tuple[Any, ...]) -> None:
        said = wire.from_json(Said, body)
        self.tally[kind, said.decision.verdict.encode(), said.decision.reason.encode()] += 1
        self.inside += said.inside
        opens = said.opens
        expected = (opens.ticket, opens.person_key, opens.direction, at, opens.code_step) if opens else (None,) * 5
        if tuple(_text(cell) if isinstance(cell, bytes) else cell for cell in row) != expected:
            self.blame(seq, f"the index of releases disagrees with line {seq}")
        if opens:
            self.opened += 1
        if opens and opens.passage:
            self._settlement(seq, seq, opens.passage)
        if said.settles:
            direction = self._settlement(seq, said.settles.seq, said.settles.passage)
            self.inside -= step(direction) if said.settles.passage is Passage.NO_SHOW else 0

    def _settlement(self, seq: int, release: int, passage: Passage) -> Direction:
        self.settled += 1
        found = self.conn.execute(
            "SELECT passage, settled_by, direction FROM release WHERE seq = ?", (release,)
        ).fetchone()
        if found is None or found[:2] != (passage.encode(), seq):
            self.blame(seq, f"the index of releases disagrees with line {seq}")
        return Direction(_text(found[2])) if found else Direction.ENTRY

    def figures(self) -> None:
        if not self.complete:
            return
        counted = self.conn.execute("SELECT count(*), count(passage) FROM release").fetchone()
        if counted != (self.opened, self.settled):
            self.blame(
                None,
                f"the index has {counted[0]} releases, {counted[1]} settled; the lines {self.opened}, {self.settled}",
            )
        inside = self.conn.execute("SELECT inside FROM ledger").fetchone()
        if inside != (self.inside,):
            self.blame(None, f"the count of people inside is {inside and inside[0]}; the lines give {self.inside}")
        kept = {row[:3]: row[3] for row in self.conn.execute("SELECT kind, verdict, reason, entries FROM tally")}
        if kept != self.tally:
            self.blame(None, "the tally of entries disagrees with the lines")


def _schema(conn: sqlite3.Connection) -> set[tuple[Any, ...]]:
    # Names that begin with sqlite_ are SQLite's own: statistics, and the indexes of primary keys.
    return set(
        conn.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    )


def _schema_as_made() -> set[tuple[Any, ...]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        migrate(conn, "ledger")
        conn.text_factory = bytes
        return _schema(conn)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
