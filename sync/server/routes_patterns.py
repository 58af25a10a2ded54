"""Patterns across events, for a person to judge; and who comes often to an event, with those who may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path
from pydantic import Field

from models.ids import DocumentType
from models.typed import CAN_BE_TYPED, wrong_number
from sync.contract import Problem
from sync.holding import Document
from sync.server import frequent
from sync.server.events_api import EventName
from sync.server.frequent import Exempt, Often
from sync.server.hub import Hub, hub_of
from sync.server.patterns import Pattern, look_for_patterns
from sync.server.periodic import every
from sync.server.permissions import Permission, Person, check_event
from sync.server.problems import Refused
from sync.server.routes_events import ANSWERS
from sync.server.sessions_http import PEOPLE, require

router = APIRouter(prefix="/v1", tags=["patterns"])

TheHub = Annotated[Hub, Depends(hub_of)]
Looker = Annotated[Person, Depends(require(Permission.WATCH_SEE))]
Proposer = Annotated[Person, Depends(require(Permission.WATCH_PROPOSE))]
Key = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
NO_SUCH: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No such event, or nobody exempt"}}
CLEAR_S = 3_600.0


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """Counts of days that are over are forgotten, and reviews that have run out taken back."""
    async with every(hub, "frequent_clear", CLEAR_S, frequent.clear):
        yield


@dataclass(frozen=True, slots=True)
class OftenTold:
    """Who comes more often than the rules allow, as keyed hashes, and who may."""

    often: list[Often]
    exempt: list[Exempt]


@dataclass(frozen=True, slots=True)
class ExemptBody:
    """Somebody who may come often, until a day (Unix seconds). `label` is a trade, as in "courier", and no name."""

    number: Annotated[str, Field(min_length=5, max_length=64)] = field(repr=False)
    label: Annotated[str, Field(min_length=1, max_length=frequent.LONGEST_LABEL, pattern=r"^[^\x00-\x1f\x7f]+$")]
    until: Annotated[float, Field(ge=0, le=4_102_444_800)]
    document: DocumentType = DocumentType.RESIDENT_ID


@router.get("/patterns", responses=PEOPLE)
def show_patterns(person: Looker, hub: TheHub) -> list[Pattern]:
    """What suggests scalping in the events that you see. Nothing follows from it by itself; the look is audited."""
    return look_for_patterns(hub, person)


@router.get("/admin/events/{event}/frequent", responses=ANSWERS | NO_SUCH)
def show_often(event: EventName, person: Looker, hub: TheHub) -> OftenTold:
    """Who comes more often than the event's rules allow."""
    with hub.begin() as connection:
        check_event(connection, person, event)
        return OftenTold(frequent.who_comes_often(hub, connection, event), frequent.exemptions(connection, event))


@router.post("/admin/events/{event}/frequent/exempt", status_code=201, responses=ANSWERS | NO_SUCH)
def exempt(event: EventName, body: ExemptBody, person: Proposer, hub: TheHub) -> Exempt:
    """Let somebody come as often as the work asks. Of the document only its keyed hash is kept."""
    document = read_document(body.document, body.number)
    with hub.begin() as connection:
        check_event(connection, person, event)
        return frequent.exempt(hub, connection, person.account, event, document, body.label, body.until)


@router.post("/admin/events/{event}/frequent/exempt/{key}/end", status_code=204, responses=ANSWERS | NO_SUCH)
def end_exemption(event: EventName, key: Key, person: Proposer, hub: TheHub) -> None:
    """Count the person like everybody from now on."""
    with hub.begin() as connection:
        check_event(connection, person, event)
        frequent.end_exemption(hub, connection, person.account, event, key)


def read_document(kind: DocumentType, number: str) -> Document:
    """The document. Raises `Refused`: 422, without the number."""
    number = "".join(number.split()).upper().replace("-", "")
    if kind not in CAN_BE_TYPED or wrong_number(kind, number):
        raise Refused(422, "bad_document", "expected a document with a number whose check digit agrees")
    return Document(kind, number)
