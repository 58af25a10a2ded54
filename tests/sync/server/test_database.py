"""The schema that migrations make is the one that the tables say, on both engines."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text

from models.store.vault import SealBroken
from sync.server import tables
from sync.server.database import insert_or_ignore, migrate, open_engine, reading, transaction
from sync.server.hub import Hub


def test_migrations_make_what_the_tables_say(hub: Hub) -> None:
    with hub.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_migrating_twice_changes_nothing(hub: Hub) -> None:
    with hub.begin() as connection:
        hub.audit(connection, "server", "started")
    migrate(hub.engine)
    with hub.begin() as connection:
        assert connection.execute(select(tables.audit.c.act)).scalars().all() == ["started"]


def test_whoever_inserts_first_has_the_key(hub: Hub) -> None:
    """Of eight threads that insert the same key at once exactly one does."""
    won: list[int] = []
    barrier = threading.Barrier(8)

    def try_it(me: int) -> None:
        barrier.wait(10)
        with hub.begin() as connection:
            row = {"event": "E", "ticket": "T", "claim": str(me), "device": "d", "gate": "G", "at": 1.0}
            taken = insert_or_ignore(connection, tables.claim).values(**row).returning(tables.claim.c.claim)
            if connection.execute(taken).first() is not None:
                won.append(me)

    threads = [threading.Thread(target=try_it, args=(me,)) for me in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with hub.begin() as connection:
        assert connection.execute(select(tables.claim.c.claim)).scalars().all() == [str(won[0])]
    assert len(won) == 1


def test_what_fails_leaves_nothing(hub: Hub) -> None:
    def fail() -> None:
        with hub.begin() as connection:
            connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with hub.begin() as connection:
        assert connection.execute(select(tables.organisation)).all() == []


def test_a_seal_opens_in_its_own_place_alone(hub: Hub) -> None:
    sealed = hub.seal(b"secret", "event|E1")
    assert hub.unseal(sealed, "event|E1") == b"secret"
    with pytest.raises(SealBroken):
        hub.unseal(sealed, "event|E2")


def test_a_question_is_answered_while_another_writes(hub: Hub) -> None:
    with hub.begin() as writing:
        writing.execute(insert(tables.site).values(one=1, name="hall", made_at=0.0))
        with reading(hub.engine) as connection:
            assert connection.execute(select(tables.site.c.name)).scalar() is None


def test_a_connection_that_died_while_it_lay_idle_is_replaced(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    if hub.engine.dialect.name != "postgresql":
        pytest.skip("SQLite is in our own process")
    monkeypatch.setattr("sync.server.database.TRY_AFTER_S", -1.0)  # each has lain for too long
    backend = text("SELECT pg_backend_pid()")
    with hub.engine.connect() as one, hub.engine.connect() as other:
        number = one.execute(backend).scalar()
        one.rollback()
        gone = text("SELECT pg_terminate_backend(:number, 5000)")
        assert other.execute(gone, {"number": number}).scalar()
    for _ in range(3):
        with hub.begin() as connection:
            assert connection.execute(backend).scalar() != number


def test_writers_on_sqlite_stand_in_line(tmp_path: Path) -> None:
    """Of twenty that write without a pause, nobody is passed by a crowd of others while waiting."""
    engine, threads = open_engine(f"sqlite:///{tmp_path / 'line.db'}"), 20
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE line (place INTEGER PRIMARY KEY)"))
    places: list[int] = []
    passed_by: list[int] = []

    def write() -> None:
        for _ in range(30):
            came = len(places)
            with transaction(engine) as connection:
                passed_by.append(len(places) - came)
                connection.execute(text("INSERT INTO line DEFAULT VALUES"))
                places.append(0)

    line = [threading.Thread(target=write) for _ in range(threads)]
    for one in line:
        one.start()
    for one in line:
        one.join(60)
    engine.dispose()
    assert len(passed_by) == 30 * threads
    assert max(passed_by) <= 5 * threads
