"""Publishing as people ask for it, and how far it has come: the issuer's count and hash beside each gate's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from models.wire import WireError, from_json
from sync.bundle_build import CannotBuild
from sync.contract import Contact, HeldManifest
from sync.server import tables
from sync.server.events_api import BundleTold, GateTold, PublicationTold
from sync.server.hub import Hub
from sync.server.import_lock import ImportLock
from sync.server.imports import CLOSED
from sync.server.problems import Refused
from sync.server.publish import Published, publish
from sync.server.rules import findings_of, refuse_errors


def publish_event(hub: Hub, actor: str, event: str) -> Published:
    """Publish all of the event, if no rule forbids it.

    Raises `Refused`: 404; 409 `event_closed`, `rules_broken`, `no_gates`, `cannot_build`, `publishing`.
    """
    with hub.begin() as connection:
        state = connection.execute(select(tables.event.c.state).where(tables.event.c.event == event)).scalar()
    if state == CLOSED:
        raise Refused(409, "event_closed", f"the event {event} is closed")
    refuse_errors(findings_of(hub, event))
    lock = ImportLock.of_the_dead(hub, f"publish-{event.encode().hex()}")
    if lock is None:
        raise Refused(409, "publishing", "somebody is publishing this event at this moment")
    try:
        return publish(hub, actor, event)
    except CannotBuild as error:
        raise Refused(409, "cannot_build", str(error)) from None
    finally:
        lock.release()


def list_bundles(connection: Connection, event: str, limit: int = 100) -> list[BundleTold]:
    """The event's bundles, the newest first."""
    bundle = tables.bundle
    rows = connection.execute(
        select(bundle).where(bundle.c.event == event).order_by(bundle.c.version.desc()).limit(limit)
    )
    return [_bundle(row) for row in rows]


def publication(hub: Hub, connection: Connection, event: str) -> PublicationTold:
    """How the event stands at its gates."""
    device, bundle = tables.device, tables.bundle
    newest = connection.execute(
        select(bundle).where(bundle.c.event == event).order_by(bundle.c.version.desc()).limit(1)
    ).first()
    revision = connection.execute(select(tables.event.c.revision).where(tables.event.c.event == event)).scalar_one()
    bundles = connection.execute(select(bundle.c.version, bundle.c.issued_at).where(bundle.c.event == event))
    issued = {row.version: row.issued_at for row in bundles}
    gates = connection.execute(
        select(device)
        .where(device.c.event == event, device.c.kind == "gate", device.c.state == "enrolled")
        .order_by(device.c.name, device.c.device)
    )
    return PublicationTold(
        event,
        _bundle(newest) if newest else None,
        newest is not None and revision > newest.revision,
        tuple(_gate(row, event, newest, issued, hub.clock()) for row in gates),
    )


def _gate(row: Row[Any], event: str, newest: Any, issued: dict[int, float], now: float) -> GateTold:
    held = _held(row.contact)
    held = held if held is not None and held.event == event else HeldManifest(event, 0, "", 0)
    wanted = (newest.version, newest.digest, newest.tickets) if newest else None
    return GateTold(
        row.device,
        row.name,
        row.hub or "",
        row.last_contact_at,
        None if row.last_contact_at is None else max(0.0, now - row.last_contact_at),
        held.version,
        held.digest,
        held.tickets,
        max(0.0, now - issued[held.version]) if held.version in issued else None,
        (held.version, held.digest, held.tickets) == wanted,
    )


def _held(contact: str) -> HeldManifest | None:
    try:
        return from_json(Contact, contact).manifest
    except WireError:  # none yet
        return None


def _bundle(row: Row[Any]) -> BundleTold:
    return BundleTold(
        row.version,
        row.kind,
        row.after,
        row.digest,
        row.tickets,
        row.size,
        row.issued_at,
        row.expires_at,
        row.made_by,
    )
