"""A revoked device's manifest is destroyed where it lies, so that a gate that has the file open sees it empty at once.

SQLite overwrites what it frees with zeros (`secure_delete`); the write-ahead log is copied into the file and cut. What
flash memory keeps of a page that was overwritten stays sealed with the device key, and with a document's number.
The highest version of each event stays, so that nobody loads an older manifest afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from models.store.connection import WriterLock, as_store_failure, connect_writer
from models.store.errors import StoreBusy

_TABLES = ("opening", "ticket", "revocation", "watch", "manifest", "cohort")
_OF_THE_LIST = ("entry", "domain", "held")


def wipe(path: Path) -> None:
    """Empty the manifest `path`, durably. Raises `StoreBusy` while somebody writes it or reads the old one."""
    _empty(path, _TABLES)


def wipe_list(path: Path) -> None:
    """Likewise the list of persons. What was the newest one stays known."""
    _empty(path, _OF_THE_LIST)


def _empty(path: Path, tables: Collection[str]) -> None:
    if not path.exists():
        return
    lock = WriterLock(path)
    try:
        with closing(connect_writer(path)) as connection, as_store_failure(path):
            connection.execute("BEGIN IMMEDIATE")
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            for table in (one for one in tables if one in there):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the constant above
            connection.execute("COMMIT")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if busy:
                raise StoreBusy(f"{path}: a reader still has the old one open in a query")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _sync(path)
    finally:
        lock.close()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
