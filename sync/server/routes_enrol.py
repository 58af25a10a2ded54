"""`POST /v1/enrol`, `POST /v1/gate/renew`, and what people do with devices."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from sync.contract import Enrolled, EnrolRequest, Problem, RenewRequest
from sync.server.attempts import TOO_MANY
from sync.server.devices import REFUSALS, spend
from sync.server.devices import Enrolled as EnrolledCaller
from sync.server.enrolment import enrol, renew
from sync.server.hub import Hub, hub_of

router = APIRouter(prefix="/v1", tags=["device"])
LARGEST_BODIES = {"/v1/enrol": 16_384, "/v1/gate/renew": 16_384}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    403: {"model": Problem, "description": "The code is wrong, used or old"},
    404: {"model": Problem, "description": "The device to be replaced is gone"},
    409: {"model": Problem, "description": "The name or the key is taken, or the code was made for another name"},
    422: {"model": Problem, "description": "Keys or names that are none"},
}


def address_of(request: Request) -> str:
    """Where a request comes from, as the socket says; headers say what they like."""
    return request.client.host if request.client else ""


@router.post("/enrol", responses=_ANSWERS | TOO_MANY)
def enrol_device(body: EnrolRequest, request: Request, hub: Annotated[Hub, Depends(hub_of)]) -> Enrolled:
    """A box with a one-time code becomes a device of this site."""
    return enrol(hub, body, address_of(request))


@router.post("/gate/renew", responses=REFUSALS | {422: _ANSWERS[422]})
def renew_keys(body: RenewRequest, caller: EnrolledCaller, hub: Annotated[Hub, Depends(hub_of)]) -> Enrolled:
    """New keys for a device; signed with its old one."""
    with hub.begin() as connection:
        spend(connection, caller)
        return renew(hub, connection, caller, body)
