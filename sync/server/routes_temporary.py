"""Temporary numbers, issued by a supervisor for a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from sync.server.events_api import EventName
from sync.server.permissions import Permission, Person, check_event
from sync.server.qr import svg
from sync.server.routes_events import ANSWERS, TheHub
from sync.server.sessions_http import require
from sync.server.temporary import Wish, issue_temporary

router = APIRouter(prefix="/v1/admin/events/{event}/temporary", tags=["tickets"])

Issuer = Annotated[Person, Depends(require(Permission.TEMPORARY_ISSUE))]
Line = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


@dataclass(frozen=True, slots=True)
class WishBody:
    """For whom: the appointment `ticket`, or a new one; and why there is no document."""

    why: Annotated[str, Field(min_length=3, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    ticket: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    name: Line = field(default="", repr=False)
    department: Line = ""
    way: Line = ""


@dataclass(frozen=True, slots=True)
class SlipTold:
    """What is handed out, once. `day`: the day on which it is good, ISO; `qr`: the code as an SVG."""

    ticket: str
    number: str
    code: str
    qr: str
    day: str


@router.post("", status_code=201, responses=ANSWERS)
def issue(event: EventName, body: WishBody, person: Issuer, hub: TheHub) -> SlipTold:
    """A number for somebody without a document, good today at every entrance."""
    wish = Wish(body.why, body.ticket, body.name, body.department, body.way)
    with hub.begin() as connection:
        check_event(connection, person, event)
        slip = issue_temporary(hub, connection, person.account, event, wish)
    return SlipTold(slip.ticket, slip.number, slip.code, svg(slip.code), slip.day.isoformat())
