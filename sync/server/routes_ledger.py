"""`POST /v1/gate/ledger`, and the same through a venue hub."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request
from sqlalchemy import select

from models.wire import WireError, from_json
from sync.contract import LedgerBatch, LedgerReceipt, Problem
from sync.server import tables
from sync.server.devices import REFUSALS, Enrolled, spend
from sync.server.documented import body_of
from sync.server.hub import Hub, hub_of
from sync.server.ingest import LARGEST_BATCH, Forked, keep_fork, take
from sync.server.problems import Refused

router = APIRouter(prefix="/v1", tags=["device"])
_ANSWERS: dict[int | str, dict[str, Any]] = REFUSALS | {
    404: {"model": Problem, "description": "No such gate behind this hub"},
    422: {"model": Problem, "description": "The lines are not what they say they are"},
}


# The body is read by `models.wire` and not by the framework, which takes ten times as long.
_ASKED = body_of(LedgerBatch, lines=LARGEST_BATCH)


async def _sent(request: Request) -> LedgerBatch:
    try:
        return from_json(LedgerBatch, await request.body())
    except WireError as error:
        raise Refused(422, "not_as_documented", str(error)) from None


Sent: TypeAlias = Annotated[LedgerBatch, Depends(_sent)]


@router.post("/gate/ledger", responses=_ANSWERS, openapi_extra=_ASKED)
def gate_ledger(batch: Sent, caller: Enrolled, hub: Annotated[Hub, Depends(hub_of)]) -> LedgerReceipt:
    """Hold a gate's own lines. Lines that are held already are let pass."""
    return _take(hub, caller, caller.device, caller.name, batch)


@router.post("/hub/ledger", responses=_ANSWERS, openapi_extra=_ASKED)
def hub_ledger(batch: Sent, caller: Enrolled, hub: Annotated[Hub, Depends(hub_of)]) -> LedgerReceipt:
    """Hold the lines of the gate `device`, which a venue hub passes on; the gate's own seals prove them."""
    device = tables.device
    with hub.engine.connect() as connection:
        gate = connection.execute(
            select(device.c.name).where(device.c.device == batch.device, device.c.hub == caller.device)
        ).scalar()
    if gate is None:
        raise Refused(404, "no_such_gate", "the hub has told of no such gate: tell its gates first")
    return _take(hub, caller, batch.device, gate, batch)


def _take(hub: Hub, caller: Enrolled, device: str, gate: str, batch: LedgerBatch) -> LedgerReceipt:
    try:
        with hub.begin() as connection:
            spend(connection, caller)
            return take(hub, connection, device, gate, batch)
    except Forked as fork:
        with hub.begin() as connection:
            refused = keep_fork(hub, connection, fork)
        raise refused from None
