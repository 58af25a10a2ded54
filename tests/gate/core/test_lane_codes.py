"""Stories of people who hold up a code instead of a card."""

from __future__ import annotations

from dataclasses import replace

from gate.core.effects import Capture, Claim, Lookup, Record, Release, Show
from gate.core.events import CardFailed, CardRead, ClaimAnswered, Passed
from models.credential import CardProblem, Medium
from models.decision import ClaimAnswer, CodeNeed, Profile, Reason, StewardAction, Verdict
from models.passage import Direction
from models.record import DecisionBody
from models.view import Phase
from tests.gate.core.strategies import STEP, code, policy, ticket, use
from tests.gate.core.told import a_lane, compared, found, kinds, says, words

HOSPITAL = policy(Profile.HOSPITAL)
PHONE = CardRead(1, code(code_step=STEP), "an")


def test_at_a_concert_a_code_brings_its_holder_before_the_camera() -> None:
    lane = a_lane()
    lane.tell(PHONE, found())
    assert (lane.phase, len(lane.effects(Capture))) == (Phase.CAPTURE, 1)
    assert kinds(lane.tell(compared()))[:2] == ["Record", "Release"]
    (record,) = lane.effects(Record)
    assert isinstance(record.body, DecisionBody)
    assert (record.opens, record.body.facts.card) == (True, PHONE.card)


def test_where_no_face_is_known_a_person_looks_at_a_document_and_lets_in() -> None:
    lane = a_lane(HOSPITAL)
    lane.tell(PHONE, found())
    assert (lane.phase, words(lane)) == (Phase.REFERRED, [(Verdict.REFER, Reason.DOCUMENT_NEEDED)])
    assert not lane.effects(Release)
    assert lane.tell(says(StewardAction.RETRY_FACE)) == ()
    lane.tell(says(StewardAction.ADMIT))
    assert (lane.phase, words(lane)[-1]) == (Phase.RELEASED, (Verdict.ADMIT, Reason.OK_BY_STEWARD))
    assert not lane.effects(Capture)


def test_nobody_looks_for_an_id_whose_ticket_does_not_open() -> None:
    lane = a_lane(HOSPITAL)
    lane.tell(PHONE, found(ticket(gates=("south",))))
    assert words(lane) == [(Verdict.DENY, Reason.WRONG_GATE)]


def test_the_document_comes_before_the_claim() -> None:
    lane = a_lane(replace(HOSPITAL, claims=True))
    lane.tell(PHONE, found())
    assert not lane.effects(Claim)
    lane.tell(says(StewardAction.ADMIT))
    assert len(lane.effects(Claim)) == 1
    lane.tell(ClaimAnswered(1, ClaimAnswer.GRANTED))
    assert lane.phase is Phase.RELEASED


def test_a_code_that_needs_a_face_gives_its_holder_another_try() -> None:
    lane = a_lane(policy(needs_face=False, code_needs=CodeNeed.FACE))
    lane.tell(PHONE, found(), compared(0.9), compared(0.9), compared(0.9))
    assert words(lane)[-1] == (Verdict.REFER, Reason.FACE_MISMATCH)
    lane.tell(says(StewardAction.RETRY_FACE), compared())
    assert words(lane)[-1] == (Verdict.ADMIT, Reason.OK)


def test_another_events_code_is_refused_before_anything_is_looked_up() -> None:
    lane = a_lane()
    lane.tell(replace(PHONE, card=code(event="arena-0616")))
    assert words(lane) == [(Verdict.DENY, Reason.WRONG_EVENT)]
    assert not lane.effects(Lookup)


def test_a_picture_of_a_used_code_frees_the_lane_for_the_next_one() -> None:
    lane = a_lane(policy(exits=True))
    out = use(ago_s=5.0, direction=Direction.EXIT, code_step=STEP)
    lane.tell(PHONE, found(uses=(use(), out)))
    assert (lane.phase, words(lane)) == (Phase.IDLE, [(Verdict.DENY, Reason.CODE_USED)])


def test_the_screens_know_that_it_was_a_code() -> None:
    lane = a_lane()
    lane.tell(CardFailed(CardProblem.REJECTED, medium=Medium.CODE))
    assert (lane.effects(Show)[-1].view.reason, lane.effects(Show)[-1].view.medium) == (
        Reason.REJECTED_CARD,
        Medium.CODE,
    )
    lane.tell(replace(PHONE, scan=2))
    assert lane.effects(Show)[-1].view.medium is Medium.CODE


def test_when_the_lane_is_free_again_the_screens_have_forgotten_it() -> None:
    lane = a_lane()
    lane.tell(PHONE, found(), compared(), Passed())
    lane.wait(10.0)
    assert lane.effects(Show)[-1].view.medium is None
