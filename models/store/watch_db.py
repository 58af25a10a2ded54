"""The shared list on the gate's disk: `WatchWriter` (the sync process, alone) and `WatchReader` (everybody else).

A list goes from one revision to the next in one transaction; readers see the old one or the new one. Who was taken off
it is gone from the file: SQLite overwrites what it frees, and the write-ahead log is cut after each change.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from models.ids import DocumentType
from models.store.connection import WriterLock, as_store_failure, connect_reader, connect_writer
from models.store.errors import WrongStore
from models.store.migrate import check_version, migrate
from models.store.ticket_bytes import watch_from_bytes, watch_to_bytes
from models.store.vault import DeviceKey
from models.watch import HeldList, WatchEntry
from models.watch_domain import digest_of, person_key


@dataclass(frozen=True, slots=True)
class WatchUpdate:
    """What makes the list of revision `after` the one of `held`; with `after` 0 it begins afresh.

    `domains` are all secrets that the list needs, by domain. An entry that comes in replaces the one of its name.
    """

    held: HeldList
    after: int
    domains: Mapping[str, bytes] = field(repr=False)
    changed: Iterable[WatchEntry] = field(default=(), repr=False)
    removed: Iterable[str] = ()


class WatchWriter:
    """The one writing connection. Makes the file and brings it up to date."""

    def __init__(self, path: Path, device_key: DeviceKey) -> None:
        self._path = path
        self._device_key = device_key
        self._writer_lock = WriterLock(path)
        try:
            self._connection = connect_writer(path)
            with as_store_failure(path):
                migrate(self._connection, "watch")
        except BaseException:
            self._writer_lock.close()
            raise

    def apply(self, update: WatchUpdate) -> None:
        """Take a verified change. Raises `WrongStore` when it does not make the list that its issuer counted.

        Whatever is raised on the way leaves the old list in force.
        """
        held = update.held
        with self._transaction() as connection:
            now = _held_in(connection)
            if update.after and (now is None or (now.site, now.revision) != (held.site, update.after)):
                raise WrongStore("the list that this would change is not the one that is held: fetch all of it")
            if not update.after:
                connection.execute("DELETE FROM entry")
            for item in update.removed:
                connection.execute("DELETE FROM entry WHERE item = ?", (item,))
            self._put_domains(update.domains)
            for entry in update.changed:
                self._put(entry)
            self._check_count(held)
            _set_held(connection, held)
        with as_store_failure(self._path):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a reader in the middle only delays it

    def state(self) -> HeldList | None:
        """Which list is held. Needs no right device key."""
        with as_store_failure(self._path):
            return _held_in(self._connection)

    def newest(self, site: str) -> tuple[int, float]:
        """The revision and the time of issue of the newest list ever held of `site`; zeros: none was."""
        with as_store_failure(self._path):
            row = self._connection.execute("SELECT revision, issued_at FROM newest WHERE site = ?", (site,)).fetchone()
        return (int(row[0]), float(row[1])) if row else (0, 0.0)

    def close(self) -> None:
        """Give the file back. May be called twice."""
        self._connection.close()
        self._writer_lock.close()

    def _put(self, entry: WatchEntry) -> None:
        key = bytes.fromhex(entry.person_key)
        sealed = self._device_key.seal(watch_to_bytes(entry), _entry_place(entry.entry))
        self._connection.execute(
            "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)",
            (entry.entry, entry.version, entry.domain, key, sealed),
        )

    def _put_domains(self, domains: Mapping[str, bytes]) -> None:
        """These secrets, and of the others those alone that an entry still needs."""
        for domain, secret in domains.items():
            self._connection.execute(
                "INSERT OR REPLACE INTO domain VALUES (?, ?)",
                (domain, self._device_key.seal(secret, _domain_place(domain))),
            )
        for (domain,) in self._connection.execute(
            "SELECT domain FROM domain WHERE domain NOT IN (SELECT domain FROM entry)"
        ).fetchall():
            if domain not in domains:
                self._connection.execute("DELETE FROM domain WHERE domain = ?", (domain,))

    def _check_count(self, held: HeldList) -> None:
        rows = self._connection.execute("SELECT item, version FROM entry").fetchall()
        if (len(rows), digest_of(rows)) != (held.count, held.digest):
            raise WrongStore(
                f"{len(rows)} entries would be held, the issuer counts {held.count}, or their names differ: "
                "fetch all of the list"
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with as_store_failure(self._path):
            # INSERT OR REPLACE of a domain would trip over its entries for a moment.
            self._connection.execute("PRAGMA foreign_keys = OFF")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                if self._connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
                    raise WrongStore("an entry is of a domain whose secret did not come: fetch all of the list")
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a reader keeps in memory of the list in force."""

    held: HeldList | None
    secrets: Mapping[str, bytes] = field(repr=False)


class WatchReader:
    """Looks listed persons up; never writes. The file may come later, and may be replaced under it at any time.

    Calls may come from several threads. Every method raises a `StoreError` when the file can't be used:
    `StoreFailed` (disk), `WrongStore` (another version), `SealBroken` (another device key, or damage). Whether the
    list is too old (`HeldList.expires_at`), and whether an entry counts here and now, is the caller's to judge.
    """

    def __init__(self, path: Path, device_key: DeviceKey) -> None:
        self._path = path
        self._device_key = device_key
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._data_version = -1
        self._opened = _Opened(None, {})

    def find(self, document: DocumentType, number: str) -> tuple[WatchEntry, ...]:
        """The entries about the holder of a document, in whatever domain they are kept."""
        with self._snapshot() as connection:
            if connection is None:
                return ()
            rows = []
            for domain, secret in self._in_force(connection).secrets.items():
                key = bytes.fromhex(person_key(secret, document, number))
                rows += connection.execute(
                    "SELECT item, domain, sealed FROM entry WHERE lookup_key = ? AND domain = ? ORDER BY item",
                    (key, domain),
                ).fetchall()
        return tuple(self._open(*row) for row in rows)

    def entries(self) -> tuple[WatchEntry, ...]:
        """Every entry with its template, for the search by face. For memory alone."""
        with self._snapshot() as connection:
            if connection is None:
                return ()
            rows = connection.execute("SELECT item, domain, sealed FROM entry ORDER BY item").fetchall()
        return tuple(self._open(*row) for row in rows)

    def walk(self, batch: int) -> Iterator[WatchEntry]:
        """Every entry, so many at a time: what changes meanwhile is seen or not, and the file is free in between."""
        last = ""
        while True:
            with self._snapshot() as connection:
                if connection is None:
                    return
                rows = connection.execute(
                    "SELECT item, domain, sealed FROM entry WHERE item > ? ORDER BY item LIMIT ?", (last, batch)
                ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield from (self._open(*row) for row in rows)

    def secrets(self) -> Mapping[str, bytes]:
        """The domains' secrets, under which a probe is turned before it is searched for. For memory alone."""
        with self._snapshot() as connection:
            return self._in_force(connection).secrets if connection else {}

    def state(self) -> HeldList | None:
        """Which list is held."""
        with self._snapshot() as connection:
            return _held_in(connection) if connection else None

    def close(self) -> None:
        """Give the file back. May be called twice."""
        with self._lock:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection | None]:
        """One moment of the database; `None` while there is none."""
        with self._lock, as_store_failure(self._path):
            if self._connection is None and not self._connect():
                yield None
                return
            assert self._connection is not None
            try:
                self._connection.execute("BEGIN")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._disconnect()  # the next call begins afresh
                raise

    def _in_force(self, connection: sqlite3.Connection) -> _Opened:
        (data_version,) = connection.execute("PRAGMA data_version").fetchone()
        if data_version != self._data_version:
            rows = connection.execute("SELECT domain, sealed FROM domain ORDER BY domain").fetchall()
            secrets = {domain: self._device_key.open(sealed, _domain_place(domain)) for domain, sealed in rows}
            self._opened = _Opened(_held_in(connection), secrets)
            self._data_version = data_version
        return self._opened

    def _connect(self) -> bool:
        if not self._path.exists():
            return False
        connection = connect_reader(self._path)
        try:
            if connection.execute("PRAGMA user_version").fetchone() == (0,):  # its writer has only begun
                connection.close()
                return False
            check_version(connection, "watch")
        except BaseException:
            connection.close()
            raise
        self._connection, self._data_version = connection, -1
        return True

    def _open(self, item: str, domain: str, sealed: bytes) -> WatchEntry:
        entry = watch_from_bytes(self._device_key.open(sealed, _entry_place(item)))
        if entry.domain != domain:
            raise WrongStore(f"the entry {item} is kept in another domain than its own: fetch the list again")
        return entry


def _held_in(connection: sqlite3.Connection) -> HeldList | None:
    row = connection.execute("SELECT site, revision, count, digest, issued_at, expires_at FROM held").fetchone()
    return HeldList(*row) if row else None


def _set_held(connection: sqlite3.Connection, held: HeldList) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO held VALUES (1, ?, ?, ?, ?, ?, ?)",
        (held.site, held.revision, held.count, held.digest, held.issued_at, held.expires_at),
    )
    connection.execute(
        "INSERT OR REPLACE INTO newest VALUES (?, ?, ?)",
        (held.site, held.revision, held.issued_at),
    )


def _entry_place(item: str) -> bytes:
    return b"listed\0" + item.encode()


def _domain_place(domain: str) -> bytes:
    return b"listed domain\0" + domain.encode()
