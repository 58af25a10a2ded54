"""An existing list comes in: read, looked at with what each row lacks, proposed, and approved by two people at once.

    reading (photographs only) -> ready -> done
               |                    `----> dropped
               `-> failed

The table itself is read at once; photographs, which take long, in the background, one template each, and are gone
afterwards. Rows that can't be lawful are left out, and the report says why.
"""

from __future__ import annotations

import logging
import shutil
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from models.face import FaceReference
from models.watch import WatchState
from models.watch_domain import person_key
from models.wire import from_json, to_json
from sync.holding import Document
from sync.server.enroller import NoEngine, enrolling
from sync.server.hub import Hub
from sync.server.import_lock import ImportLock
from sync.server.permissions import Person
from sync.server.pictures import unpack_pictures
from sync.server.problems import Refused
from sync.server.watch_entries import propose_all
from sync.server.watch_evidence import refer_all
from sync.server.watch_import_rows import Defaults, ListRow, judge, may_have_face, read_list
from sync.server.watch_items import own_domain
from sync.server.watch_rules import Fault
from sync.server.watch_tables import watch_entry, watch_import
from sync.sources.people import Enrol
from sync.sources.table import SourceRefused

SHOWN_LINES = 2_000
TOLD_EVERY = 10
_LOG = logging.getLogger("menshen.watch")

References = dict[int, tuple[bytes, str]]


class ListState(StrEnum):
    """Where an import of a list is."""

    READING = "reading"
    READY = "ready"
    FAILED = "failed"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table that lacks something. `cells` are columns that can't be read."""

    row: int
    good: bool
    faults: tuple[str, ...]
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a table lacks to be lawful. `good` rows become entries; of these `incomplete` can't be approved yet."""

    rows: int = 0
    good: int = 0
    incomplete: int = 0
    faces: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()  # the first ones


@dataclass(frozen=True, slots=True)
class ListFile:
    """What was uploaded; the files lie in the job's folder."""

    name: str
    table: Path
    photographs: Path | None = None


def begin(hub: Hub, person: Person, file: ListFile, defaults: Defaults, folder: Path) -> str:
    """Read the list in `folder`, which is the job's from now on; the job.

    Raises `Refused`: 422 `watch_table`, with what is wrong with the file, 409 `no_engine`.
    """
    lock = ImportLock(hub, folder.name)
    try:
        rows, pictures = _opened(hub, file, defaults, folder)
        _insert(hub, person, folder.name, file, len(rows))
        arguments = hub, folder.name, person.organisation, rows, pictures, folder, lock
        if pictures:
            threading.Thread(target=_read_and_end, args=arguments, name=folder.name, daemon=True).start()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        raise
    if not pictures:
        _read_and_end(*arguments)
    return folder.name


def import_row(connection: Connection, person: Person, job: str, *, lock: bool = False) -> Row[Any]:
    """The import. Raises `Refused`: 404."""
    asked = select(watch_import).where(watch_import.c.job == job, person.scope(watch_import.c.organisation))
    row = connection.execute(asked.with_for_update() if lock else asked).first()
    if row is None:
        raise Refused(404, "no_such_import", "there is no such import")
    return row


def imports(connection: Connection, person: Person) -> list[Any]:
    """The latest imports."""
    table = watch_import.c
    asked = select(table.job, table.file_name, table.actor, table.state, table.done, table.of, table.made_at)
    seen = asked.where(person.scope(table.organisation)).order_by(table.made_at.desc(), table.job).limit(20)
    return list(connection.execute(seen).all())


def report_of(row: Row[Any]) -> Report:
    """What the table of an import lacks."""
    return from_json(Report, row.report)


def propose_import(hub: Hub, connection: Connection, person: Person, job: str) -> int:
    """Propose every good row; how many. Raises `Refused`: 404, 409 `not_ready`."""
    row = import_row(connection, person, job, lock=True)
    if row.state != ListState.READY:
        raise Refused(409, "not_ready", f"this import is {row.state}: there is nothing to propose")
    rows = from_json(list[ListRow], zlib.decompress(hub.unseal(row.sealed_rows, _place(job))))
    entries = propose_all(hub, connection, person.account, row.organisation, [one.proposal for one in rows], job)
    evident = [(entry, one.evidence) for entry, one in zip(entries, rows, strict=True) if one.evidence]
    refer_all(hub, connection, person.account, evident)
    _end(connection, job, ListState.DONE, [ListState.READY])
    hub.audit(connection, person.account, "watch.imported", job, entries=len(entries))
    return len(entries)


def drop_import(hub: Hub, connection: Connection, person: Person, job: str) -> None:
    """Forget an import. Raises `Refused`: 404, 409 `not_to_drop`."""
    row = import_row(connection, person, job, lock=True)
    if row.state in (ListState.DONE, ListState.DROPPED):
        raise Refused(409, "not_to_drop", f"this import is {row.state}: there is nothing to drop")
    _end(connection, job, ListState.DROPPED, [*ListState])
    hub.audit(connection, person.account, "watch.import_dropped", job)


def abandon_dead(hub: Hub) -> None:
    """Mark imports as failed whose process is gone, and clear away what they left."""
    table = watch_import.c
    with hub.begin() as connection:
        reading = connection.execute(select(table.job).where(table.state == ListState.READING)).scalars()
        dead = [(job, lock) for job in reading if (lock := ImportLock.of_the_dead(hub, job)) is not None]
        for job, _ in dead:
            _end(connection, job, ListState.FAILED, [ListState.READING])
    for job, lock in dead:
        shutil.rmtree(hub.settings.state_dir / "imports" / job, ignore_errors=True)
        lock.release()


def _insert(hub: Hub, person: Person, job: str, file: ListFile, of: int) -> None:
    values = {"job": job, "organisation": person.organisation, "actor": person.account, "file_name": file.name}
    with hub.begin() as connection:
        made = values | {"state": ListState.READING, "of": of, "made_at": hub.clock()}
        connection.execute(insert(watch_import).values(**made))
        hub.audit(connection, person.account, "watch.import_begun", job)


def _opened(hub: Hub, file: ListFile, defaults: Defaults, folder: Path) -> tuple[list[ListRow], dict[str, Path]]:
    try:
        rows = read_list(file.table, defaults)
        pictures = unpack_pictures(file.photographs, folder / "pictures") if file.photographs else {}
    except SourceRefused as refused:
        told = [[one.row, one.column, one.found, one.expected] for one in refused.problems[:100]]
        raise Refused(422, "watch_table", str(refused), problems=told) from None
    if pictures and not hub.settings.face:
        raise Refused(409, "no_engine", "no face engine is configured at this server: list without a photograph")
    return rows, pictures


def _read_and_end(
    hub: Hub,
    job: str,
    organisation: str | None,
    rows: Sequence[ListRow],
    pictures: dict[str, Path],
    folder: Path,
    lock: ImportLock,
) -> None:
    """A template of each photograph that has a basis, if there are any; then the report."""
    try:
        references: References = {}
        if pictures:
            with hub.memory.setdefault("import turn", threading.Lock()), enrolling(hub.settings.face) as enrol:
                references = _references(hub, job, rows, pictures, enrol)
        _be_ready(hub, job, organisation, rows, references)
    except Exception as error:  # whatever it is, the job must not stay in the air
        reason = "the face engine can't be opened" if isinstance(error, NoEngine) else type(error).__name__
        _LOG.error("import %s failed: %s", job, reason)
        with hub.begin() as connection:
            _end(connection, job, ListState.FAILED, [ListState.READING])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _references(hub: Hub, job: str, rows: Sequence[ListRow], pictures: dict[str, Path], enrol: Enrol) -> References:
    found: References = {}
    for count, row in enumerate(rows, start=1):
        if row.photo in pictures and may_have_face(row, hub.clock()):
            answer = enrol(pictures[row.photo])
            if isinstance(answer, FaceReference):
                found[row.number] = answer.template, answer.model_version
        if count % TOLD_EVERY == 0:
            with hub.begin() as connection:
                connection.execute(update(watch_import).where(watch_import.c.job == job).values(done=count))
    return found


def _be_ready(hub: Hub, job: str, organisation: str | None, rows: Sequence[ListRow], references: References) -> None:
    """Judge every row, and keep the good ones sealed until somebody says what becomes of them."""
    with hub.begin() as connection:
        taken = _taken(hub, connection, organisation)
        judged = [judge(row, hub.clock(), taken, references.get(row.number)) for row in rows]
        good = [row for row in judged if row.good]
        sealed = hub.seal(zlib.compress(to_json(good), 1), _place(job))
        values = {"state": ListState.READY, "sealed_rows": sealed, "report": to_json(_report(judged)).decode()}
        still = watch_import.c.job == job, watch_import.c.state == ListState.READING
        connection.execute(update(watch_import).where(*still).values(**values, done=len(rows), of=len(rows)))


def _report(rows: Sequence[ListRow]) -> Report:
    lacking = [Line(row.number, row.good, row.faults, row.cells) for row in rows if row.faults]
    lacking.sort(key=lambda line: (line.good, line.row))
    good = [row for row in rows if row.good]
    return Report(
        len(rows),
        len(good),
        sum(Fault.NO_EVIDENCE in row.faults for row in good),
        sum(bool(row.proposal.template) for row in good),
        dict(Counter(fault.value for row in rows for fault in row.faults)),
        tuple(lacking[:SHOWN_LINES]),
    )


def _taken(hub: Hub, connection: Connection, organisation: str | None) -> Callable[[Document, str], Fault | None]:
    """Asks, document by document, whether it stands on the list for a purpose, or stood in a row before."""
    row, seen = watch_entry.c, set[tuple[str, str]]()
    _, secret = own_domain(hub, connection)
    running = row.state != WatchState.WITHDRAWN, row.valid_to > hub.clock(), row.person_key.is_not(None)
    asked = select(row.person_key, row.purpose).where(*running)
    if organisation is not None:  # what others keep is not told
        asked = asked.where(row.organisation == organisation)
    listed = {(key.hex(), purpose) for key, purpose in connection.execute(asked)}

    def taken(document: Document, purpose: str) -> Fault | None:
        person = person_key(secret, document.kind, document.number), purpose
        if person in listed:
            return Fault.LISTED
        if person in seen:
            return Fault.TWICE
        seen.add(person)
        return None

    return taken


def _end(connection: Connection, job: str, state: ListState, out_of: Sequence[ListState]) -> None:
    here = watch_import.c.job == job, watch_import.c.state.in_(out_of)
    connection.execute(update(watch_import).where(*here).values(state=state, sealed_rows=None))


def _place(job: str) -> str:
    return f"watch import|{job}"
