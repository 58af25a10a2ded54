"""What the database itself can do on this machine, with nothing of ours before it."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import psycopg

from tests.bench.hub.rig import Engine

CONNECTIONS = 8
_TABLE = (
    "CREATE TABLE bench_row (event text, ticket text, claim text, at double precision, PRIMARY KEY (event, ticket))"
)
_COLUMNS = "(event, ticket, claim, at)"
_REST = "ON CONFLICT DO NOTHING RETURNING ticket"
_LINES = 500
_ENTRY = "CREATE TABLE bench_line (device text, seq bigint, body text, hash text, PRIMARY KEY (device, seq))"


def rows_per_s(engine: Engine, folder: Path, seconds: float) -> float:
    """Rows each second, one durable commit a row, several connections where the engine takes them."""
    if not engine.url:
        with closing(_sqlite(folder)) as connection:
            connection.execute(_TABLE)
            wish = f"INSERT INTO bench_row {_COLUMNS} VALUES ('e', ?, 'c', 1.0) {_REST}"
            return _count(lambda nth: connection.execute(wish, (f"T{nth}",)).fetchall(), seconds)
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(_TABLE)
    found: list[float] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(_insert(engine.url, n, seconds))) for n in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(found)


def lines_per_s(engine: Engine, folder: Path, seconds: float, body: str) -> float:
    """Ledger-like rows each second, 500 a durable commit, on one connection."""
    columns = "(device, seq, body, hash)"

    def rows(nth: int) -> list[tuple[str, int, str, str]]:
        return [("d", nth * _LINES + line, body, "9f" * 32) for line in range(_LINES)]

    if not engine.url:
        with closing(_sqlite(folder)) as connection:
            connection.execute(_ENTRY)
            wish = f"INSERT INTO bench_line {columns} VALUES (?, ?, ?, ?)"

            def insert(nth: int) -> None:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(wish, rows(nth))
                connection.execute("COMMIT")

            return _LINES * _count(insert, seconds)
    with psycopg.connect(engine.url) as connection:
        connection.execute(_ENTRY)

        def insert_there(nth: int) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO bench_line {columns} VALUES (%s, %s, %s, %s)", rows(nth))

        connection.commit()
        return _LINES * _count(insert_there, seconds)


def _insert(url: str, number: int, seconds: float) -> float:
    wish = f"INSERT INTO bench_row {_COLUMNS} VALUES ('e', %s, 'c', 1.0) {_REST}"
    with psycopg.connect(url, autocommit=True) as connection:
        return _count(lambda nth: connection.execute(wish, (f"T{number}-{nth}",)).fetchall(), seconds)


def _count(work: object, seconds: float) -> float:
    assert callable(work)
    began, nth = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        work(nth)
        nth += 1
    return nth / (time.perf_counter() - began)


def _sqlite(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "engine-alone.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection
