"""Nobody is left without a word, and nobody is accused by one."""

from __future__ import annotations

import re

import pytest

from models.decision import Reason, Verdict
from models.face import FaceProblem
from models.words import FACE_PROBLEMS, VERDICTS, WORDS

ACCUSING = re.compile(
    r"\b(fake|forged|fraud|illegal|stolen|suspect|criminal|liar|deny|denied|list|mismatch|wrong)", re.I
)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_word_for_visitor_and_staff_and_a_next_step(reason):
    words = WORDS[reason]
    for text in (words.visitor, words.staff, words.next_step):
        assert re.fullmatch(r"[A-Z][^\n]{4,118}\.", text)


@pytest.mark.parametrize("reason", Reason)
def test_no_visitor_is_accused_or_told_of_a_list(reason):
    assert not ACCUSING.search(WORDS[reason].visitor)


def test_every_verdict_and_every_problem_with_a_picture_has_words():
    assert set(VERDICTS) == set(Verdict)
    assert set(FACE_PROBLEMS) == set(FaceProblem)
