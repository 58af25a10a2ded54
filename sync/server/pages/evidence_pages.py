"""The evidence page: a case becomes a file, with who asked and why in the audit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from sync.server.evidence import export, for_visitor
from sync.server.pages.page_route import Fields, PageRoute, TheHub, reason, text
from sync.server.pages.render import page
from sync.server.pages.words import LANGUAGES, words_in
from sync.server.permissions import Permission, Person
from sync.server.problems import Refused
from sync.server.routes_evidence import as_file
from sync.server.sessions_http import require

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Exporter = Annotated[Person, Depends(require(Permission.EVIDENCE_EXPORT))]
Settler = Annotated[Person, Depends(require(Permission.CONFLICTS_SETTLE))]


@router.get("/evidence")
def form(request: Request, hub: TheHub, person: Exporter, case: str = "") -> Response:
    """What is to be handed out, why, and for whom."""
    key = hub.issuer_key.public_key().public_bytes_raw().hex()
    return page(request, "evidence.html", person, case=case, key=key)


@router.post("/evidence")
def hand_out(hub: TheHub, person: Exporter, fields: Fields) -> Response:
    """The file."""
    case, why, receiver = text(fields, "case", 300), reason(fields), text(fields, "receiver", 64)
    try:
        key = bytes.fromhex(receiver)
    except ValueError:
        key = b"?"
    if len(key) not in (0, 32):
        raise Refused(422, "bad_field", "receiver: 64 hexadecimal digits, as gatectl evidence key prints them")
    with_person = fields.get("with_person") == "yes"
    return as_file(export(hub, person, case, why, receiver=key, with_person=with_person))


@router.post("/events/{event}/ticket/report")
def for_the_holder(hub: TheHub, person: Settler, event: str, fields: Fields) -> Response:
    """The report for a ticket's holder."""
    languages = [words_in(language) for language in LANGUAGES]
    return as_file(for_visitor(hub, person, event, text(fields, "name", 64), reason(fields), languages))
