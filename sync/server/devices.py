"""Who a request comes from: devices by their signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from sqlalchemy import Connection, select, update

from sync.contract import Problem
from sync.server import tables
from sync.server.hub import Hub, hub_of
from sync.server.problems import Refused
from sync.server.serving import events_of
from sync.signing import Claimed, NotSigned, claimed_by, verify

ENROLLED, REVOKED, REPLACED = "enrolled", "revoked", "replaced"
GONE = (REVOKED, REPLACED)
REFUSALS: dict[int | str, dict[str, object]] = {
    401: {"model": Problem, "description": "Not signed by a device that is enrolled here"},
    409: {"model": Problem, "description": "Replayed, or not what is to come next"},
}


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
    hub = hub_of(request)
    path = (
        request.scope.get("raw_path") or request.url.path.encode()
    )  # as it was sent: an event may be named in Chinese
    target = path.decode("latin-1") + (f"?{request.url.query}" if request.url.query else "")
    try:
        claimed = claimed_by(request.headers)
        known = directory(hub).find(claimed.device)
        if known is None or claimed.site != known.site:
            raise NotSigned("no such device is enrolled at this site: enrol it again")
        verify(claimed, known.signing_key, request.method, target, await request.body())
    except NotSigned as error:
        raise Refused(401, "not_signed", str(error)) from None
    return Caller(known.device, known.kind, known.name, known.venue, known.event, claimed.number, known.revoked)


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


@dataclass(frozen=True, slots=True)
class Known:
    """What a signature is held against."""

    site: str
    device: str
    kind: str
    name: str
    venue: str
    event: str
    signing_key: bytes
    revoked: bool
    events: frozenset[str] = frozenset()
    """Whose changes concern it: of a venue hub these are several."""


class Directory:
    """Devices by identifier, kept in memory for a moment: claims come by the thousand, keys change once in a while.

    A change made by another worker is seen after `KEEP_S`; one made here at once, by `forget`.
    """

    KEEP_S = 1.0

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._kept: dict[str, tuple[float, Known | None]] = {}

    def find(self, device: str) -> Known | None:
        """The device, or `None`."""
        now = self._hub.clock()
        kept = self._kept.get(device)
        if kept is None or not 0 <= now - kept[0] < self.KEEP_S:
            if len(self._kept) > 100_000:
                self._kept.clear()
            kept = self._kept[device] = (now, self._read(device))
        return kept[1]

    def forget(self, device: str) -> None:
        """Ask the database again next time."""
        self._kept.pop(device, None)

    def _read(self, device: str) -> Known | None:
        row = tables.device
        with self._hub.engine.connect() as connection:
            found = connection.execute(
                select(row, select(tables.site.c.name).scalar_subquery().label("site")).where(
                    row.c.device == device,
                    row.c.state.in_((ENROLLED, *GONE)),
                    row.c.hub.is_(None),  # a gate behind a venue hub speaks to that
                )
            ).first()
            if found is None:
                return None
            events = frozenset(events_of(connection, device, found.kind))
        revoked = found.state in GONE
        return Known(
            found.site,
            device,
            found.kind,
            found.name,
            found.venue,
            found.event or "",
            found.signing_key,
            revoked,
            events,
        )


def directory(hub: Hub) -> Directory:
    """The hub's directory; one for each process."""
    kept: Directory | None = hub.memory.get("directory")
    if kept is None:
        kept = hub.memory["directory"] = Directory(hub)
    return kept


__all__ = ["REFUSALS", "Caller", "Claimed", "Enrolled", "Signed", "directory", "spend"]
