"""The report's figures, from rows alone, and its files."""

from __future__ import annotations

import csv
import io

from sync.server.board import Tallied
from sync.server.pages.words import LANGUAGES, words_in
from sync.server.report import GateFigures, Report, by_gate, figures
from sync.server.report_files import Sheet, as_csv, as_pdf, sheets

ROWS = [
    Tallied(0, "a", "admit", "ok", 90),
    Tallied(0, "a", "admit", "ok_by_steward", 5),
    Tallied(0, "b", "deny", "no_ticket", 7),
    Tallied(0, "b", "deny", "refused_by_steward", 2),
    Tallied(0, "b", "deny", "steward_timeout", 1),
    Tallied(0, "a", "refer", "face_uncertain", 8),
    Tallied(0, "a", "in", "passed", 92),
    Tallied(0, "a", "in", "unknown", 1),
    Tallied(0, "a", "in", "no_show", 2),
    Tallied(0, "b", "in", "free", 7),
    Tallied(0, "a", "out", "passed", 4),
    Tallied(0, "a", "flag", "claim_unanswered", 3),
]


def test_everybody_is_counted_where_he_belongs() -> None:
    assert figures(ROWS) == {
        "admissions": 95,
        "passed_in": 100,
        "passed_out": 4,
        "no_show": 2,
        "refused": 10,
        "manual": 8,
        "manual_admitted": 5,
        "manual_refused": 3,
        "unchecked": 7,
        "unchecked_share": 0.07,
        "claim_unanswered": 3,
        "no_face": 0,
        "emergencies": 0,
        "companions": 0,
    }


def test_gates_come_by_name_and_add_up() -> None:
    assert by_gate(ROWS, {"a": "West", "b": "East"}) == [
        GateFigures("East", 0, 10, 7, 7),
        GateFigures("West", 95, 0, 93, 0),
    ]


def test_no_cell_of_the_spreadsheet_is_a_formula() -> None:
    hostile = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", 'a"b', "王,小明"]
    made = as_csv(["=head"], [Sheet("@title", ("-a",), tuple((cell,) for cell in hostile))])
    cells = [cell for row in csv.reader(io.StringIO(made.decode("utf-8-sig"), newline="")) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert {'a"b', "王,小明"} <= set(cells)


def test_a_pdf_is_made_in_both_languages_whatever_names_there_are() -> None:
    report = Report(
        figures(ROWS), [("no_ticket", 7), ("new_reason", 1)], [], [GateFigures("<b>&门", 1, 2, 3, 4)], ["门"]
    )
    for language in LANGUAGES:
        made = sheets(report, words_in(language))
        assert as_pdf(["星海 & <Gala>", "门"], made, "2026").startswith(b"%PDF-")
        assert [cell for sheet in made for row in sheet.rows for cell in row].count("new_reason") == 1
