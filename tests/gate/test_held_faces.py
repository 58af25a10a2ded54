"""Ready mode's memory: how little it holds, for how short a time, and whose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.face.sim import MODEL_VERSION, template
from gate.held_faces import FRESH_S, MOST_HELD, MOST_S, HeldFaces
from models.face import FaceProbe, FaceProblem, FaceQuality

SECONDS = 3.0
ANNA, BERTA = 1, 2


def seen(identity: int = ANNA, sharpness: float = 100.0, problem: FaceProblem | None = None) -> FaceProbe:
    if problem:
        return FaceProbe(MODEL_VERSION, problem=problem, frames=1)
    quality = FaceQuality(150.0, sharpness, 120.0)
    return FaceProbe(MODEL_VERSION, template(identity, sharpness / 1e4), quality, frames=1)


def holding(seconds: float = SECONDS, frames: int = 1) -> HeldFaces:
    made = HeldFaces()
    made.want(seconds, frames, apart=0.4)
    return made


def test_without_the_policys_word_nothing_is_held() -> None:
    held = HeldFaces()
    held.see(seen(), 0.0, 0.0)
    assert not held.wanted
    assert held.take(0.0) is None


def test_the_card_is_answered_with_the_best_recent_frame_once() -> None:
    held = holding()
    for at, sharpness in ((0.0, 50.0), (0.2, 90.0), (0.4, 70.0)):
        held.see(seen(sharpness=sharpness), at, at + 0.05)
    taken = held.take(0.5)
    assert taken is not None
    probe, old_s = taken
    assert (probe.quality.sharpness, probe.frames, round(old_s, 3)) == (90.0, 3, 0.3)
    assert held.take(0.5) is None


@pytest.mark.parametrize("passed", [SECONDS, SECONDS + 1e-6, 1e6])
def test_nothing_outlives_the_policys_seconds_and_what_is_dropped_is_overwritten(passed: float) -> None:
    held = holding()
    held.see(seen(), 10.0, 10.1)
    kept = held._held[0].template
    assert any(kept)
    held.expire(10.0 + passed)
    assert not len(held)
    assert not any(kept)


def test_no_policy_holds_for_longer_than_ten_seconds() -> None:
    assert holding(seconds=3600.0).seconds == MOST_S


@pytest.mark.parametrize("problem", [FaceProblem.NO_FACE, FaceProblem.SEVERAL])
def test_who_leaves_or_is_joined_by_somebody_is_forgotten(problem: FaceProblem) -> None:
    held = holding()
    held.see(seen(), 0.0, 0.0)
    held.see(seen(problem=problem), 0.1, 0.1)
    assert held.take(0.15) is None


def test_who_only_turns_her_head_is_still_there() -> None:
    held = holding()
    held.see(seen(), 0.0, 0.0)
    held.see(seen(problem=FaceProblem.TURNED), 0.1, 0.1)
    assert held.take(0.2) is not None


def test_somebody_elses_face_is_not_mixed_with_the_first_ones() -> None:
    held = holding()
    held.see(seen(ANNA, 190.0), 0.0, 0.0)
    held.see(seen(BERTA, 20.0), 0.1, 0.1)
    taken = held.take(0.2)
    assert taken is not None
    assert taken[0].template == seen(BERTA, 20.0).template


def test_a_face_that_was_not_seen_just_now_is_looked_at_anew() -> None:
    held = holding()
    held.see(seen(), 0.0, 0.0)
    assert held.take(FRESH_S + 0.01) is None


def test_where_the_policy_asks_for_several_frames_fewer_are_no_answer_and_all_are_handed_on() -> None:
    held = holding(frames=3)
    for at in (0.0, 0.1):
        held.see(seen(), at, at)
    assert held.take(0.2) is None
    for at in (0.3, 0.4, 0.5, 0.6):
        held.see(seen(sharpness=at * 100), at, at)
    taken = held.take(0.7)
    assert taken is not None
    probe, old_s = taken
    assert [probe.template, *probe.further] == [seen(sharpness=at * 100).template for at in (0.6, 0.5, 0.4)]
    assert round(old_s, 3) == 0.3


steps = st.lists(
    st.tuples(st.floats(0.01, 5.0), st.sampled_from([None, ANNA, BERTA]), st.sampled_from([None, None, *FaceProblem])),
    max_size=60,
)


@given(steps, st.floats(0.1, 20.0))
def test_whoever_comes_and_goes_little_is_held_and_nothing_too_old(
    steps: list[tuple[float, int | None, FaceProblem | None]], seconds: float
) -> None:
    held, now = holding(seconds), 0.0
    for after, who, problem in steps:
        now += after
        if who is None:
            held.expire(now)
        else:
            held.see(seen(who, problem=problem), now - 0.005, now)
        assert len(held) <= MOST_HELD
        assert held.oldest_s(now) < min(seconds, MOST_S) or not len(held)
        assert not held.left_s(now) < 0.0
