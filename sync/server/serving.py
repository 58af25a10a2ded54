"""Which events a device serves."""

from __future__ import annotations

from sqlalchemy import Connection, select, union

from sync.server import tables


def events_of(connection: Connection, device: str, kind: str) -> set[str]:
    """What a device serves: a gate one event, a venue hub those it has leased and those of its gates."""
    row, event = tables.device, tables.event
    if kind == "hub":
        of_gates = select(row.c.event).where(row.c.hub == device, row.c.state == "enrolled")
        chosen = union(of_gates, select(event.c.event).where(event.c.lessee == device))
        found = connection.execute(chosen)
    else:
        found = connection.execute(select(row.c.event).where(row.c.device == device))
    return {name for name in found.scalars() if name}
