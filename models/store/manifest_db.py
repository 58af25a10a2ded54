"""The manifest on the gate's disk: `ManifestWriter` (the sync process, alone) and `ManifestReader` (everybody else).

A manifest replaces its predecessor in one transaction; readers see the old one or the new one, never a mixture.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from models.cohort import Cohort
from models.decision import Policy
from models.ids import DocumentType
from models.store.connection import WriterLock, as_store_failure, connect_reader, connect_writer
from models.store.errors import WrongStore
from models.store.manifest_held import Held, held_in, secret_place, state_in
from models.store.manifest_rows import Found, ManifestChange, ManifestContents
from models.store.migrate import check_version, migrate
from models.store.ticket_bytes import (
    cohort_from_bytes,
    cohort_to_bytes,
    ticket_from_bytes,
    watch_from_bytes,
    watch_to_bytes,
)
from models.store.vault import DeviceKey, Opener, lookup_key, row_number
from models.ticket import ManifestState, Ticket, TicketStatus
from models.watch import WatchEntry
from models.wire import to_json

_TABLES = ("opening", "ticket", "revocation", "watch", "cohort", "manifest")
_FIND = """
    SELECT opening.row, opening.wrapped, ticket.sealed, revocation.row IS NOT NULL
    FROM opening JOIN ticket USING (row) LEFT JOIN revocation ON revocation.row = opening.row
    WHERE opening.lookup_key = ? ORDER BY opening.row
"""


class ManifestWriter:
    """The one writing connection. Makes the file and brings it up to date."""

    def __init__(self, path: Path, device_key: DeviceKey) -> None:
        self._path = path
        self._device_key = device_key
        self._writer_lock = WriterLock(path)
        try:
            self._connection = connect_writer(path)
            with as_store_failure(path):
                migrate(self._connection, "manifest")
        except BaseException:
            self._writer_lock.close()
            raise

    def apply(self, contents: ManifestContents, now: float) -> None:
        """Replace the manifest. Whatever is raised on the way, also by the iterables, leaves the old one in force."""
        with self._transaction() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the constant above
            connection.executemany("INSERT INTO ticket VALUES (?, ?)", contents.tickets)
            connection.executemany("INSERT INTO opening VALUES (?, ?, ?)", contents.openings)
            connection.executemany("INSERT INTO watch (lookup_key, sealed) VALUES (?, ?)", self._sealed_watch(contents))
            for cohort in contents.cohort:
                sealed = self._device_key.seal(cohort_to_bytes(cohort), _cohort_place(contents.state.event))
                connection.execute("INSERT INTO cohort VALUES (1, ?)", (sealed,))
            self._insert_manifest(contents.state, contents.issuer, contents.policy, contents.event_secret, now)
        with as_store_failure(self._path):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a reader in the middle only delays it

    def change(self, change: ManifestChange, now: float) -> None:
        """Go from one version to the next. Raises `WrongStore` when this is not the manifest that it changes.

        Whatever is raised on the way leaves the old one in force.
        """
        held = self._in_force()
        if held is None or (held.state.event, held.state.version, held.state.digest) != (
            change.state.event,
            change.after,
            change.before,
        ):
            raise WrongStore("the manifest that this would change is not the one in force: load a whole one")
        with self._transaction() as connection:
            for row in change.removed:
                _forget_row(connection, row)
            for row, sealed in change.tickets:
                _forget_row(connection, row)
                connection.execute("INSERT INTO ticket VALUES (?, ?)", (row, sealed))
            connection.executemany("INSERT INTO opening VALUES (?, ?, ?)", change.openings)
            (found,) = connection.execute("SELECT count(*) FROM ticket").fetchone()
            if found != change.state.tickets:
                raise WrongStore(
                    f"{found} tickets would be there, the issuer counts {change.state.tickets}: load a whole manifest"
                )
            connection.execute("DELETE FROM manifest")
            self._insert_manifest(change.state, change.issuer, change.policy, held.event_secret, now)

    def revoke(self, tickets: Iterable[str], now: float) -> None:
        """Mark `tickets` of the manifest in force as revoked, until the next base manifest. Raises `WrongStore`."""
        held = self._in_force()
        if held is None:
            raise WrongStore("there is no manifest yet in which a ticket could be revoked")
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO revocation VALUES (?, ?)",
                ((row_number(held.event_secret, ticket), now) for ticket in tickets),
            )

    def state(self) -> ManifestState | None:
        """Which manifest is in force. Needs no right device key, so that a gate with a new one can be loaded again."""
        with as_store_failure(self._path):
            return state_in(self._connection)

    def highest_version(self, event: str) -> int:
        """The highest version of `event` ever installed here, or 0."""
        with as_store_failure(self._path):
            row = self._connection.execute("SELECT version FROM highest WHERE event = ?", (event,)).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Give the file back. May be called twice."""
        self._connection.close()
        self._writer_lock.close()

    def _in_force(self) -> Held | None:
        with as_store_failure(self._path):
            return held_in(self._connection, self._device_key)

    def _sealed_watch(self, contents: ManifestContents) -> Iterator[tuple[bytes, bytes]]:
        for entry in contents.watch:
            key = bytes.fromhex(entry.person_key)
            yield key, self._device_key.seal(watch_to_bytes(entry), _watch_place(contents.state.event, key))

    def _insert_manifest(
        self, state: ManifestState, issuer: str, policy: Policy, event_secret: bytes, now: float
    ) -> None:
        secret = self._device_key.seal(event_secret, secret_place(state.event))
        identity = (state.event, state.version, issuer, state.issued_at, state.expires_at, now)
        content = (state.tickets, state.digest, to_json(policy).decode(), secret)
        self._connection.execute("INSERT INTO manifest VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*identity, *content))
        self._connection.execute(
            "INSERT INTO highest VALUES (?, ?) ON CONFLICT DO UPDATE SET version = max(version, excluded.version)",
            (state.event, state.version),
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with as_store_failure(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise


class ManifestReader:
    """Looks people up; never writes. The file may come later, and may be replaced under it at any time.

    Calls may come from several threads. Every method raises a `StoreError` when the file can't be used:
    `StoreFailed` (disk), `WrongStore` (another version), `SealBroken` (another device key, or damage).
    """

    def __init__(self, path: Path, device_key: DeviceKey) -> None:
        self._path = path
        self._device_key = device_key
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._data_version = -1
        self._held: Held | None = None

    def find(self, document: DocumentType, number: str) -> Found:
        """All tickets that the document opens, and the watch entries about it. Empty while there is no manifest."""
        with self._snapshot() as connection:
            held = self._in_force(connection)
            if connection is None or held is None:
                return Found()
            key = lookup_key(held.event_secret, document, number)
            rows = connection.execute(_FIND, (key,)).fetchall()
            listed = connection.execute("SELECT sealed FROM watch WHERE lookup_key = ?", (key,)).fetchall()
        opener = Opener.of(held.state.event, held.event_secret, document, number)
        return Found(
            key.hex(),
            tuple(_open_ticket(opener, *row) for row in rows),
            tuple(self._open_watch(held.state.event, key, sealed) for (sealed,) in listed),
        )

    def state(self) -> ManifestState | None:
        """Which manifest is in force."""
        with self._snapshot() as connection:
            return state_in(connection) if connection else None

    def policy(self) -> Policy | None:
        """The event's rules, as its issuer signed them."""
        with self._snapshot() as connection:
            held = self._in_force(connection)
            return held.policy if held else None

    def watchlist(self) -> tuple[WatchEntry, ...]:
        """Every watch entry with its template, for the search by face. For memory alone."""
        with self._snapshot() as connection:
            held = self._in_force(connection)
            if connection is None or held is None:
                return ()
            rows = connection.execute("SELECT lookup_key, sealed FROM watch ORDER BY id").fetchall()
        return tuple(self._open_watch(held.state.event, *row) for row in rows)

    def cohort(self) -> Cohort | None:
        """What those who enrolled have in common, where the manifest says it."""
        with self._snapshot() as connection:
            held = self._in_force(connection)
            row = connection.execute("SELECT sealed FROM cohort").fetchone() if connection and held else None
        return (
            cohort_from_bytes(self._device_key.open(row[0], _cohort_place(held.state.event))) if row and held else None
        )

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
        """One moment of the database: what is read inside belongs together. `None` while there is no database."""
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

    def _in_force(self, connection: sqlite3.Connection | None) -> Held | None:
        if connection is None:
            return None
        (data_version,) = connection.execute("PRAGMA data_version").fetchone()
        if data_version != self._data_version:
            self._held = held_in(connection, self._device_key)
            self._data_version = data_version
        return self._held

    def _connect(self) -> bool:
        if not self._path.exists():
            return False
        connection = connect_reader(self._path)
        try:
            if connection.execute("PRAGMA user_version").fetchone() == (0,):  # its writer has only begun
                connection.close()
                return False
            check_version(connection, "manifest")
        except BaseException:
            connection.close()
            raise
        self._connection, self._data_version = connection, -1
        return True

    def _open_watch(self, event: str, key: bytes, sealed: bytes) -> WatchEntry:
        return watch_from_bytes(self._device_key.open(sealed, _watch_place(event, key)))


def _forget_row(connection: sqlite3.Connection, row: int) -> None:
    for table in ("opening", "revocation", "ticket"):
        connection.execute(f"DELETE FROM {table} WHERE row = ?", (row,))  # noqa: S608 - names from the line above


def _open_ticket(opener: Opener, row: int, wrapped: bytes, sealed: bytes, revoked: int) -> Ticket:
    ticket = ticket_from_bytes(opener.open(row, wrapped, sealed))
    return replace(ticket, status=TicketStatus.REVOKED) if revoked else ticket


def _watch_place(event: str, key: bytes) -> bytes:
    return b"watch\0" + key + b"\0" + event.encode()


def _cohort_place(event: str) -> bytes:
    return b"cohort\0" + event.encode()
