"""Who a request comes from: devices by their signature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from sqlalchemy import Connection, update

from sync.contract import DEVICE_HEADER, NUMBER_HEADER, SIGNATURE_HEADER, SITE_HEADER, Problem
from sync.server import tables
from sync.server.directory import ENROLLED, GONE, REPLACED, REVOKED, Directory, Known, directory
from sync.server.hub import hub_of
from sync.server.problems import Refused
from sync.signing import Claimed, NotSigned, claimed_by, verify

REFUSALS: dict[int | str, dict[str, object]] = {
    401: {"model": Problem, "description": "Not signed by a device that is enrolled here"},
    409: {"model": Problem, "description": "Replayed, or not what is to come next"},
}


_NAMED = {name.lower().encode(): name for name in (SITE_HEADER, DEVICE_HEADER, NUMBER_HEADER, SIGNATURE_HEADER)}


@dataclass(frozen=True, slots=True)
class Caller:
    """A device whose signature was good. A `revoked` one, or one whose place another has taken, is told to wipe."""

    device: str
    kind: str
    name: str
    venue: str
    event: str
    number: int
    revoked: bool = False


async def signed(request: Request) -> Caller:
    """The device that signed `request`, whether it still may serve or not. Raises `Refused`: 401."""
    hub, scope = hub_of(request), request.scope
    path: bytes = scope.get("raw_path") or scope["path"].encode()  # as it was sent: an event may be named in Chinese
    target = (path + b"?" + scope["query_string"] if scope["query_string"] else path).decode("latin-1")
    try:
        claimed = claimed_by(_signing_headers(scope["headers"]))
        known = await directory(hub).look_up(claimed.device)
        if known is None or claimed.site != known.site:
            raise NotSigned("no such device is enrolled at this site: enrol it again")
        verify(claimed, known.signing_key, scope["method"], target, await request.body())
    except NotSigned as error:
        raise Refused(401, "not_signed", str(error)) from None
    return Caller(known.device, known.kind, known.name, known.venue, known.event, claimed.number, known.revoked)


def _signing_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Those that `claimed_by` reads, out of a request's; the framework's way to them takes ten times as long."""
    return {_NAMED[name]: value.decode("latin-1") for name, value in headers if name in _NAMED}


async def enrolled(caller: Annotated[Caller, Depends(signed)]) -> Caller:
    """As `signed`, and it has not been revoked or replaced. Raises `Refused`: 401."""
    if caller.revoked:
        raise Refused(401, "revoked", "this device was revoked or replaced: enrol it again if it is to serve")
    return caller


Signed: TypeAlias = Annotated[Caller, Depends(signed)]
Enrolled: TypeAlias = Annotated[Caller, Depends(enrolled)]


def spend(connection: Connection, caller: Caller) -> None:
    """Take the request's number, which no other upload of this device may bear again. Raises `Refused`: 409."""
    device = tables.device
    spent = connection.execute(
        update(device)
        .where(device.c.device == caller.device, device.c.last_number < caller.number)
        .values(last_number=caller.number)
        .returning(device.c.device)
    )
    if spent.first() is None:
        raise Refused(409, "replayed", "a request with this number was taken already: sign it anew")


__all__ = [
    "ENROLLED",
    "GONE",
    "REFUSALS",
    "REPLACED",
    "REVOKED",
    "Caller",
    "Claimed",
    "Directory",
    "Enrolled",
    "Known",
    "Signed",
    "directory",
    "spend",
]
