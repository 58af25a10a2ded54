"""What partners ask of this site: `/v1/partner/…`, each request signed with the key of the card that was entered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Connection, Row, select, update
from starlette.concurrency import run_in_threadpool

from sync.contract import Problem
from sync.contract_partner import EntrustedEntries, HitCounts, Receipts, Taken
from sync.server import partner_entrusted, partner_receipts
from sync.server.database import reading
from sync.server.doorbell import Doorbell
from sync.server.hub import Hub, hub_of
from sync.server.partner_shares import partners_page
from sync.server.partner_work import with_partners
from sync.server.partners import ENDED, ENTERED, TRUSTED, bell_of, note_trouble
from sync.server.problems import Refused
from sync.server.routes_watch_feed import MEDIA_TYPE, PAGE
from sync.server.site import site_name
from sync.server.watch_tables import watch_partner
from sync.signing import NotSigned, claimed_by, verify

router = APIRouter(prefix="/v1/partner", tags=["partner"])
LARGEST_BODIES = {"/v1/partner/entries": 48 << 20, "/v1/partner": 1 << 20}

REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "Not signed by a partner that is trusted here"},
    403: {"model": Problem, "description": "The partnership is over, or this was not agreed"},
    409: {"model": Problem, "description": "Replayed"},
}


@dataclass(frozen=True, slots=True)
class Asker:
    """A partner whose signature was good."""

    partner: str
    state: str
    number: int


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """One worker of the server keeps the lines to all partners."""
    async with with_partners(hub):
        yield


async def signed(request: Request) -> Asker:
    """The partner that signed `request`, trusted or ended. Raises `Refused`: 401."""
    hub, scope = hub_of(request), request.scope
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    target = (path + b"?" + scope["query_string"] if scope["query_string"] else path).decode("latin-1")
    try:
        claimed = claimed_by(request.headers)
        ours, row = await run_in_threadpool(_known, hub, claimed.device)
        if row is None or row.state == ENTERED or claimed.site != ours:
            raise NotSigned("no such partner is trusted at this site: compare the fingerprints first")
        verify(claimed, row.issuer_key, scope["method"], target, await request.body())
    except NotSigned as error:
        raise Refused(401, "not_signed", str(error)) from None
    return Asker(row.partner, row.state, claimed.number)


async def trusted(asker: Annotated[Asker, Depends(signed)]) -> Asker:
    """As `signed`, and the partnership stands. Raises `Refused`: 403."""
    if asker.state == ENDED:
        raise Refused(403, "partner_ended", "this partnership is over: let go of what was shared")
    return asker


def _known(hub: Hub, partner: str) -> tuple[str, Row[Any] | None]:
    with reading(hub.engine) as connection:
        asked = select(watch_partner).where(watch_partner.c.partner == partner)
        return site_name(connection), connection.execute(asked).first()


Signed: TypeAlias = Annotated[Asker, Depends(signed)]
Trusted: TypeAlias = Annotated[Asker, Depends(trusted)]
TheHub = Annotated[Hub, Depends(hub_of)]


@contextmanager
def _spent(hub: Hub, asker: Asker) -> Iterator[tuple[Connection, Row[Any]]]:
    """A transaction that takes the request's number, which no other may bear again. Raises `Refused`: 409."""
    row = watch_partner.c
    with hub.begin() as connection:
        mine = update(watch_partner).where(row.partner == asker.partner, row.last_number < asker.number)
        spent = mine.values(last_number=asker.number, last_contact_at=hub.clock()).returning(watch_partner)
        found = connection.execute(spent).first()
        if found is None:
            raise Refused(409, "replayed", "a request with this number was taken already: sign it anew")
        yield connection, found


@router.get("/watch", response_class=Response, responses=REFUSALS | PAGE)
def watch(asker: Trusted, hub: TheHub, after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0) -> Response:
    """What changed after revision `after` in the copy of our list that is made for this partner."""
    with hub.begin() as connection:
        row = watch_partner.c
        met = update(watch_partner).where(row.partner == asker.partner)
        connection.execute(met.values(last_contact_at=hub.clock()))
        return Response(partners_page(hub, connection, asker.partner, after), media_type=MEDIA_TYPE)


@router.get(
    "/doorbell",
    response_class=StreamingResponse,
    responses=REFUSALS | {200: {"content": {"text/event-stream": {}}, "description": "A ring for every change"}},
)
async def doorbell(
    asker: Trusted, request: Request, cursor: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0
) -> StreamingResponse:
    """As for gates: `ring` with the new cursor; a comment every 15 seconds as a sign of life."""
    bell: Doorbell = request.app.state.doorbell
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_rings(bell, asker.partner, cursor), media_type="text/event-stream", headers=headers)


@router.post("/hits", responses=REFUSALS)
def hits(told: HitCounts, asker: Trusted, hub: TheHub) -> Taken:
    """How often our entries were met at the partner's gates: the numbers, nobody's name."""
    with _spent(hub, asker) as (connection, row):
        return Taken(partner_receipts.take_counts(connection, row.partner, told))


@router.post("/receipts", responses=REFUSALS)
def receipts(told: Receipts, asker: Signed, hub: TheHub) -> Taken:
    """No gate of the partner's holds these any more; also after the partnership is over."""
    with _spent(hub, asker) as (connection, row):
        return Taken(partner_receipts.take_receipts(connection, row.partner, row.issuer_key, told))


@router.post("/entries", responses=REFUSALS)
def entries(told: EntrustedEntries, asker: Trusted, hub: TheHub) -> Taken:
    """The partner puts its own entries on our list, or takes them off again."""
    with _spent(hub, asker) as (connection, row):
        if row.state != TRUSTED or not row.may_entrust:
            raise Refused(403, "not_agreed", "this site keeps no entries for yours: agree on it first")
        taken, left = partner_entrusted.take_entrusted(hub, connection, row, told)
        if left:
            note_trouble(connection, row.partner, f"{left} of the entries that it entrusted to us were not taken")
        return Taken(taken)


async def _rings(bell: Doorbell, partner: str, cursor: int) -> AsyncIterator[bytes]:
    yield b": here\n\n"
    async for ring in bell.rings(bell_of(partner), cursor):
        yield b": here\n\n" if ring is None else b'event: ring\ndata: {"cursor":%d}\n\n' % ring
