"""Tables become tickets in the background, seen before they are written, and written whole or not at all."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import signal
import threading
import zipfile
from dataclasses import replace
from typing import Any

import cv2
import openpyxl  # type: ignore[import-untyped]
import pytest
from sqlalchemy import insert, update

from drivers.face.sim import marked
from models.decision import Profile
from models.face import FaceProblem
from models.ids import check_digit
from models.profiles import policy_of
from models.wire import from_json
from sync.server import enroller, import_commit, tables
from sync.server.hub import Hub, open_hub
from sync.server.import_commit import TRIES, commit_import
from sync.server.import_lock import ImportLock
from sync.server.import_preview import Mode, Preview
from sync.server.imports import (
    Absent,
    State,
    Upload,
    _progress,
    abandon_dead,
    drop_import,
    job_row,
    new_folder,
    start_import,
)
from sync.server.problems import Refused
from sync.server.publish import publish
from sync.server.settings import Settings
from sync.server.ticket_rows import Rows, rows_of
from sync.server.tickets import NewEvent, Written, find_ticket, holdings_of, make_event, revoke_tickets

EVENT = "gala"
HEADER = ("ticket", "name", "number", "not_before", "not_after")
TIMES = ("2026-06-01T18:00+08:00", "2026-06-01T22:00+08:00")


def number(serial: int, birth: str = "19491231") -> str:
    """A well-formed ID number of nobody."""
    stem = f"110105{birth}{serial:03d}"
    return stem + check_digit(stem)


def person(serial: int) -> tuple[str, ...]:
    return (f"T{serial}", "张三", number(serial), *TIMES)


@pytest.fixture(autouse=True)
def event(hub: Hub) -> str:
    """A draft event with one gate."""
    with hub.begin() as connection:
        connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
        new = NewEvent("o", "v", "Gala", hub.clock(), hub.clock() + 1, policy_of(Profile.CONCERT, EVENT))
        make_event(hub, connection, "li", new)
        values = {"device": "d", "kind": "gate", "name": "A1", "venue": "v", "signing_key": bytes(32)}
        values |= {"device_key": bytes([9]) + bytes(31), "certificate": "", "state": "enrolled", "event": EVENT}
        connection.execute(insert(tables.device).values(**values, made_at=0.0))
    return EVENT


def begin(hub: Hub, data: bytes, name: str = "people.csv", photographs: bytes = b"", **more: Any) -> str:
    """Start an import."""
    folder = new_folder(hub)
    (folder / name).write_bytes(data)
    if photographs:
        (folder / "photographs.zip").write_bytes(photographs)
    upload = Upload(EVENT, name, folder / name, folder / "photographs.zip" if photographs else None, **more)
    return start_import(hub, "li", upload, folder)


def read(hub: Hub, data: bytes, name: str = "people.csv", **more: Any) -> str:
    """Start an import, and wait until it was read."""
    job = begin(hub, data, name, **more)
    for thread in threading.enumerate():
        if thread.name == job:
            thread.join(60)
    return job


def comma(*rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> bytes:
    return "\n".join(",".join(row) for row in (header, *rows)).encode()


def workbook(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in (HEADER, *rows):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def row(hub: Hub, job: str) -> Any:
    with hub.begin() as connection:
        return job_row(connection, job)


def preview(hub: Hub, job: str) -> Preview:
    found = row(hub, job)
    assert found.state == State.READY, found.problems
    return from_json(Preview, found.preview)


def names(hub: Hub) -> set[str]:
    with hub.begin() as connection:
        return {holding.ticket.ticket for holding in holdings_of(hub, connection, EVENT)}


def test_a_table_is_seen_masked_and_then_written(hub: Hub) -> None:
    job = read(hub, comma(person(1), person(2)))
    seen = preview(hub, job)
    assert (seen.new, seen.changed, seen.same, seen.absent) == (2, 0, 0, 0)
    assert seen.first_rows[0].masked_name == "张*"
    assert number(1) not in row(hub, job).preview
    assert number(1).encode() not in row(hub, job).sealed_rows
    assert names(hub) == set()
    assert commit_import(hub, "li", job).written == Written(new=2)
    assert names(hub) == {"T1", "T2"}
    assert (row(hub, job).state, row(hub, job).sealed_rows) == (State.DONE, None)
    assert not list((hub.settings.state_dir / "imports").iterdir())


def test_a_workbook_with_three_bad_rows_tells_all_three_and_writes_nothing(hub: Hub) -> None:
    bad = [
        ("T2", "张三", number(2)[:-1] + "?", *TIMES),
        ("T3", "张三", number(3), "tomorrow", TIMES[1]),
        ("T1", "张三", number(4), *TIMES),
    ]
    job = read(hub, workbook(person(1), *bad, person(5)), "people.xlsx")
    told = row(hub, job)
    assert told.state == State.REFUSED
    problems = json.loads(told.problems)
    assert [(at, column) for at, column, *_ in problems] == [(3, "number"), (4, "not_before"), (5, "ticket")]
    assert problems[2][2:] == ["the ticket of row 2", "each ticket once"]
    assert names(hub) == set()
    with pytest.raises(Refused, match="refused, and not ready"):
        commit_import(hub, "li", job)


def test_a_second_import_knows_what_is_new_changed_and_the_same(hub: Hub) -> None:
    commit_import(hub, "li", read(hub, comma(person(1), person(2), person(3))))
    with hub.begin() as connection:
        revoke_tickets(hub, connection, "li", EVENT, ["T3"])
    job = read(hub, comma(person(1), ("T2", "李四", number(7), *TIMES), person(3), person(4)))
    seen = preview(hub, job)
    assert (seen.new, seen.changed, seen.same, seen.reinstated, seen.absent) == (1, 2, 1, 1, 0)
    assert commit_import(hub, "li", job).written == Written(new=1, changed=2, same=1)


@pytest.mark.parametrize("times", [1, TRIES])
def test_while_an_import_is_sealed_others_write_and_it_is_held_against_what_they_wrote(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """However often the event is changed meanwhile; the last time nobody gets in between."""
    commit_import(hub, "li", read(hub, comma(*map(person, range(TRIES)))))
    job = read(hub, comma(*map(person, range(TRIES)), person(9)))
    sealings = 0

    def seal_while_others_write(*given: Any) -> Rows:
        nonlocal sealings
        made = rows_of(*given)
        if sealings < times:
            with hub.begin() as connection:
                revoke_tickets(hub, connection, "li", EVENT, [f"T{sealings}"])
        sealings += 1
        return made

    monkeypatch.setattr(import_commit, "rows_of", seal_while_others_write)
    written = commit_import(hub, "li", job).written
    assert sealings == times + 1
    assert written == Written(new=1, changed=times, same=TRIES - times)
    assert names(hub) == {*(f"T{serial}" for serial in range(TRIES)), "T9"}


@pytest.mark.parametrize(("absent", "left"), [(Absent.REVOKE, {"T1", "T2"}), (Absent.REMOVE, {"T2"})])
def test_replacing_takes_away_what_is_not_in_the_table(hub: Hub, absent: Absent, left: set[str]) -> None:
    commit_import(hub, "li", read(hub, comma(person(1), person(2))))
    job = read(hub, comma(person(2)), mode=Mode.REPLACE, absent=absent)
    assert preview(hub, job).first_absent == ("T1",)
    written = commit_import(hub, "li", job).written
    assert (written.same, written.revoked + written.removed) == (1, 1)
    assert names(hub) == left


def test_replacing_is_refused_when_tickets_changed_since_it_was_looked_at(hub: Hub) -> None:
    job = read(hub, comma(person(2)), mode=Mode.REPLACE)
    commit_import(hub, "li", read(hub, comma(person(1))))
    with pytest.raises(Refused) as refused:
        commit_import(hub, "li", job)
    assert refused.value.code == "changed_since"
    assert names(hub) == {"T1"}
    assert row(hub, job).state == State.READY


def test_an_import_into_a_published_event_goes_out_at_once(hub: Hub) -> None:
    commit_import(hub, "li", read(hub, comma(person(1))))
    publish(hub, "li", EVENT)
    done = commit_import(hub, "li", read(hub, comma(person(2))))
    assert done.published is not None
    assert (done.published.kind, done.published.version, done.published.tickets) == ("delta", 2, 2)


def test_an_import_that_breaks_a_rule_is_not_written_into_a_published_event(hub: Hub) -> None:
    commit_import(hub, "li", read(hub, comma(person(1))))
    publish(hub, "li", EVENT)
    job = read(hub, comma(person(2), ("T9", "张三", number(1), *TIMES)))
    assert preview(hub, job).errors == 1
    with pytest.raises(Refused) as refused:
        commit_import(hub, "li", job)
    assert (refused.value.status, refused.value.code) == (409, "rules_broken")
    assert refused.value.more["findings"][0]["tickets"] == ("T1", "T9")
    assert names(hub) == {"T1"}
    assert row(hub, job).state == State.READY


def test_what_is_dropped_leaves_nothing(hub: Hub) -> None:
    job = read(hub, comma(person(1)))
    with hub.begin() as connection:
        drop_import(hub, connection, "li", job)
    assert (row(hub, job).state, row(hub, job).sealed_rows, row(hub, job).preview) == (State.DROPPED, None, "{}")
    with pytest.raises(Refused):
        commit_import(hub, "li", job)


def test_an_import_is_written_although_its_reader_is_still_tidying_up(hub: Hub) -> None:
    """A program that asks all the time sees `ready` before the reader has let go."""
    job = read(hub, comma(person(1)))
    reader = ImportLock(hub, job)
    tidy = threading.Timer(0.1, reader.release)
    tidy.start()
    assert commit_import(hub, "li", job).written.new == 1
    tidy.join()
    stays = ImportLock(hub, job)
    with pytest.raises(Refused, match="somebody is at this import"):
        commit_import(hub, "li", job)
    stays.release()


def test_a_written_import_is_not_written_again_or_dropped(hub: Hub) -> None:
    job = read(hub, comma(person(1)))
    commit_import(hub, "li", job)
    with pytest.raises(Refused, match="done, and not ready"):
        commit_import(hub, "li", job)
    with hub.begin() as connection, pytest.raises(Refused, match="nothing to drop"):
        drop_import(hub, connection, "li", job)


def test_a_closed_event_takes_no_import(hub: Hub) -> None:
    job = read(hub, comma(person(1)))
    with hub.begin() as connection:
        connection.execute(update(tables.event).values(state="closed"))
    with pytest.raises(Refused, match="closed"):
        commit_import(hub, "li", job)
    with pytest.raises(Refused, match="closed"):
        begin(hub, comma(person(1)))
    assert not list((hub.settings.state_dir / "imports").iterdir())


@pytest.mark.parametrize("state", [State.READING, State.WRITING])
def test_an_import_whose_process_is_gone_has_failed(hub: Hub, state: State) -> None:
    job = read(hub, comma(person(1)))
    with hub.begin() as connection:
        connection.execute(update(tables.import_job).values(state=state))
    (hub.settings.state_dir / "imports" / job).mkdir()
    alive = ImportLock(hub, job)
    assert abandon_dead(hub) == 0
    alive.release()
    assert abandon_dead(hub) == 1
    assert (row(hub, job).state, row(hub, job).sealed_rows) == (State.FAILED, None)
    assert not list((hub.settings.state_dir / "imports").iterdir())


def _commit_and_die(settings: Settings, job: str) -> None:
    """In a child: the power goes when everything is written but the transaction's end."""
    import sync.server.import_commit as module

    hub = open_hub(settings)
    module._done = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    module.commit_import(hub, "li", job)


def test_killed_in_the_middle_of_writing_nothing_is_half_imported(hub: Hub) -> None:
    job = read(hub, comma(*(person(n) for n in range(50))))
    child = multiprocessing.get_context("spawn").Process(target=_commit_and_die, args=(hub.settings, job))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert (row(hub, job).state, names(hub)) == (State.WRITING, set())
    assert abandon_dead(hub) == 1
    assert (row(hub, job).state, row(hub, job).sealed_rows) == (State.FAILED, None)


def test_progress_is_told_now_and_then_and_at_the_end(hub: Hub) -> None:
    job = read(hub, comma(person(1)))
    with hub.begin() as connection:
        connection.execute(update(tables.import_job).values(state=State.READING))
    told, seen = _progress(hub, job, slow=False), []
    for done, of in [(999, 0), (1999, 0), (2999, 0), (1, 5000), (2000, 5000), (2001, 5000), (5000, 5000)]:
        told(done, of)
        seen.append((row(hub, job).done, row(hub, job).of))
    assert seen == [(999, 0), (999, 0), (2999, 0), (1, 5000), (1, 5000), (2001, 5000), (5000, 5000)]


# --- photographs ----------------------------------------------------------------------------------------------------

FACES = (*HEADER, "consent_id")


def photograph(identity: int, problem: FaceProblem | None = None) -> bytes:
    return bytes(cv2.imencode(".png", marked(identity, problem=problem))[1])


def archive(**pictures: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for name, data in pictures.items():
            zipped.writestr(f"photos/{name}.png", data)
    return out.getvalue()


@pytest.fixture
def seeing(hub: Hub) -> Hub:
    """The same server with a face engine, which dies at the sight of person 7."""
    return replace(hub, settings=replace(hub.settings, face="sim:?crash_on=7"))


def test_photographs_become_templates_and_are_gone(seeing: Hub) -> None:
    job = read(
        seeing, comma((*person(1), "C-1"), (*person(2), ""), header=FACES), photographs=archive(T1=photograph(1))
    )
    assert preview(seeing, job).photographs == 1
    commit_import(seeing, "li", job)
    with seeing.begin() as connection:
        reference = find_ticket(seeing, connection, EVENT, "T1").ticket.reference
    assert reference is not None
    assert (reference.model_version, reference.legal_basis) == ("sim-1", "C-1")
    assert not list((seeing.settings.state_dir / "imports").iterdir())


def test_a_later_table_without_photographs_keeps_the_templates(seeing: Hub) -> None:
    pictures = archive(T1=photograph(1), T2=photograph(2))
    commit_import(
        seeing, "li", read(seeing, comma(*((*person(n), "C") for n in (1, 2)), header=FACES), photographs=pictures)
    )
    other = ("T2", "李四", number(8), *TIMES, "C")  # the seat changed hands: another person's face
    commit_import(seeing, "li", read(seeing, comma((*person(1), "C"), other, header=FACES)))
    with seeing.begin() as connection:
        kept = {name: find_ticket(seeing, connection, EVENT, name).ticket.reference for name in ("T1", "T2")}
    assert {name: reference is not None for name, reference in kept.items()} == {"T1": True, "T2": False}


def test_every_photograph_that_will_not_do_is_told_even_one_that_kills_the_engine(seeing: Hub) -> None:
    pictures = archive(T1=photograph(7), T2=photograph(2, FaceProblem.BLURRED), T3=b"no picture", T4=photograph(4))
    job = read(seeing, comma(*((*person(n), "C") for n in range(1, 5)), header=FACES), photographs=pictures)
    assert row(seeing, job).state == State.REFUSED
    assert [(at, found) for at, _, found, _ in json.loads(row(seeing, job).problems)] == [
        (2, "a picture at which the engine died"),
        (3, "a picture where the picture is blurred"),
        (4, "a file that holds no picture"),
    ]


def test_an_engine_that_hangs_or_cannot_be_opened_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enroller, "PICTURE_S", 0.5)
    told = []
    for url in ("sim:?hang_on=8", "nothing:"):
        seeing = replace(hub, settings=replace(hub.settings, face=url))
        job = read(seeing, comma((*person(1), "C"), header=FACES), photographs=archive(T1=photograph(8)))
        told.append(json.loads(row(seeing, job).problems)[0][2])
    assert told[0] == "a picture at which the engine hung"
    assert told[1].startswith("unusable photographs: no face driver is called 'nothing'")


def test_without_an_engine_photographs_are_a_problem(hub: Hub) -> None:
    job = read(hub, comma((*person(1), "C"), header=FACES), photographs=archive(T1=photograph(1)))
    assert row(hub, job).state == State.REFUSED
    assert "unusable photographs: no engine" in row(hub, job).problems


def test_a_damaged_archive_of_photographs_is_a_problem(seeing: Hub) -> None:
    job = read(seeing, comma(person(1)), photographs=b"PK no archive")
    assert (row(seeing, job).state, "a damaged or encrypted archive" in row(seeing, job).problems) == ("refused", True)


def test_an_import_dropped_while_it_is_read_stops(hub: Hub) -> None:
    """The reader waits for its turn until the import was dropped."""
    turn: threading.Lock = hub.memory.setdefault("import turn", threading.Lock())
    with turn:
        job = begin(hub, comma(*(person(n) for n in range(5))))
        with hub.begin() as connection:
            drop_import(hub, connection, "li", job)
    for thread in threading.enumerate():
        if thread.name == job:
            thread.join(60)
    assert (row(hub, job).state, row(hub, job).sealed_rows) == (State.DROPPED, None)
