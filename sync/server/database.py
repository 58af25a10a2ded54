"""SQLite or PostgreSQL behind one engine.

SQLite is the embedded default, for one worker. Its transactions begin as writing ones, so that two of them queue
instead of failing half-way; PostgreSQL's run at READ COMMITTED, and what must be unique is a key.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from sync.server.line import Line

BUSY_MS = 10_000
POOL = 8
CONNECT_S = 5
TRY_AFTER_S = 1.0

_MIGRATION_LOCK = 0x6D656F
_READING = "menshen_reading"
_USED = "menshen_used"
_turns: WeakKeyDictionary[Engine, Line] = WeakKeyDictionary()


def open_engine(url: str) -> Engine:
    """The engine for `url`. Nothing is connected yet."""
    if url.startswith("sqlite"):
        engine = create_engine(url, poolclass=QueuePool, pool_size=POOL, connect_args={"check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        _turns[engine] = Line()
        return engine
    patience = {"connect_timeout": CONNECT_S}
    engine = create_engine(url, pool_size=POOL, max_overflow=4, pool_use_lifo=True, connect_args=patience)
    _try_idle_ones(engine)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """All of it or nothing."""
    with _turn(engine), engine.begin() as connection:
        yield connection


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """On SQLite this process's writers stand in line for each other.

    SQLite itself has those who wait look again once in a while, and whoever looks at the right moment is next: among
    forty some waited for eight seconds.
    """
    turns = _turns.get(engine)
    is_ours = turns is not None and turns.take(BUSY_MS / 1000)
    try:
        yield
    finally:
        if turns is not None and is_ours:
            turns.hand_on()


@contextmanager
def each_alone(engine: Engine) -> Iterator[Connection]:
    """Each statement commits by itself, which saves two rounds on PostgreSQL. On SQLite it is all of it or nothing."""
    if engine.dialect.name != "postgresql":
        with transaction(engine) as connection:
            yield connection
    else:
        with engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """For questions only. On SQLite they wait for nobody who writes, and nobody waits for them."""
    with engine.connect() as connection:
        yield connection.execution_options(**{_READING: True})


def migrate(engine: Engine) -> None:
    """Bring the schema to this program's version. Harmless where it is there already.

    On PostgreSQL several workers that start at once take turns.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def insert_or_ignore(connection: Connection, table: Table) -> Any:
    """An INSERT that leaves rows alone whose key is there already. What it took, its `returning` tells."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def _try_idle_ones(engine: Engine) -> None:
    """A connection that lay for a while may be dead. Trying one that was just at work would cost a round each time."""

    def note(_: object, record: ConnectionPoolEntry) -> None:
        record.info[_USED] = time.monotonic()

    def try_it(connection: Any, record: ConnectionPoolEntry, _: object) -> None:
        if time.monotonic() - record.info.get(_USED, -math.inf) > TRY_AFTER_S:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error  # the pool opens another one

    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", try_it)


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # BEGIN is ours, below
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "mmap_size=0",
        "trusted_schema=OFF",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
