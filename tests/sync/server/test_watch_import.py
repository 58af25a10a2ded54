"""An existing list comes in: what each row lacks, what becomes of it, and 2,100 of them."""

from __future__ import annotations

import shutil
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import openpyxl  # type: ignore[import-untyped]
import pytest
from sqlalchemy import select, update

from drivers.face.sim import marked
from sync.server import watch_import, watch_items, watch_life, watch_look
from sync.server.hub import Hub
from sync.server.imports import new_folder
from sync.server.problems import Refused
from sync.server.watch_import import ListFile, Report
from sync.server.watch_import_rows import Defaults
from sync.server.watch_rules import Fault
from sync.server.watch_tables import watch_entry, watch_evidence
from sync.server.watch_tables import watch_import as jobs
from tests.sync.server.organiser import number
from tests.sync.server.watch_people import OLGA, OTTO, SAM, STRANGER, listed

FULL = Defaults("Hospital One", "scalping", "review", "desk 3", evidence="joint decision of 3 May")
HEAD = "number,name,purpose,valid_to,evidence,approvers,photo,legal_basis"


def upload(hub: Hub, content: bytes, defaults: Defaults = FULL, name: str = "list.csv", **more: Any) -> str:
    folder = new_folder(hub)
    table = folder / name
    table.write_bytes(content)
    job = watch_import.begin(hub, OTTO, ListFile(name, table, **more), defaults, folder)
    assert not folder.exists()
    return job


def looked(hub: Hub, job: str) -> Report:
    with hub.begin() as connection:
        return watch_import.report_of(watch_import.import_row(connection, OTTO, job))


def csv(*rows: str, head: str = HEAD) -> bytes:
    return "\n".join((head, *rows)).encode()


def faults(hub: Hub, row: str, defaults: Defaults = FULL, head: str = HEAD) -> tuple[bool, set[str]]:
    report = looked(hub, upload(hub, csv(row, head=head), defaults))
    return report.good == 1, {fault for line in report.lines for fault in line.faults}


GOOD = f"{number(1)},张三,scalping,2026-12-31,case 7,a|b,,"
BARE = Defaults()


@pytest.mark.parametrize(
    ("row", "good", "lacks"),
    [
        (GOOD, True, set()),
        (GOOD.replace("scalping", "dislike"), False, {Fault.NO_PURPOSE}),
        (GOOD.replace("2026-12-31", ""), True, {Fault.NO_END}),
        (GOOD.replace("2026-12-31", "2020-12-31"), False, {Fault.EXPIRED}),
        (GOOD.replace("2026-12-31", "2036-12-31"), False, {Fault.TOO_LONG}),
        (GOOD.replace("2026-12-31", "some day"), False, {Fault.BAD_CELL}),
        (GOOD.replace("a|b", "a"), True, {Fault.NO_APPROVERS}),
        (GOOD.replace(number(1), number(1, "20200101")), False, {Fault.UNDER_14}),
        (GOOD.replace(number(1), "12345"), False, {Fault.BAD_CELL, Fault.NO_PERSON}),
        (f"{number(1)},张三,scalping,2026-12-31,case 7,a|b,z.jpg,", True, {Fault.NO_BASIS_FACE}),
        (f"{number(1)},张三,scalping,2026-12-31,case 7,a|b,z.jpg,law", True, {Fault.BAD_PHOTOGRAPH}),
        (",张三,scalping,2026-12-31,case 7,a|b,z.jpg,law", False, {Fault.BAD_PHOTOGRAPH, Fault.NO_PERSON}),
    ],
)
def test_what_a_row_lacks_is_reported(hub: Hub, row: str, good: bool, lacks: set[str]) -> None:
    assert faults(hub, row) == (good, lacks)


def test_a_row_that_says_nothing_lacks_everything(hub: Hub) -> None:
    good, lacks = faults(hub, number(1), BARE, head="number")
    assert not good
    assert lacks == {
        *(Fault.NO_OWNER, Fault.NO_PURPOSE, Fault.NO_ACTION, Fault.NO_APPEAL),
        *(Fault.NO_EVIDENCE, Fault.NO_END, Fault.NO_APPROVERS),
    }


def test_an_old_entry_whose_time_is_over_is_not_taken(hub: Hub) -> None:
    row = f"{number(1)},2020-01-01,2021年1月1日"
    assert faults(hub, row, head="身份证号,开始日期,截止日期") == (False, {Fault.EXPIRED, Fault.NO_APPROVERS})


def test_twice_in_the_table_and_listed_already(hub: Hub) -> None:
    listed(hub, 1)
    rows = [f"{number(serial)},order" for serial in (1, 2, 2)] + [f"{number(1)},scalping"]
    report = looked(hub, upload(hub, csv(*rows, head="number,purpose")))
    told = {line.row: set(line.faults) - {Fault.NO_END, Fault.NO_APPROVERS} for line in report.lines}
    assert told == {2: set(), 3: set(), 4: {Fault.TWICE}, 5: {Fault.LISTED}}
    assert (report.rows, report.good) == (4, 2)


def test_a_hospitals_own_table_is_read_whatever_else_it_holds(hub: Hub) -> None:
    head = "序号,姓名,身份证号,事由,措施,截止日期,审批人,手机"
    row = f"1,张三,{number(1)},号贩子,提示,2026年12月31日,甲、乙,13800000000"
    job = upload(hub, csv(row, head=head).decode().encode("gb18030"))
    assert looked(hub, job) == Report(rows=1, good=1)
    with hub.begin() as connection:
        assert watch_import.propose_import(hub, connection, OTTO, job) == 1
        entry = connection.execute(select(watch_entry)).one()
    assert (entry.purpose, entry.action, entry.valid_to) == ("scalping", "notify", 1_798_732_800.0)


def test_a_workbook_is_read_as_well(hub: Hub, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in (HEAD.split(","), GOOD.split(",")):
        book.active.append(line)
    book.save(tmp_path / "list.xlsx")
    assert looked(hub, upload(hub, (tmp_path / "list.xlsx").read_bytes(), name="list.xlsx")).good == 1


@pytest.mark.parametrize("content", [b"", b"number\n", b"colour,size\nred,1\n", b'number\n"1'])
def test_what_is_no_list_is_refused_whole(hub: Hub, content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        upload(hub, content)
    assert refused.value.code == "watch_table"
    assert refused.value.more["problems"]


def test_photographs_need_an_engine(hub: Hub, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as zipped:
        zipped.writestr("z.jpg", b"no picture")
    with pytest.raises(Refused, match="no face engine"):
        upload(hub, csv(GOOD), photographs=tmp_path / "p.zip")


def test_photographs_become_templates_where_they_may(hub: Hub, tmp_path: Path) -> None:
    """One with a basis, one without, one of a child, one that is no picture."""
    seeing = replace(hub, settings=replace(hub.settings, face="sim:"))
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as zipped:
        zipped.writestr("z.png", cv2.imencode(".png", marked(1))[1].tobytes())
        zipped.writestr("bad.png", b"no picture")
    people = (number(1), "z.png", "law"), (number(2), "z.png", ""), (number(3, "20200101"), "z.png", "law")
    rows = [f"{one},{photo},{basis}" for one, photo, basis in (*people, (number(4), "bad.png", "law"))]
    content = csv(*rows, ",z.png,law", head="number,photo,legal_basis")
    folder = new_folder(seeing)
    (folder / "list.csv").write_bytes(content)
    shutil.copy(tmp_path / "p.zip", folder / "p.zip")
    file = ListFile("list.csv", folder / "list.csv", folder / "p.zip")
    job = watch_import.begin(seeing, OTTO, file, FULL, folder)
    for thread in threading.enumerate():
        if thread.name == job:
            thread.join(60)
    report = looked(hub, job)
    told = {line.row: set(line.faults) - {Fault.NO_END, Fault.NO_APPROVERS} for line in report.lines}
    assert told == {2: set(), 3: {Fault.NO_BASIS_FACE}, 4: {Fault.UNDER_14}, 5: {Fault.BAD_PHOTOGRAPH}, 6: set()}
    assert (report.good, report.faces) == (4, 2)
    assert not list((hub.settings.state_dir / "imports").iterdir())
    with hub.begin() as connection:
        watch_import.propose_import(hub, connection, OTTO, job)
        models = connection.execute(select(watch_entry.c.model_version)).scalars()
        assert sorted(models) == ["", "", "sim-1", "sim-1"]


def test_an_import_whose_process_died_has_failed(hub: Hub) -> None:
    job = upload(hub, csv(GOOD))
    with hub.begin() as connection:
        connection.execute(update(jobs).values(state="reading"))
    watch_import.abandon_dead(hub)
    with hub.begin() as connection:
        assert connection.execute(select(jobs.c.state).where(jobs.c.job == job)).scalar() == "failed"


def test_an_import_is_proposed_once_and_its_rows_are_gone_then(hub: Hub) -> None:
    job = upload(hub, csv(GOOD))
    with hub.begin() as connection:
        assert number(1).encode() not in connection.execute(select(jobs)).one().sealed_rows
        with pytest.raises(Refused, match="no such import"):
            watch_import.propose_import(hub, connection, STRANGER, job)
        assert watch_import.propose_import(hub, connection, OTTO, job) == 1
        with pytest.raises(Refused, match="nothing to propose"):
            watch_import.propose_import(hub, connection, OTTO, job)
        with pytest.raises(Refused, match="nothing to drop"):
            watch_import.drop_import(hub, connection, OTTO, job)
        row = connection.execute(select(jobs)).one()
        evidence = connection.execute(select(watch_evidence)).one()
    assert (row.state, row.sealed_rows, evidence.name) == ("done", None, "reference.txt")


def test_a_dropped_import_leaves_nothing(hub: Hub) -> None:
    job = upload(hub, csv(GOOD))
    with hub.begin() as connection:
        watch_import.drop_import(hub, connection, OTTO, job)
        row = connection.execute(select(jobs)).one()
        assert (row.state, row.sealed_rows) == ("dropped", None)
        assert watch_look.entries_of_batch(connection, OTTO, job) == []


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.monotonic()
    return work(), time.monotonic() - began


def test_2100_come_in_and_are_approved_by_two_in_seconds(hub: Hub) -> None:
    numbers = [number(n % 1000, f"19{49 + n // 1000}1231") for n in range(2_100)]
    content = csv(*(f"{one},2026-12-31,a|b" for one in numbers), head="number,valid_to,approvers")
    job, reading_s = timed(lambda: upload(hub, content))
    assert looked(hub, job) == Report(rows=2_100, good=2_100)

    def propose() -> int:
        with hub.begin() as connection:
            return watch_import.propose_import(hub, connection, OTTO, job)

    def approve(who: Any) -> watch_life.Approved:
        with hub.begin() as connection:
            return watch_life.approve_all(hub, connection, who, watch_look.entries_of_batch(connection, who, job))

    proposed, proposing_s = timed(propose)
    first, first_s = timed(lambda: approve(OLGA))
    second, second_s = timed(lambda: approve(SAM))
    assert proposed == first.approved == second.complete == 2_100
    with hub.begin() as connection:
        assert len(watch_items.held(connection)) == 2_100
    took = {"read": reading_s, "propose": proposing_s, "approve": first_s, "approve and project": second_s}
    print({name: round(seconds, 2) for name, seconds in took.items()})
    assert sum(took.values()) < 60
