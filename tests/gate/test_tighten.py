"""A device may be stricter than the event's signed policy, and never looser."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from gate.tighten import WAYS, Loosening, Overrides, given, tighten
from models.credential import Assurance
from models.decision import CodeNeed, OfflineRule, Policy, Profile, Reason, ReEntryMode
from models.face import FaceBands
from models.pad import PadChallenge
from models.typed import TypedNeed
from models.watch import WatchFallback

BANDS = (FaceBands("dlib", "all", accept=0.5, refuse=0.6), FaceBands("sface", "all", accept=0.9, refuse=1.1))
SIGNED = Policy(
    Profile.CONCERT,
    "show-1",
    needs_face=True,
    document_reference=False,
    min_assurance=Assurance.SIGNED,
    bands=BANDS,
    face_ready_s=3.0,
    face_wider=0.25,
    pad_accept=0.5,
    early_s=600.0,
    bound_before_s=3600.0,
    reentry=ReEntryMode.TIMED,
    reentry_after_s=60.0,
    occupancy_limit=100,
    claims=True,
    offline_rule=OfflineRule.HOME_GATE_ONLY,
    min_code_assurance=Assurance.SIGNED,
    code_needs=CodeNeed.FACE,
    overridable=(Reason.WRONG_GATE, Reason.EXPIRED),
    override_by_two=True,
    typed_needs=TypedNeed.DOCUMENT,
)
# name: (stricter, looser) than SIGNED
WORDS = {
    "needs_ticket": (True, False),
    "needs_face": (True, False),
    "document_reference": (False, True),
    "min_assurance": (Assurance.AUTHENTICATED, Assurance.UID_ONLY),
    "face_tries": (2, 4),
    "face_frames": (2, 0),
    "face_wider": (0.5, 0.1),
    "face_ready_s": (0.0, 4.0),
    "pad_accept": (0.9, 0.4),
    "pad_doubt": (0.35, 0.2),
    "pad_challenge": (PadChallenge.ALWAYS, PadChallenge.DOUBT),
    "early_s": (0.0, 601.0),
    "one_per_identity": (True, False),
    "bound_before_s": (7200.0, 10.0),
    "reentry": (ReEntryMode.HARD, ReEntryMode.SOFT),
    "reentry_after_s": (90.0, 30.0),
    "exits": (False, True),
    "occupancy_limit": (99, 101),
    "guardian_within_s": (60.0, 200.0),
    "stale_after_s": (3600.0, 90_000.0),
    "claims": (True, False),
    "offline_rule": (OfflineRule.REFER, OfflineRule.ADMIT_AND_FLAG),
    "capture_s": (4.0, 7.0),
    "passage_s": (4.0, 6.0),
    "refer_s": (60.0, 121.0),
    "lookup_s": (1.0, 3.0),
    "watch_review_s": (90.0, 30.0),
    "watch_fallback": (WatchFallback.STAY, WatchFallback.ADMIT_WITH_NOTE),
    "pulse_s": (0.3, 0.6),
    "min_code_assurance": (Assurance.AUTHENTICATED, Assurance.UID_ONLY),
    "code_needs": (CodeNeed.STEWARD, CodeNeed.NOTHING),
    "overridable": ((Reason.WRONG_GATE,), (Reason.WRONG_GATE, Reason.UNBOUND)),
    "override_by_two": (True, False),
    "show_portrait": (False, True),
    "typed_needs": (TypedNeed.DOCUMENT, TypedNeed.STEWARD),
}


def test_every_override_has_a_direction():
    assert {one.name for one in fields(Overrides)} == set(WAYS) | {"face_accept"}
    assert set(WORDS) == set(WAYS)


def test_no_word_leaves_the_policy_as_it_was_signed():
    assert tighten(SIGNED, Overrides()) == SIGNED


@pytest.mark.parametrize("name", WORDS)
def test_a_stricter_word_is_taken(name: str):
    stricter, _ = WORDS[name]
    assert tighten(SIGNED, Overrides(**{name: stricter})) == replace(SIGNED, **{name: stricter})


@pytest.mark.parametrize("name", WORDS)
def test_a_looser_word_is_refused_by_name(name: str):
    _, looser = WORDS[name]
    with pytest.raises(Loosening) as caught:
        tighten(SIGNED, Overrides(**{name: looser}))
    assert [problem.split()[0] for problem in caught.value.problems] == [name]
    assert caught.value.policy == SIGNED


@pytest.mark.parametrize("name", ["pad_accept", "bound_before_s", "occupancy_limit"])
def test_a_rule_that_the_event_does_not_have_can_be_added(name: str):
    stricter, _ = WORDS[name]
    assert getattr(tighten(replace(SIGNED, **{name: None}), Overrides(**{name: stricter})), name) == stricter


def test_a_timed_second_entry_is_no_stricter_than_one_that_is_noted():
    with pytest.raises(Loosening, match="reentry may only become hard"):
        tighten(replace(SIGNED, reentry=ReEntryMode.SOFT), Overrides(reentry=ReEntryMode.TIMED))


def test_a_models_greatest_distance_can_be_lowered_alone():
    tightened = tighten(SIGNED, Overrides(face_accept={"dlib": 0.4}))
    assert tightened.bands == (replace(BANDS[0], accept=0.4), BANDS[1])


def test_a_greater_distance_or_an_unknown_model_is_refused():
    with pytest.raises(Loosening) as caught:
        tighten(SIGNED, Overrides(face_accept={"dlib": 0.51, "arcface": 0.2, "sface": 0.8}))
    assert caught.value.problems == (
        "face_accept of dlib may only be lowered (signed: 0.5, here: 0.51)",
        "face_accept names the model arcface, which the policy has no bands for (it has: dlib, sface)",
    )
    assert caught.value.policy.bands == (BANDS[0], replace(BANDS[1], accept=0.8))


@given_any(st.fixed_dictionaries({}, optional={name: st.sampled_from(words) for name, words in WORDS.items()}))
def test_of_many_words_the_strict_ones_hold_and_the_loose_ones_are_named(words):
    overrides = Overrides(**words)
    loose = {name for name, word in words.items() if word == WORDS[name][1] != getattr(SIGNED, name)}
    strict = {name: word for name, word in words.items() if name not in loose}
    try:
        policy, named = tighten(SIGNED, overrides), set()
    except Loosening as refusal:
        policy, named = refusal.policy, {problem.split()[0] for problem in refusal.problems}
    assert named == loose
    assert policy == replace(SIGNED, **strict)
    assert given(overrides) == words


def test_a_models_greatest_distance_holds_for_normalised_distances_too():
    normalised = FaceBands("dlib", "all", accept=0.55, refuse=0.6, cohort="c", ceiling=0.55)
    signed = replace(SIGNED, bands=(*BANDS, normalised))
    tightened = tighten(signed, Overrides(face_accept={"dlib": 0.4}))
    assert tightened.bands == (replace(BANDS[0], accept=0.4), BANDS[1], replace(normalised, ceiling=0.4))
    assert tighten(signed, Overrides(face_accept={"sface": 0.8})).bands[2] == normalised
