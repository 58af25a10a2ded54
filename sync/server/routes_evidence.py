"""Evidence handed out: a case with its proofs for police or a court, a dispute for the ticket's holder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from sync.contract import Problem
from sync.server.events_api import EventName, Line
from sync.server.evidence import LONGEST_WHY, Handed, export, for_visitor
from sync.server.hub import Hub, hub_of
from sync.server.pages.words import LANGUAGES, words_in
from sync.server.permissions import Permission, Person
from sync.server.sessions_http import PEOPLE, require

router = APIRouter(prefix="/v1/admin", tags=["evidence"])

TheHub = Annotated[Hub, Depends(hub_of)]
Exporter = Annotated[Person, Depends(require(Permission.EVIDENCE_EXPORT))]
Settler = Annotated[Person, Depends(require(Permission.CONFLICTS_SETTLE))]
Why = Annotated[str, Field(max_length=LONGEST_WHY, pattern=r"^[^\x00]*$")]
ANSWERS: dict[int | str, dict[str, Any]] = PEOPLE | {
    200: {"content": {"application/zip": {}, "application/octet-stream": {}}, "description": "The evidence file"},
    404: {"model": Problem, "description": "No such case that is yours to see"},
    422: {"model": Problem, "description": "Not as documented, or without a reason"},
}


@dataclass(frozen=True, slots=True)
class Wish:
    """`case` is `ticket:EVENT/TICKET` or `entry:ENTRY`; `receiver` a raw X25519 key in hexadecimal, or empty."""

    case: Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
    why: Why
    receiver: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    with_person: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why it is handed out."""

    why: Why


@router.post("/evidence", responses=ANSWERS, response_class=Response)
def export_case(wish: Wish, person: Exporter, hub: TheHub) -> Response:
    """A case as one file that proves itself; sealed for a receiver where one is named."""
    receiver = bytes.fromhex(wish.receiver)
    return as_file(export(hub, person, wish.case, wish.why, receiver=receiver, with_person=wish.with_person))


@router.post("/events/{event}/tickets/{ticket}/dispute-report", responses=ANSWERS, response_class=Response)
def report_dispute(event: EventName, ticket: Line, body: Reason, person: Settler, hub: TheHub) -> Response:
    """What happened to one ticket, for its holder: in words and with proof, others' data left out."""
    return as_file(for_visitor(hub, person, event, ticket, body.why, [words_in(one) for one in LANGUAGES]))


def as_file(handed: Handed) -> Response:
    """The file as a download."""
    sealed = not handed.content.startswith(b"PK")
    name, kind = ("evidence.sealed", "application/octet-stream") if sealed else ("evidence.zip", "application/zip")
    headers = {"content-disposition": f'attachment; filename="{name}"', "menshen-sha256": handed.sha256}
    return Response(handed.content, media_type=kind, headers=headers)
