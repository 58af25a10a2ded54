"""Tables of people into an event: read in the background, looked at by a person, then written, all of it or nothing.

    reading -> ready -> writing -> done
       |         |         `-----> failed (or ready again, where a rule was broken)
       |         `---------------> dropped
       |-> refused (problems), failed, dropped

What was uploaded lies in a folder of the job's own while it is being read, and is gone afterwards; what is to be
written lies sealed in the database until it is written or dropped.
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from models.decision import Policy
from models.wire import to_json
from sync.holding import Holding
from sync.server import tables
from sync.server.comparing import compare
from sync.server.enroller import NoEngine, enrolling
from sync.server.hub import Hub
from sync.server.import_lock import ImportLock
from sync.server.import_preview import Mode, preview_of
from sync.server.pictures import unpack_pictures
from sync.server.problems import Refused
from sync.server.tickets import policy_of_event, sealed_holdings, unseal_holdings
from sync.sources.people import Enrol, Event, Faces, Progress, read_people
from sync.sources.table import Encoding, Problem, SourceRefused

KEPT_PROBLEMS = 5_000
CLOSED = "closed"

_LOG = logging.getLogger("menshen.imports")
_TOLD_EVERY = {False: 2_000, True: 20}  # with photographs it goes slowly


class Absent(StrEnum):
    """What `replace` does with the tickets that the table leaves out."""

    REVOKE = "revoke"
    REMOVE = "remove"


class State(StrEnum):
    """Where an import is."""

    READING = "reading"
    READY = "ready"
    REFUSED = "refused"
    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Upload:
    """What somebody wants to import. The files are moved into the job's folder."""

    event: str
    file_name: str
    table: Path
    photographs: Path | None = None
    mode: Mode = Mode.ADD
    absent: Absent = Absent.REVOKE
    encoding: Encoding = "utf-8"


class _Dropped(Exception):
    """Somebody dropped the import while it was being read."""


def start_import(hub: Hub, actor: str, upload: Upload, folder: Path) -> str:
    """Begin to read `upload`, whose files lie in `folder`, which is the job's from now on; the job.

    Raises `Refused`: 404, 409 `event_closed`.
    """
    job = folder.name
    lock = ImportLock(hub, job)
    try:
        with hub.begin() as connection:
            policy = _open_event(connection, upload.event)
            _insert(hub, connection, actor, job, upload)
        arguments = hub, job, upload, policy, folder, lock
        threading.Thread(target=_read_and_end, args=arguments, name=job, daemon=True).start()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        raise
    return job


def new_folder(hub: Hub) -> Path:
    """Where an upload is put; its name is the job's."""
    folder = hub.settings.state_dir / "imports" / f"import-{secrets.token_hex(8)}"
    folder.mkdir(parents=True, mode=0o700)
    return folder


def drop_import(hub: Hub, connection: Connection, actor: str, job: str) -> None:
    """Forget it. Raises `Refused`: 404, 409 when it is being written, or was."""
    table = tables.import_job
    dropped = connection.execute(
        update(table)
        .where(table.c.job == job, table.c.state.in_((State.READING, State.READY, State.REFUSED, State.FAILED)))
        .values(state=State.DROPPED, sealed_rows=None, preview="{}", problems="[]")
        .returning(table.c.event)
    ).first()
    if dropped is None:
        raise Refused(409, "not_to_drop", f"this import is {job_row(connection, job).state}: there is nothing to drop")
    hub.audit(connection, actor, "import_dropped", dropped.event, job=job)


def abandon_dead(hub: Hub) -> int:
    """Mark imports as failed whose process is gone, as after a power cut, and clear away what they left. How many."""
    table = tables.import_job
    with hub.begin() as connection:
        running = connection.execute(
            select(table.c.job).where(table.c.state.in_((State.READING, State.WRITING)))
        ).scalars()
        dead = [(job, lock) for job in running if (lock := ImportLock.of_the_dead(hub, job)) is not None]
        for job, _ in dead:
            _set_end(connection, job, State.FAILED, [Problem(0, "", "the server ended meanwhile", "it once more")])
    for job, lock in dead:
        shutil.rmtree(hub.settings.state_dir / "imports" / job, ignore_errors=True)
        lock.release()
    return len(dead)


def job_row(connection: Connection, job: str) -> Any:
    """The job. Raises `Refused`: 404."""
    row = connection.execute(select(tables.import_job).where(tables.import_job.c.job == job)).first()
    if row is None:
        raise Refused(404, "no_such_import", "there is no such import")
    return row


def end_import(hub: Hub, job: str, state: State, problems: Sequence[Problem] = ()) -> None:
    """The import came to nothing, and nothing of it is kept but why."""
    with hub.begin() as connection:
        _set_end(connection, job, state, problems)


def rows_place(job: str) -> str:
    """To which the sealed rows are bound."""
    return f"import|{job}"


def _read_and_end(hub: Hub, job: str, upload: Upload, policy: Policy, folder: Path, lock: ImportLock) -> None:
    try:
        with _turn(hub):
            holdings = _read(hub, job, upload, policy, folder)
            _be_ready(hub, job, upload, policy, holdings)
    except SourceRefused as refused:
        end_import(hub, job, State.REFUSED, refused.problems)
    except NoEngine as error:
        end_import(hub, job, State.REFUSED, [Problem(0, "photo", f"unusable photographs: {error}", "a face engine")])
    except _Dropped:
        pass
    except Exception as error:  # whatever it is, the job must not stay in the air
        _LOG.error("import %s failed: %s", job, type(error).__name__)
        end_import(hub, job, State.FAILED, [Problem(0, "", f"a fault of the server ({type(error).__name__})", "help")])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _read(hub: Hub, job: str, upload: Upload, policy: Policy, folder: Path) -> list[Holding]:
    zone = timezone(timedelta(seconds=policy.utc_offset_s)) if policy.utc_offset_s else UTC
    event = Event(upload.event, zone, today=datetime.fromtimestamp(hub.clock(), zone).date())
    pictures = unpack_pictures(upload.photographs, folder / "pictures") if upload.photographs else {}
    progress = _progress(hub, job, slow=bool(pictures))
    with _enrolling(hub) if pictures else nullcontext() as enrol:
        faces = Faces(enrol=enrol, pictures=pictures)
        return read_people(upload.table, event, faces, encoding=upload.encoding, progress=progress)


@contextmanager
def _enrolling(hub: Hub) -> Iterator[Enrol]:
    if not hub.settings.face:
        raise NoEngine("no engine is configured at this server; import without photographs")
    with enrolling(hub.settings.face) as enrol:
        yield enrol


@contextmanager
def _turn(hub: Hub) -> Iterator[None]:
    """One import is read at a time: they need much memory, and the gates need the processor."""
    with hub.memory.setdefault("import turn", threading.Lock()):
        yield


def _progress(hub: Hub, job: str, *, slow: bool) -> Progress:
    table, step, last = tables.import_job, _TOLD_EVERY[slow], -1

    def told(done: int, of: int) -> None:
        nonlocal last
        if 0 <= last < done < min(last + step, of or done + 1):
            return
        last = done
        with hub.begin() as connection:
            alive = connection.execute(
                update(table)
                .where(table.c.job == job, table.c.state == State.READING)
                .values(done=done, of=of)
                .returning(table.c.job)
            )
            if alive.first() is None:
                raise _Dropped

    return told


def _be_ready(hub: Hub, job: str, upload: Upload, policy: Policy, holdings: list[Holding]) -> None:
    sealed = hub.seal(zlib.compress(to_json(holdings), 1), rows_place(job))
    table = tables.import_job
    with hub.begin() as connection:
        held, revision = sealed_holdings(connection, upload.event), revision_of(connection, upload.event)
    before = {holding.ticket.ticket: holding for holding in unseal_holdings(hub, upload.event, held)}
    preview = preview_of(before, holdings, compare(before, holdings), upload.mode, policy, hub.clock(), revision)
    with hub.begin() as connection:
        connection.execute(
            update(table)
            .where(table.c.job == job, table.c.state == State.READING)
            .values(
                state=State.READY,
                sealed_rows=sealed,
                preview=to_json(preview).decode(),
                done=len(holdings),
                of=len(holdings),
            )
        )


def _open_event(connection: Connection, event: str) -> Policy:
    policy = policy_of_event(connection, event)
    state = connection.execute(select(tables.event.c.state).where(tables.event.c.event == event)).scalar_one()
    if state == CLOSED:
        raise Refused(409, "event_closed", f"the event {event} is closed: its tickets stay as they are")
    return policy


def revision_of(connection: Connection, event: str) -> int:
    """How often the event was changed."""
    return int(connection.execute(select(tables.event.c.revision).where(tables.event.c.event == event)).scalar_one())


def _insert(hub: Hub, connection: Connection, actor: str, job: str, upload: Upload) -> None:
    connection.execute(
        insert(tables.import_job).values(
            job=job,
            event=upload.event,
            actor=actor,
            file_name=upload.file_name,
            mode=upload.mode,
            absent=upload.absent,
            state=State.READING,
            made_at=hub.clock(),
        )
    )
    hub.audit(connection, actor, "import_begun", upload.event, job=job, mode=upload.mode)


def _set_end(connection: Connection, job: str, state: State, problems: Sequence[Problem]) -> None:
    table = tables.import_job
    told = [(each.row, each.column, each.found, each.expected) for each in problems[:KEPT_PROBLEMS]]
    connection.execute(
        update(table)
        .where(table.c.job == job, table.c.state.in_((State.READING, State.WRITING)))
        .values(
            state=state,
            sealed_rows=None,
            problems=json.dumps(told, ensure_ascii=False),
            preview=json.dumps({"problems": len(problems)}),
        )
    )
