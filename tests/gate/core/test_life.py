"""What follows from a live, a doubtful and a pictured face; and a head that turns when it is asked to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.effects import Capture
from gate.core.life import Turn, asks_turn, is_attack, is_live
from models.decision import Policy, Reason
from models.face import FaceProbe, FaceProblem, FaceQuality
from models.pad import PadChallenge
from models.view import Phase
from tests.gate.core.strategies import face, policy
from tests.gate.core.told import AN, a_lane, compared, found

SCORES = st.none() | st.floats(0, 1)
POLICIES = st.builds(
    policy,
    pad_accept=st.none() | st.floats(0, 1),
    pad_doubt=st.floats(0, 1),
    pad_challenge=st.sampled_from(PadChallenge),
)

FRONT, ASIDE = 0.5, 0.3


def probe(nose: float = FRONT, problem: FaceProblem | None = None) -> FaceProbe:
    turned = FaceProblem.TURNED if abs(nose - 0.5) > 0.15 else None
    return FaceProbe("dlib", b"t", FaceQuality(nose=nose), problem or turned)


def met(*probes: FaceProbe) -> list[bool]:
    turn = Turn()
    return [turn.look(each) for each in probes]


@given(SCORES, st.booleans(), POLICIES)
def test_who_turned_is_never_less_alive(score: float | None, turned: bool, rules: Policy) -> None:
    assert is_live(face(pad_score=score, turned=True), rules) >= is_live(face(pad_score=score, turned=turned), rules)


@given(SCORES, st.booleans(), POLICIES)
def test_what_looks_like_an_attack_is_never_live(score: float | None, turned: bool, rules: Policy) -> None:
    seen = face(pad_score=score, turned=turned)
    assert not (is_attack(seen, rules) and is_live(seen, rules))


@given(SCORES, st.booleans(), POLICIES)
def test_doubt_is_the_laxest_and_always_the_strictest_challenge(
    score: float | None, turned: bool, rules: Policy
) -> None:
    seen = face(pad_score=score, turned=turned)
    order = (PadChallenge.DOUBT, PadChallenge.NEVER, PadChallenge.ALWAYS)
    lax, usual, strict = (is_live(seen, replace(rules, pad_challenge=each)) for each in order)
    assert lax >= usual >= strict


@pytest.mark.parametrize(
    ("challenge", "score", "asked"),
    [
        (PadChallenge.NEVER, 0.6, False),
        (PadChallenge.DOUBT, 0.6, True),
        (PadChallenge.DOUBT, None, True),
        (PadChallenge.DOUBT, 0.9, False),
        (PadChallenge.DOUBT, 0.1, False),
        (PadChallenge.ALWAYS, 0.9, True),
    ],
)
def test_the_head_is_asked_to_turn_where_the_policy_has_it_so(
    challenge: PadChallenge, score: float | None, asked: bool
) -> None:
    assert asks_turn(face(pad_score=score), policy(pad_accept=0.8, pad_challenge=challenge)) is asked


# --- at the lane --------------------------------------------------------------------------------------------------


def test_a_doubtful_face_is_asked_to_turn_and_goes_in_once_it_did() -> None:
    lane = a_lane(policy(pad_accept=0.8, pad_challenge=PadChallenge.DOUBT))
    lane.tell(AN, found(), compared(0.1, pad_score=0.5))
    assert [each.turn for each in lane.effects(Capture)] == [False, True]
    lane.tell(compared(0.1, pad_score=0.5, turned=True))
    assert lane.phase is Phase.RELEASED


def test_what_looks_like_a_picture_comes_before_a_person_without_another_try() -> None:
    lane = a_lane(policy(pad_accept=0.8, pad_challenge=PadChallenge.DOUBT))
    lane.tell(AN, found(), compared(0.1, pad_score=0.1))
    assert len(lane.effects(Capture)) == 1
    assert lane.phase is Phase.REFERRED
    assert lane.lane.decision is not None
    assert lane.lane.decision.reason is Reason.NOT_LIVE


def test_where_every_head_is_to_turn_the_first_picture_asks_for_it() -> None:
    lane = a_lane(policy(pad_accept=0.8, pad_challenge=PadChallenge.ALWAYS))
    lane.tell(AN, found())
    assert [each.turn for each in lane.effects(Capture)] == [True]
    lane.tell(compared(0.1, pad_score=0.9, turned=True))
    assert lane.phase is Phase.RELEASED


# --- the turn -----------------------------------------------------------------------------------------------------


def test_a_head_that_faces_turns_and_faces_again_has_turned() -> None:
    assert met(probe(), probe(0.42), probe(ASIDE), probe(0.35), probe()) == [False, False, False, False, True]


def test_a_quick_turn_may_be_blurred() -> None:
    assert met(probe(), probe(problem=FaceProblem.BLURRED), probe(ASIDE), probe())[-1]


@pytest.mark.parametrize("between", [FaceProblem.NO_FACE, FaceProblem.SEVERAL, FaceProblem.COVERED])
def test_who_was_out_of_sight_begins_anew(between: FaceProblem) -> None:
    assert not any(met(probe(), probe(ASIDE), probe(problem=between), probe(), probe()))


def test_who_came_from_the_side_has_not_turned() -> None:
    assert not any(met(probe(ASIDE), probe(), probe()))


@given(st.lists(st.floats(0.36, 0.64), max_size=30))
def test_a_picture_that_is_tilted_has_not_turned(noses: list[float]) -> None:
    assert not any(met(*(probe(nose) for nose in noses)))


@given(st.lists(st.builds(probe, st.floats(0.1, 0.9), st.none() | st.sampled_from(FaceProblem)), max_size=20))
def test_the_frame_that_meets_it_is_a_good_one_after_one_aside(probes: list[FaceProbe]) -> None:
    words = met(*probes)
    for index, word in enumerate(words):
        assert not word or probes[index].problem is None
        assert not word or any(abs(each.quality.nose - 0.5) >= 0.15 for each in probes[:index])
