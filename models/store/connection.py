"""One way to open a database file for its only writer, one for every reader, and the lock that keeps them apart.

SQLite before 3.51.3 can corrupt a file in WAL mode when two connections write and checkpoint at once. One writing
connection is the cure: the writer holds an exclusive lock on a file beside the database, and readers open with
`mode=ro`, which neither writes nor checkpoints.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from models.store.errors import StoreBusy, StoreError, StoreFailed, UnsafeStore

BUSY_S = 2.0
"""How long a connection waits for another one's brief lock."""

LOG_BYTES = 4 << 20
"""How far the write-ahead log grows before its pages go into the file, whatever their size."""

# (pragma, what to set, what reading it back must give)
_WRITER_SETTINGS: tuple[tuple[str, str, object], ...] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("mmap_size", "0", 0),
    ("trusted_schema", "OFF", 0),
    ("secure_delete", "ON", 1),
    ("foreign_keys", "ON", 1),
)
_READER_SETTINGS: tuple[tuple[str, str, object], ...] = (
    ("query_only", "ON", 1),
    ("mmap_size", "0", 0),
    ("trusted_schema", "OFF", 0),
)


class WriterLock:
    """The right to write one database: an exclusive `flock` on `<database>.lock`, which names the holder's process.

    The kernel gives it back when the process ends, however it ends. Raises `StoreBusy` when another holds it.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        with as_store_failure(database):
            self._file = self.path.open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._holder()
            self._file.close()
            raise StoreBusy(f"{database} is being written by process {holder}: stop that one first") from None
        with suppress(OSError):  # whose it is, is told for people: a full disk keeps nobody from locking
            os.ftruncate(self._file.fileno(), 0)
            os.write(self._file.fileno(), f"{os.getpid()}\n".encode("ascii"))

    def close(self) -> None:
        """Let others write."""
        self._file.close()

    def _holder(self) -> str:
        self._file.seek(0)
        return self._file.read().strip() or "unknown"


def connect_writer(path: Path, page_bytes: int = 4096) -> sqlite3.Connection:
    """The writing connection, with every setting checked; autocommit, usable from one thread at a time.

    A new file gets pages of `page_bytes`; one that is there keeps its own. Raises `StoreFailed` when the file can't be
    opened, `UnsafeStore` when a setting did not take effect.
    """
    with as_store_failure(path):
        conn = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            conn.execute(f"PRAGMA page_size = {page_bytes}")
            found = conn.execute("PRAGMA page_size").fetchone()[0]
            conn.execute(f"PRAGMA wal_autocheckpoint = {LOG_BYTES // found}")
        except BaseException:
            conn.close()
            raise
    return _settled(conn, path, _WRITER_SETTINGS)


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that can't write. While no writer runs, the folder must be writable for SQLite's own index file.

    Raises `StoreFailed` when there is no such file.
    """
    with as_store_failure(path):
        conn = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )
    return _settled(conn, path, _READER_SETTINGS)


@contextmanager
def as_store_failure(path: Path) -> Iterator[None]:
    """Turn what SQLite or the disk says into `StoreFailed` with the file's name."""
    try:
        yield
    except StoreError:
        raise
    except (sqlite3.Error, OSError) as error:
        raise StoreFailed(f"{path}: {error}") from error


def _settled(conn: sqlite3.Connection, path: Path, settings: tuple[tuple[str, str, object], ...]) -> sqlite3.Connection:
    try:
        with as_store_failure(path):
            for name, value, expected in settings:
                _set(conn, path, name, value, expected)
    except Exception:
        conn.close()
        raise
    return conn


def _set(conn: sqlite3.Connection, path: Path, name: str, value: str, expected: object) -> None:
    conn.execute(f"PRAGMA {name} = {value}")
    row = conn.execute(f"PRAGMA {name}").fetchone()
    # A SQLite built without memory mapping answers nothing to mmap_size, which is as good as 0.
    if row != (expected,) and not (name == "mmap_size" and row is None):
        found = row[0] if row else "nothing"
        raise UnsafeStore(
            f"{path}: {name} should be {expected} and is {found}: the file system or SQLite won't have it"
        )
