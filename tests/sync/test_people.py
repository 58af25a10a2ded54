"""The table of people becomes tickets; everything wrong with it is told at once, without the values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from models.face import FaceReference
from models.ids import DocumentType
from models.profiles import DLIB_BANDS
from models.ticket import Note, NoteKind, TicketStatus, Validity
from sync.holding import Document, Holding
from sync.sources.people import Event, Faces, read_people
from sync.sources.table import SourceRefused

HEADER = "ticket,name,number,not_before,not_after"
NUMBER = "11010519491231002X"
TIMES = "2025-05-01T18:00+08:00,2025-05-01T22:00+08:00"
FROM = datetime(2025, 5, 1, 10, tzinfo=UTC).timestamp()


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[Holding]]:
    """Writes a table and reads it."""

    def read_text(*lines: str, header: str = HEADER, faces: Faces | None = None, **event: object) -> list[Holding]:
        path = tmp_path / "people.csv"
        path.write_text("\n".join([header, *lines]), encoding="utf-8")
        return read_people(path, Event("gala", **event), faces)  # type: ignore[arg-type]

    return read_text


def problems(read: Callable[..., list[Holding]], *lines: str, **more: object) -> list[str]:
    with pytest.raises(SourceRefused) as caught:
        read(*lines, **more)
    return [str(problem) for problem in caught.value.problems]


def one(read: Callable[..., list[Holding]], extra: str, value: str, **more: object) -> Holding:
    (holding,) = read(f"T1,张三,{NUMBER},{TIMES},{value}", header=f"{HEADER},{extra}", **more)
    return holding


def test_a_plain_row_becomes_a_ticket_with_a_masked_name(read):
    (holding,) = read(f"T1,张三丰,{NUMBER},{TIMES}")
    assert holding.documents == (Document(DocumentType.RESIDENT_ID, NUMBER),)
    assert holding.ticket.masked_name == "张**"
    assert holding.ticket.validity == Validity(FROM, FROM + 4 * 3600)
    assert holding.ticket.bound_at is None
    assert NUMBER not in repr(holding)


def test_every_column_has_its_place(read):
    columns = "document,gates,seat,way,category,bound_at,guardian,language,notes,status,department,doctor"
    values = (
        "resident_id,A|B,12-3,stairs 4,work,2025-04-01T00:00Z,T2,en,vip:front row|check!:bag|child,"
        "revoked,cardiology,Dr Li"
    )
    holdings = read(
        f"T1,张三,{NUMBER},{TIMES},{values}",
        f"T2,李四,110105194912310011,{TIMES}" + "," * 12,
        header=f"{HEADER},{columns}",
    )
    ticket = holdings[0].ticket
    assert ticket.entitlement.gates == ("A", "B")
    assert (ticket.entitlement.seat, ticket.entitlement.way) == ("12-3", "stairs 4")
    assert (ticket.entitlement.department, ticket.entitlement.doctor) == ("cardiology", "Dr Li")
    assert (ticket.category, ticket.guardian, ticket.language) == ("work", "T2", "en")
    assert ticket.status is TicketStatus.REVOKED
    assert ticket.bound_at == datetime(2025, 4, 1, tzinfo=UTC).timestamp()
    assert ticket.notes == (
        Note(NoteKind.VIP, "front row"),
        Note(NoteKind.CHECK, "bag", hold=True),
        Note(NoteKind.CHILD),
    )
    assert holdings[1].ticket.category == "standard"


def test_several_documents_open_one_ticket(read):
    holding = one(read, "document2,number2,number3", "passport,e 1234567,110105194912310011")
    assert [(each.kind.value, each.number) for each in holding.documents] == [
        ("resident_id", NUMBER),
        ("passport", "E1234567"),
        ("resident_id", "110105194912310011"),
    ]


@pytest.mark.parametrize(("mark", "encoding"), [("", "utf-8"), ("\ufeff", "utf-8"), ("", "gb18030")])
def test_byte_order_marks_and_the_declared_encoding_are_understood(tmp_path, mark, encoding):
    path = tmp_path / "people.csv"
    path.write_bytes(f"{mark}{HEADER}\r\nT1,张三,{NUMBER},{TIMES}\r\n".encode(encoding))
    (holding,) = read_people(path, Event("gala"), encoding=encoding)
    assert holding.ticket.masked_name == "张*"


def test_gb18030_is_not_guessed(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(f"{HEADER}\nT1,张三,{NUMBER},{TIMES}\n".encode("gb18030"))
    with pytest.raises(SourceRefused, match="row 2: found bytes that are not utf-8, expected say so if it is GB18030"):
        read_people(path, Event("gala"))


def test_full_width_digits_and_a_small_x_are_the_same_number(read):
    (holding,) = read(f"T1,张三,１１０１０５１９４９１２３１００２ｘ,{TIMES}")
    assert holding.documents[0].number == NUMBER


def test_times_without_an_offset_need_the_events_time_zone(read):
    line = f"T1,张三,{NUMBER},2025-05-01 18:00,2025-05-01 22:00"
    assert [problem.partition(":")[0] for problem in problems(read, line)] == ["row 2, not_before", "row 2, not_after"]
    (holding,) = read(line, zone=ZoneInfo("Asia/Shanghai"))
    assert holding.ticket.validity.not_before == FROM


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f",张三,{NUMBER},{TIMES}", "row 2, ticket: found nothing, expected the ticket's number"),
        (f"T1,张三,,{TIMES}", "row 2, number: found nothing, expected the document's number"),
        (f"T1,张三,110105194912310021,{TIMES}", "row 2, number: found 18 digits, expected an 18-character ID"),
        (f"T1,张三,1.10105E+17,{TIMES}", "row 2, number: found a number that a spreadsheet has rounded"),
        (f"T1,张三,{NUMBER},2025-05-01,2025-05-01T22:00Z", "row 2, not_before: found a text of 10 characters"),
        (f"T1,张三,{NUMBER},2025-05-01T22:00Z,2025-05-01T22:00Z", "row 2, not_after: found an earlier time"),
        (f"T1,张三,{NUMBER}", "row 2: found 3 cells, expected 5 as in row 1"),
        (f"T1,张\x07三,{NUMBER},{TIMES}", "row 2, name: found a long or unprintable text"),
    ],
)
def test_a_wrong_cell_is_named_with_what_was_expected(read, line, told):
    assert any(problem.startswith(told) for problem in problems(read, line))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("document", "library card"),
        ("status", "maybe"),
        ("face_declined", "perhaps"),
        ("notes", "gossip:x"),
        ("notes", "watch:x"),
        ("bound_at", "yesterday"),
        ("guardian", "T9"),
        ("guardian", "T1"),
        ("gates", "A|C"),
        ("photo", "../../etc/passwd"),
        ("document2", "passport"),
    ],
)
def test_a_value_that_is_none_of_the_known_is_told_once(read, column, value):
    header, line = f"{HEADER},{column}", f"T1,张三,{NUMBER},{TIMES},{value}"
    (problem,) = problems(read, line, header=header, gates=("A", "B"))
    assert problem.startswith("row 2, number2" if column == "document2" else f"row 2, {column}")


@pytest.mark.parametrize(
    ("document", "number", "good"),
    [
        ("residence_permit", "810000199408230021", True),
        ("residence_permit", "810000199408230022", False),
        ("foreigner_card", "USA123456789012", True),
        ("foreigner_card", "USA12345678901", False),
        ("passport", "E12345678", True),
        ("passport", "E", False),
        ("ticket_code", "any-thing/it=likes", True),
    ],
)
def test_each_kind_of_number_has_its_own_form(read, document, number, good):
    header, line = f"{HEADER},document", f"T1,张三,{number},{TIMES},{document}"
    if good:
        assert read(line, header=header)[0].documents[0].kind == document
    else:
        assert len(problems(read, line, header=header)) == 1


def test_all_problems_of_all_rows_come_together_and_nothing_personal_is_in_them(read):
    told = problems(
        read,
        "T1,王小明,440308199901010012,x,y",
        "T1,王小明,123,2025-05-01T18:00Z,2025-05-01T22:00Z",
        "440308199901010012,T1,王小明,x,y",
    )
    assert {int(re.findall(r"row (\d+)", each)[0]) for each in told} == {2, 3, 4}
    assert len(told) >= 7
    assert not any(secret in each for each in told for secret in ("王小明", "440308", "123"))


def test_one_code_for_two_tickets_is_a_problem_and_one_identity_is_not(read):
    header = f"{HEADER},document"
    lines = [f"T{each},张三,code-1,{TIMES},ticket_code" for each in (1, 2)]
    assert problems(read, *lines, header=header) == [
        "row 3, number: found the code of row 2, expected a code of its own"
    ]
    assert len(read(*(line.replace("ticket_code", "").replace("code-1", NUMBER) for line in lines), header=header)) == 2


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("ticket,name,number,not_before", "row 1, not_after: found no such column"),
        (f"{HEADER},gatess", "row 1, column 6: found an unknown name, expected gates?"),
        (f"{HEADER},gates,gates", "row 1: found a column name twice"),
        ("", "row 1, ticket: found no such column"),
    ],
)
def test_a_header_with_missing_unknown_or_double_columns_is_refused(read, header, told):
    assert problems(read, f"T1,张三,{NUMBER},{TIMES}", header=header)[0].startswith(told)


def test_an_empty_table_and_open_quotes_are_refused(read):
    assert problems(read) == ["row 2: found nothing, expected at least one ticket"]
    assert "quotes" in problems(read, f'T1,"张三,{NUMBER},{TIMES}')[0]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("T1.jpg", "T2.PNG", "张三.png"):
        (folder / name).write_bytes(name.encode())
    return folder


def enrol(path: Path) -> FaceReference | str:
    return FaceReference("sim-1", path.read_bytes())


def test_a_ticket_finds_its_photograph_by_name_and_carries_its_basis(read, photos):
    faces = Faces(photos, enrol)
    reference = one(read, "consent_id", "C-7", faces=faces).ticket.reference
    assert reference == FaceReference("sim-1", b"T1.jpg", "C-7")
    reference = one(read, "legal_basis,photo", "law 5,张三.png", faces=faces).ticket.reference
    assert reference == FaceReference("sim-1", "张三.png".encode(), "law 5")


def test_several_photographs_of_one_person_become_one_reference(read, photos):
    def enrolled(path: Path) -> FaceReference:
        template = np.full(128, 0.1, "<f4")
        template[0] += 0.3 * (path.suffix == ".PNG") + 0.6 * (path.name == "张三.png")
        return FaceReference(DLIB_BANDS.model_version, template.tobytes())

    faces = Faces(photos, enrolled)
    reference = one(read, "consent_id,photo", "C,T1.jpg|T2.PNG", faces=faces).ticket.reference
    assert reference.legal_basis == "C"
    assert np.frombuffer(reference.template, "<f4")[0] == pytest.approx(0.25, rel=0.05)
    row = f"T1,张三,{NUMBER},{TIMES},C,"
    header = f"{HEADER},consent_id,photo"
    assert "do not look like one person" in problems(read, row + "T1.jpg|张三.png", header=header, faces=faces)[0]
    assert "the name of a file" in problems(read, row + "T1.jpg|T9.jpg", header=header, faces=faces)[0]
    assert "at most 9" in problems(read, row + "|".join(["T1.jpg"] * 10), header=header, faces=faces)[0]


def test_a_photograph_without_consent_or_legal_basis_is_a_problem_before_it_is_opened(read, photos):
    def opened(path: Path) -> str:
        raise AssertionError(path)

    (problem,) = problems(read, f"T1,张三,{NUMBER},{TIMES}", faces=Faces(photos, opened))
    assert problem.startswith("row 2, consent_id: found nothing, expected a consent_id or a legal_basis")


def test_who_declines_the_face_is_not_enrolled(read, photos):
    def opened(path: Path) -> str:
        raise AssertionError(path)

    holding = one(read, "face_declined", "yes", faces=Faces(photos, opened))
    assert holding.ticket.face_declined
    assert holding.ticket.reference is None


def test_all_pictures_that_will_not_do_are_told_together(read, photos):
    (photos / "T2.jpg").write_bytes(b"")
    lines = [f"T{each},张三,{NUMBER},{TIMES},C" for each in (1, 2)]
    told = problems(read, *lines, header=f"{HEADER},consent_id", faces=Faces(photos, lambda path: "two faces"))
    assert told == [f"row {row}, photo: found two faces, expected another picture" for row in (2, 3)]


def test_references_known_already_go_before_photographs(read, photos):
    known = {"T1": FaceReference("dlib-1", b"known")}
    reference = one(read, "consent_id", "C", faces=Faces(photos, enrol, known)).ticket.reference
    assert reference == FaceReference("dlib-1", b"known", "C")


def test_progress_counts_the_people(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(f"{HEADER}\nT1,a,{NUMBER},{TIMES}\nT2,b,{NUMBER},{TIMES}\n")
    seen: list[tuple[int, int]] = []
    read_people(path, Event("gala"), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
