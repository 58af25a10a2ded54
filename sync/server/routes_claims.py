"""`POST /v1/gate/claims`: the one request that a visitor waits for, so it goes by the shortest way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import APIRouter, FastAPI, Request, Response

from models.wire import WireError, from_json, to_json
from sync.contract import ClaimAnswers, ClaimBatch, Problem
from sync.server.claims import LARGEST_BATCH, Asked, ClaimDesk
from sync.server.devices import REFUSALS, enrolled, signed
from sync.server.documented import body_of
from sync.server.hub import Hub
from sync.server.hub_gates import of_gates
from sync.server.problems import Refused
from sync.server.upstream import Beyond

router = APIRouter(prefix="/v1/gate", tags=["device"])


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """One desk for each process."""
    app.state.claim_desk = ClaimDesk(hub)
    yield


@router.post(
    "/claims",
    response_model=ClaimAnswers,
    responses=REFUSALS
    | {
        413: {"model": Problem, "description": "Too many claims in one request"},
        422: {"model": Problem, "description": "Not a batch of claims"},
    },
    openapi_extra=body_of(ClaimBatch, claims=LARGEST_BATCH),  # read by `models.wire`, which takes less long
)
async def claim(request: Request) -> Response:
    """Take tickets for the persons who stand at the gates now; repeated, the same claims get the same answers."""
    caller = await enrolled(await signed(request))
    try:
        batch = from_json(ClaimBatch, await request.body())
    except WireError as error:
        raise Refused(422, "not_as_documented", str(error)) from None
    if len(batch.claims) > LARGEST_BATCH:
        raise Refused(413, "too_many_claims", f"at most {LARGEST_BATCH} claims go into one request")
    asked = [Asked(replace(one, gate=caller.name), caller.device) for one in batch.claims]
    if caller.kind == "hub":
        asked = await asyncio.to_thread(of_gates, request.app.state.hub, caller, batch.claims)
    desk: ClaimDesk = request.app.state.claim_desk
    answers = await desk.ask(asked)
    beyond: Beyond | None = getattr(request.app.state, "beyond", None)
    if beyond is not None:
        answers = await beyond.complete([one.claim for one in asked], answers)
    return Response(to_json(ClaimAnswers(tuple(answers))), media_type="application/json")


SHORT = {("POST", "/v1/gate/claims"): claim}
