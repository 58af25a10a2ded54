"""`POST /v1/gate/contact` and `GET /v1/gate/doorbell`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import StreamingResponse

from sync.contract import Contact, Standing
from sync.server.contact import meet
from sync.server.devices import REFUSALS, Enrolled, Signed, spend
from sync.server.doorbell import Doorbell, ringing
from sync.server.hub import Hub, hub_of

router = APIRouter(prefix="/v1/gate", tags=["device"])


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """One bell for each process."""
    async with ringing(hub) as bell:
        app.state.doorbell = bell
        yield


@router.post("/contact", responses=REFUSALS)
def contact(told: Contact, caller: Signed, hub: Annotated[Hub, Depends(hub_of)]) -> Standing:
    """A device tells how it is and learns what is wanted of it. A revoked one learns that it has to wipe."""
    with hub.begin() as connection:
        spend(connection, caller)
        return meet(hub, connection, caller, told)


@router.get(
    "/doorbell",
    response_class=StreamingResponse,
    responses=REFUSALS | {200: {"content": {"text/event-stream": {}}, "description": "A ring for every change"}},
)
async def doorbell(
    caller: Enrolled, request: Request, cursor: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0
) -> StreamingResponse:
    """Server-sent events: `ring` with the new cursor; a comment every 15 seconds as a sign of life."""
    bell: Doorbell = request.app.state.doorbell
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(bell, caller.device, cursor), media_type="text/event-stream", headers=headers)


async def _events(bell: Doorbell, device: str, cursor: int) -> AsyncIterator[bytes]:
    yield b": here\n\n"
    async for ring in bell.rings(device, cursor):
        yield b": here\n\n" if ring is None else b'event: ring\ndata: {"cursor":%d}\n\n' % ring
