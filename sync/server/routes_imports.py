"""Imports of tables of people: upload, watch, look at, then write or drop."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi import Path as InPath
from sqlalchemy import Connection, Row, select
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from models.wire import from_json
from sync.contract import Problem
from sync.server import tables
from sync.server.events_api import ImportTold, ProblemTold
from sync.server.hub import Hub
from sync.server.import_commit import Imported, commit_import
from sync.server.import_preview import Mode, Preview
from sync.server.imports import (
    Absent,
    State,
    Upload,
    abandon_dead,
    drop_import,
    job_row,
    new_folder,
    start_import,
)
from sync.server.permissions import Person, check_event
from sync.server.problems import Refused
from sync.server.routes_events import ANSWERS, TheHub, Watcher
from sync.server.routes_tickets import TicketKeeper
from sync.sources.table import Encoding

router = APIRouter(prefix="/v1/admin/imports", tags=["imports"])

TABLE_LIMIT = 64 << 20
LARGEST_BODIES = {"/v1/admin/imports": 4 << 30}  # photographs

Job = Annotated[str, InPath(pattern=r"^import-[0-9a-f]{16}$")]
EventQuery = Annotated[str, Query(pattern=r"^[^\s/\\?#%\x00-\x1f\x7f]{1,64}$", description="The event")]

_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["table"],
                    "properties": {
                        "table": {"type": "string", "format": "binary", "description": "CSV or XLSX, up to 64 MB"},
                        "photographs": {"type": "string", "format": "binary", "description": "ZIP, up to 4 GB"},
                    },
                }
            }
        },
    }
}
_TOO_LARGE: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "No multipart form"},
    413: {"model": Problem, "description": "Too large"},
}


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """What was being read or written when the last process ended has failed."""
    await run_in_threadpool(abandon_dead, hub)
    yield


@router.post("", status_code=202, responses=ANSWERS | _TOO_LARGE, openapi_extra=_UPLOAD)
async def begin_import(
    request: Request,
    event: EventQuery,
    person: TicketKeeper,
    hub: TheHub,
    mode: Mode = Mode.ADD,
    absent: Absent = Absent.REVOKE,
    encoding: Encoding = "utf-8",
) -> ImportTold:
    """Begin to read a table (part `table`) and photographs (part `photographs`, a ZIP) into `event`.

    Nothing is written before it is committed. `replace` takes away the tickets that are not in the table: `absent`
    says how.
    """
    await run_in_threadpool(_check_event, hub, person, event)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(422, "no_table", "send the table as the part 'table' of multipart/form-data")
    try:
        form = await request.form(max_files=2, max_fields=4)
    except HTTPException as error:
        raise Refused(400, "bad_form", f"no multipart form: {error.detail}"[:200]) from None
    return await run_in_threadpool(_begin, hub, person, form, event, mode, absent, encoding)


@router.get("", responses=ANSWERS)
def list_imports(event: EventQuery, person: Watcher, hub: TheHub) -> list[ImportTold]:
    """The event's imports, the latest first."""
    table = tables.import_job
    with hub.engine.connect() as connection:
        check_event(connection, person, event)
        rows = connection.execute(
            select(table).where(table.c.event == event).order_by(table.c.made_at.desc(), table.c.job).limit(100)
        ).all()
    return [_told(row, 0, 0) for row in rows]


@router.get("/{job}", responses=ANSWERS)
def show_import(
    job: Job,
    person: Watcher,
    hub: TheHub,
    skip: Annotated[int, Query(ge=0, le=100_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 100,
) -> ImportTold:
    """How far it is, what is wrong with the table row by row, or what it would change."""
    with hub.engine.connect() as connection:
        return _told(_own(connection, person, job), skip, limit)


@router.post("/{job}/commit", responses=ANSWERS)
def write_import(job: Job, person: TicketKeeper, hub: TheHub) -> Imported:
    """Write it, all or nothing; a published event's gates get it at once."""
    with hub.engine.connect() as connection:
        _own(connection, person, job)
    return commit_import(hub, person.account, job)


@router.delete("/{job}", status_code=204, responses=ANSWERS)
def forget_import(job: Job, person: TicketKeeper, hub: TheHub) -> None:
    """Drop it: nothing was written, and nothing is kept."""
    with hub.begin() as connection:
        _own(connection, person, job)
        drop_import(hub, connection, person.account, job)


def _check_event(hub: Hub, person: Person, event: str) -> None:
    with hub.engine.connect() as connection:
        check_event(connection, person, event)


def _own(connection: Connection, person: Person, job: str) -> Row[Any]:
    row: Row[Any] = job_row(connection, job)
    check_event(connection, person, row.event)
    return row


def _begin(
    hub: Hub, person: Person, form: FormData, event: str, mode: Mode, absent: Absent, encoding: Encoding
) -> ImportTold:
    table, photographs = form.get("table"), form.get("photographs")
    if not isinstance(table, UploadFile):
        raise Refused(422, "no_table", "send the table as the part 'table' of multipart/form-data")
    if (table.size or 0) > TABLE_LIMIT:
        raise Refused(413, "too_large", f"a table has at most {TABLE_LIMIT >> 20} MB")
    abandon_dead(hub)
    folder = new_folder(hub)
    try:
        kept = _keep(table, folder / ("people.xlsx" if table.file.read(4) == b"PK\x03\x04" else "people.csv"))
        pictures = _keep(photographs, folder / "photographs.zip") if isinstance(photographs, UploadFile) else None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    name = "".join(filter(str.isprintable, Path(table.filename or "").name))[:100] or kept.name
    job = start_import(hub, person.account, Upload(event, name, kept, pictures, mode, absent, encoding), folder)
    with hub.engine.connect() as connection:
        return _told(job_row(connection, job), 0, 0)


def _keep(upload: UploadFile, path: Path) -> Path:
    upload.file.seek(0)
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file, 1 << 20)
    return path


def _told(row: Row[Any], skip: int, limit: int) -> ImportTold:
    preview = from_json(Preview, row.preview)
    problems = json.loads(row.problems)[skip : skip + limit] if limit else []
    return ImportTold(
        row.job,
        row.event,
        row.actor,
        row.file_name,
        row.mode,
        row.absent,
        row.state,
        row.done,
        row.of,
        row.made_at,
        preview.problems,
        tuple(ProblemTold(*problem) for problem in problems),
        preview if row.state == State.READY else None,
    )
