"""Manifests out: whole ones and deltas, built, signed, and the gates called.

Sealing a large house takes seconds. It is done outside of every transaction; then, with the event's row locked, the
sealed parts get the next version, and what has changed meanwhile follows at once as a delta. So a revocation never
waits for a house to be sealed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from models.decision import Policy
from models.ticket import ManifestState
from models.wire import from_json
from sync.bundle_build import Issue, Progress, build, build_delta, reissue
from sync.bundle_format import Header
from sync.server import tables
from sync.server.hub import Hub
from sync.server.problems import Refused
from sync.server.tickets import count_tickets, holdings_of, removed_of, secret_of

ISSUER = "centre"
PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Published:
    """A bundle that was made. `digest` and `tickets` must read the same at every gate that applied it."""

    event: str
    version: int
    kind: str
    digest: str
    tickets: int
    size: int


def publish(hub: Hub, actor: str, event: str, progress: Progress | None = None) -> Published:
    """Seal all of the event's tickets and publish them as a whole manifest. Raises `Refused`, `CannotBuild`."""
    draft = folder_of(hub, event) / "draft.bundle"
    with hub.begin() as connection:
        row = event_row(connection, event)
        issue = issue_of(hub, connection, row, version=1)
        holdings = list(holdings_of(hub, connection, event))
    build(draft, holdings, issue, progress=progress)
    try:
        with hub.begin() as connection:
            return _publish_base(hub, connection, actor, event, draft, int(row.revision))
    finally:
        draft.unlink(missing_ok=True)


def publish_again(hub: Hub, connection: Connection, actor: str, event: str) -> Published:
    """The newest whole manifest once more, for the gates there are now, and what has changed since as a delta.

    All gates fetch it; `sync.server.newcomers` is for those alone that come late. Raises `Refused`: 409
    `never_published`.
    """
    event_row(connection, event, lock=True)
    base = newest_base(connection, event)
    if base is None or not (hub.settings.state_dir / base.file_name).is_file():
        raise Refused(409, "never_published", f"the event {event} has no manifest, or none any more: publish it")
    return _publish_base(hub, connection, actor, event, hub.settings.state_dir / base.file_name, int(base.revision))


def publish_changes(hub: Hub, connection: Connection, actor: str, event: str) -> Published | None:
    """What has changed since the newest bundle, as a delta; `None` where nothing has, or nothing was published yet."""
    row = event_row(connection, event, lock=True)
    newest = newest_bundle(connection, event)
    if newest is None or newest.revision >= row.revision:
        return None
    version = newest.version + 1
    out = folder_of(hub, event) / f"{version}.bundle"
    before = ManifestState(event, newest.version, newest.issued_at, newest.expires_at, newest.tickets, newest.digest)
    header = build_delta(
        out,
        list(holdings_of(hub, connection, event, newest.revision)),
        removed_of(connection, event, newest.revision),
        issue_of(hub, connection, row, version, delta=True),
        before=before,
        tickets=count_tickets(connection, event),
    )
    return _keep(hub, connection, actor, out, header, int(row.revision))


def _publish_base(hub: Hub, connection: Connection, actor: str, event: str, sealed: Path, revision: int) -> Published:
    row = event_row(connection, event, lock=True)
    newest = newest_bundle(connection, event)
    version = newest.version + 1 if newest else 1
    out = folder_of(hub, event) / f"{version}.bundle"
    header = reissue(out, sealed, issue_of(hub, connection, row, version))
    published = _keep(hub, connection, actor, out, header, revision)
    _note_recipients(connection, event, version)
    if row.state != PUBLISHED:
        connection.execute(tables.event.update().where(tables.event.c.event == event).values(state=PUBLISHED))
    return publish_changes(hub, connection, actor, event) or published


def _note_recipients(connection: Connection, event: str, version: int) -> None:
    bundle, gates = tables.bundle, gates_of(connection, event)
    noted = json.dumps({device: key.hex() for device, key in gates.items()}, sort_keys=True)
    this = update(bundle).where(bundle.c.event == event, bundle.c.version == version)
    connection.execute(this.values(recipients=noted))


def _keep(hub: Hub, connection: Connection, actor: str, out: Path, header: Header, revision: int) -> Published:
    made = Published(header.event, header.version, header.kind, header.digest, header.tickets, out.stat().st_size)
    connection.execute(
        insert(tables.bundle).values(
            event=header.event,
            version=header.version,
            kind=header.kind,
            after=header.after,
            revision=revision,
            digest=header.digest,
            tickets=header.tickets,
            size=made.size,
            file_name=str(out.relative_to(hub.settings.state_dir)),
            issued_at=header.issued_at,
            expires_at=header.expires_at,
            made_by=actor,
        )
    )
    hub.audit(connection, actor, "published", header.event, version=header.version, kind=header.kind)
    hub.ring(connection, event=header.event)
    return made


def issue_of(hub: Hub, connection: Connection, row: Any, version: int, *, delta: bool = False) -> Issue:
    """What a bundle of the event `row` says of itself.

    A delta names no gates, and is never refused for want of one: who holds what it goes on has the secret.
    """
    policy = from_json(Policy, row.policy)
    return Issue(
        issuer=ISSUER,
        policy=policy,
        version=version,
        issued_at=hub.clock(),
        expires_at=max(row.ends_at, hub.clock()) + policy.stale_after_s,
        gates={} if delta else _some_gates(connection, row.event),
        event_secret=secret_of(hub, connection, row.event),
        signing_key=hub.issuer_key,
        shrinks=True,  # at a server a person has seen the numbers before they are published
    )


def _some_gates(connection: Connection, event: str) -> dict[str, bytes]:
    gates = gates_of(connection, event)
    if not gates:
        raise Refused(409, "no_gates", f"no gate serves the event {event} yet: assign one, then publish")
    return gates


def gates_of(connection: Connection, event: str) -> dict[str, bytes]:
    """The gates that serve `event`, with their device keys. By device: a name may be there once at each venue."""
    device = tables.device
    rows = connection.execute(
        select(device.c.device, device.c.device_key)
        .where(device.c.event == event, device.c.state == "enrolled", device.c.kind == "gate")
        .order_by(device.c.device)
    )
    return {row.device: bytes(row.device_key) for row in rows}


def newest_base(connection: Connection, event: str) -> Any:
    """The row of the newest whole manifest, or `None`."""
    bundle = tables.bundle
    bases = select(bundle).where(bundle.c.event == event, bundle.c.kind == "base")
    return connection.execute(bases.order_by(bundle.c.version.desc()).limit(1)).first()


def newest_bundle(connection: Connection, event: str) -> Any:
    """The row of the newest bundle, or `None`."""
    bundle = tables.bundle
    return connection.execute(
        select(bundle).where(bundle.c.event == event).order_by(bundle.c.version.desc()).limit(1)
    ).first()


def event_row(connection: Connection, event: str, *, lock: bool = False) -> Any:
    """The event's row. Raises `Refused`: 404 `no_such_event`."""
    chosen = select(tables.event).where(tables.event.c.event == event)
    row = connection.execute(chosen.with_for_update() if lock else chosen).first()
    if row is None:
        raise Refused(404, "no_such_event", f"there is no event {event} here")
    return row


def folder_of(hub: Hub, event: str) -> Path:
    """Where the event's bundles lie."""
    folder = hub.settings.state_dir / "bundles" / event.encode().hex()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
