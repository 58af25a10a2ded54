"""How typed numbers and days stand while they are typed, and what goes to the gate when they are whole."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ids import DocumentType, check_digit
from models.mrz import parse_mrz
from models.typed import wrong_number
from ui.keys import Mark
from ui.manual_kinds import (
    Kind,
    Stand,
    Typed,
    chip_secret,
    judge_day,
    judge_number,
    presented,
)

TODAY = date(2026, 9, 22)
ID = "11010519491231002X"
# The specimen of ICAO Doc 9303-4.
FIRST = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
SECOND = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
ZONE = FIRST + SECOND

digits = st.text("0123456789", min_size=17, max_size=17)


@given(digits, st.sampled_from([Kind.RESIDENT_ID, Kind.CHILD, Kind.TEMPORARY_ID]))
def test_the_check_digit_is_judged_live(seventeen, kind):
    right = check_digit(seventeen)
    for length in range(1, 18):
        stand = judge_number(kind, seventeen[:length])
        assert (stand.mark, stand.done, stand.count) == (Mark.OPEN, False, 18 - length)
    assert judge_number(kind, seventeen + right) == Stand(Mark.GOOD, "manual.agrees", True)
    for wrong in set("0123456789X") - {right}:
        assert judge_number(kind, seventeen + wrong) == Stand(Mark.WRONG, "manual.disagrees")


@given(st.text("0123456789ABCX<", max_size=95), st.sampled_from([kind for kind in Kind if kind is not Kind.CHIP]))
def test_what_counts_as_whole_is_what_the_gate_takes(number, kind):
    if judge_number(kind, number).done:
        sent = presented(kind, Typed(number), TODAY)
        assert wrong_number(sent.document, sent.number) == ""


def test_an_x_in_the_middle_cannot_stand():
    assert judge_number(Kind.RESIDENT_ID, "1101X").mark is Mark.WRONG


@pytest.mark.parametrize(("typed", "left"), [(SECOND[:20] + "<", 23), (FIRST, 44), (FIRST + SECOND[:4], 40)])
def test_a_zone_says_how_much_is_missing(typed, left):
    assert judge_number(Kind.PASSPORT, typed) == Stand(Mark.OPEN, "manual.left", count=left)


@pytest.mark.parametrize("typed", [ZONE, SECOND])
def test_a_passport_may_be_typed_as_both_lines_or_the_second_alone(typed):
    assert judge_number(Kind.PASSPORT, typed).mark is Mark.GOOD
    sent = presented(Kind.PASSPORT, Typed(typed), TODAY)
    assert (sent.document, sent.number, sent.valid_to) == (DocumentType.PASSPORT, "L898902C3", "2012-04-15")


@given(st.integers(0, 43).filter(lambda at: SECOND[at] not in "<" and not 10 <= at < 13 and at != 20))
def test_a_slip_in_the_second_line_is_found(at):
    other = "8" if SECOND[at] != "8" else "3"
    wrong = SECOND[:at] + other + SECOND[at + 1 :]
    assert judge_number(Kind.PASSPORT, FIRST + wrong).mark is Mark.WRONG


def test_a_passport_number_alone_has_to_be_compared_twice():
    assert judge_number(Kind.PASSPORT, "E123") == Stand()
    assert judge_number(Kind.PASSPORT, "E12345678") == Stand(Mark.OPEN, "manual.no_digit", True)


@pytest.mark.parametrize(
    ("start", "document"),
    [
        ("11010519491231002", DocumentType.RESIDENT_ID),
        ("81000019900101001", DocumentType.RESIDENCE_PERMIT),
        ("83000019900101001", DocumentType.RESIDENCE_PERMIT),
        ("91115619900101001", DocumentType.FOREIGNER_CARD),
    ],
)
def test_the_first_digits_tell_which_card_bears_the_number(start, document):
    sent = presented(Kind.RESIDENT_ID, Typed(start + check_digit(start)), TODAY)
    assert sent.document is document
    assert not sent.child


def test_a_child_is_marked_as_one():
    sent = presented(Kind.CHILD, Typed(ID), TODAY)
    assert (sent.document, sent.number, sent.child) == (DocumentType.RESIDENT_ID, ID, True)


def test_a_temporary_id_needs_its_last_day():
    assert judge_day("valid_to", "", TODAY, needed=True).done is False
    assert judge_day("valid_to", "20261231", TODAY, needed=True) == Stand(Mark.GOOD, "", True)
    sent = presented(Kind.TEMPORARY_ID, Typed(ID, valid_to="20261231"), TODAY)
    assert (sent.document, sent.valid_to) == (DocumentType.TEMPORARY_ID, "2026-12-31")


@pytest.mark.parametrize(
    ("typed", "stand"),
    [
        ("202609", Stand(Mark.OPEN, "manual.left", count=2)),
        ("20260931", Stand(Mark.WRONG, "manual.no_day")),
        ("20260921", Stand(Mark.WRONG, "manual.over", True)),
        ("20260922", Stand(Mark.GOOD, "", True)),
        ("", Stand(Mark.OPEN, "manual.optional", True)),
    ],
)
def test_a_last_day_is_judged_live(typed, stand):
    assert judge_day("valid_to", typed, TODAY, needed=False) == stand


def test_a_leap_day_of_either_century_can_be_a_birth():
    assert judge_day("birth", "000229", TODAY, needed=True).done
    assert not judge_day("birth", "010229", TODAY, needed=True).done


@pytest.mark.parametrize(
    ("typed", "secret"),
    [
        (Typed("123456"), "123456"),
        (Typed("L898902C3", birth="740812", expiry="120415"), "L898902C3 740812 120415"),
        (Typed(SECOND), "L898902C3 740812 120415"),
        (Typed(ZONE), ZONE),
    ],
)
def test_a_chip_opens_with_what_the_page_shows(typed, secret):
    assert judge_number(Kind.CHIP, typed.number).done
    assert chip_secret(typed) == secret


def test_nothing_typed_shows_in_a_repr():
    assert "L898902C3" not in repr(Typed("L898902C3")) + repr(presented(Kind.PASSPORT, Typed(ZONE), TODAY))
    assert parse_mrz(ZONE).number == "L898902C3"
