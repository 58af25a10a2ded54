"""Bring a database to the schema of this program: numbered SQL files, applied in order in one transaction.

`schema/ledger_0001.sql` makes version 1 of a ledger, `ledger_0002.sql` would turn it into version 2. The version a file
is at stands in SQLite's `user_version`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from models.store.errors import WrongStore

SCHEMA = Path(__file__).parent / "schema"


def newest_version(kind: str, folder: Path = SCHEMA) -> int:
    """The version this program knows for a `kind` of store ("ledger")."""
    return len(_steps(kind, folder))


def check_version(conn: sqlite3.Connection, kind: str, folder: Path = SCHEMA) -> None:
    """For readers, who can't migrate. Raises `WrongStore` unless the file is at this program's version."""
    found, newest = _version(conn), newest_version(kind, folder)
    if found > newest:
        raise _newer(kind, found, newest)
    if found < newest:
        raise WrongStore(
            f"this {kind} has version {found}, we read {newest}: start its writer once, it brings it up to date"
        )


def migrate(conn: sqlite3.Connection, kind: str, folder: Path = SCHEMA) -> int:
    """Apply what is missing, all or nothing; the version afterwards. Raises `WrongStore` for a newer database."""
    steps, found = _steps(kind, folder), _version(conn)
    if found > len(steps):
        raise _newer(kind, found, len(steps))
    if found == len(steps):
        return found
    script = "\n".join(step.read_text(encoding="utf-8") for step in steps[found:])
    try:
        conn.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {len(steps)};\nCOMMIT;")
    except sqlite3.Error:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise
    return len(steps)


def _steps(kind: str, folder: Path) -> list[Path]:
    steps = sorted(folder.glob(f"{kind}_[0-9][0-9][0-9][0-9].sql"))
    expected = [f"{kind}_{number:04}.sql" for number in range(1, len(steps) + 1)]
    if not steps or [step.name for step in steps] != expected:
        raise FileNotFoundError(
            f"{folder} should hold {kind}_0001.sql and on without a hole: is the installation whole?"
        )
    return steps


def _version(conn: sqlite3.Connection) -> int:
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def _newer(kind: str, found: int, newest: int) -> WrongStore:
    return WrongStore(
        f"this {kind} has version {found}, this program knows up to {newest}: "
        "it was written by a newer program; install that one, or set the file aside"
    )
