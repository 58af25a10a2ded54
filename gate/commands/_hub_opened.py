"""The server's folder and database, opened for a command of `gatectl hub`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.wire import from_json

if TYPE_CHECKING:
    from sync.server.hub import Hub
    from sync.server.settings import Settings

OPERATOR = "operator"  # who sits at the server's own keyboard, in the audit


KEPT = "hub.json"  # what the last start was told


def kept_settings(state: Path) -> Settings:
    """The settings of the last start, or the defaults where there was none."""
    from sync.server.settings import Settings

    path = state / KEPT
    told = from_json(dict[str, Any], path.read_bytes()) if path.exists() else {}
    return Settings(**(told | {"state_dir": state, "names": tuple(told.get("names", Settings(state).names))}))


@contextmanager
def opened(settings: Settings) -> Iterator[Hub]:
    """A hub for one command. Raises `CannotServe`."""
    from sync.server.process import prepare

    hub = prepare(settings)
    try:
        yield hub
    finally:
        hub.engine.dispose()
