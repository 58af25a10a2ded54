"""Lists of persons: what there is, and the form that puts somebody up."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, select
from starlette.datastructures import FormData, UploadFile

from models.ids import DocumentType
from models.watch import WatchAction, WatchPurpose, WatchState
from sync.holding import Document
from sync.server import tables, watch_entries, watch_evidence, watch_look
from sync.server.hub import Hub
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, text
from sync.server.pages.render import page
from sync.server.pages.watch_days import first_moment, last_moment
from sync.server.permissions import Permission, Person
from sync.server.problems import Refused
from sync.server.sessions_http import require
from sync.server.site import site_name
from sync.server.watch_look import Wanted
from sync.server.watch_rules import DAY_S, LONGEST_TERM_S, Proposal

router = APIRouter(prefix="/watch", route_class=PageRoute, include_in_schema=False)

Looker = Annotated[Person, Depends(require(Permission.WATCH_SEE))]
Proposer = Annotated[Person, Depends(require(Permission.WATCH_PROPOSE))]
SHOWN = 100
LINES = ("document", "number", "purpose", "action", "owner", "appeal", "legal_basis", "evidence", "valid_from")
SAID = (*LINES, "valid_to", "entrances", "sites")
PURPOSES, ACTIONS = [one.value for one in WatchPurpose], [one.value for one in WatchAction]
DOCUMENTS = [one.value for one in DocumentType if one not in (DocumentType.TICKET_CODE, DocumentType.CARD_UID)]
TO_REPAIR = ("watch_unlawful", "bad_photograph", "no_engine", "too_large", "no_file", "bad_field")
"""Refusals that are told beside the form, with what was typed."""


@router.get("")
def look(
    request: Request,
    hub: TheHub,
    person: Looker,
    state: str = "",
    purpose: str = "",
    owner: str = "",
    batch: str = "",
    skip: int = 0,
) -> Response:
    """The entries, by what is asked for."""
    wanted, skip = Wanted(state, purpose, owner, batch), min(max(skip, 0), 1_000_000)
    with hub.engine.connect() as connection:
        found = watch_look.list_entries(hub, connection, person, wanted, skip, SHOWN)
        owners = watch_look.owners(connection, person)
    asked = {"state": state, "purpose": purpose, "owner": owner, "batch": batch, "skip": str(skip + SHOWN)}
    shows: dict[str, Any] = {"found": found, "wanted": wanted, "owners": owners, "purposes": PURPOSES}
    shows |= {"states": [one.value for one in WatchState], "tab": "list"}
    return page(request, "watch.html", person, **shows, more=urlencode(asked) if skip + SHOWN < found.count else "")


@router.get("/propose")
def ask(request: Request, hub: TheHub, person: Proposer) -> Response:
    """The form."""
    with hub.engine.connect() as connection:
        return _form(request, person, dict.fromkeys(SAID, "") | {"owner": house(connection, person)})


@router.post("/propose")
def propose(request: Request, hub: TheHub, person: Proposer, fields: Fields) -> Response:
    """Put somebody up; what is missing is said beside the form."""
    said = {name: text(fields, name) for name in SAID}
    try:
        return go(address("watch", "entry", _propose(hub, person, fields, said)))
    except Refused as refused:
        if refused.code not in TO_REPAIR:
            raise
        return _form(request, person, said, refused)


def _propose(hub: Hub, person: Person, fields: FormData, said: dict[str, str]) -> str:
    proposal, file = _proposal(said), fields.get("file")
    proposal = replace(proposal, **photographed(hub, fields, proposal))
    with hub.begin() as connection:
        entry = watch_entries.propose(hub, connection, person.account, person.organisation, proposal)
        if said["evidence"]:
            watch_evidence.refer_all(hub, connection, person.account, [(entry, said["evidence"])])
        if isinstance(file, UploadFile) and file.size:
            attach(hub, connection, person, entry, file)
    return entry


def _proposal(said: dict[str, str]) -> Proposal:
    kind = said["document"] if said["document"] in DOCUMENTS else DocumentType.RESIDENT_ID
    return Proposal(
        said["owner"],
        said["purpose"],
        said["action"],
        said["appeal"],
        said["legal_basis"],
        Document(DocumentType(kind), said["number"]) if said["number"] else None,
        first_moment(said["valid_from"]),
        last_moment(said["valid_to"]),
        several(said["sites"]),
        several(said["entrances"]),
    )


def photographed(hub: Hub, fields: FormData, proposal: Proposal) -> dict[str, Any]:
    """What the form's photograph, where there is one, changes in `proposal`; looked at if that could be lawful.

    Raises `Refused` as `check_face` and `enrol_photograph`.
    """
    picture = fields.get("photograph")
    if not isinstance(picture, UploadFile) or not picture.size:
        return {}
    watch_entries.check_face(hub, proposal)
    reference = watch_entries.enrol_photograph(hub, picture.file.read(watch_entries.PHOTOGRAPH_LIMIT + 1))
    return {"template": reference.template, "model_version": reference.model_version}


def attach(hub: Hub, connection: Connection, person: Person, entry: str, file: UploadFile) -> None:
    """Keep a form's file as evidence. Raises `Refused` as `watch_evidence.attach`."""
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
    name = "".join(filter(str.isprintable, name))[-100:] or "evidence"
    kind = (file.content_type or "application/octet-stream")[:100]
    content = file.file.read(watch_evidence.EVIDENCE_LIMIT + 1)
    watch_evidence.attach(hub, connection, person, entry, name, kind, content)


def several(line: str) -> tuple[str, ...]:
    """Names with commas between."""
    return tuple(part.strip() for part in line.replace("，", ",").replace("、", ",").split(",") if part.strip())


def house(connection: Connection, person: Person) -> str:
    """Who answers for what this person proposes, unless the person says otherwise."""
    names = tables.organisation.c
    if person.organisation is None:
        return site_name(connection)
    own = select(names.name).where(names.organisation == person.organisation)
    return str(connection.execute(own).scalar() or "")


def _form(request: Request, person: Person, said: dict[str, str], refused: Refused | None = None) -> Response:
    faults: list[str] = refused.more.get("faults", []) if refused else []
    shows: dict[str, Any] = {"said": said, "faults": faults, "purposes": PURPOSES, "actions": ACTIONS}
    shows |= {"wrong": "" if faults or not refused else refused.code, "documents": DOCUMENTS}
    shows |= {"longest": [(one.value, round(term_s / DAY_S)) for one, term_s in LONGEST_TERM_S.items()]}
    shows |= {"mb": watch_evidence.EVIDENCE_LIMIT >> 20, "tab": "propose"}
    return page(request, "watch_propose.html", person, refused.status if refused else 200, **shows)
