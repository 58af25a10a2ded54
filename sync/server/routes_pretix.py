"""Events sold at a pretix: link one, bring it up to date now, see how it stands and what is odd. And the rounds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Response
from pydantic import Field

from sync.contract import Problem
from sync.server import pretix_link
from sync.server.events_api import EventName, PageSize
from sync.server.hub import Hub
from sync.server.periodic import every
from sync.server.permissions import Permission, Person, check_event
from sync.server.pretix_link import NewLink, Standing, Work
from sync.server.pretix_round import Round, do_due_rounds, do_round
from sync.server.problems import Refused
from sync.server.routes_events import ANSWERS, Organiser, TheHub, Watcher
from sync.server.sessions_http import require
from sync.sources.pretix_client import (
    DEVICE,
    TOKEN,
    Access,
    Pretix,
    PretixDenied,
    PretixFailed,
    checked_url,
    enrol,
)
from sync.sources.pretix_reading import Reading

LOOK_S = 5.0
"""So often it is looked whose round is due."""

router = APIRouter(prefix="/v1/admin/events/{event}/pretix", tags=["pretix"])

TicketKeeper = Annotated[Person, Depends(require(Permission.TICKETS_MANAGE))]
FROM_PRETIX: dict[int | str, dict[str, Any]] = ANSWERS | {
    502: {"model": Problem, "description": "Pretix was not reached, or did not take the credential"}
}
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,50}$")]
Key = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
Serial = Annotated[int, Field(ge=1, le=2**63 - 1)]
Url = Annotated[str, Field(max_length=200, pattern=r"^https?://[\x21-\x7e]+$")]


@dataclass(frozen=True, slots=True)
class LinkBody:
    """A link to pretix. `device_code` is the initialisation token of a device there; else `api_token` of a team."""

    base_url: Url
    organizer: Slug
    pretix_event: Slug
    check_in_list: Serial
    device_code: Annotated[str, Field(max_length=190)] = field(default="", repr=False)
    api_token: Annotated[str, Field(max_length=190, pattern=r"^[A-Za-z0-9]*$")] = field(default="", repr=False)
    subevent: Serial | None = None
    gate_lists: dict[Annotated[str, Field(max_length=64)], Serial] = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)
    period_s: Annotated[float, Field(ge=5, le=86_400)] = 30.0


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """The rounds of all links, as often as each wants them."""
    async with every(hub, "pretix", LOOK_S, do_due_rounds):
        yield


@router.put("", responses=FROM_PRETIX)
def link(event: EventName, body: LinkBody, person: Organiser, hub: TheHub) -> Standing:
    """Link the event to one at pretix. The credential is tried, then sealed; nobody sees it again."""
    with hub.begin() as connection:
        check_event(connection, person, event)
    access = _access(body)
    with hub.begin() as connection:
        new = NewLink(access, body.check_in_list, body.reading, body.subevent, body.gate_lists, body.period_s)
        pretix_link.make_link(hub, connection, person.account, event, new)
        return pretix_link.standing(connection, event)


@router.get("", responses=ANSWERS)
def show_link(event: EventName, person: Watcher, hub: TheHub) -> Standing:
    """How the link stands."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        return pretix_link.standing(connection, event)


@router.delete("", status_code=204, responses=ANSWERS)
def unlink(event: EventName, person: Organiser, hub: TheHub) -> Response:
    """Forget the link and its credential; the tickets stay as they are."""
    with hub.begin() as connection:
        check_event(connection, person, event)
        pretix_link.remove_link(hub, connection, person.account, event)
    return Response(status_code=204)


@router.post("/round", responses=ANSWERS)
def bring_up_to_date(event: EventName, person: TicketKeeper, hub: TheHub) -> Round:
    """Take in what changed at pretix and tell it who passed, now. What did not happen is in `trouble`."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
    return do_round(hub, event)


@router.get("/work", responses=ANSWERS)
def show_work(event: EventName, person: Watcher, hub: TheHub, limit: PageSize = 100) -> list[Work]:
    """What people have to settle: positions without a ticket, portraits that won't do, check-ins refused at pretix."""
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        return pretix_link.work_list(connection, event, limit)


def _access(body: LinkBody) -> Access:
    """The credential, seen to work. Raises `Refused`: 422, 502."""
    if bool(body.device_code) == bool(body.api_token):
        raise Refused(422, "one_credential", "a link needs a device_code or an api_token, and not both")
    try:
        base_url = checked_url(body.base_url)
    except PretixFailed as error:
        raise Refused(422, "bad_address", str(error)) from None
    try:
        if body.device_code:  # which is spent by this, so nothing may fail afterwards
            token = enrol(base_url, body.device_code).api_token
            return Access(base_url, body.organizer, body.pretix_event, DEVICE, token)
        access = Access(base_url, body.organizer, body.pretix_event, TOKEN, body.api_token)
        with Pretix(access) as pretix:
            pretix.items()
        return access
    except PretixDenied as error:
        raise Refused(502, "pretix_denied", str(error)) from None
    except PretixFailed as error:
        raise Refused(502, "pretix_failed", str(error)) from None
