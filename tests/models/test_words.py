"""Nobody is left without a word, and nobody is accused by one."""

from __future__ import annotations

import re

import pytest

from models.credential import Medium
from models.decision import Reason, Verdict
from models.face import FaceProblem
from models.words import FACE_PROBLEMS, VERDICTS, words_of

ACCUSING = re.compile(
    r"\b(fake|forged|fraud|illegal|stolen|suspect|criminal|liar|deny|denied|list|mismatch|wrong)", re.I
)


EVERY = [(reason, medium) for reason in Reason for medium in (None, Medium.CODE, Medium.TYPED)]


@pytest.mark.parametrize(("reason", "medium"), EVERY)
def test_every_reason_has_a_word_for_visitor_and_staff_and_a_next_step(reason, medium):
    words = words_of(reason, medium)
    for text in (words.visitor, words.staff, words.next_step):
        assert re.fullmatch(r"[A-Z][^\n]{4,118}\.", text)


@pytest.mark.parametrize(("reason", "medium"), EVERY)
def test_no_visitor_is_accused_or_told_of_a_list(reason, medium):
    assert not ACCUSING.search(words_of(reason, medium).visitor)


@pytest.mark.parametrize("reason", Reason)
def test_who_holds_up_a_code_is_not_spoken_to_about_a_card(reason):
    assert "card" not in words_of(reason, Medium.CODE).visitor


def test_other_media_have_the_common_words():
    assert words_of(Reason.REJECTED_CARD, Medium.CHIP_CARD) is words_of(Reason.REJECTED_CARD) is not None
    assert words_of(Reason.REJECTED_CARD, Medium.CODE) != words_of(Reason.REJECTED_CARD)
    assert words_of(Reason.OCCUPANCY, Medium.CODE) is words_of(Reason.OCCUPANCY)
    assert words_of(Reason.REJECTED_CARD, Medium.TYPED) is words_of(Reason.REJECTED_CARD)


def test_a_typed_document_is_no_code_and_no_card_on_the_reader():
    for reason in (Reason.DOCUMENT_NEEDED, Reason.WEAK_CREDENTIAL):
        assert "typed" in words_of(reason, Medium.TYPED).staff
        assert "code" not in words_of(reason, Medium.TYPED).staff


def test_every_verdict_and_every_problem_with_a_picture_has_words():
    assert set(VERDICTS) == set(Verdict)
    assert set(FACE_PROBLEMS) == set(FaceProblem)
