"""What an entry knows of its person is erased: when it has been over for a while, or because somebody has the right.

Document, template, hash and evidence go; owner, purpose, times and history stay, so that it can be told later what was
done and by whom. Gates drop the entry at once.
"""

from __future__ import annotations

from sqlalchemy import Connection, and_, or_, select, update

from models.watch import WatchState
from sync.server.hub import Hub
from sync.server.watch_entries import find_entry
from sync.server.watch_history import SERVER, WatchAct, note
from sync.server.watch_items import project, state_of
from sync.server.watch_tables import watch_entry, watch_evidence

KEEP_S = 90 * 86_400.0
"""So long after its end an entry is kept whole, for whoever complains about it."""

PERIOD_S = 3600.0


def erase_entry(hub: Hub, connection: Connection, actor: str, entry: str, why: str = "") -> None:
    """Erase the person of an entry; once more does nothing. Raises `Refused`: 404."""
    row = find_entry(connection, None, entry, lock=True)
    if row.erased_at is not None:
        return
    gone = {"sealed_person": None, "person_key": None, "sealed_template": None, "erased_at": hub.clock()}
    connection.execute(update(watch_entry).where(watch_entry.c.entry == entry).values(**gone))
    connection.execute(update(watch_evidence).where(watch_evidence.c.entry == entry).values(sealed=None))
    note(hub, connection, actor, entry, row.version, WatchAct.ERASED, state_of(row, hub.clock()), why)
    project(hub, connection, entry)


def erase_old(hub: Hub) -> int:
    """Erase the persons of entries that have been over for `KEEP_S`; how many."""
    row, before = watch_entry.c, hub.clock() - KEEP_S
    withdrawn = and_(row.state == WatchState.WITHDRAWN, row.changed_at <= before)
    due = select(row.entry).where(row.erased_at.is_(None), or_(withdrawn, row.valid_to <= before)).limit(1000)
    with hub.begin() as connection:
        names = list(connection.execute(due).scalars())
        for name in names:
            erase_entry(hub, connection, SERVER, name)
    return len(names)
