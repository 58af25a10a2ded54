"""Importing tickets: a file goes up, its rows are checked, a person looks, then it is written."""

from __future__ import annotations

import json
import shutil
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, select
from starlette.datastructures import UploadFile

from models.wire import from_json
from sync.server import tables
from sync.server.import_commit import commit_import
from sync.server.import_preview import Mode, Preview
from sync.server.imports import State, Upload, drop_import, job_row, new_folder, start_import
from sync.server.pages.event_pages import shown
from sync.server.pages.page_route import Fields, PageRoute, TheHub, address, go, text
from sync.server.pages.render import page
from sync.server.permissions import Permission, Person, check_event
from sync.server.problems import Refused
from sync.server.sessions_http import require

router = APIRouter(prefix="/events/{event}/import", route_class=PageRoute, include_in_schema=False)

Keeper = Annotated[Person, Depends(require(Permission.TICKETS_MANAGE))]
LARGEST_TABLE = 64 * 2**20
SHOWN_PROBLEMS = 500
MOVING = (State.READING, State.WRITING)


@router.get("")
def begin(request: Request, hub: TheHub, person: Keeper, event: str) -> Response:
    """The form, and earlier imports."""
    job = tables.import_job
    columns = job.c.job, job.c.file_name, job.c.actor, job.c.state, job.c.made_at
    with hub.engine.connect() as connection:
        head = shown(connection, person, event)
        chosen = select(*columns).where(job.c.event == event).order_by(job.c.made_at.desc()).limit(20)
        earlier = connection.execute(chosen).all()
    return page(request, "import.html", **head, tab="import", earlier=earlier, mb=LARGEST_TABLE >> 20)


@router.post("")
def upload(hub: TheHub, person: Keeper, event: str, fields: Fields) -> Response:
    """Take a file and begin to read it."""
    file, mode = fields.get("file"), text(fields, "mode", 10) or Mode.ADD.value
    if not isinstance(file, UploadFile) or not file.filename or mode not in set(Mode):
        raise Refused(422, "no_file", "choose a CSV or XLSX file")
    ending = file.filename.rpartition(".")[2].lower()
    if ending not in ("csv", "xlsx"):
        raise Refused(422, "no_table", "the file's name ends with .csv or .xlsx")
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
    folder = new_folder(hub)
    table = folder / f"table.{ending}"
    with table.open("wb") as out:
        shutil.copyfileobj(file.file, out)
    job = start_import(hub, person.account, Upload(event, _name(file.filename), table, mode=Mode(mode)), folder)
    return go(address("events", event, "import", job))


@router.get("/{job}")
def look(request: Request, hub: TheHub, person: Keeper, event: str, job: str) -> Response:
    """How far it is, what is wrong, or what it would change."""
    with hub.engine.connect() as connection:
        head, row = shown(connection, person, event), _job(connection, person, event, job)
    return page(request, "import_job.html", **head, **_shows(row), tab="import")


@router.get("/{job}/live")
def look_live(request: Request, hub: TheHub, person: Keeper, event: str, job: str) -> Response:
    """The progress bar; once it says `data-over`, the whole page is to be read again."""
    with hub.engine.connect() as connection:
        row = _job(connection, person, event, job)
    return page(request, "import_live.html", person, **_shows(row))


@router.post("/{job}")
def decide(hub: TheHub, person: Keeper, event: str, job: str, fields: Fields) -> Response:
    """Write it, or forget it."""
    with hub.begin() as connection:
        _job(connection, person, event, job)
        if fields.get("what") == "drop":
            drop_import(hub, connection, person.account, job)
    if fields.get("what") == "commit":
        commit_import(hub, person.account, job)
    return go(address("events", event, "import", job))


def _job(connection: Connection, person: Person, event: str, job: str) -> Any:
    check_event(connection, person, event)
    row = job_row(connection, job)
    if row.event != event:
        raise Refused(404, "no_such_import", "there is no such import")
    return row


def _shows(row: Any) -> dict[str, Any]:
    preview = from_json(Preview, row.preview)
    problems = json.loads(row.problems)
    shown = {"job": row, "preview": preview, "problems": problems[:SHOWN_PROBLEMS], "moving": row.state in MOVING}
    return shown | {"more": max(preview.problems, len(problems)) - min(len(problems), SHOWN_PROBLEMS)}


def _name(name: str) -> str:
    """A file's name as it may be shown: its last part, printable, not too long."""
    return "".join(one for one in name.replace("\\", "/").rpartition("/")[2] if one.isprintable())[-100:]
