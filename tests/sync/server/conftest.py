"""Servers for the tests, each on a database of its own: SQLite, and a real PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.server.database import migrate
from sync.server.hub import Hub, open_hub
from sync.server.settings import Settings
from tests import postgres


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """A private PostgreSQL, one for each test process."""
    if postgres.programs() is None:
        message = "PostgreSQL is not installed here (Debian: postgresql)"
        if os.environ.get(postgres.REQUIRED) == "required":
            pytest.fail(message)
        pytest.skip(message)
    with postgres.cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: every test that asks for it runs on both engines."""
    if request.param == "sqlite":
        return ""
    return postgres.new_database(request.getfixturevalue("cluster"))


class Clock:
    """Time that tests move."""

    def __init__(self) -> None:
        self.now = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The server's clock."""
    return Clock()


@pytest.fixture
def hub(database: str, clock: Clock, tmp_path: Path) -> Iterator[Hub]:
    """A server with an up-to-date, empty database."""
    made = open_hub(Settings(tmp_path / "hub", database), clock)
    migrate(made.engine)
    yield made
    made.engine.dispose()


@pytest.fixture
def venue(request: pytest.FixtureRequest, database: str, clock: Clock, tmp_path: Path) -> Iterator[Hub]:
    """A second server, with an empty database of the same engine: a venue hub."""
    own = postgres.new_database(request.getfixturevalue("cluster")) if database else ""
    made = open_hub(Settings(tmp_path / "venue", own, upstream="https://centre.example"), clock)
    migrate(made.engine)
    yield made
    made.engine.dispose()
