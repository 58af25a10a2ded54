"""Workbooks are read by the same rules as comma-separated values; bombs and damage are refused before they hurt."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.face import FaceReference
from models.ids import check_digit
from models.ticket import Validity
from sync.holding import Holding
from sync.sources import table, xlsx
from sync.sources.people import Event, Faces, read_people
from sync.sources.table import SourceRefused

HEADER = ("ticket", "name", "number", "not_before", "not_after")
NUMBER = "11010519491231002X"
TIMES = ("2025-05-01T18:00+08:00", "2025-05-01T22:00+08:00")
SHANGHAI = ZoneInfo("Asia/Shanghai")
FROM = datetime(2025, 5, 1, 10, tzinfo=UTC).timestamp()


def workbook(path: Path, *rows: tuple[object, ...], header: tuple[str, ...] = HEADER) -> Path:
    book = openpyxl.Workbook()
    for row in (header, *rows):
        book.active.append(row)
    book.save(path)
    return path


def people(path: Path) -> list[Holding]:
    return read_people(path, Event("gala", SHANGHAI))


def problems(path: Path) -> list[str]:
    with pytest.raises(SourceRefused) as caught:
        people(path)
    return [str(problem) for problem in caught.value.problems]


def test_a_workbook_gives_the_same_tickets_as_comma_separated_values(tmp_path):
    rows = [("T1", "张三丰", NUMBER, *TIMES), ("T2", "Li Si", "110105194912310011", *TIMES)]
    comma = tmp_path / "people.csv"
    comma.write_text("\n".join(",".join(row) for row in (HEADER, *rows)), encoding="utf-8")
    assert people(workbook(tmp_path / "people.xlsx", *rows)) == people(comma)


def test_cells_that_are_numbers_and_moments_are_read_as_typed(tmp_path):
    moments = (datetime(2025, 5, 1, 18), datetime(2025, 5, 1, 22))
    (holding,) = people(workbook(tmp_path / "a.xlsx", (4711.0, "张三", NUMBER, *moments)))
    assert (holding.ticket.ticket, holding.ticket.validity) == ("4711", Validity(FROM, FROM + 4 * 3600))


def test_a_number_that_the_spreadsheet_rounded_is_refused_and_not_taken_for_another(tmp_path):
    (told,) = problems(workbook(tmp_path / "a.xlsx", ("T1", "张三", 110105194912310011, *TIMES)))
    assert told.startswith("row 2, number: found a number that a spreadsheet has rounded")
    (told,) = problems(workbook(tmp_path / "b.xlsx", (1234567890123456, "张三", NUMBER, *TIMES)))
    assert told.startswith("row 2, ticket: found a number that a spreadsheet has rounded")


def test_three_bad_rows_are_told_with_row_and_column(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx",
        ("T1", "张三", NUMBER, *TIMES),
        ("T2", "张三", "110105194912310021", *TIMES),
        ("", "张三", "110105194912310011", *TIMES),
        ("T4", "张三", NUMBER, date(2025, 5, 1), TIMES[1]),
    )
    assert [told.partition(":")[0] for told in problems(path)] == [
        "row 3, number",
        "row 4, ticket",
        "row 5, not_before",
    ]


def test_blank_rows_and_cells_at_the_end_do_not_count(tmp_path):
    path = workbook(tmp_path / "a.xlsx", ("T1", "a", NUMBER, *TIMES, None, ""), (), ("T2", "a", NUMBER, *TIMES))
    assert [holding.ticket.ticket for holding in people(path)] == ["T1", "T2"]
    assert "row 2: found 6 cells, expected 5 as in row 1" in problems(
        workbook(tmp_path / "b.xlsx", ("T1", "a", NUMBER, *TIMES, "more"))
    )


def test_a_documents_last_day_is_kept(tmp_path):
    header = (*HEADER, "valid_to", "number2", "valid_to2")
    rows = [
        ("T1", "a", NUMBER, *TIMES, datetime(2030, 1, 2), "110105194912310011", "2031.02.03"),
        ("T2", "a", NUMBER, *TIMES, "长期", None, None),
    ]
    one, two = people(workbook(tmp_path / "a.xlsx", *rows, header=header))
    assert [document.valid_to for document in one.documents] == [date(2030, 1, 2), date(2031, 2, 3)]
    assert two.documents[0].valid_to is None
    (told,) = problems(workbook(tmp_path / "b.xlsx", ("T1", "a", NUMBER, *TIMES, "soon", None, None), header=header))
    assert told.startswith("row 2, valid_to: found a text of 4 characters, expected a day")


def test_no_photograph_of_a_child_is_opened_without_the_guardians_consent(tmp_path):
    stem = "11010520200101001"
    header = (*HEADER, "consent_id", "guardian_consent_id")
    pictures = tmp_path / "photos"
    pictures.mkdir()
    (pictures / "T1.jpg").write_bytes(b"x")
    event = Event("gala", SHANGHAI, today=date(2026, 1, 1))
    faces = Faces(pictures, lambda path: FaceReference("sim-1", b"t"))

    def read(guardian: str) -> list[Holding]:
        row = ("T1", "a", stem + check_digit(stem), *TIMES, "C-1", guardian)
        return read_people(workbook(tmp_path / "a.xlsx", row, header=header), event, faces)

    with pytest.raises(SourceRefused, match="row 2, guardian_consent_id: found nothing"):
        read("")
    (holding,) = read("G-1")
    assert (holding.guardian_consent, holding.ticket.reference is not None) == ("G-1", True)


def bomb(path: Path, name: str, size: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as member:
        for _ in range(size >> 20):
            member.write(bytes(1 << 20))
    return path


def test_bombs_are_refused_unopened(tmp_path):
    (told,) = problems(bomb(tmp_path / "a.xlsx", "xl/worksheets/sheet1.xml", 8 << 20))
    assert told == "row 1: found a workbook that unpacks to far more than it is, expected at most 200 times"


def test_what_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = workbook(tmp_path / "a.xlsx", ("T1", "a", NUMBER, *TIMES))
    monkeypatch.setattr(xlsx, "UNPACKED_LIMIT", 1 << 10)
    (told,) = problems(path)
    assert told.startswith("row 1: found a workbook that unpacks to too much")


def test_the_number_of_rows_is_bounded_in_both_forms(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "ROW_LIMIT", 2)
    rows = [(f"T{n}", "a", NUMBER, *TIMES) for n in range(3)]
    comma = tmp_path / "people.csv"
    comma.write_text("\n".join(",".join(row) for row in (HEADER, *rows)))
    for path in (comma, workbook(tmp_path / "a.xlsx", *rows)):
        assert problems(path) == ["row 4: found more rows, expected at most 2 rows"]


def test_a_billion_laughs_stay_silent(tmp_path):
    good = workbook(tmp_path / "good.xlsx", ("T1", "a", NUMBER, *TIMES))
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    sheet = f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]><worksheet>&l11;</worksheet>'
    bad = tmp_path / "bad.xlsx"
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w") as new:
        for member in old.infolist():
            new.writestr(member, sheet if "sheet1" in member.filename else old.read(member))
    assert problems(bad) == ["row 1: found a damaged workbook, expected a workbook (.xlsx)"]


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    return workbook(tmp_path_factory.mktemp("good") / "a.xlsx", ("T1", "a", NUMBER, *TIMES))


PLACE = st.floats(0, 1, exclude_max=True)


@given(changes=st.lists(st.tuples(PLACE, st.integers(0, 255)), min_size=1, max_size=5), cut=PLACE | st.just(1.0))
def test_damage_is_a_problem_with_a_place_and_nothing_worse(good, changes, cut):
    data = bytearray(good.read_bytes())
    for place, byte in changes:
        data[int(place * len(data))] = byte
    damaged = good.with_name("damaged.xlsx")
    damaged.write_bytes(bytes(data[: int(cut * len(data))]))
    with suppress(SourceRefused):
        people(damaged)


def test_what_is_no_archive_is_told(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(io.BytesIO(b"ticket,name\n").getvalue())
    assert problems(path) == ["row 1: found a file that is no workbook, expected a workbook (.xlsx)"]
