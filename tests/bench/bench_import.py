"""How long does a stadium take at the server? Reading a table, writing it, publishing it, and a revocation after that.

    python tests/bench/bench_import.py                   80,000 tickets, CSV, SQLite
    python tests/bench/bench_import.py --xlsx            the same as a workbook
    python tests/bench/bench_import.py --tickets 1000
    python tests/bench/bench_import.py --database postgresql://…   an empty one

Nothing is measured over HTTP: an upload takes as long as the wire. `others_waited_s` is the longest that
somebody else's small transaction took while the import was written; on SQLite they take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from models.decision import Profile
from models.ids import check_digit
from models.profiles import policy_of
from sync.server import tables, ticket_changes
from sync.server.database import migrate
from sync.server.hub import Hub, open_hub
from sync.server.import_commit import commit_import
from sync.server.imports import State, Upload, job_row, new_folder, start_import
from sync.server.publication import publish_event
from sync.server.rules import findings_of
from sync.server.settings import Settings
from sync.server.tickets import NewEvent, make_event

EVENT = "bench"
HEADER = ("ticket", "name", "number", "not_before", "not_after", "gates", "seat", "category")
TIMES = ("2027-05-01T18:00+08:00", "2027-05-01T22:00+08:00")


def measure(tickets: int = 80_000, *, workbook: bool = False, database: str = "") -> dict[str, Any]:
    """Seconds of each step, at a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        hub = _site(Settings(Path(folder) / "hub", database))
        try:
            return steps(hub, tickets, workbook=workbook)
        finally:
            hub.engine.dispose()


def steps(hub: Hub, tickets: int, *, workbook: bool = False) -> dict[str, Any]:
    """Seconds of each step, for the event `EVENT`; and the version of the base that is published."""
    upload = new_folder(hub)
    table = _table(upload, tickets, workbook=workbook)
    found: dict[str, Any] = {"tickets": tickets, "table_bytes": table.stat().st_size}
    began = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal began
        found[f"{name}_s"] = round(time.perf_counter() - began, 2)
        began = time.perf_counter()

    job = start_import(hub, "bench", Upload(EVENT, table.name, table), upload)
    _wait(job)
    lap("read")
    with _another(hub) as longest:
        commit_import(hub, "bench", job)
    lap("write")
    found["others_waited_s"] = round(longest[0], 2)
    findings_of(hub, EVENT)
    lap("findings")
    base = publish_event(hub, "bench", EVENT)
    found |= {"bundle_bytes": base.size, "version": base.version}
    lap("publish")
    with hub.begin() as connection:
        ticket_changes.revoke(hub, connection, "bench", EVENT, ["T7"])
    lap("revoke_and_delta")
    with hub.begin() as connection:
        assert job_row(connection, job).state == State.DONE
    return found


@contextmanager
def _another(hub: Hub) -> Iterator[list[float]]:
    """Somebody who writes all the while, as a gate's claim does; gives the longest wait in the end."""
    longest, over = [0.0], threading.Event()

    def write() -> None:
        while not over.wait(0.01):
            began = time.perf_counter()
            with suppress(OperationalError), hub.begin() as connection:  # on SQLite patience ends after 10 s
                hub.ring(connection, device="nobody")
            longest[0] = max(longest[0], time.perf_counter() - began)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield longest
    finally:
        over.set()
        thread.join()


def _site(settings: Settings) -> Hub:
    hub = open_hub(settings)
    migrate(hub.engine)
    now = hub.clock()
    with hub.begin() as connection:
        connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
        new = NewEvent("o", "v", "Bench", now, now + 3600, policy_of(Profile.CONCERT, EVENT))
        make_event(hub, connection, "bench", new)
        values = {"device": "d", "kind": "gate", "name": "A", "venue": "v", "signing_key": os.urandom(32)}
        values |= {"device_key": os.urandom(32), "certificate": "", "state": "enrolled", "event": EVENT}
        connection.execute(insert(tables.device).values(**values, made_at=now))
    return hub


def _table(folder: Path, tickets: int, *, workbook: bool) -> Path:
    rows = (_row(serial) for serial in range(tickets))
    if not workbook:
        path = folder / "people.csv"
        path.write_text("\n".join(",".join(row) for row in (HEADER, *rows)), encoding="utf-8")
        return path
    import openpyxl  # type: ignore[import-untyped]

    path = folder / "people.xlsx"
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in (HEADER, *rows):
        sheet.append(row)
    book.save(path)
    return path


def _row(serial: int) -> tuple[str, ...]:
    day, of_that_day = serial % 28, serial // 28 % 1000
    stem = f"110105{1950 + serial // 1000 % 50}{serial // 28_000_000 + 1:02d}{day + 1:02d}{of_that_day:03d}"
    number = stem + check_digit(stem)
    return (f"T{serial}", "张三丰", number, *TIMES, "A|B", f"12-{serial}", "standard")


def _wait(job: str) -> None:
    for thread in threading.enumerate():
        if thread.name == job:
            thread.join()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="How long a stadium takes at the server")
    arguments.add_argument("--tickets", type=int, default=80_000)
    arguments.add_argument("--xlsx", action="store_true")
    arguments.add_argument("--database", default="")
    said = arguments.parse_args()
    print(json.dumps(measure(said.tickets, workbook=said.xlsx, database=said.database), indent=2))
