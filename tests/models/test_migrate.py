"""Schemas move forward in order, all or nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from models.store.migrate import migrate


def test_migrations_run_in_order_and_once(tmp_path: Path) -> None:
    (tmp_path / "shop_0001.sql").write_text("CREATE TABLE a (x);")
    conn = sqlite3.connect(":memory:", isolation_level=None)
    assert migrate(conn, "shop", tmp_path) == 1
    (tmp_path / "shop_0002.sql").write_text("ALTER TABLE a ADD y; INSERT INTO a VALUES (1, 2);")
    assert migrate(conn, "shop", tmp_path) == migrate(conn, "shop", tmp_path) == 2
    assert conn.execute("SELECT * FROM a").fetchall() == [(1, 2)]


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "shop_0001.sql").write_text("CREATE TABLE a (x);")
    (tmp_path / "shop_0002.sql").write_text("CREATE TABLE b (x); INSERT INTO nowhere VALUES (1);")
    conn = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        migrate(conn, "shop", tmp_path)
    assert conn.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    assert not conn.in_transaction


def test_a_hole_in_the_schema_files_is_an_incomplete_installation(tmp_path: Path) -> None:
    (tmp_path / "shop_0002.sql").write_text("CREATE TABLE a (x);")
    with pytest.raises(FileNotFoundError, match=r"shop_0001\.sql"):
        migrate(sqlite3.connect(":memory:"), "shop", tmp_path)
