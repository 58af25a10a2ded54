"""Devices: enrolling, assigning, barring, and ledgers that two boxes write. And the audit."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from markupsafe import Markup
from sqlalchemy import Connection, select

from models.store.keys import fingerprint
from sync.server import tables
from sync.server.audit_log import AuditFilter, read_audit
from sync.server.board import DEAD_S
from sync.server.enrolment import KINDS, assign, invite, list_devices, revoke
from sync.server.fork_choice import believe_the_other
from sync.server.forks import ledgers_of, pairs_of, trust_ledger
from sync.server.ingest import FORKED
from sync.server.live import contact_of
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, sure, text
from sync.server.pages.render import page, words_for
from sync.server.permissions import Permission, Person, check_device, check_event, check_venue
from sync.server.places import list_venues
from sync.server.qr import svg
from sync.server.sessions_http import require

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Looker = Annotated[Person, Depends(require(Permission.DEVICES_SEE))]
Keeper = Annotated[Person, Depends(require(Permission.DEVICES_MANAGE))]
Auditor = Annotated[Person, Depends(require(Permission.AUDIT_SEE))]


@router.get("/devices")
def devices(request: Request, hub: TheHub, person: Looker, gone: str = "") -> Response:
    """All devices, and the form for a new one."""
    ledger = tables.ledger
    with hub.engine.connect() as connection:
        found = list_devices(connection, person.organisation)
        venues = list_venues(connection, person.organisation)
        rows = connection.execute(
            select(ledger.c.device, ledger.c.seq, ledger.c.state).where(
                ledger.c.device.in_([one.device for one in found])
            )
        ).all()
        of = tables.event
        served = connection.execute(select(of.c.event, of.c.name).where(of.c.event.in_({one.event for one in found})))
        names = {row.event: row.name for row in served}
    lines: dict[str, int] = {}
    for row in rows:
        lines[row.device] = lines.get(row.device, 0) + row.seq
    name = next((one.name for one in found if one.device == gone and one.state == "revoked"), "")
    return page(
        request,
        "devices.html",
        person,
        devices=found,
        venues=venues,
        kinds=KINDS,
        lines=lines,
        names=names,
        forked={row.device for row in rows if row.state == FORKED},
        dead_s=DEAD_S,
        done=words_for(request, person)("devices.revoked", name=name) if name else "",
    )


@router.post("/devices")
def enrol(request: Request, hub: TheHub, person: Keeper, fields: Fields) -> Response:
    """A one-time code; it is on this answer and nowhere else."""
    name, kind, venue = text(fields, "name", 64), text(fields, "kind", 10), text(fields, "venue", 64)
    replaces = text(fields, "replaces", 64)
    with hub.begin() as connection:
        check_venue(connection, person, venue)
        if replaces:
            check_device(connection, person, replaces)
        made = invite(hub, connection, person.account, venue, name, kind, replaces=replaces)
    return page(request, "code.html", person, made=made, qr=Markup(svg(made.text)))  # noqa: S704 - of our own making


@router.get("/devices/{device}")
def device(request: Request, hub: TheHub, person: Looker, device: str, done: str = "") -> Response:
    """One device: how it is, what it serves, whose key it has."""
    with hub.engine.connect() as connection:
        row = _device(connection, person, device)
        ledgers, pairs = ledgers_of(connection, device), pairs_of(connection, device)
        of = tables.event
        mine = select(of.c.event, of.c.name).where(of.c.organisation == row.organisation, of.c.state != "closed")
        served = connection.execute(select(of.c.name).where(of.c.event == row.event)).scalar()
        events = connection.execute(mine.order_by(of.c.begins_at.desc()).limit(200)).all()
        leases = _leases(connection, device) if row.kind == "hub" else []
    t = words_for(request, person)
    said = {"assigned": t("devices.assigned"), "trusted": t("fork.trusted")}
    shows: dict[str, Any] = {
        "ledgers": ledgers,
        "pairs": pairs,
        "events": events,
        "served": served,
        "leases": leases,
        "contact": contact_of(row.contact),
    }
    key = fingerprint(row.signing_key)
    return page(request, "device.html", person, device=row, **shows, key=key, done=said.get(done, ""))


@router.post("/devices/{device}/assign")
def assign_one(hub: TheHub, person: Keeper, device: str, fields: Fields) -> Response:
    """What it is to serve."""
    event = text(fields, "event", 64)
    with hub.begin() as connection:
        check_device(connection, person, device)
        if event:
            check_event(connection, person, event)
        assign(hub, connection, person.account, device, event)
    return go(address("devices", device) + "?done=assigned")


@router.post("/devices/{device}/revoke")
def revoke_one(hub: TheHub, person: Keeper, device: str, fields: Fields) -> Response:
    """Bar it for good."""
    sure(fields)
    with hub.begin() as connection:
        check_device(connection, person, device)
        revoke(hub, connection, person.account, device)
    return go(f"/devices?gone={address(device)[1:]}")


@router.post("/devices/{device}/trust")
def trust(hub: TheHub, person: Keeper, device: str, fields: Fields) -> Response:
    """Somebody has looked at a fork: the held lines are the right ones, or the other box's are."""
    sure(fields)
    epoch = text(fields, "epoch", 100)
    with hub.begin() as connection:
        check_device(connection, person, device)
        if text(fields, "side", 10) == "other":
            believe_the_other(hub, connection, person.account, device, epoch, text(fields, "why"))
        else:
            trust_ledger(hub, connection, person.account, device, epoch)
    return go(address("devices", device) + "?done=trusted")


@router.get("/audit")
def audit(
    request: Request, hub: TheHub, person: Auditor, actor: str = "", act: str = "", object: str = "", before: int = 0
) -> Response:
    """Who did what."""
    wanted = AuditFilter(actor.strip(), act.strip(), object.strip())
    with hub.engine.connect() as connection:
        found = read_audit(connection, person, wanted, min(max(before, 0), 2**62))
    t = words_for(request, person)
    acts = sorted((key[4:] for key in t.said if key.startswith("act.")), key=lambda one: t("act." + one))
    return page(request, "audit.html", person, found=found, wanted=wanted, acts=acts)


def _leases(connection: Connection, device: str) -> list[Any]:
    """The events for which a venue hub answers, and their leases."""
    lease, event = tables.lease, tables.event
    chosen = select(lease, event.c.name).join_from(lease, event).where(lease.c.device == device)
    return list(connection.execute(chosen.order_by(event.c.begins_at)))


def _device(connection: Connection, person: Person, device: str) -> Any:
    check_device(connection, person, device)
    row, venue = tables.device, tables.venue
    columns = row, venue.c.name.label("venue_name"), venue.c.organisation
    return connection.execute(select(*columns).join_from(row, venue).where(row.c.device == device)).one()
