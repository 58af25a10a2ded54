"""Typing a document at the lane: by touch, by keyboard, by a scanner that types; and what goes to the gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QLineEdit

from models.command import Order, Presented
from models.ids import DocumentType
from models.view import Phase
from tests.ui.sheet_lane import SNAPSHOT, STEWARD, Lane, view
from ui.keys import RUB, Mark
from ui.manual import EntryPage, ManualSheet, open_manual
from ui.manual_kinds import Kind

pytestmark = pytest.mark.usefixtures("qapp")

ID = "11010519491231002X"
FIRST = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
SECOND = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
IDLE = view(SNAPSHOT, phase=Phase.IDLE, reason=None, verdict=None, first_use=None)


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    made = Lane(tmp_path)
    yield made
    made.leaves()


def entry(lane: Lane, kind: Kind) -> tuple[ManualSheet, EntryPage]:
    sheet = lane.opens(open_manual, IDLE)
    assert isinstance(sheet, ManualSheet)
    lane.touches_on(sheet.kinds[kind])
    assert sheet.entry is not None
    return sheet, sheet.entry


def touch(lane: Lane, page: EntryPage, text: str) -> None:
    for character in text:
        lane.touches_on(next(key for key in page.keys.tiles if key.text() == character))


def test_an_id_number_is_touched_and_sent(lane):
    _, page = entry(lane, Kind.RESIDENT_ID)
    touch(lane, page, ID[:-1])
    assert not page.send.isEnabled()
    touch(lane, page, "X")
    assert page.fields["number"].mark is Mark.GOOD
    lane.touches_on(page.send)
    said = lane.hears()
    assert (said.order, said.attempt, said.presented) == (Order.PRESENT, 7, Presented(DocumentType.RESIDENT_ID, ID))
    assert said.actor, "somebody answers for what was typed"


def test_a_wrong_check_digit_is_seen_at_once_and_cannot_be_sent(lane):
    _, page = entry(lane, Kind.RESIDENT_ID)
    touch(lane, page, ID[:-1] + "1")
    assert page.fields["number"].mark is Mark.WRONG
    assert page.fields["number"].hint == lane.words("manual.disagrees")
    assert not page.send.isEnabled()
    touch(lane, page, RUB + "X")
    assert page.send.isEnabled()


def test_a_scanner_types_into_the_field_and_ends_with_return(lane):
    sheet, _ = entry(lane, Kind.CHILD)
    QTest.keyClicks(sheet, ID.lower())
    QTest.keyClick(sheet, Qt.Key_Return)
    assert lane.hears().presented == Presented(DocumentType.RESIDENT_ID, ID, child=True)


def test_what_a_keyboard_types_goes_to_the_sheet_over_the_window(lane):
    _, page = entry(lane, Kind.TEMPORARY_ID)
    below = QLineEdit(lane.window)
    for character in "110105":
        QTest.keyClick(lane.window.windowHandle(), character)
    QTest.keyClick(lane.window.windowHandle(), Qt.Key_Tab)
    QTest.keyClick(lane.window.windowHandle(), "2")
    assert (page.typed.number, page.typed.valid_to, below.text()) == ("110105", "2", "")


def test_a_scanned_passport_comes_in_two_lines_with_a_return_after_each(lane):
    sheet, page = entry(lane, Kind.PASSPORT)
    for line in (FIRST, SECOND):
        QTest.keyClicks(sheet, line)
        QTest.keyClick(sheet, Qt.Key_Return)
    assert page.fields["valid_to"].isHidden(), "the lines say it"
    assert lane.hears().presented == Presented(DocumentType.PASSPORT, "L898902C3", "2012-04-15")


def test_a_passport_number_is_touched_on_letters(lane):
    _, page = entry(lane, Kind.PASSPORT)
    touch(lane, page, "E12345678")
    lane.touches_on(page.fields["valid_to"])
    touch(lane, page, "20320415")
    lane.touches_on(page.send)
    assert lane.hears().presented == Presented(DocumentType.PASSPORT, "E12345678", "2032-04-15")


def test_a_temporary_id_goes_on_to_its_last_day_by_itself(lane):
    _, page = entry(lane, Kind.TEMPORARY_ID)
    touch(lane, page, ID)
    assert not page.send.isEnabled()
    touch(lane, page, "20261231")
    lane.touches_on(page.send)
    assert lane.hears().presented == Presented(DocumentType.TEMPORARY_ID, ID, "2026-12-31")


@pytest.mark.parametrize("fields", [("123456",), ("L898902C3", "740812", "120415")])
def test_a_passport_on_the_reader_is_opened_by_what_is_printed(lane, fields):
    sheet, page = entry(lane, Kind.CHIP)
    for text in fields:
        QTest.keyClicks(sheet, text)
        QTest.keyClick(sheet, Qt.Key_Tab)
    lane.touches_on(page.send)
    said = lane.hears()
    assert (said.order, said.mrz, said.presented) == (Order.MRZ, " ".join(fields), None)


def test_a_refusal_is_said_and_what_was_typed_stays_to_be_mended(lane):
    sheet, page = entry(lane, Kind.PASSPORT)
    QTest.keyClicks(sheet, "E12345678")
    lane.touches_on(page.send)
    lane.answers(lane.hears(), "somebody is in the lane")
    assert "somebody is in the lane" in sheet.status.text()
    assert page.typed.number == "E12345678"
    assert page.send.isEnabled()


def test_what_was_typed_goes_with_the_sheet(lane):
    sheet, page = entry(lane, Kind.RESIDENT_ID)
    QTest.keyClicks(sheet, ID)
    lane.touches_on(page.send)
    lane.answers(lane.hears())
    assert page.typed.number == ""
    assert page.fields["number"].typed == ""


def test_another_visitor_in_the_lane_is_said_before_anything_is_sent(lane):
    sheet, page = entry(lane, Kind.RESIDENT_ID)
    lane.tells(view(IDLE, attempt=8))
    assert sheet.status.text() == lane.words("manual.moved_on")
    QTest.keyClicks(sheet, ID)
    lane.touches_on(page.send)
    said = lane.hears()
    assert (said.attempt, said.actor) == (8, sheet.actor)
    assert STEWARD.actor != sheet.actor, "of several on shift, the one who began last"
