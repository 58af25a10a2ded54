"""`PUT /v1/hub/gates` and `GET /v1/hub/claims/{event}`; and, at a venue hub, what it does for its centre."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query

from sync.contract import Problem
from sync.contract_hub import HeldClaims, HubGates, HubStanding
from sync.server.devices import REFUSALS, Enrolled, spend
from sync.server.hub import Hub, hub_of
from sync.server.hub_gates import meet_hub
from sync.server.leases import claims_of
from sync.server.upstream import towards_the_centre

router = APIRouter(prefix="/v1/hub", tags=["device"])
_ANSWERS: dict[int | str, dict[str, Any]] = REFUSALS | {
    403: {"model": Problem, "description": "No venue hub, or not its event"},
    413: {"model": Problem, "description": "Too many gates"},
    422: {"model": Problem, "description": "Keys or names that are none"},
}


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """A venue hub works for its centre for as long as it runs; a centre has none."""
    async with towards_the_centre(hub) as beyond:
        app.state.beyond = beyond
        yield


@router.put("/gates", responses=_ANSWERS)
def hub_gates(told: HubGates, caller: Enrolled, hub: Annotated[Hub, Depends(hub_of)]) -> HubStanding:
    """A venue hub tells of all its gates, and learns what they and it are to do."""
    with hub.begin() as connection:
        spend(connection, caller)
        return meet_hub(hub, connection, caller, told)


@router.get("/claims/{event}", responses=_ANSWERS)
def held_claims(
    event: str,
    caller: Enrolled,
    hub: Annotated[Hub, Depends(hub_of)],
    after: Annotated[str, Query(max_length=400)] = "",
) -> HeldClaims:
    """The tickets in use, for the hub that takes an event over: a page, in order, beyond the ticket `after`."""
    with hub.engine.connect() as connection:
        return claims_of(connection, caller.device, event, after)
