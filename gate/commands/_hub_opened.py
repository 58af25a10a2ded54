"""The server's folder and database, opened for a command of `gatectl hub`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync.server.hub import Hub
    from sync.server.settings import Settings

OPERATOR = "operator"  # who sits at the server's own keyboard, in the audit


@contextmanager
def opened(settings: Settings) -> Iterator[Hub]:
    """A hub for one command. Raises `CannotServe`."""
    from sync.server.process import prepare

    hub = prepare(settings)
    try:
        yield hub
    finally:
        hub.engine.dispose()
