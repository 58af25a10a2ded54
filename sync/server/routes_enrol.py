"""How boxes become devices, `POST /v1/enrol` and `POST /v1/gate/renew`; and what people do with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Row

from models.store.keys import fingerprint
from sync.contract import Enrolled, EnrolRequest, Problem, RenewRequest
from sync.server.attempts import TOO_MANY
from sync.server.devices import REFUSALS, spend
from sync.server.devices import Enrolled as EnrolledCaller
from sync.server.enrolment import assign, enrol, invite, list_devices, renew, revoke
from sync.server.hub import Hub, hub_of
from sync.server.permissions import Permission, Person, check_device, check_event, check_venue
from sync.server.qr import svg
from sync.server.sessions_http import PEOPLE, require

router = APIRouter(prefix="/v1")
LARGEST_BODIES = {"/v1/enrol": 16_384, "/v1/gate/renew": 16_384}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    403: {"model": Problem, "description": "The code is wrong, used or old"},
    404: {"model": Problem, "description": "No such venue, event or device"},
    409: {"model": Problem, "description": "The name or the key is taken, or the code was made for another name"},
    422: {"model": Problem, "description": "Keys or names that are none"},
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No such device"}}

TheHub = Annotated[Hub, Depends(hub_of)]
DevicesSeer = Annotated[Person, Depends(require(Permission.DEVICES_SEE))]
DevicesKeeper = Annotated[Person, Depends(require(Permission.DEVICES_MANAGE))]


@dataclass(frozen=True, slots=True)
class CodeWish:
    """For which device a code is. `replaces` is the device whose place it takes."""

    venue: str
    name: str
    kind: str = "gate"
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """A one-time code, shown once. `text` is what the QR code (`qr`, an SVG) holds."""

    code: str = field(repr=False)
    text: str = field(repr=False)
    qr: str = field(repr=False)
    fingerprint: str
    ends_at: float


@dataclass(frozen=True, slots=True)
class Device:
    """A device as it is listed. `fingerprint` is its signing key's: it stands on the device's own screen as well."""

    device: str
    kind: str
    name: str
    venue: str
    state: str
    event: str
    hub: str
    fingerprint: str
    made_at: float
    last_contact_at: float | None
    wiped_at: float | None


@dataclass(frozen=True, slots=True)
class EventWish:
    """What a device is to serve; empty: nothing."""

    event: str


def address_of(request: Request) -> str:
    """Where a request comes from, as the socket says; headers say what they like."""
    return request.client.host if request.client else ""


@router.post("/enrol", tags=["device"], responses=_ANSWERS | TOO_MANY)
def enrol_device(body: EnrolRequest, request: Request, hub: TheHub) -> Enrolled:
    """A box with a one-time code becomes a device of this site."""
    return enrol(hub, body, address_of(request))


@router.post("/gate/renew", tags=["device"], responses=REFUSALS | {422: _ANSWERS[422]})
def renew_keys(body: RenewRequest, caller: EnrolledCaller, hub: TheHub) -> Enrolled:
    """New keys for a device; signed with its old one."""
    with hub.begin() as connection:
        spend(connection, caller)
        return renew(hub, connection, caller, body)


@router.get("/admin/devices", responses=PEOPLE, tags=["people"])
def devices(person: DevicesSeer, hub: TheHub) -> list[Device]:
    """The devices that you see."""
    with hub.engine.connect() as connection:
        return [_device(row) for row in list_devices(connection, person.organisation)]


@router.post("/admin/enrolment-codes", status_code=201, responses=PEOPLE | _ANSWERS, tags=["people"])
def make_code(body: CodeWish, person: DevicesKeeper, hub: TheHub) -> EnrolmentCode:
    """A one-time code for a device, good for a quarter of an hour."""
    with hub.begin() as connection:
        check_venue(connection, person, body.venue)
        made = invite(hub, connection, person.account, body.venue, body.name, body.kind, replaces=body.replaces)
    return EnrolmentCode(made.code, made.text, svg(made.text), made.fingerprint, made.ends_at)


@router.post("/admin/devices/{device}/revoke", status_code=204, responses=PEOPLE | _NOT_FOUND, tags=["people"])
def revoke_device(device: str, person: DevicesKeeper, hub: TheHub) -> None:
    """Bar a device for good; it is told to destroy its manifest."""
    with hub.begin() as connection:
        check_device(connection, person, device)
        revoke(hub, connection, person.account, device)


@router.put("/admin/devices/{device}/event", status_code=204, responses=PEOPLE | _ANSWERS, tags=["people"])
def assign_device(device: str, body: EventWish, person: DevicesKeeper, hub: TheHub) -> None:
    """Have a device serve an event."""
    with hub.begin() as connection:
        check_device(connection, person, device)
        if body.event:
            check_event(connection, person, body.event)
        assign(hub, connection, person.account, device, body.event)


def _device(row: Row[Any]) -> Device:
    return Device(
        row.device,
        row.kind,
        row.name,
        row.venue,
        row.state,
        row.event or "",
        row.hub or "",
        fingerprint(row.signing_key),
        row.made_at,
        row.last_contact_at,
        row.wiped_at,
    )
