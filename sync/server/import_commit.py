"""Writing an import: all of it in one transaction, or nothing."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, select, update

from models.ticket import TicketStatus
from models.wire import from_json, to_builtins
from sync.holding import Holding
from sync.server import tables
from sync.server.comparing import Difference, compare
from sync.server.hub import Hub
from sync.server.import_lock import ImportLock
from sync.server.import_preview import Mode, Preview
from sync.server.imports import CLOSED, Absent, State, end_import, job_row, revision_of, rows_place
from sync.server.problems import Refused
from sync.server.publish import PUBLISHED, Published, publish_changes
from sync.server.rules import findings_of_change, refuse_errors
from sync.server.ticket_rows import Rows, rows_of, unsealed
from sync.server.tickets import Written, put_rows, remove_tickets, revoke_tickets, sealed_among, secret_of
from sync.sources.table import Problem

LETS_GO_S = 1.0


SOURCE = "import"
TRIES = 3


@dataclass(frozen=True, slots=True)
class Imported:
    """What was written, and the bundle that went out at once where the event was published already."""

    written: Written
    published: Published | None = None


def commit_import(hub: Hub, actor: str, job: str) -> Imported:
    """Write what was previewed. The rows are gone afterwards.

    Raises `Refused`: 404; 409 `not_ready`, `event_closed`, `changed_since` (replace, and the event is no longer what
    the preview showed), `rules_broken` (published event): after these the import is as it was.
    """
    lock = _lock(hub, job)
    try:
        row = _begin(hub, job)
        try:
            holdings = from_json(list[Holding], zlib.decompress(hub.unseal(row.sealed_rows, rows_place(job))))
            return _written(hub, actor, row, holdings)
        except Refused:
            _give_back(hub, job)
            raise
        except Exception as error:
            end_import(hub, job, State.FAILED, [Problem(0, "", f"a fault ({type(error).__name__})", "it once more")])
            raise
    finally:
        lock.release()


def _lock(hub: Hub, job: str) -> ImportLock:
    """Whoever has read the table lets go of it moments after the import was ready; a program may be as fast as that."""
    ends = time.monotonic() + LETS_GO_S
    while (lock := ImportLock.of_the_dead(hub, job)) is None:
        if time.monotonic() > ends:
            raise Refused(409, "not_ready", "somebody is at this import already")
        threading.Event().wait(0.02)
    return lock


def _begin(hub: Hub, job: str) -> Any:
    table = tables.import_job
    with hub.begin() as connection:
        row = connection.execute(
            update(table)
            .where(table.c.job == job, table.c.state == State.READY)
            .values(state=State.WRITING)
            .returning(*table.c)
        ).first()
        if row is None:
            raise Refused(409, "not_ready", f"this import is {job_row(connection, job).state}, and not ready")
        return row


def _give_back(hub: Hub, job: str) -> None:
    table = tables.import_job
    with hub.begin() as connection:
        connection.execute(
            update(table).where(table.c.job == job, table.c.state == State.WRITING).values(state=State.READY)
        )


@dataclass(frozen=True, slots=True)
class _Sealed:
    """What is to be written to an event of this revision."""

    revision: int
    difference: Difference
    rows: Rows


def _written(hub: Hub, actor: str, row: Any, holdings: Sequence[Holding]) -> Imported:
    """Sealing a stadium takes seconds, for which nobody shall wait at a gate: it is done before the transaction.

    Done anew when somebody has changed the event meanwhile; the last time within the transaction, so that it ends.
    """
    for _ in range(TRIES):
        with hub.begin() as connection:
            held = _read(hub, connection, row.event, holdings)
        sealed = _seal(hub, row.event, held, holdings)
        with hub.begin() as connection:
            if _locked_revision(connection, row.event) == sealed.revision:
                return _write(hub, connection, actor, row, holdings, sealed)
    with hub.begin() as connection:
        _locked_revision(connection, row.event)
        sealed = _seal(hub, row.event, _read(hub, connection, row.event, holdings), holdings)
        return _write(hub, connection, actor, row, holdings, sealed)


@dataclass(frozen=True, slots=True)
class _Held:
    """What is there of the tickets that are to be written."""

    revision: int
    secret: bytes = field(repr=False)
    sealed: list[tuple[str, bytes]] = field(repr=False)


def _read(hub: Hub, connection: Connection, event: str, holdings: Sequence[Holding]) -> _Held:
    names = [holding.ticket.ticket for holding in holdings]
    revision = revision_of(connection, event)  # first: what is read afterwards may be newer, which shows
    return _Held(revision, secret_of(hub, connection, event), sealed_among(connection, event, names))


def _seal(hub: Hub, event: str, held: _Held, holdings: Sequence[Holding]) -> _Sealed:
    before = unsealed(hub, event, held.sealed)
    difference = compare({name: from_json(Holding, plain) for name, plain in before.items()}, holdings)
    return _Sealed(held.revision, difference, rows_of(hub, event, held.secret, before, difference.written, SOURCE))


def _locked_revision(connection: Connection, event: str) -> int:
    """From now on nobody else changes the event; gives its revision."""
    table = tables.event
    locked = select(table.c.revision).where(table.c.event == event).with_for_update()
    return int(connection.execute(locked).scalar_one())


def _write(
    hub: Hub, connection: Connection, actor: str, row: Any, holdings: Sequence[Holding], sealed: _Sealed
) -> Imported:
    event = row.event
    table = tables.event
    difference = sealed.difference
    state = connection.execute(select(table.c.state).where(table.c.event == event).with_for_update()).scalar_one()
    if state == CLOSED:
        raise Refused(409, "event_closed", f"the event {event} is closed: its tickets stay as they are")
    preview = from_json(Preview, row.preview)
    if row.mode == Mode.REPLACE and revision_of(connection, event) != preview.revision:
        detail = "tickets were changed since the preview, which replacing might undo: drop this import and begin again"
        raise Refused(409, "changed_since", detail)
    names = {holding.ticket.ticket for holding in holdings}
    written = _replace(hub, connection, actor, row, names) if row.mode == Mode.REPLACE else Written()
    put = put_rows(hub, connection, actor, event, sealed.rows, source=SOURCE)
    if state == PUBLISHED:
        refuse_errors(findings_of_change(hub, connection, event, difference.written))
    written = replace(written, new=put.new, changed=put.changed, same=difference.same)
    _done(hub, connection, actor, row.job, written)
    return Imported(written, publish_changes(hub, connection, actor, event) if state == PUBLISHED else None)


def _replace(hub: Hub, connection: Connection, actor: str, row: Any, listed: set[str]) -> Written:
    """Take away the tickets that are not in the table."""
    ticket = tables.ticket
    valid = select(ticket.c.ticket).where(ticket.c.event == row.event, ticket.c.status == TicketStatus.VALID)
    absent = sorted(set(connection.execute(valid).scalars()) - listed)
    hub.audit(connection, actor, "import_replaced", row.event, job=row.job, absent=len(absent))
    take_away = remove_tickets if row.absent == Absent.REMOVE else revoke_tickets
    return take_away(hub, connection, actor, row.event, absent)


def _done(hub: Hub, connection: Connection, actor: str, job: str, written: Written) -> None:
    table = tables.import_job
    connection.execute(update(table).where(table.c.job == job).values(state=State.DONE, sealed_rows=None, preview="{}"))
    hub.audit(connection, actor, "import_written", job, **to_builtins(written))
