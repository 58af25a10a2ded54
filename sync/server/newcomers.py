"""Gates that come late to a published event hold its manifest at once, and the others fetch nothing for it.

The newest whole manifest is signed anew for the gates there are now: its version and its content stay, so that its
deltas go on top of it as they are, and newcomers come where the others stand. A box that had the event before can't
take that version a second time, for a gate goes back to nothing; for it the manifest becomes a new version, and then
all fetch it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, update

from models.wire import WireError, from_json
from sync.bundle_build import reissue
from sync.contract import Contact
from sync.server import tables
from sync.server.hub import Hub
from sync.server.publish import (
    PUBLISHED,
    event_row,
    folder_of,
    gates_of,
    issue_of,
    newest_base,
    publish_again,
    publish_changes,
)


def publish_for_gates(hub: Hub, connection: Connection, actor: str, come: Iterable[tuple[str, str]]) -> None:
    """Gates have just `come` (event, device), or have new keys: what they are to serve is sealed for these.

    Nothing happens for events that are not published (or no longer), and at a venue hub, whose manifests are its
    centre's. All rows are locked before the first bell rings, or two of these would lock up.
    """
    if hub.settings.upstream:
        return
    event, pairs = tables.event, sorted(set(come))
    chosen = select(event.c.event, event.c.state).where(event.c.event.in_({name for name, _ in pairs}))
    for row in connection.execute(chosen.order_by(event.c.event).with_for_update()).all():
        base = newest_base(connection, row.event) if row.state == PUBLISHED else None
        if base is not None and not (hub.settings.state_dir / base.file_name).is_file():
            base = None  # its manifest ran out and was cleared: a person publishes again
        devices = [device for name, device in pairs if name == row.event]
        if base is not None:
            _serve(hub, connection, actor, base, devices)


def _serve(hub: Hub, connection: Connection, actor: str, base: Any, devices: Collection[str]) -> None:
    keys, had = gates_of(connection, base.event), json.loads(base.recipients)
    come = [one for one in devices if one in keys and not _holds(connection, one, base.event, keys[one], had)]
    if not come:
        return
    known = set(had) | set(had.values())
    if base.expires_at <= hub.clock() or any({one, keys[one].hex()} & known for one in come):
        publish_again(hub, connection, actor, base.event)
    else:
        _issue_again(hub, connection, actor, base, come)
        publish_changes(hub, connection, actor, base.event)


def _holds(connection: Connection, device: str, event: str, key: bytes, had: dict[str, str]) -> bool:
    """Whether it was served already, and says that it still has what it got."""
    if had.get(device) != key.hex():
        return False
    chosen = select(tables.device.c.contact, tables.device.c.hub).where(tables.device.c.device == device)
    row = connection.execute(chosen).one()
    if row.hub is not None:  # what it holds, its venue hub alone knows
        return False
    try:
        manifest = from_json(Contact, row.contact).manifest
    except WireError:  # it was never in contact, so that it has taken nothing
        return True
    return manifest is not None and manifest.event == event


def _issue_again(hub: Hub, connection: Connection, actor: str, base: Any, come: Collection[str]) -> None:
    """The same version for more gates. The file before stays for who is fetching it; the one before that goes."""
    issue = issue_of(hub, connection, event_row(connection, base.event), base.version)
    out = _file(hub, base, base.issue + 1)
    reissue(
        out,
        hub.settings.state_dir / base.file_name,
        replace(issue, issued_at=base.issued_at, expires_at=base.expires_at),
    )
    _file(hub, base, base.issue - 1).unlink(missing_ok=True)
    recipients = json.loads(base.recipients) | {device: key.hex() for device, key in issue.gates.items()}
    bundle = tables.bundle
    connection.execute(
        update(bundle)
        .where(bundle.c.event == base.event, bundle.c.version == base.version)
        .values(
            issue=base.issue + 1,
            size=out.stat().st_size,
            file_name=str(out.relative_to(hub.settings.state_dir)),
            recipients=json.dumps(recipients, sort_keys=True),
        )
    )
    hub.audit(connection, actor, "published.newcomers", base.event, version=base.version, gates=sorted(come))
    for device in sorted(_heard_by(connection, come)):
        hub.ring(connection, device=device)


def _file(hub: Hub, base: Any, issue: int) -> Path:
    name = f"{base.version}.bundle" if issue == 1 else f"{base.version}-{issue}.bundle"
    return folder_of(hub, base.event) / name


def _heard_by(connection: Connection, devices: Collection[str]) -> set[str]:
    """Those whose bell has to ring for `devices`: themselves, or the venue hubs they are behind."""
    row = tables.device
    rows = connection.execute(select(row.c.device, row.c.hub).where(row.c.device.in_(devices)))
    return {one.hub or one.device for one in rows}
