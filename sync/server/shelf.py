"""The bundles on this server's disk, and which devices may have them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from sync.server import tables
from sync.server.devices import Caller
from sync.server.hub import Hub
from sync.server.problems import Refused
from sync.server.serving import events_of


@dataclass(frozen=True, slots=True)
class Shelved:
    """A bundle's file. `tag` is the same as long as its bytes are."""

    path: Path
    tag: str


def bundle_for(hub: Hub, connection: Connection, caller: Caller, event: str, version: int) -> Shelved:
    """The bundle, if `caller` serves its event. Raises `Refused`: 403, 404."""
    if event not in events_of(connection, caller.device, caller.kind):
        raise Refused(403, "not_your_event", "this device does not serve that event: assign it, then fetch")
    bundle = tables.bundle
    row = connection.execute(select(bundle).where(bundle.c.event == event, bundle.c.version == version)).first()
    path = hub.settings.state_dir / row.file_name if row is not None else None
    if row is None or path is None or not path.is_file():
        raise Refused(404, "no_such_bundle", "that version is not here (any more): ask what is offered")
    return Shelved(path, f'"{version}.{row.issue}-{row.digest}"')
