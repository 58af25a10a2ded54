"""Lists that were kept elsewhere: upload, read the report, propose, and have two people approve them all."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi import Path as InPath
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from models.watch import WatchAction, WatchPurpose
from sync.server import watch_import, watch_life, watch_look
from sync.server.hub import Hub
from sync.server.imports import new_folder
from sync.server.permissions import Person
from sync.server.problems import Refused
from sync.server.routes_watch import ANSWERS, Approver, Looker, Proposer, TheHub
from sync.server.watch_import import ListFile, Report
from sync.server.watch_import_rows import Defaults
from sync.server.watch_life import Approved

router = APIRouter(prefix="/v1/watch-imports", tags=["watch"])

TABLE_LIMIT = 32 << 20
LARGEST_BODIES = {"/v1/watch-imports": 2 << 30}  # photographs

Job = Annotated[str, InPath(pattern=r"^import-[0-9a-f]{16}$")]
Said = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Ends = Annotated[float | None, Query(ge=0, le=4_102_444_800, allow_inf_nan=False)]

_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["table"],
                    "properties": {
                        "table": {"type": "string", "format": "binary", "description": "CSV or XLSX, up to 32 MB"},
                        "photographs": {"type": "string", "format": "binary", "description": "ZIP, up to 2 GB"},
                    },
                }
            }
        },
    }
}


@dataclass(frozen=True, slots=True)
class ListImportTold:
    """An import of a list, and what its rows lack."""

    job: str
    actor: str
    file_name: str
    state: str
    done: int
    of: int
    made_at: float
    report: Report | None


@dataclass(frozen=True, slots=True)
class Proposed:
    """How many entries were proposed."""

    entries: int


@asynccontextmanager
async def running(hub: Hub, app: FastAPI) -> AsyncIterator[None]:
    """What was being read when the last process ended has failed."""
    await run_in_threadpool(watch_import.abandon_dead, hub)
    yield


@router.post("", status_code=202, responses=ANSWERS, openapi_extra=_UPLOAD)
async def begin(
    request: Request,
    person: Proposer,
    hub: TheHub,
    owner: Said = "",
    purpose: WatchPurpose | None = None,
    action: WatchAction | None = None,
    appeal: Said = "",
    legal_basis: Said = "",
    evidence: Said = "",
    valid_to: Ends = None,
) -> ListImportTold:
    """Read a list (part `table`) and photographs (part `photographs`, a ZIP); the query goes for rows that say nothing.

    Nothing is listed before it is proposed. Of photographs no more than a template is kept.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(422, "no_table", "send the table as the part 'table' of multipart/form-data")
    try:
        form = await request.form(max_files=2, max_fields=4)
    except HTTPException as error:
        raise Refused(400, "bad_form", f"no multipart form: {error.detail}"[:200]) from None
    defaults = Defaults(owner, purpose or "", action or "", appeal, legal_basis, evidence, valid_to)
    job = await run_in_threadpool(take, hub, person, form, defaults)
    return await run_in_threadpool(show, job, person, hub)


@router.get("/{job}", responses=ANSWERS)
def show(job: Job, person: Looker, hub: TheHub) -> ListImportTold:
    """How far it is, and what its rows lack."""
    with hub.engine.connect() as connection:
        return _told(watch_import.import_row(connection, person, job))


@router.post("/{job}/propose", responses=ANSWERS)
def propose(job: Job, person: Proposer, hub: TheHub) -> Proposed:
    """Propose every row that can be lawful."""
    with hub.begin() as connection:
        return Proposed(watch_import.propose_import(hub, connection, person, job))


@router.post("/{job}/approve", responses=ANSWERS)
def approve(job: Job, person: Approver, hub: TheHub) -> Approved:
    """Approve, of its entries, whatever you can; `left` counts the others by why."""
    with hub.begin() as connection:
        watch_import.import_row(connection, person, job)
        entries = watch_look.entries_of_batch(connection, person, job)
        return watch_life.approve_all(hub, connection, person, entries)


@router.delete("/{job}", status_code=204, responses=ANSWERS)
def forget(job: Job, person: Proposer, hub: TheHub) -> None:
    """Drop it: nobody was listed, and nothing is kept."""
    with hub.begin() as connection:
        watch_import.drop_import(hub, connection, person, job)


def take(hub: Hub, person: Person, form: FormData, defaults: Defaults) -> str:
    """Begin with what a form holds; the job. Raises `Refused` as `watch_import.begin`, and for what is too large."""
    table, photographs = form.get("table"), form.get("photographs")
    if not isinstance(table, UploadFile) or not table.size:
        raise Refused(422, "no_table", "send the table as the part 'table' of multipart/form-data")
    if table.size > TABLE_LIMIT:
        raise Refused(413, "too_large", f"a table has at most {TABLE_LIMIT >> 20} MB")
    folder = new_folder(hub)
    try:
        kept = _keep(table, folder / ("list.xlsx" if table.file.read(4) == b"PK\x03\x04" else "list.csv"))
        has_pictures = isinstance(photographs, UploadFile) and photographs.size
        pictures = _keep(photographs, folder / "photographs.zip") if has_pictures else None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    name = "".join(filter(str.isprintable, Path(table.filename or "").name))[:100] or kept.name
    return watch_import.begin(hub, person, ListFile(name, kept, pictures), defaults, folder)


def _keep(upload: Any, path: Path) -> Path:
    upload.file.seek(0)
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file, 1 << 20)
    return path


def _told(row: Row[Any]) -> ListImportTold:
    report = watch_import.report_of(row) if row.report != "{}" else None
    return ListImportTold(row.job, row.actor, row.file_name, row.state, row.done, row.of, row.made_at, report)
