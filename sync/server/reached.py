"""Whether a venue hub has its centre just now: a mark in its folder, which all of its workers see."""

from __future__ import annotations

import os

from sqlalchemy import select

from sync.server import tables
from sync.server.devices import ENROLLED
from sync.server.hub import Hub
from sync.server.upstream_papers import folder_of

LOST_S = 30.0
"""A mark that is older is of a worker that hangs or is gone: it meets the centre every ten seconds."""


def is_alone(hub: Hub) -> bool:
    """Whether this is a venue hub, and it has no centre."""
    folder = folder_of(hub.settings)
    if not hub.settings.upstream and not folder.is_dir():
        return False
    try:
        return not 0 <= hub.clock() - (folder / "reached").stat().st_mtime < LOST_S
    except FileNotFoundError:
        return True


def note_reached(hub: Hub) -> None:
    """The centre answered."""
    was_alone, mark = is_alone(hub), folder_of(hub.settings) / "reached"
    mark.touch()
    os.utime(mark, (hub.clock(), hub.clock()))
    if was_alone:
        _tell_gates(hub)


def note_lost(hub: Hub) -> None:
    """It did not."""
    was_alone = is_alone(hub)
    (folder_of(hub.settings) / "reached").unlink(missing_ok=True)
    if not was_alone:
        _tell_gates(hub)


def _tell_gates(hub: Hub) -> None:
    """So that they ask at once how things stand."""
    row = tables.device
    with hub.begin() as connection:
        gates = select(row.c.device).where(row.c.kind == "gate", row.c.state == ENROLLED).order_by(row.c.device)
        for device in connection.execute(gates).scalars().all():
            hub.ring(connection, device=device)
