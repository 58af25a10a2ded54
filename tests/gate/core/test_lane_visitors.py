"""Stories of several people at one lane, of wobbling cards, second tries and words that do not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.core.attempt import WOBBLE_S, better_try
from gate.core.effects import Capture, Lookup, Record, Release
from gate.core.events import CardFailed, ClaimAnswered, ModeSet, Passed, ReleaseFailed, SensorDoubted
from models.credential import CardProblem
from models.decision import ClaimAnswer, FaceFacts, Profile, Reason, StewardAction, Verdict
from models.face import FaceProblem
from models.ledger import EntryKind
from models.passage import Passage
from models.record import DecisionBody
from models.view import Mode, Phase
from tests.gate.core.strategies import face, hit, policy
from tests.gate.core.told import AN, WEI, a_lane, compared, found, passages, says, words

CONFIRM, CLEAR, RETRY = StewardAction.CONFIRM, StewardAction.CLEAR_WATCH, StewardAction.RETRY_FACE


def test_a_card_that_wobbles_on_the_reader_does_not_end_its_own_referral() -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared(0.9), compared(0.9), compared(0.9))
    assert lane.phase is Phase.REFERRED
    lane.wait(WOBBLE_S - 0.5)
    assert lane.tell(AN) == ()
    lane.wait(1.0)
    lane.tell(AN)
    assert (lane.phase, lane.lane.attempt) == (Phase.LOOKUP, 2)


def test_a_card_that_cannot_be_read_disturbs_nobody_and_is_written_down() -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared(0.9), compared(0.9), compared(0.9))
    (entry,) = lane.tell(CardFailed(CardProblem.UNREADABLE))
    assert isinstance(entry, Record)
    assert isinstance(entry.body, DecisionBody)
    assert (entry.body.attempt, entry.body.decision.reason) == (0, Reason.UNREADABLE_CARD)
    assert lane.phase is Phase.REFERRED
    lane.tell(says(StewardAction.ADMIT))
    assert lane.phase is Phase.RELEASED


def test_who_came_first_is_served_first() -> None:
    lane = a_lane()
    lane.tell(AN, WEI)
    lane.tell(found(), compared(), Passed())
    assert lane.effects(Lookup)[-1].scan == WEI.scan


def test_who_taps_while_a_refusal_is_shown_comes_after_the_one_who_waited() -> None:
    lane = a_lane()
    lane.tell(AN, WEI)
    answer = found()
    lane.tell(replace(answer, lookup=replace(answer.lookup, tickets=())))
    assert (lane.phase, words(lane)[-1][1]) == (Phase.IDLE, Reason.NO_TICKET)
    third = replace(AN, scan=3, same="third")
    lane.tell(third)
    assert lane.effects(Lookup)[-1].scan == WEI.scan
    assert lane.lane.waiting is not None
    assert lane.lane.waiting[0] == third


def test_people_who_walk_through_an_open_barrier_are_no_intruders() -> None:
    lane = a_lane()
    lane.tell(AN, found(), ModeSet(Mode.FREE, "supervisor-1"))
    (entry,) = lane.tell(Passed())
    assert isinstance(entry, Record)
    assert (entry.kind, entry.opens) == (EntryKind.PASSAGE, True)


def test_a_face_that_came_before_the_claim_gets_its_second_try() -> None:
    lane = a_lane(policy(claims=True))
    lane.tell(AN, found(), compared(0.9))
    assert len(lane.effects(Capture)) == 2
    lane.tell(compared(0.3), ClaimAnswered(1, ClaimAnswer.GRANTED))
    assert lane.phase is Phase.RELEASED


def test_a_live_face_goes_before_a_nearer_one_that_is_not() -> None:
    rules = policy(pad_accept=0.8)
    near, live = face(0.1, pad_score=0.2), face(0.3, pad_score=0.9)
    assert better_try(better_try(None, near, rules), live, rules).pad_score == 0.9
    assert better_try(better_try(None, live, rules), near, rules).pad_score == 0.9
    blind = FaceFacts(problem=FaceProblem.NO_FACE)
    assert better_try(better_try(None, blind, rules), near, rules).tries == 2


@pytest.mark.parametrize("action", [CONFIRM, CLEAR])
def test_a_word_that_answers_another_question_changes_nothing(action: StewardAction) -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared(0.9), compared(0.9), compared(0.9))
    assert lane.tell(says(action)) == ()


def test_who_was_cleared_is_asked_about_again_when_the_camera_looks_again() -> None:
    lane = a_lane(policy(face_tries=1))
    lane.tell(AN, found(hits=(hit(),)), compared(0.9))
    lane.tell(says(StewardAction.ADMIT))
    assert words(lane)[-1] == (Verdict.REFER, Reason.WATCHLISTED)
    assert lane.tell(says(RETRY)) == ()
    lane.tell(says(CLEAR))
    assert lane.phase is Phase.RELEASED


@pytest.mark.parametrize("action", [CONFIRM, CLEAR, RETRY, StewardAction.ADMIT])
def test_after_a_relay_that_failed_no_word_moves_it_again(action: StewardAction) -> None:
    lane = a_lane()
    lane.tell(AN, found(), compared(), ReleaseFailed(1, "unplugged"))
    assert lane.phase is Phase.REFERRED
    lane.tell(says(action))
    assert len(lane.effects(Release)) == 1


def test_when_the_sensor_missed_something_nobody_is_called_a_no_show() -> None:
    lane = a_lane(policy(Profile.CARD))
    lane.tell(AN, found(), SensorDoubted())
    lane.wait(5.0)
    assert passages(lane) == [(1, Passage.UNKNOWN, "")]
    lane.tell(replace(AN, scan=9))
    lane.tell(replace(found(), attempt=2))
    lane.wait(5.0)
    assert passages(lane)[-1] == (2, Passage.NO_SHOW, "")
