"""How a box becomes a device of this site: by a one-time code, by new keys, and how it ceases to be one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from sync.contract import Enrolled, EnrolRequest, RenewRequest
from sync.server import tables
from sync.server.attempts import Limit
from sync.server.codes import hash_of, new_code
from sync.server.devices import ENROLLED, REPLACED, REVOKED, Caller, directory
from sync.server.hub import Hub, new_identifier
from sync.server.leases import end_leases
from sync.server.newcomers import publish_for_gates
from sync.server.problems import Refused
from sync.server.site import authority_of, issuers, site_name

CODE_S = 15 * 60.0
LIMIT = Limit("enrol", for_address=10, for_all=100)
KINDS = ("gate", "hub")


@dataclass(frozen=True, slots=True)
class Invitation:
    """An enrolment code, shown once. `text` is what the QR code holds."""

    code: str = field(repr=False)
    text: str = field(repr=False)
    fingerprint: str
    venue: str
    name: str
    kind: str
    ends_at: float


def invite(
    hub: Hub, connection: Connection, actor: str, venue: str, name: str, kind: str = "gate", *, replaces: str = ""
) -> Invitation:
    """Make a code for the device `name` at `venue`. `replaces` is the device whose place it takes.

    Raises `Refused`: 404 no such venue or device, 409 the name is taken, 422 no usable name or kind.
    """
    if not (name.strip() == name and 0 < len(name) <= 64 and name.isprintable()) or kind not in KINDS:
        raise Refused(422, "bad_name", "a device's name has 1 to 64 printable characters; its kind is gate or hub")
    if connection.execute(select(tables.venue.c.venue).where(tables.venue.c.venue == venue)).first() is None:
        raise Refused(404, "no_such_venue", "there is no such venue: make it first")
    _refuse_taken(connection, venue, name, replaces)
    code, ends_at, fingerprint = new_code(), hub.clock() + CODE_S, authority_of(hub).fingerprint
    connection.execute(
        insert(tables.enrolment_code).values(
            code_hash=hash_of("enrolment", code),
            venue=venue,
            kind=kind,
            name=name,
            replaces=replaces or None,
            made_by=actor,
            made_at=hub.clock(),
            ends_at=ends_at,
        )
    )
    hub.audit(connection, actor, "enrol.code_made", name, venue=venue, kind=kind, replaces=replaces)
    return Invitation(code, code_text(hub, code), fingerprint, venue, name, kind, ends_at)


def code_text(hub: Hub, code: str) -> str:
    """What a device is shown: where the server is, the code, and which authority it has to meet there."""
    name = hub.settings.names[0]
    host = f"[{name}]" if ":" in name else name
    return f"menshen://{host}:{hub.settings.port}/{code}?ca={authority_of(hub).fingerprint}"


def enrol(hub: Hub, request: EnrolRequest, address: str) -> Enrolled:
    """Let a box in that has a good code. Raises `Refused`: 403 for every bad code alike, 409, 422, 429.

    Nothing is undone by a refusal: a failed attempt is counted, and stands in the audit with its kind.
    """
    with hub.begin() as connection:
        outcome = _attempt(hub, connection, request, address)
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def renew(hub: Hub, connection: Connection, caller: Caller, request: RenewRequest) -> Enrolled:
    """Give an enrolled device new keys; the old one still proves the checkpoints made before. Raises `Refused`: 422."""
    signing_key, device_key = _keys(request.signing_key, request.device_key)
    device, now = tables.device, hub.clock()
    of = device.c.device == caller.device
    old, old_device_key = connection.execute(select(device.c.signing_key, device.c.device_key).where(of)).one()
    if old == signing_key:
        raise Refused(422, "same_key", "this is the key in use: make a new one")
    if _is_old(connection, caller.device, signing_key):
        raise Refused(422, "same_key", "this key was in use before: make a new one")
    connection.execute(insert(tables.old_key).values(device=caller.device, signing_key=old, until=now))
    certificate = authority_of(hub).certify_device(site_name(connection), caller.device, signing_key, now)
    connection.execute(
        update(device)
        .where(device.c.device == caller.device)
        .values(signing_key=signing_key, device_key=device_key, certificate=certificate)
    )
    hub.audit(connection, caller.device, "device.renewed", caller.device)
    if bytes(old_device_key) != device_key:  # else what it holds is good still
        _publish_for(hub, connection, caller.device, caller.device)
    hub.ring(connection, device=caller.device)
    directory(hub).forget(caller.device)
    return _enrolled(hub, connection, caller.device, certificate)


def revoke(hub: Hub, connection: Connection, actor: str, device: str) -> None:
    """Bar a device for good; at its next contact it is told to wipe. What a venue hub has leased, it has no more.

    Raises `Refused`: 404 where none is enrolled.
    """
    row = tables.device
    done = connection.execute(
        update(row)
        .where(row.c.device == device, row.c.state.in_((ENROLLED, REPLACED)))
        .values(state=REVOKED)
        .returning(row.c.name)
    ).first()
    if done is None:
        raise Refused(404, "no_such_device", "no such device is enrolled here")
    hub.audit(connection, actor, "device.revoked", device, name=done.name)
    end_leases(hub, connection, actor, device, "the hub was revoked")
    hub.ring(connection, device=device)
    directory(hub).forget(device)


def assign(hub: Hub, connection: Connection, actor: str, device: str, event: str) -> None:
    """Have a device serve `event`, or none where it is empty. Raises `Refused`: 404, 409 for another's event."""
    row, of = tables.device, tables.event
    owner = select(tables.venue.c.organisation).join_from(row, tables.venue)
    ours = connection.execute(owner.where(row.c.device == device, row.c.state == ENROLLED)).scalar()
    if ours is None:
        raise Refused(404, "no_such_device", "no such device is enrolled here")
    if event:
        theirs = connection.execute(select(of.c.organisation).where(of.c.event == event)).scalar()
        if theirs is None:
            raise Refused(404, "no_such_event", "there is no such event: make it first")
        if theirs != ours:
            raise Refused(409, "another_organisation", "event and device are not of one organisation")
    before = connection.execute(select(row.c.event).where(row.c.device == device)).scalar()
    connection.execute(update(row).where(row.c.device == device).values(event=event or None))
    hub.audit(connection, actor, "device.assigned", device, event=event)
    if before != (event or None):
        _publish_for(hub, connection, actor, device)
    hub.ring(connection, device=device)
    directory(hub).forget(device)


def list_devices(connection: Connection, organisation: str | None = None) -> Sequence[Row[Any]]:
    """All devices with their venues, newest first; those of one `organisation` where it is named."""
    device, venue = tables.device, tables.venue
    found = select(device, venue.c.organisation, venue.c.name.label("venue_name")).join(venue)
    if organisation is not None:
        found = found.where(venue.c.organisation == organisation)
    return connection.execute(found.order_by(device.c.made_at.desc(), device.c.device)).all()


def _attempt(hub: Hub, connection: Connection, request: EnrolRequest, address: str) -> Enrolled | Refused:
    if refused := LIMIT.refusal(hub, connection, address):
        return refused
    code = tables.enrolment_code
    hashed = hash_of("enrolment", request.code)
    found = connection.execute(select(code).where(code.c.code_hash == hashed).with_for_update()).first()
    if why := _fault(hub, found, request):
        LIMIT.count(hub, connection, address)
        hub.audit(connection, "server", "enrol.refused", why=why, from_address=address)
        return Refused(403, "code_refused", "the code is wrong, was used or has run out: ask for a new one")
    assert found is not None
    try:
        return _take_in(hub, connection, found, request, address)
    except Refused as refused:  # the code is good, and may be used again once this is put right
        hub.audit(connection, "server", "enrol.refused", found.name, why=refused.code, from_address=address)
        return refused


def _fault(hub: Hub, found: Row[Any] | None, request: EnrolRequest) -> str:
    """What is wrong with the code, for the audit alone."""
    if found is None:
        return "unknown code"
    if found.used_at is not None:
        return "used code"
    if hub.clock() >= found.ends_at:
        return "expired code"
    if request.authority and request.authority != authority_of(hub).fingerprint:
        return "wrong site"
    return "" if request.kind == found.kind else "code for another kind of device"


def _take_in(hub: Hub, connection: Connection, code: Row[Any], request: EnrolRequest, address: str) -> Enrolled:
    signing_key, device_key = _keys(request.signing_key, request.device_key)
    if request.name != code.name:
        raise Refused(409, "other_name", "the code was made for a device of another name: compare both names")
    venue = tables.venue
    connection.execute(select(venue.c.venue).where(venue.c.venue == code.venue).with_for_update())  # one after another
    _refuse_taken(connection, code.venue, code.name, code.replaces or "")
    _refuse_known_key(connection, signing_key)
    device, now = new_identifier(code.kind), hub.clock()
    certificate = authority_of(hub).certify_device(site_name(connection), device, signing_key, now)
    event = _replace(hub, connection, code.replaces, device) if code.replaces else None
    connection.execute(
        insert(tables.device).values(
            device=device,
            kind=code.kind,
            name=code.name,
            venue=code.venue,
            signing_key=signing_key,
            device_key=device_key,
            certificate=certificate,
            state=ENROLLED,
            event=event,
            made_at=now,
        )
    )
    spent = update(tables.enrolment_code).where(tables.enrolment_code.c.code_hash == code.code_hash)
    connection.execute(spent.values(used_at=now, device=device))
    hub.audit(connection, device, "enrol.done", code.name, venue=code.venue, made_by=code.made_by, from_address=address)
    _publish_for(hub, connection, device, device)
    if code.replaces:
        hub.ring(connection, device=code.replaces)  # it has to wipe
    return _enrolled(hub, connection, device, certificate)


def _publish_for(hub: Hub, connection: Connection, actor: str, device: str) -> None:
    """What the gate `device` is to serve is sealed for the keys it has now."""
    row = tables.device
    serves = select(row.c.event).where(row.c.device == device, row.c.kind == "gate", row.c.event.is_not(None))
    publish_for_gates(hub, connection, actor, [(event, device) for event in connection.execute(serves).scalars()])


def _refuse_taken(connection: Connection, venue: str, name: str, replaces: str) -> None:
    """`name` must be free at `venue`, or be that of the device that is to be replaced."""
    device = tables.device
    named = device.c.venue == venue, device.c.name == name, device.c.state == ENROLLED
    held = connection.execute(select(device.c.device).where(*named)).scalar()
    if held is not None and held != replaces:
        raise Refused(409, "name_taken", "a device of this name is enrolled at this venue: replace or revoke it")
    if held is None and replaces:
        raise Refused(404, "no_such_device", "the device to be replaced is not enrolled under this name at this venue")


def _refuse_known_key(connection: Connection, signing_key: bytes) -> None:
    known = select(tables.device.c.device).where(tables.device.c.signing_key == signing_key)
    old = select(tables.old_key.c.device).where(tables.old_key.c.signing_key == signing_key)
    if connection.execute(known.union(old)).first() is not None:
        raise Refused(409, "key_taken", "a device with this key was enrolled before: make new keys")


def _is_old(connection: Connection, device: str, signing_key: bytes) -> bool:
    old = tables.old_key
    held = select(old.c.device).where(old.c.device == device, old.c.signing_key == signing_key)
    return connection.execute(held).first() is not None


def _replace(hub: Hub, connection: Connection, old: str, new: str) -> str | None:
    """The place of `old` becomes free; gives the event it served."""
    device = tables.device
    connection.execute(update(device).where(device.c.device == old).values(state=REPLACED))
    hub.audit(connection, new, "device.replaced", old)
    end_leases(hub, connection, new, old, "the hub was replaced")
    directory(hub).forget(old)
    event: str | None = connection.execute(select(device.c.event).where(device.c.device == old)).scalar()
    return event


def _keys(signing_key: str, device_key: str) -> tuple[bytes, bytes]:
    try:
        keys = bytes.fromhex(signing_key), bytes.fromhex(device_key)
    except ValueError:
        keys = b"", b""
    if {len(key) for key in keys} != {32} or bytes(32) in keys:
        raise Refused(422, "bad_key", "both keys are 32 bytes, written as 64 hexadecimal digits")
    return keys


def _enrolled(hub: Hub, connection: Connection, device: str, certificate: str) -> Enrolled:
    site = site_name(connection)
    return Enrolled(site, device, certificate, authority_of(hub).pem, issuers(hub), hub.clock())
