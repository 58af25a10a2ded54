"""Alarms over the API: what goes on, and that somebody has seen it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path
from pydantic import Field

from sync.contract import Problem
from sync.server.alarms import PERIOD_S, AlarmLine, list_alarms, look, take_notice
from sync.server.hub import Hub, hub_of
from sync.server.periodic import every
from sync.server.permissions import Permission, Person
from sync.server.sessions_http import PEOPLE, require

router = APIRouter(prefix="/v1/admin", tags=["alarms"])

ANSWERS: dict[int | str, dict[str, Any]] = PEOPLE | {
    404: {"model": Problem, "description": "No such alarm that is yours to see, or somebody has taken notice"},
    422: {"model": Problem, "description": "Not as documented"},
}


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """Look for alarms while the program runs."""
    async with every(hub, "alarms", PERIOD_S, look):
        yield


@dataclass(frozen=True, slots=True)
class Notice:
    """What there is to add."""

    words: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""


@router.get("/alarms", responses=PEOPLE)
def alarms(
    person: Annotated[Person, Depends(require(Permission.DEVICES_SEE))],
    hub: Annotated[Hub, Depends(hub_of)],
    closed: bool = False,
) -> list[AlarmLine]:
    """What goes on or was not noticed yet; with `closed` what is over and was noticed. The newest first."""
    with hub.engine.connect() as connection:
        return list_alarms(connection, person, closed=closed)


@router.post("/alarms/{alarm}/notice", status_code=204, responses=ANSWERS)
def notice(
    alarm: Annotated[int, Path(ge=1, le=2**63 - 1)],
    body: Notice,
    person: Annotated[Person, Depends(require(Permission.DEVICES_MANAGE))],
    hub: Annotated[Hub, Depends(hub_of)],
) -> None:
    """Say that somebody has seen it and sees to it."""
    with hub.begin() as connection:
        take_notice(hub, connection, person, alarm, body.words)
