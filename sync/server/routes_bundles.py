"""`GET /v1/gate/bundles/{event}/{version}`: a bundle's bytes from the disk, whole or from where a connection broke."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path
from fastapi.responses import FileResponse

from sync.contract import Problem
from sync.server.clearing import PERIOD_S, clear
from sync.server.devices import REFUSALS, Enrolled
from sync.server.hub import Hub, hub_of
from sync.server.periodic import every
from sync.server.shelf import bundle_for

router = APIRouter(prefix="/v1/gate", tags=["device"])
MEDIA_TYPE = "application/octet-stream"

_BYTES: dict[str, Any] = {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
_ANSWERS: dict[int | str, dict[str, Any]] = REFUSALS | {
    200: _BYTES | {"description": "All of it"},
    206: _BYTES | {"description": "The range that was asked for"},
    400: {"content": {"text/plain": {}}, "description": "A range that is none"},
    403: {"model": Problem, "description": "The device does not serve this event"},
    404: {"model": Problem, "description": "No such bundle"},
    416: {"content": {"text/plain": {}}, "description": "The bundle is shorter than that"},
}


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """Old bundles go once an hour."""
    async with every(hub, "clear_bundles", PERIOD_S, clear):
        yield


@router.get("/bundles/{event}/{version}", response_class=FileResponse, responses=_ANSWERS)
def bundle(
    event: str,
    version: Annotated[int, Path(ge=1, le=2**63 - 1)],
    caller: Enrolled,
    hub: Annotated[Hub, Depends(hub_of)],
) -> FileResponse:
    """The bundle's bytes. `Range` goes on with what was begun, `If-Range` with the `ETag` makes sure it is the same."""
    with hub.engine.connect() as connection:
        found = bundle_for(hub, connection, caller, event, version)
    return FileResponse(found.path, media_type=MEDIA_TYPE, headers={"ETag": found.tag})
