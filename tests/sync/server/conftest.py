"""Servers for the tests, each on a database of its own: SQLite, and a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from sync.server import accounts_password
from sync.server.database import migrate, open_engine
from sync.server.hub import Hub, open_hub
from sync.server.settings import Settings
from tests import postgres

HERE = Path(__file__).parent
IN_THE_FAST_RUN = {
    "test_board",
    "test_claims",
    "test_contact",
    "test_database",
    "test_devices",
    "test_ingest",
    "test_publish",
}

ON_POSTGRESQL_LATER = {
    "test_accounts",
    "test_alarms",
    "test_cases",
    "test_erasure",
    "test_evidence",
    "test_frequent",
    "test_imports",
    "test_pages",
    "test_pages_accounts",
    "test_pages_partners",
    "test_pages_setup",
    "test_pages_watch",
    "test_pretix_round",
    "test_reports",
    "test_routes_conflicts",
    "test_routes_events",
    "test_routes_imports",
    "test_routes_partner",
    "test_routes_pretix",
    "test_routes_watch",
    "test_sessions_http",
    "test_watch_import",
}
"""What people see and type: the engine hardly matters there, so the second one comes with the long tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Through the whole program a test takes a tenth of a second and more, and there are hundreds of them."""
    for item in items:
        if item.path.parent == HERE and item.path.stem not in IN_THE_FAST_RUN:
            item.add_marker(pytest.mark.slow)
        if item.path.parent == HERE and item.path.stem in ON_POSTGRESQL_LATER and "postgresql" in item.name:
            item.add_marker(pytest.mark.long)


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


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the newest schema, to be copied: migrating takes longer than most tests."""
    folder = tmp_path_factory.mktemp("migrated")
    made = open_hub(Settings(folder))
    migrate(made.engine)
    made.engine.dispose()
    return folder / "hub.db"


@pytest.fixture(scope="session")
def migrated_template(cluster: str) -> str:
    """The name of a database with the newest schema, to be copied."""
    url = postgres.new_database(cluster)
    engine = open_engine(Settings(Path(), url).database_url)
    migrate(engine)
    engine.dispose()
    return url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of a database with nothing in it: every test that asks for it runs on both engines."""
    return "" if request.param == "sqlite" else _copied(request)


def _copied(request: pytest.FixtureRequest) -> str:
    return postgres.new_database(request.getfixturevalue("cluster"), request.getfixturevalue("migrated_template"))


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
def hub(request: pytest.FixtureRequest, database: str, clock: Clock, tmp_path: Path) -> Iterator[Hub]:
    """A server with an up-to-date, empty database."""
    made = _server(request, Settings(tmp_path / "hub", database), clock)
    yield made
    made.engine.dispose()


@pytest.fixture
def venue(request: pytest.FixtureRequest, database: str, clock: Clock, tmp_path: Path) -> Iterator[Hub]:
    """A second server, with an empty database of the same engine: a venue hub."""
    own = _copied(request) if database else ""
    made = _server(request, Settings(tmp_path / "venue", own, upstream="https://centre.example"), clock)
    yield made
    made.engine.dispose()


def _server(request: pytest.FixtureRequest, settings: Settings, clock: Clock) -> Hub:
    if not settings.database:
        settings.state_dir.mkdir(mode=0o700)
        shutil.copy(request.getfixturevalue("migrated_file"), settings.state_dir / "hub.db")
    return open_hub(settings, clock)


@pytest.fixture(autouse=True)
def light_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashing that costs nothing: what it costs in earnest is not these tests' question."""
    monkeypatch.setattr(accounts_password, "HASHER", PasswordHasher(1, 8, 1))
    accounts_password._nobody.cache_clear()
    yield
    accounts_password._nobody.cache_clear()
