"""At a venue hub: what it tells its centre of its gates, and the copy it keeps of what the centre wants.

The copy of an event says by `lessee` who answers its claims: nobody, which is this server, or the centre. It stays as
it is while the centre is away, and over restarts: who had the lease goes on answering.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from sync.contract import HeldManifest
from sync.contract_hub import HeldBase, HeldClaim, HubEvent, HubGate, HubGates, HubStanding
from sync.server import tables
from sync.server.database import insert_or_ignore
from sync.server.devices import ENROLLED, directory
from sync.server.hub import Hub

CENTRE = "centre"
"""The organisation and the venue of copied events, and the lessee of those for which the centre answers."""

_log = logging.getLogger(__name__)


def gates_to_tell(connection: Connection) -> HubGates:
    """How this hub stands with its gates."""
    row, old, bundle = tables.device, tables.old_key, tables.bundle
    gates = connection.execute(
        select(row).where(row.c.kind == "gate", row.c.state == ENROLLED, row.c.hub.is_(None)).order_by(row.c.device)
    ).all()
    keys: dict[str, list[str]] = {}
    for one in connection.execute(select(old).order_by(old.c.until)):
        keys.setdefault(one.device, []).append(one.signing_key.hex())
    newest = select(bundle.c.event, func.max(bundle.c.version).label("version")).group_by(bundle.c.event).subquery()
    held = connection.execute(
        select(bundle).join(newest, and_(bundle.c.event == newest.c.event, bundle.c.version == newest.c.version))
    ).all()
    return HubGates(
        tuple(
            HubGate(one.device, one.name, one.signing_key.hex(), one.device_key.hex(), tuple(keys.get(one.device, ())))
            for one in gates
        ),
        tuple(sorted(answered_here(connection))),
        tuple(HeldManifest(one.event, one.version, one.digest, one.tickets) for one in held),
        waiting(connection),
        _bases(connection),
    )


def _bases(connection: Connection) -> tuple[HeldBase, ...]:
    bundle = tables.bundle
    rows = connection.execute(
        select(bundle.c.event, bundle.c.version, bundle.c.issue)
        .where(bundle.c.kind == "base")
        .order_by(bundle.c.event, bundle.c.version)
    )
    return tuple({row.event: HeldBase(row.event, row.version, row.issue) for row in rows}.values())  # the last counts


def answered_here(connection: Connection) -> set[str]:
    """The centre's events whose claims this hub answers at this moment."""
    event = tables.event
    chosen = select(event.c.event).where(event.c.organisation == CENTRE, event.c.lessee.is_(None))
    return set(connection.execute(chosen).scalars())


def waiting(connection: Connection) -> int:
    """How many lines the centre has not acknowledged."""
    ledger, sent = tables.ledger, tables.forwarded
    gone = func.coalesce(sent.c.seq, 0)
    joined = ledger.outerjoin(sent, and_(sent.c.device == ledger.c.device, sent.c.epoch == ledger.c.epoch))
    chosen = select(func.coalesce(func.sum(ledger.c.seq - gone), 0)).select_from(joined).where(ledger.c.seq > gone)
    return int(connection.execute(chosen).scalar_one())


def take_standing(hub: Hub, connection: Connection, told: HubGates, standing: HubStanding) -> None:
    """Carry out what the centre wants: what its gates serve, and for which events this hub stops answering."""
    row, event = tables.device, tables.event
    accepted = {task.device: task for task in standing.gates}
    serving = connection.execute(select(row.c.device, row.c.event).where(row.c.device.in_(list(accepted)))).all()
    for one in serving:
        task = accepted[one.device]
        if task.revoked:
            connection.execute(update(row).where(row.c.device == one.device).values(state="revoked"))
            hub.audit(connection, CENTRE, "device.revoked", one.device)
        elif task.event != (one.event or ""):
            connection.execute(update(row).where(row.c.device == one.device).values(event=task.event or None))
        else:
            continue
        directory(hub).forget(one.device)
        hub.ring(connection, device=one.device)
    for gate in told.gates:
        if gate.device not in accepted:
            _log.error("the centre does not accept the gate %s: see the audit there", gate.name)
    leased = {one.event for one in standing.events if one.leased}
    for name in sorted(answered_here(connection) - leased):
        connection.execute(update(event).where(event.c.event == name).values(lessee=CENTRE))
        hub.audit(connection, CENTRE, "lease.ended", name)


def to_open(connection: Connection, standing: HubStanding) -> list[str]:
    """Leased events whose rules are known here and which are not answered yet."""
    leased = [one.event for one in standing.events if one.leased]
    event = tables.event
    chosen = select(event.c.event).where(event.c.event.in_(leased), event.c.lessee == CENTRE)
    return list(connection.execute(chosen.order_by(event.c.event)).scalars())


def begin_to_answer(hub: Hub, connection: Connection, event: str, claims: Sequence[HeldClaim]) -> None:
    """From now on this hub answers for `event`; `claims` are the tickets in use as the centre knows them.

    Beside these stand the uses of our own gates whose lines the centre does not have yet.
    """
    held, row = tables.claim, tables.event
    connection.execute(select(row.c.event).where(row.c.event == event).with_for_update())
    stale = delete(held).where(held.c.event == event)
    for device, epoch in _unsent(connection):
        of_it = and_(held.c.device == device, held.c.claim.startswith(f"{epoch}:", autoescape=True))
        stale = stale.where(~of_it)
    connection.execute(stale)
    for one in claims:
        values = {name: getattr(one, name) for name in ("ticket", "claim", "device", "gate", "at", "passage")}
        connection.execute(insert_or_ignore(connection, held).values(**values, event=event))
    connection.execute(update(row).where(row.c.event == event).values(lessee=None))
    hub.audit(connection, CENTRE, "lease.begun", event, in_use=len(claims))


def copy_event(hub: Hub, connection: Connection, told: HubEvent, policy: str) -> None:
    """Keep the event with the rules (JSON) that came in its verified manifest."""
    organisation, venue, event = tables.organisation, tables.venue, tables.event
    connection.execute(insert_or_ignore(connection, organisation).values(organisation=CENTRE, name=CENTRE))
    connection.execute(insert_or_ignore(connection, venue).values(venue=CENTRE, organisation=CENTRE, name=CENTRE))
    seen = {"name": told.name, "begins_at": told.begins_at, "ends_at": told.ends_at, "policy": policy}
    known = connection.execute(update(event).where(event.c.event == told.event).values(**seen).returning(event.c.event))
    if known.first() is None:
        values: dict[str, Any] = seen | {"event": told.event, "organisation": CENTRE, "venue": CENTRE}
        values |= {"state": "published", "sealed_secret": b"", "lessee": CENTRE, "made_at": hub.clock()}
        connection.execute(insert(event).values(**values))


def _unsent(connection: Connection) -> list[tuple[str, str]]:
    ledger, sent = tables.ledger, tables.forwarded
    joined = ledger.outerjoin(sent, and_(sent.c.device == ledger.c.device, sent.c.epoch == ledger.c.epoch))
    chosen = select(ledger.c.device, ledger.c.epoch).select_from(joined)
    rows = connection.execute(chosen.where(or_(sent.c.seq.is_(None), ledger.c.seq > sent.c.seq)))
    return [(one.device, one.epoch) for one in rows]
