"""`GET /v1/gate/watch`: the list of persons, page by page, for the gates that are to hold it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import select

from sync.server import tables
from sync.server.devices import REFUSALS, Enrolled
from sync.server.hub import Hub, hub_of
from sync.server.watch_feed import gates_page

router = APIRouter(prefix="/v1/gate", tags=["device"])
MEDIA_TYPE = "application/octet-stream"

PAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "description": "A signed page, and the keys to it",
    }
}


@router.get("/watch", response_class=Response, responses=REFUSALS | PAGE)
def watch(
    caller: Enrolled, hub: Annotated[Hub, Depends(hub_of)], after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0
) -> Response:
    """What changed after revision `after`; with 0, or one that is not known here, all of the list."""
    row = tables.device.c
    with hub.begin() as connection:
        key = connection.execute(select(row.device_key).where(row.device == caller.device)).scalar_one()
        return Response(gates_page(hub, connection, key, after), media_type=MEDIA_TYPE)
