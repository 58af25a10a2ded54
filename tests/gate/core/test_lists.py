"""What lists may do to a person, for all facts, policies and times; and what they may never do."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.decide import decide
from gate.core.lists import LAPSED
from models.decision import Facts, Now, Policy, Profile, Reason, StewardAction, Verdict
from models.passage import Direction
from models.ticket import NoteKind
from models.watch import HitMeans, WatchAction, WatchFallback, WatchHit
from tests.examples import examples
from tests.gate.core.strategies import (
    DOORS,
    NOW,
    facts,
    good_facts,
    hit,
    hits,
    lookup,
    nows,
    policies,
    policy,
    ticket,
    word,
)

thorough = settings(max_examples=examples(500), deadline=None)

REFUSE, REVIEW, NOTIFY = WatchAction.REFUSE_UNLESS_CLEARED, WatchAction.REVIEW, WatchAction.NOTIFY
ON = Reason.WATCHLISTED
FACE = {"means": HitMeans.FACE, "distance": 0.2}


def listed(known: Facts, *some: WatchHit, by_face: tuple[WatchHit, ...] = ()) -> Facts:
    """The same person, on these lists and no others."""
    found = replace(known.lookup, hits=some) if known.lookup else None
    return replace(known, lookup=found, face_hits=by_face)


def found(*some: WatchHit, **changes: object) -> Facts:
    """A good visitor on these lists."""
    return replace(listed(good_facts(), *some), **changes)  # type: ignore[arg-type]


# --- never ---------------------------------------------------------------------------------------------------------


@settings(max_examples=examples(1000), deadline=None)
@given(facts(), policies(), nows(), st.lists(hits(), max_size=4), st.lists(hits(), max_size=3))
def test_no_list_ever_denies_or_opens(
    known: Facts, rules: Policy, now: Now, by_document: list[WatchHit], by_face: list[WatchHit]
) -> None:
    """Whatever is on whatever list: a no comes from somewhere else, and so does a yes."""
    clean, word_on = listed(known), listed(known, *by_document, by_face=tuple(by_face))
    before, after = decide(clean, rules, now), decide(word_on, rules, now)
    if after.verdict is Verdict.DENY:
        assert (before.verdict, before.reason) == (after.verdict, after.reason)
    if after.verdict is Verdict.ADMIT:
        assert before.verdict is Verdict.ADMIT


@thorough
@given(facts(), policies(), nows(), st.lists(hits(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_in_which_order_hits_come_does_not_matter(
    known: Facts, rules: Policy, now: Now, some: list[WatchHit], random: Random
) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)
    one = decide(listed(known, *some, by_face=tuple(some)), rules, now)
    other = decide(listed(known, *shuffled, by_face=tuple(shuffled)), rules, now)
    assert set(one.notes) == set(other.notes)
    assert replace(one, notes=()) == replace(other, notes=())


@thorough
@given(facts(), policies(), nows(), hits())
def test_what_is_not_in_force_here_and_now_does_nothing(known: Facts, rules: Policy, now: Now, entry: WatchHit) -> None:
    """Expired, not begun, for other entrances, or of a face that one frame alone takes for it."""
    known = replace(known, clock_trusted=True)
    without = decide(listed(known), rules, now)
    idle = (
        replace(entry, valid_to=now.wall - 1.0),
        replace(entry, valid_from=now.wall + 1.0, valid_to=now.wall + 2.0),
        replace(entry, entrances=("south", "west")),
        replace(entry, means=HitMeans.FACE, frames=1),
    )
    assert decide(listed(known, *idle, by_face=idle), rules, now) == without


@thorough
@given(facts(), policies(), nows(), st.lists(hits(), max_size=4), st.lists(hits(), max_size=4))
def test_a_face_never_holds_anybody_beyond_a_person_s_look(
    known: Facts, rules: Policy, now: Now, faces: list[WatchHit], silent: list[WatchHit]
) -> None:
    """Only an exact document with a legal basis makes a word that a steward's yes does not settle."""
    by_face = tuple(replace(each, means=HitMeans.FACE) for each in faces)
    baseless = tuple(replace(each, legal_basis="") for each in silent)
    said = decide(listed(known, *baseless, by_face=by_face), rules, now)
    assert said.reason is not ON or said.settleable


@thorough
@given(facts(), policies(), nows(), st.lists(hits(), max_size=3))
def test_nobody_is_kept_inside_by_a_list(known: Facts, rules: Policy, now: Now, some: list[WatchHit]) -> None:
    leaving = replace(known, direction=Direction.EXIT)
    assert decide(listed(leaving, *some, by_face=tuple(some)), rules, now) == decide(listed(leaving), rules, now)


@thorough
@given(facts(), policies(), nows(), st.lists(hits(), min_size=1, max_size=3))
def test_the_end_of_a_review_never_denies_and_lets_nobody_in_whom_the_house_refuses(
    known: Facts, rules: Policy, now: Now, some: list[WatchHit]
) -> None:
    waiting = replace(listed(known, *some), review_over=False)
    before, after = decide(waiting, rules, now), decide(replace(waiting, review_over=True), rules, now)
    if before.reason is not ON or rules.watch_fallback is WatchFallback.STAY:
        assert after.verdict is before.verdict
    without = decide(listed(known), rules, now)
    assert after.verdict is not Verdict.ADMIT or without.verdict is Verdict.ADMIT
    assert after.verdict is not Verdict.DENY or without.verdict is Verdict.DENY


# --- what each asks for --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [Profile.CONCERT, Profile.CARD, Profile.HOSPITAL])
def test_with_a_ticket_here_a_note_is_silent(profile: Profile) -> None:
    said = decide(found(hit(NOTIFY)), policy(profile), NOW)
    assert said.verdict is Verdict.ADMIT
    assert [(note.kind, note.hold) for note in said.notes] == [(NoteKind.WATCH, False)]


@pytest.mark.parametrize("action", WatchAction)
def test_without_a_ticket_every_entry_asks_for_a_look_before_anybody_is_turned_away(action: WatchAction) -> None:
    stranger = replace(good_facts(lookup=replace(lookup(hits=(hit(action),)), tickets=())))
    said = decide(stranger, policy(Profile.HOSPITAL), NOW)
    assert (said.verdict, said.reason, said.notes) == (Verdict.REFER, ON, ())
    looked = replace(stranger, steward=(word(StewardAction.CLEAR_WATCH, ON),))
    assert decide(looked, policy(Profile.HOSPITAL), NOW).reason is Reason.NO_TICKET


@pytest.mark.parametrize("action", [NOTIFY, REVIEW])
def test_at_a_screening_every_entry_asks_for_a_look(action: WatchAction) -> None:
    said = decide(found(hit(action)), policy(Profile.SCREENING), NOW)
    assert (said.verdict, said.reason, said.settleable) == (Verdict.REFER, ON, True)


def test_a_refusal_holds_by_an_exact_document_with_a_basis_and_only_until_somebody_clears_it() -> None:
    rules = policy(Profile.HOSPITAL)
    held = found(hit(REFUSE))
    assert decide(held, rules, NOW).settleable is False
    assert decide(replace(held, review_over=True), rules, NOW).reason is ON
    assert decide(replace(held, steward=(word(on=ON),)), rules, NOW).reason is ON
    assert decide(replace(held, steward=(word(StewardAction.CLEAR_WATCH, ON),)), rules, NOW).verdict is Verdict.ADMIT
    for softer in (hit(REFUSE, legal_basis=""), hit(REFUSE, **FACE)):
        said = decide(found(softer), rules, NOW)
        assert (said.verdict, said.reason, said.settleable) == (Verdict.REFER, ON, True)


def test_a_patient_whom_nobody_came_to_look_at_goes_in_with_a_note() -> None:
    over = found(hit(REVIEW), review_over=True)
    said = decide(over, policy(Profile.HOSPITAL), NOW)
    assert (said.verdict, said.flags) == (Verdict.ADMIT, (LAPSED,))
    assert [note.kind for note in said.notes] == [NoteKind.WATCH]
    for profile in (Profile.CARD, Profile.SCREENING, Profile.CONCERT):
        assert decide(over, policy(profile), NOW).reason is ON


def test_a_review_that_lapses_opens_nothing_to_who_has_no_appointment() -> None:
    stranger = good_facts(lookup=replace(lookup(hits=(hit(),)), tickets=()), review_over=True)
    said = decide(stranger, policy(Profile.HOSPITAL), NOW)
    assert (said.verdict, said.reason) == (Verdict.DENY, Reason.NO_TICKET)


def test_an_entry_counts_at_its_entrances_alone() -> None:
    rules = policy(Profile.CARD)
    assert decide(found(hit(entrances=("north", "west"))), rules, NOW).reason is ON
    assert decide(found(hit(entrances=("west",))), rules, NOW).verdict is Verdict.ADMIT


def test_an_entry_counts_on_its_first_and_last_second_and_by_a_wrong_clock() -> None:
    rules = policy(Profile.CARD)
    assert decide(found(hit(valid_from=NOW.wall, valid_to=NOW.wall)), rules, NOW).reason is ON
    unsure = found(hit(valid_to=DOORS), clock_trusted=False, steward=(word(on=Reason.CLOCK_UNTRUSTED),))
    assert decide(unsure, rules, NOW).reason is ON


def test_a_ticket_that_is_none_is_refused_for_what_it_is_and_not_for_a_list() -> None:
    expired = found(hit(), lookup=lookup(ticket(bound_at=None), hits=(hit(),)))
    assert decide(expired, policy(Profile.CARD), NOW).reason is Reason.UNBOUND
