"""`POST /v1/gate/claims`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request

from sync.contract import ClaimAnswers, ClaimBatch, Problem
from sync.server.claims import LARGEST_BATCH, Asked, ClaimDesk
from sync.server.devices import REFUSALS, Enrolled
from sync.server.hub import Hub
from sync.server.problems import Refused

router = APIRouter(prefix="/v1/gate", tags=["device"])


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """One desk for each process."""
    app.state.claim_desk = ClaimDesk(hub)
    yield


def _desk(request: Request) -> ClaimDesk:
    desk: ClaimDesk = request.app.state.claim_desk
    return desk


@router.post("/claims", responses=REFUSALS | {413: {"model": Problem, "description": "Too many claims in one request"}})
async def claim(batch: ClaimBatch, caller: Enrolled, desk: Annotated[ClaimDesk, Depends(_desk)]) -> ClaimAnswers:
    """Take tickets for the persons who stand at the gates now; repeated, the same claims get the same answers."""
    if len(batch.claims) > LARGEST_BATCH:
        raise Refused(413, "too_many_claims", f"at most {LARGEST_BATCH} claims go into one request")
    through_hub = caller.kind == "hub"
    asked = [
        Asked(one if through_hub and one.gate else replace(one, gate=caller.name), caller.device)
        for one in batch.claims
    ]
    return ClaimAnswers(tuple(await desk.ask(asked)))
