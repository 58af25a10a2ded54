"""Entries on lists of persons: proposed, approved by two, looked at, put to rest, withdrawn; and their evidence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, FastAPI, Path, Query, Response

from models.watch import WatchPurpose, WatchState
from sync.holding import Document
from sync.server import watch_entries, watch_erasure, watch_evidence, watch_life, watch_look
from sync.server.hub import Hub, hub_of
from sync.server.periodic import every
from sync.server.permissions import Permission, Person
from sync.server.sessions_http import PEOPLE, require
from sync.server.watch_api import (
    REFUSED,
    AmendBody,
    ApproveBody,
    EntryName,
    Put,
    Stands,
    WatchBody,
    WatchDetailTold,
    WatchListTold,
    WhyBody,
)
from sync.server.watch_look import Wanted
from sync.server.watch_rules import Proposal

router = APIRouter(prefix="/v1/watch", tags=["watch"])

TheHub = Annotated[Hub, Depends(hub_of)]
Looker = Annotated[Person, Depends(require(Permission.WATCH_SEE))]
Proposer = Annotated[Person, Depends(require(Permission.WATCH_PROPOSE))]
Approver = Annotated[Person, Depends(require(Permission.WATCH_APPROVE))]
Piece = Annotated[int, Path(ge=1, le=watch_evidence.PIECES_LIMIT)]
FileName = Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/\\]+$")]
Content = Annotated[bytes, Body(media_type="application/octet-stream")]
OwnerQuery = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
BatchQuery = Annotated[str, Query(pattern=r"^(import-[0-9a-f]{16})?$")]

ANSWERS: dict[int | str, dict[str, Any]] = PEOPLE | REFUSED
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The file as it was attached"}
}
LARGEST_BODIES = {"/v1/watch": watch_entries.PHOTOGRAPH_LIMIT + 2**20}


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """What the time does: entries begin and end, and are erased when they have been over for long."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(every(hub, "watch_time", watch_life.PERIOD_S, watch_life.tell_time))
        await stack.enter_async_context(every(hub, "watch_erasure", watch_erasure.PERIOD_S, watch_erasure.erase_old))
        yield


@router.post("", status_code=201, responses=ANSWERS)
def propose(body: WatchBody, person: Proposer, hub: TheHub) -> Put:
    """Put somebody up for the list. Gates hear of it when two others, of different roles, have approved it."""
    document = None if body.number is None else Document(body.document, body.number)
    terms = body.valid_from, body.valid_to, body.sites, body.entrances
    proposal = Proposal(body.owner, body.purpose, body.action, body.appeal, body.legal_basis, document, *terms)
    with hub.begin() as connection:
        entry = watch_entries.propose(hub, connection, person.account, person.organisation, proposal)
        if body.evidence.strip():
            watch_evidence.refer_all(hub, connection, person.account, [(entry, body.evidence)])
    return Put(entry, 1)


@router.get("", responses=PEOPLE)
def list_entries(
    person: Looker,
    hub: TheHub,
    state: WatchState | None = None,
    purpose: WatchPurpose | None = None,
    owner: OwnerQuery = "",
    batch: BatchQuery = "",
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> WatchListTold:
    """The entries that you see, the latest change first."""
    wanted = Wanted(state or "", purpose or "", owner, batch)
    with hub.engine.connect() as connection:
        return watch_look.list_entries(hub, connection, person, wanted, skip, limit)


@router.get("/{entry}", responses=ANSWERS)
def show(entry: EntryName, person: Looker, hub: TheHub) -> WatchDetailTold:
    """One entry with its history, its hits, and others of the same person."""
    with hub.engine.connect() as connection:
        return watch_look.look_at(hub, connection, person, entry)


@router.post("/{entry}/approve", responses=ANSWERS)
def approve(entry: EntryName, body: ApproveBody, person: Approver, hub: TheHub) -> Stands:
    """Approve the version that you have looked at."""
    with hub.begin() as connection:
        return Stands(entry, watch_life.approve(hub, connection, person, entry, body.version))


@router.post("/{entry}/amend", responses=ANSWERS)
def amend(entry: EntryName, body: AmendBody, person: Proposer, hub: TheHub) -> Put:
    """Change it: another version, which gates hear of when two have approved it; they let go of the old one at once."""
    names = ("owner", "purpose", "action", "appeal", "legal_basis", "valid_from", "valid_to", "sites", "entrances")
    changes = {name: value for name in names if (value := getattr(body, name)) is not None}
    with hub.begin() as connection:
        return Put(entry, watch_entries.amend(hub, connection, person, entry, body.why, **changes))


@router.post("/{entry}/rest/{state}", responses=ANSWERS)
def rest(
    entry: EntryName, state: Literal["contested", "suspended"], body: WhyBody, person: Proposer, hub: TheHub
) -> Stands:
    """Let it rest: gates drop it within seconds."""
    with hub.begin() as connection:
        watch_life.rest(hub, connection, person, entry, WatchState(state), body.why)
    return Stands(entry, WatchState(state))


@router.post("/{entry}/resume", responses=ANSWERS)
def resume(entry: EntryName, body: WhyBody, person: Proposer, hub: TheHub) -> Put:
    """Take it up again after it rested: it needs both approvals anew."""
    with hub.begin() as connection:
        return Put(entry, watch_life.resume(hub, connection, person, entry, body.why))


@router.post("/{entry}/withdraw", responses=ANSWERS)
def withdraw(entry: EntryName, body: WhyBody, person: Proposer, hub: TheHub) -> Stands:
    """End it for good."""
    with hub.begin() as connection:
        watch_life.withdraw(hub, connection, person, entry, body.why)
    return Stands(entry, WatchState.WITHDRAWN)


@router.put("/{entry}/photograph", responses=ANSWERS)
def set_photograph(entry: EntryName, content: Content, person: Proposer, hub: TheHub) -> Put:
    """Make a template of a photograph, which is not kept: another version, to be approved anew."""
    with hub.engine.connect() as connection:
        row = watch_entries.find_entry(connection, person, entry)
        watch_entries.refuse_over(row, hub.clock())
        watch_entries.check_face(hub, watch_entries.proposal_of(hub, row))
    reference = watch_entries.enrol_photograph(hub, content)
    template = {"template": reference.template, "model_version": reference.model_version}
    with hub.begin() as connection:
        return Put(entry, watch_entries.amend(hub, connection, person, entry, "", **template))


@router.post("/{entry}/evidence", status_code=201, responses=ANSWERS)
def attach(entry: EntryName, name: FileName, content: Content, person: Proposer, hub: TheHub) -> int:
    """Attach a file, up to 8 MB; its number."""
    with hub.begin() as connection:
        return watch_evidence.attach(hub, connection, person, entry, name, "application/octet-stream", content)


@router.get("/{entry}/evidence/{number}", response_class=Response, responses=ANSWERS | FILE)
def read_evidence(entry: EntryName, number: Piece, person: Approver, hub: TheHub) -> Response:
    """A file that was attached; who read it stands in the audit."""
    with hub.begin() as connection:
        _, content = watch_evidence.read_evidence(hub, connection, person, entry, number)
    headers = {"content-disposition": f'attachment; filename="{entry}-{number}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)
