"""A list that was kept elsewhere: upload it, read what its rows lack, propose them, approve them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from models.watch import WatchState
from sync.server import watch_import, watch_life, watch_look
from sync.server.hub import Hub
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, sure, text
from sync.server.pages.render import page
from sync.server.pages.watch_days import last_moment
from sync.server.pages.watch_pages import ACTIONS, PURPOSES, Looker, Proposer, house
from sync.server.permissions import Permission, Person
from sync.server.problems import Refused
from sync.server.routes_watch_imports import take
from sync.server.watch_import_rows import Defaults
from sync.server.watch_life import Approved
from sync.server.watch_look import Wanted

router = APIRouter(prefix="/watch/import", route_class=PageRoute, include_in_schema=False)

SAID = ("purpose", "action", "owner", "appeal", "legal_basis", "evidence", "valid_to")
TO_REPAIR = ("watch_table", "no_engine", "too_large", "no_table", "bad_field")
SHOWN_LINES = 300


@router.get("")
def ask(request: Request, hub: TheHub, person: Proposer) -> Response:
    """The form, and earlier imports."""
    with hub.engine.connect() as connection:
        said = dict.fromkeys(SAID, "") | {"owner": house(connection, person)}
    return _form(request, hub, person, said)


@router.post("")
def upload(request: Request, hub: TheHub, person: Proposer, fields: Fields) -> Response:
    """Take a file and read it."""
    said = {name: text(fields, name) for name in SAID}
    try:
        goes = {name: said[name] for name in SAID if name != "valid_to"}
        defaults = Defaults(**goes, valid_to=last_moment(said["valid_to"]))
        return go(address("watch", "import", take(hub, person, fields, defaults)))
    except Refused as refused:
        if refused.code not in TO_REPAIR:
            raise
        return _form(request, hub, person, said, refused)


@router.get("/{job}")
def look(request: Request, hub: TheHub, person: Looker, job: str) -> Response:
    """What its rows lack, and how its entries stand."""
    return _shown(request, hub, person, job)


@router.get("/{job}/live")
def look_live(request: Request, hub: TheHub, person: Looker, job: str) -> Response:
    """The progress bar; once it says `data-over`, the whole page is to be read again."""
    with hub.engine.connect() as connection:
        row = watch_import.import_row(connection, person, job)
    return page(request, "watch_import_live.html", person, job=row)


@router.post("/{job}")
def decide(request: Request, hub: TheHub, person: Proposer, job: str, fields: Fields) -> Response:
    """Propose its rows, forget it, or approve its entries."""
    what = text(fields, "what", 10)
    if what == "approve":
        return _shown(request, hub, person, job, _approve(hub, person, job, fields))
    with hub.begin() as connection:
        if what == "propose":
            watch_import.propose_import(hub, connection, person, job)
        elif what == "drop":
            watch_import.drop_import(hub, connection, person, job)
    return go(address("watch", "import", job))


def _approve(hub: Hub, person: Person, job: str, fields: Any) -> Approved:
    if not person.may(Permission.WATCH_APPROVE):
        raise Refused(403, "not_allowed", "approving is not for your role")
    sure(fields)
    with hub.begin() as connection:
        watch_import.import_row(connection, person, job)
        return watch_life.approve_all(hub, connection, person, watch_look.entries_of_batch(connection, person, job))


def _shown(request: Request, hub: Hub, person: Person, job: str, done: Approved | None = None) -> Response:
    with hub.engine.connect() as connection:
        row = watch_import.import_row(connection, person, job)
        states = _states(hub, connection, person, job)
    report = watch_import.report_of(row)
    lacking = sum(bool(line.faults) for line in report.lines)
    shows: dict[str, Any] = {"job": row, "report": report, "lines": report.lines[:SHOWN_LINES], "states": states}
    shows |= {"more": lacking - SHOWN_LINES, "done": done, "tab": "import", "waiting": dict(states)["proposed"]}
    return page(request, "watch_import_job.html", person, **shows)


def _states(hub: Hub, connection: Connection, person: Person, job: str) -> list[tuple[str, int]]:
    """How many of its entries stand where."""
    return [
        (state.value, watch_look.list_entries(hub, connection, person, Wanted(state, batch=job), limit=0).count)
        for state in WatchState
    ]


def _form(request: Request, hub: Hub, person: Person, said: dict[str, str], refused: Refused | None = None) -> Response:
    with hub.engine.connect() as connection:
        earlier = watch_import.imports(connection, person)
    shows: dict[str, Any] = {"said": said, "earlier": earlier, "purposes": PURPOSES, "actions": ACTIONS}
    shows |= {"problems": refused.more.get("problems", []) if refused else [], "wrong": refused.code if refused else ""}
    return page(request, "watch_import.html", person, refused.status if refused else 200, **shows, tab="import")
