"""Old bundles go from the table and the disk; what a gate may still fetch stays.

A gate goes on by deltas from what it holds, or from the newest whole manifest: nothing leads over that from before. So
what is older than the newest base is nobody's any more, an hour after that was made. Of an event whose manifest has run
out only the last row stays, with which its versions go on counting.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, select

from sync.server import tables
from sync.server.hub import Hub
from sync.server.publish import newest_base, newest_bundle

PERIOD_S = 3600.0
GRACE_S = 3600.0
"""So long whoever is fetching one may go on."""
CODES_S = 86_400.0

_log = logging.getLogger(__name__)


def clear(hub: Hub) -> int:
    """Clear what is old, event by event; how many files went."""
    with hub.engine.connect() as connection:
        events = connection.execute(select(tables.bundle.c.event).distinct()).scalars().all()
    for event in sorted(events):
        with hub.begin() as connection:
            clear_rows(connection, event, hub.clock())
    with hub.begin() as connection:
        code = tables.code_claim
        connection.execute(delete(code).where(code.c.at < hub.clock() - CODES_S))  # their gates never came back
        named = set(connection.execute(select(tables.bundle.c.file_name)).scalars())
    return _clear_files(hub, named)


def clear_rows(connection: Connection, event: str, now: float) -> None:
    """Forget the bundles of `event` that nobody needs, and the erased tickets that all bundles know of."""
    row, bundle, gone = tables.event, tables.bundle, tables.removed_ticket
    connection.execute(select(row.c.event).where(row.c.event == event).with_for_update())  # nobody publishes meanwhile
    newest, base = newest_bundle(connection, event), newest_base(connection, event)
    if newest is None:
        return
    old = _old(newest, base, now)
    if old is not None:
        connection.execute(delete(bundle).where(bundle.c.event == event, old))
    connection.execute(delete(gone).where(gone.c.event == event, gone.c.revision <= newest.revision))


def _old(newest: Any, base: Any, now: float) -> Any:
    if newest.expires_at + GRACE_S < now:
        return tables.bundle.c.version < newest.version
    if base is not None and base.issued_at + GRACE_S < now:
        return tables.bundle.c.version < base.version
    return None


def _clear_files(hub: Hub, named: set[str]) -> int:
    cleared, root = 0, hub.settings.state_dir
    for path in _files(root / "bundles"):
        try:
            fresh = path.stat().st_mtime + GRACE_S >= hub.clock()
            if not fresh and str(path.relative_to(root)) not in named:
                path.unlink()
                cleared += 1
        except OSError as error:
            _log.warning("an old bundle can't be cleared: %s", error)
    return cleared


def _files(folder: Path) -> Iterator[Path]:
    """The bundles, and what an interrupted builder left."""
    if folder.is_dir():
        for event in sorted(folder.iterdir()):
            yield from sorted(path for path in event.iterdir() if path.is_file()) if event.is_dir() else ()
