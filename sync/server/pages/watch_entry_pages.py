"""One entry of a list: everything about it, and what may be done with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, select
from starlette.datastructures import FormData, UploadFile

from models.watch import WatchState
from sync.server import tables, watch_entries, watch_evidence, watch_life, watch_look
from sync.server.hub import Hub
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, reason, sure, text
from sync.server.pages.render import page
from sync.server.pages.watch_days import last_day, last_moment
from sync.server.pages.watch_pages import ACTIONS, PURPOSES, TO_REPAIR, Looker, Proposer, attach, photographed, several
from sync.server.permissions import Permission, Person
from sync.server.problems import Refused
from sync.server.sessions_http import require
from sync.server.watch_api import WatchDetailTold

router = APIRouter(prefix="/watch/entry/{entry}", route_class=PageRoute, include_in_schema=False)

Approver = Annotated[Person, Depends(require(Permission.WATCH_APPROVE))]
RESTS = {
    WatchState.PROPOSED: ("contested", "suspended"),
    WatchState.APPROVED: ("contested", "suspended"),
    WatchState.ACTIVE: ("contested", "suspended"),
    WatchState.CONTESTED: ("suspended",),
    WatchState.SUSPENDED: ("contested",),
}


@router.get("")
def look(request: Request, hub: TheHub, person: Looker, entry: str) -> Response:
    """Everything about one entry."""
    return _shown(request, hub, person, entry)


@router.post("/approve")
def approve(hub: TheHub, person: Approver, entry: str, fields: Fields) -> Response:
    """Approve the version that the page showed."""
    sure(fields)
    version = text(fields, "version", 9)
    with hub.begin() as connection:
        watch_life.approve(hub, connection, person, entry, int(version) if version.isdecimal() else 0)
    return _back(entry)


@router.post("/resume")
def resume(hub: TheHub, person: Proposer, entry: str, fields: Fields) -> Response:
    """Take it up again after it rested."""
    with hub.begin() as connection:
        watch_life.resume(hub, connection, person, entry, reason(fields))
    return _back(entry)


@router.post("/withdraw")
def withdraw(hub: TheHub, person: Proposer, entry: str, fields: Fields) -> Response:
    """End it for good."""
    sure(fields)
    with hub.begin() as connection:
        watch_life.withdraw(hub, connection, person, entry, reason(fields))
    return _back(entry)


@router.post("/amend")
def amend(request: Request, hub: TheHub, person: Proposer, entry: str, fields: Fields) -> Response:
    """Change it: another version. What is missing then is said on the page."""
    try:
        why = reason(fields)
        with hub.engine.connect() as connection:
            row = watch_entries.find_entry(connection, person, entry)
        watch_entries.refuse_over(row, hub.clock())
        changes = _changes(fields, row.valid_to)
        changes |= photographed(hub, fields, replace(watch_entries.proposal_of(hub, row), **changes))
        with hub.begin() as connection:
            watch_entries.amend(hub, connection, person, entry, why, **changes)
    except Refused as refused:
        if refused.code not in TO_REPAIR:
            raise
        return _shown(request, hub, person, entry, refused)
    return _back(entry)


@router.post("/evidence")
def keep_evidence(request: Request, hub: TheHub, person: Proposer, entry: str, fields: Fields) -> Response:
    """Attach a file."""
    file = fields.get("file")
    try:
        if not isinstance(file, UploadFile):
            raise Refused(422, "no_file", "choose a file")
        with hub.begin() as connection:
            attach(hub, connection, person, entry, file)
    except Refused as refused:
        if refused.code not in TO_REPAIR:
            raise
        return _shown(request, hub, person, entry, refused)
    return _back(entry)


@router.get("/evidence/{number}")
def read_evidence(hub: TheHub, person: Approver, entry: str, number: int) -> Response:
    """A piece of evidence, to be saved: a browser never opens it here."""
    with hub.begin() as connection:
        row, content = watch_evidence.read_evidence(hub, connection, person, entry, number)
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(row.name, safe='')}"}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.post("/{state}")
def rest(hub: TheHub, person: Proposer, entry: str, state: str, fields: Fields) -> Response:
    """Let it rest."""
    if state not in ("contested", "suspended"):
        raise Refused(404, "no_such_watch_entry", "there is no such page")
    with hub.begin() as connection:
        watch_life.rest(hub, connection, person, entry, WatchState(state), reason(fields))
    return _back(entry)


def _changes(fields: FormData, ends: float) -> dict[str, Any]:
    changes: dict[str, Any] = {name: text(fields, name) for name in ("purpose", "action", "legal_basis", "appeal")}
    changes |= {name: several(text(fields, name)) for name in ("entrances", "sites")}
    day = text(fields, "valid_to")
    if day and day != last_day(ends):
        changes["valid_to"] = last_moment(day)
    return changes


def _shown(request: Request, hub: Hub, person: Person, entry: str, refused: Refused | None = None) -> Response:
    with hub.engine.connect() as connection:
        one = watch_look.look_at(hub, connection, person, entry)
        gates = _gates(connection, one)
    state, faults = one.told.state, refused.more.get("faults", []) if refused else []
    shows: dict[str, Any] = {"one": one, "gates": gates, "faults": faults, "tab": "", "purposes": PURPOSES}
    shows |= {"wrong": "" if faults or not refused else refused.code, "actions": ACTIONS}
    shows |= {"open": state is not WatchState.WITHDRAWN and one.erased_at is None, "rests": RESTS.get(state, ())}
    shows |= {"last_day": last_day(one.told.valid_to), "mb": watch_evidence.EVIDENCE_LIMIT >> 20}
    return page(request, "watch_entry.html", person, refused.status if refused else 200, **shows)


def _gates(connection: Connection, one: WatchDetailTold) -> dict[str, str]:
    """The names of the gates that met the person."""
    device = tables.device.c
    known = select(device.device, device.name).where(device.device.in_({hit.device for hit in one.hits}))
    return {row.device: row.name for row in connection.execute(known)}


def _back(entry: str) -> Response:
    return go(address("watch", "entry", entry))
