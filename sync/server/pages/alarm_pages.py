"""Alarms: what goes on, what somebody has to take notice of, and what is over."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from sync.server.alarms import list_alarms, take_notice
from sync.server.pages.page_route import Fields, PageRoute, TheHub, go, text
from sync.server.pages.render import page
from sync.server.permissions import Permission, Person
from sync.server.sessions_http import require

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Looker = Annotated[Person, Depends(require(Permission.DEVICES_SEE))]
Keeper = Annotated[Person, Depends(require(Permission.DEVICES_MANAGE))]
SHOWN_CLOSED = 50


@router.get("/alarms")
def alarms(request: Request, hub: TheHub, person: Looker) -> Response:
    """The list."""
    with hub.engine.connect() as connection:
        open_ones, closed = list_alarms(connection, person), list_alarms(connection, person, closed=True)
    return page(request, "alarms.html", person, open=open_ones, closed=closed[:SHOWN_CLOSED])


@router.get("/alarms/live")
def alarms_live(request: Request, hub: TheHub, person: Looker) -> Response:
    """The part of the page that keeps itself fresh."""
    with hub.engine.connect() as connection:
        return page(request, "alarms_live.html", person, open=list_alarms(connection, person))


@router.post("/alarms/{alarm}")
def notice(hub: TheHub, person: Keeper, alarm: int, fields: Fields) -> Response:
    """Take notice of one."""
    with hub.begin() as connection:
        take_notice(hub, connection, person, alarm, text(fields, "words", 500))
    return go("/alarms")
