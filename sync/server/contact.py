"""A device's sign of life, and what the authority wants of it in return."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, func, select, update

from models.wire import to_json
from sync.contract import Contact, LedgerState, Standing
from sync.server import tables
from sync.server.devices import Caller
from sync.server.erasure import is_erased
from sync.server.hub import Hub
from sync.server.ingest import mark_forked
from sync.server.offers import offers_for
from sync.server.reached import is_alone
from sync.server.watch_items import revision
from sync.signing import time_form


def meet(hub: Hub, connection: Connection, caller: Caller, contact: Contact) -> Standing:
    """Write down that `caller` lives, and tell it how things stand. A revoked device is told to wipe its manifest."""
    device = tables.device
    now = hub.clock()
    connection.execute(
        update(device)
        .where(device.c.device == caller.device)
        .values(last_contact_at=now, contact=to_json(contact).decode())
    )
    event = connection.execute(select(device.c.event).where(device.c.device == caller.device)).scalar() or ""
    cursor = connection.execute(select(func.coalesce(func.max(tables.change.c.cursor), 0))).scalar_one()
    acknowledged = _meet_ledger(hub, connection, caller.device, contact.ledger) if contact.ledger else 0
    if caller.revoked:
        connection.execute(update(device).where(device.c.device == caller.device).values(wiped_at=now))
        return _signed(hub, caller, Standing(now, "", cursor, wipe=True, acknowledged=acknowledged))
    if contact.manifest is not None and is_erased(connection, contact.manifest.event):
        wipe = Standing(now, "", cursor, wipe=True, acknowledged=acknowledged, event=event, erased=True)
        return _signed(hub, caller, wipe)
    offers = offers_for(connection, event, contact.manifest, caller.device) if event else ()
    standing = Standing(now, "", cursor, offers, acknowledged, event=event, alone=is_alone(hub))
    return _signed(hub, caller, replace(standing, watch_revision=revision(connection)))


def _signed(hub: Hub, caller: Caller, standing: Standing) -> Standing:
    form = time_form(caller.device, caller.number, standing.time)
    return replace(standing, time_signature=hub.issuer_key.sign(form).hex())


def _meet_ledger(hub: Hub, connection: Connection, device: str, told: LedgerState) -> int:
    """How much of the ledger is held. One that is behind its own lines, or has others, is a copy: it is marked."""
    ledger, entry = tables.ledger, tables.entry
    held = connection.execute(
        select(ledger.c.seq).where(ledger.c.device == device, ledger.c.epoch == told.epoch)
    ).scalar()
    if held is None:
        return 0
    if told.seq < held:
        mark_forked(hub, connection, device, told.epoch, told.seq)
    elif told.seq == held and told.hash:
        ours = connection.execute(
            select(entry.c.hash).where(entry.c.device == device, entry.c.epoch == told.epoch, entry.c.seq == told.seq)
        ).scalar()
        if ours is not None and ours.hex() != told.hash:
            mark_forked(hub, connection, device, told.epoch, told.seq)
    return int(held)
