"""Disputes: the work list of conflicts, and whose seat it is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from sync.server.conflict_desk import reopen_conflict, seat_check
from sync.server.conflicts import Finding, list_conflicts, settle_conflict
from sync.server.pages.event_pages import shown
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, reason, text
from sync.server.pages.render import page
from sync.server.permissions import Permission, Person, check_event
from sync.server.problems import Refused
from sync.server.sessions_http import require

router = APIRouter(prefix="/events/{event}", route_class=PageRoute, include_in_schema=False)

Looker = Annotated[Person, Depends(require(Permission.CONFLICTS_SEE))]
Settler = Annotated[Person, Depends(require(Permission.CONFLICTS_SETTLE))]
SHOWN_CHECKS = 50
"""So many of the open conflicts show the seat at once; of the others it is a click away."""


@router.get("/conflicts")
def conflicts(request: Request, hub: TheHub, person: Looker, event: str) -> Response:
    """What waits for a finding, and what was found."""
    with hub.engine.connect() as connection:
        head = shown(connection, person, event)
        lists: dict[str, Any] = {"open": list_conflicts(connection, event, is_open=True)}
        lists["closed"] = list_conflicts(connection, event, is_open=False)
        names = dict.fromkeys(one.ticket for one in lists["open"][:SHOWN_CHECKS])
        checks = {name: seat_check(connection, event, name) for name in names}
    findings = [one.value for one in Finding]
    return page(request, "conflicts.html", **head, **lists, checks=checks, tab="conflicts", findings=findings)


@router.post("/conflicts/{conflict}")
def settle(hub: TheHub, person: Settler, event: str, conflict: int, fields: Fields) -> Response:
    """Close one."""
    with hub.begin() as connection:
        check_event(connection, person, event)
        finding, words = text(fields, "finding", 64), text(fields, "words", 500)
        settle_conflict(hub, connection, person.account, event, conflict, finding, words)
    return go(address("events", event, "conflicts"))


@router.post("/conflicts/{conflict}/reopen")
def reopen(hub: TheHub, person: Settler, event: str, conflict: int, fields: Fields) -> Response:
    """Take one up once more."""
    why = reason(fields)
    with hub.begin() as connection:
        check_event(connection, person, event)
        reopen_conflict(hub, connection, person.account, event, conflict, why)
    return go(address("events", event, "conflicts"))


@router.get("/seat")
def seat(request: Request, hub: TheHub, person: Looker, event: str, ticket: str = "") -> Response:
    """For whoever stands before the seat: whose it is, and who passed a gate first."""
    name, check = ticket.strip()[:64], None
    with hub.engine.connect() as connection:
        head = shown(connection, person, event)
        try:
            check = seat_check(connection, event, name) if name and name.isprintable() else None
        except Refused as refused:
            if refused.code != "no_such_ticket":
                raise
    missing = bool(name) and check is None
    return page(request, "seat.html", **head, tab="conflicts", ticket=name, check=check, missing=missing)
