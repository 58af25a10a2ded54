"""Who goes in with a patient: whatever is known, nobody without an appointment does so without a person's word."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gate.core.decide import decide
from models.decision import Facts, PatientHere, Policy, Profile, Reason, StewardAction, StewardWord, Verdict
from models.passage import Direction, Use
from models.ticket import companion_of, patient_of_companion
from tests.gate.core.strategies import NOW, PERSON, card, good_facts, lookup, policy, ticket, use, uses, words

WARD = policy(Profile.HOSPITAL)
NAMES = ("T7", "T8")


def patients() -> st.SearchStrategy[tuple[PatientHere, ...]]:
    """Some patients, inside or not, with none, one or two others."""
    each = st.builds(PatientHere, st.sampled_from([ticket(name) for name in NAMES]), st.booleans(), st.integers(0, 2))
    return st.lists(each, max_size=2, unique_by=lambda one: one.ticket.ticket).map(tuple)


def said() -> st.SearchStrategy[tuple[StewardWord, ...]]:
    """What people said; often whose companion she is."""
    named = st.builds(
        lambda of: StewardWord(StewardAction.COMPANION, "s7", on=Reason.WHOSE_COMPANION, of=of),
        st.sampled_from(["", *NAMES, "T99"]),
    )
    return st.lists(st.one_of(words(), named), max_size=3).map(tuple)


def her_uses() -> st.SearchStrategy[tuple[Use, ...]]:
    """She came before, with a patient or alone."""
    of = st.sampled_from([companion_of("T7"), companion_of("T8"), "T7"])
    return st.lists(st.one_of(uses("T7", "T8"), of.map(use)), max_size=2).map(tuple)


@given(patients(), said(), her_uses(), st.integers(0, 2), st.sampled_from(Direction))
def test_nobody_without_an_appointment_goes_in_but_as_a_companion_whom_a_person_named_and_who_has_a_place(
    known: tuple[PatientHere, ...],
    told: tuple[StewardWord, ...],
    used: tuple[Use, ...],
    most: int,
    way: Direction,
) -> None:
    rules = replace(WARD, companions=most)
    facts = good_facts(card=card(), direction=way, steward=told, lookup=lookup(tickets=(), patients=known, uses=used))
    word = decide(facts, rules, NOW)
    if word.verdict is not Verdict.ADMIT or way is Direction.EXIT:
        return
    patient = next(one for one in known if one.ticket.ticket == patient_of_companion(word.ticket))
    assert most, "this house has no companions"
    assert _named(told, known) == patient.ticket.ticket or _came_with(used) == patient.ticket.ticket
    settled = any(one.action is StewardAction.ADMIT for one in told)
    assert patient.inside or settled
    assert patient.companions < most or settled or _is_inside(used, word.ticket)


def _named(told: tuple[StewardWord, ...], known: tuple[PatientHere, ...]) -> str:
    first = next((one for one in told if one.action is StewardAction.COMPANION), None)
    return "" if first is None else first.of or next((p.ticket.ticket for p in known if p.inside), "")


def _came_with(used: tuple[Use, ...]) -> str:
    hers = [one for one in used if one.person_key == PERSON]
    return patient_of_companion(max(hers, key=lambda one: one.at).ticket) if hers else ""


def _is_inside(used: tuple[Use, ...], name: str) -> bool:
    of_it = [one for one in used if one.ticket == name]
    return bool(of_it) and max(of_it, key=lambda one: one.at).direction is Direction.ENTRY


@given(patients(), said(), st.sampled_from([Profile.CARD, Profile.CONCERT]))
def test_where_a_house_has_no_companions_nobody_is_one(
    known: tuple[PatientHere, ...], told: tuple[StewardWord, ...], profile: Profile
) -> None:
    facts = good_facts(steward=told, lookup=lookup(tickets=(), patients=known))
    assert decide(facts, policy(profile), NOW).verdict is Verdict.DENY


def leaving(used: tuple[Use, ...], rules: Policy = WARD) -> str:
    """Under whose name somebody without an appointment leaves."""
    known = (PatientHere(ticket("T7"), inside=True, companions=1),)
    facts: Facts = good_facts(direction=Direction.EXIT, lookup=lookup(tickets=(), patients=known, uses=used))
    return decide(facts, rules, NOW).ticket


def test_a_companion_leaves_under_the_name_she_came_by_and_a_stranger_under_none() -> None:
    assert leaving((use(companion_of("T7")),)) == "companion:T7"
    assert leaving(()) == ""


def test_a_child_who_came_with_a_patient_needs_one_tap_and_no_second_for_the_household_book() -> None:
    child = card(typed_by="s7", child=True)
    known = (PatientHere(ticket("T7"), inside=True),)
    word = StewardWord(StewardAction.COMPANION, "s7", on=Reason.WHOSE_COMPANION)
    facts = good_facts(card=child, steward=(word,), lookup=lookup(tickets=(), patients=known))
    assert decide(facts, WARD, NOW).verdict is Verdict.ADMIT
