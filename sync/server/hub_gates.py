"""At the centre: the gates behind a venue hub, as the hub tells of them, and what it is told in return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, select, update

from sync.contract import BundleOffer, ClaimRequest
from sync.contract_hub import GateTask, HubEvent, HubGate, HubGates, HubStanding
from sync.server import tables
from sync.server.claims import Asked
from sync.server.database import insert_or_ignore
from sync.server.devices import ENROLLED, REPLACED, REVOKED, Caller
from sync.server.erasure import is_erased
from sync.server.hub import Hub
from sync.server.leases import leased_to, take_returns
from sync.server.newcomers import publish_for_gates
from sync.server.offers import offers_for_hub
from sync.server.problems import Refused
from sync.server.serving import events_of

MOST_GATES = 500


def meet_hub(hub: Hub, connection: Connection, caller: Caller, told: HubGates) -> HubStanding:
    """Take up what the venue hub `caller` tells of its gates. Raises `Refused`: 403, 413, 422.

    A gate that can't be accepted (its name or identifier is another's here) is left out and stands in the audit.
    """
    if caller.kind != "hub":
        raise Refused(403, "not_a_hub", "this device is no venue hub")
    if len(told.gates) > MOST_GATES:
        raise Refused(413, "too_many_gates", f"a venue hub has at most {MOST_GATES} gates")
    _let_go(hub, connection, caller, {gate.device for gate in told.gates})
    come = [(_take_in(hub, connection, caller, gate), gate.device) for gate in told.gates]
    publish_for_gates(hub, connection, caller.device, [(event, device) for event, device in come if event])
    take_returns(hub, connection, caller.device, told.leases, told.waiting)
    return _standing(connection, caller.device, told)


def of_gates(hub: Hub, caller: Caller, claims: Sequence[ClaimRequest]) -> list[Asked]:
    """Claims that the venue hub `caller` brings, each as that of the gate behind it which it names."""
    row = tables.device
    with hub.engine.connect() as connection:
        rows = connection.execute(select(row.c.name, row.c.device).where(row.c.hub == caller.device))
        gates = {one.name: one.device for one in rows}
    return [
        Asked(one if one.gate else replace(one, gate=caller.name), gates.get(one.gate, caller.device)) for one in claims
    ]


def _let_go(hub: Hub, connection: Connection, caller: Caller, told: set[str]) -> None:
    """Gates that the hub no longer tells of: their names become free, their lines are still taken."""
    row = tables.device
    rows = connection.execute(
        select(row.c.device, row.c.name).where(row.c.hub == caller.device, row.c.state == ENROLLED)
    )
    for one in rows.all():
        if one.device not in told:
            connection.execute(update(row).where(row.c.device == one.device).values(state=REPLACED))
            hub.audit(connection, caller.device, "hub_gate.gone", one.device, name=one.name)


def _take_in(hub: Hub, connection: Connection, caller: Caller, gate: HubGate) -> str:
    """One gate; gives the event whose manifest has to be issued again for it, if any."""
    signing_key, device_key = _key(gate.signing_key), _key(gate.device_key)
    row = tables.device
    held = connection.execute(select(row).where(row.c.device == gate.device)).first()
    if held is None:
        held = _insert(hub, connection, caller, gate, signing_key, device_key)
        return held.event or "" if held is not None else ""
    if held.hub != caller.device:
        _refuse_once(hub, connection, caller, gate)
        return ""
    if held.state == REPLACED and not _return(hub, connection, caller, gate):
        return ""
    if held.signing_key != signing_key:
        _keep_old(hub, connection, gate.device, bytes(held.signing_key))
    for old in gate.old_keys:
        _keep_old(hub, connection, gate.device, _key(old))
    changes: dict[str, Any] = {"signing_key": signing_key, "device_key": device_key}
    if (held.signing_key, held.device_key) != (signing_key, device_key):
        connection.execute(update(row).where(row.c.device == gate.device).values(**changes))
        hub.audit(connection, caller.device, "hub_gate.renewed", gate.device)
    comes = held.state == REPLACED or held.device_key != device_key
    return held.event or "" if comes else ""


def _insert(
    hub: Hub, connection: Connection, caller: Caller, gate: HubGate, signing_key: bytes, device_key: bytes
) -> Any:
    row = tables.device
    if not (gate.name.strip() == gate.name and 0 < len(gate.name) <= 64 and gate.name.isprintable()):
        raise Refused(422, "bad_name", "a gate's name has 1 to 64 printable characters")
    fresh = insert_or_ignore(connection, row).values(
        device=gate.device,
        kind="gate",
        name=gate.name,
        venue=caller.venue,
        hub=caller.device,
        signing_key=signing_key,
        device_key=device_key,
        certificate="",
        state=ENROLLED,
        event=_first_lease(connection, caller.device),
        made_at=hub.clock(),
    )
    made = connection.execute(fresh.returning(row.c.device, row.c.event)).first()
    if made is None:
        _refuse_once(hub, connection, caller, gate)
        return None
    for old in gate.old_keys:
        _keep_old(hub, connection, gate.device, _key(old))
    hub.audit(connection, caller.device, "hub_gate.told", gate.device, name=gate.name, event=made.event)
    return made


def _return(hub: Hub, connection: Connection, caller: Caller, gate: HubGate) -> bool:
    """A gate that was gone is told of again: it is back, unless its name was given away meanwhile."""
    row = tables.device
    taken = select(row.c.device).where(row.c.venue == caller.venue, row.c.name == gate.name, row.c.state == ENROLLED)
    if connection.execute(taken).first() is not None:
        _refuse_once(hub, connection, caller, gate)
        return False
    connection.execute(update(row).where(row.c.device == gate.device).values(state=ENROLLED, name=gate.name))
    hub.audit(connection, caller.device, "hub_gate.back", gate.device, name=gate.name)
    return True


def _first_lease(connection: Connection, device: str) -> str | None:
    """What a new gate of this hub serves, until a person says otherwise: the leased event that begins first."""
    event, lease = tables.event, tables.lease
    chosen = select(event.c.event).join(lease).where(lease.c.device == device).order_by(event.c.begins_at).limit(1)
    found: str | None = connection.execute(chosen).scalar()
    return found


def _refuse_once(hub: Hub, connection: Connection, caller: Caller, gate: HubGate) -> None:
    """Leave word of a gate that can't be accepted; once, for the hub tells of it every few seconds."""
    audit, act = tables.audit, "hub_gate.refused"
    known = select(func.count()).where(audit.c.act == act, audit.c.actor == caller.device)
    if not connection.execute(known.where(audit.c.object == gate.device)).scalar_one():
        why = "its name or its identifier is another device's here"
        hub.audit(connection, caller.device, act, gate.device, name=gate.name, why=why)


def _keep_old(hub: Hub, connection: Connection, device: str, key: bytes) -> None:
    values = {"device": device, "signing_key": key, "until": hub.clock()}
    connection.execute(insert_or_ignore(connection, tables.old_key).values(**values))


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32 or not any(key):
        raise Refused(422, "bad_key", "keys are 32 bytes, written as 64 hexadecimal digits")
    return key


def _standing(connection: Connection, device: str, told: HubGates) -> HubStanding:
    row, event = tables.device, tables.event
    gates = connection.execute(
        select(row.c.device, row.c.event, row.c.state)
        .where(row.c.hub == device, row.c.state.in_((ENROLLED, REVOKED)))
        .where(row.c.device.in_([gate.device for gate in told.gates]))
        .order_by(row.c.device)
    ).all()
    leased = leased_to(connection, device)
    served = connection.execute(
        select(event).where(event.c.event.in_(sorted(events_of(connection, device, "hub")))).order_by(event.c.event)
    ).all()
    held = {one.event: one for one in told.held}
    offers: list[BundleOffer] = []
    bases = {one.event: one for one in told.bases}
    for one in served:
        offers += offers_for_hub(connection, one.event, held.get(one.event), bases.get(one.event))
    return HubStanding(
        tuple(GateTask(one.device, one.event or "", one.state == REVOKED) for one in gates),
        tuple(HubEvent(one.event, one.name, one.begins_at, one.ends_at, one.event in leased) for one in served),
        tuple(offers),
        tuple(sorted(name for name in held if is_erased(connection, name))),
    )
