"""Every way in which the gate says no has words in every language; what is new to the screens is shown as it came."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from gate import clock_window, duty, orders, page, sightings, typed
from models.command import Answer
from models.ids import DocumentType
from models.typed import wrong_number
from ui import link
from ui.answers import in_words
from ui.words import languages, load

DUTY = Path(duty.__file__)

SAID = {
    link.NOT_SENT,
    link.UNKNOWN,
    orders.TOO_LATE,
    clock_window.NOT_NEEDED,
    clock_window.NO_MANIFEST,
    clock_window.NO_TIME.format(event="E1"),
    duty.WRONG,
    duty.NOT_RECORDED,
    typed.NOT_RECORDED,
    typed.TOO_MANY,
    sightings.TOO_MANY,
    sightings.NO_SUCH,
    page.NO_TAKER,
    wrong_number(DocumentType.RESIDENT_ID, "110105194912310021"),
}


def refusals() -> set[str]:
    """The sentences with which the gate's staff rules refuse, read from their source."""
    calls = (node for node in ast.walk(ast.parse(DUTY.read_text())) if isinstance(node, ast.Call))
    raised = [call.args[0] for call in calls if ast.unparse(call.func) == "NotAllowed" and call.args]
    whole = {text.value for text in raised if isinstance(text, ast.Constant)}
    parts = {text.values[-1].value for text in raised if isinstance(text, ast.JoinedStr)}
    return whole | parts


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("error", sorted(SAID | refusals()))
def test_the_gates_refusals_have_words(error, language):
    words = load(language)
    said = in_words(Answer(1, ok=False, error=error), words)
    assert said != words("answer.other", error=error)
    assert said


def test_the_gates_source_has_refusals_to_look_for():
    assert len(refusals()) >= 6


def test_a_sentence_without_words_is_shown_as_it_came():
    assert "the moon is full" in in_words(Answer(1, ok=False, error="the moon is full"), load("zh"))


def test_a_pause_is_said_in_whole_seconds():
    said = in_words(Answer(1, ok=False, error=duty.WRONG, wait_s=14.2), load("en"))
    assert said.endswith(load("en")("answer.wait", seconds=15))
