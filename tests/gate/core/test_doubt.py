"""More is left to a person's eye where a network tells people apart least."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.case import Case
from gate.core.decide import decide
from gate.core.doubt import is_hard_to_tell
from models.decision import Facts, Now, Policy, Profile, Reason, Verdict
from models.face import Band, Comparison, FaceBands
from models.ticket import Note, NoteKind
from tests.examples import examples
from tests.gate.core.strategies import MODEL, NOW, facts, good_facts, nows, policies, policy

DISTANCES = st.floats(-2, 2)


@settings(max_examples=examples(300), deadline=None)
@given(DISTANCES, st.floats(0, 1), st.none() | st.floats(0, 1), st.floats(0, 2), DISTANCES, st.floats(0, 2))
def test_wider_bands_admit_less_and_call_less_a_mismatch(
    accept: float, width: float, ceiling: float | None, share: float, distance: float, plain: float
) -> None:
    bands = FaceBands("m", "any", accept, accept + width, ceiling=ceiling)
    seen = Comparison(distance, "m", plain=plain)
    before, after = bands.place(seen), bands.wider(share).place(seen)
    assert after in (before, Band.REFER)
    assert bands.wider(0.0) == bands


@settings(max_examples=examples(300), deadline=None)
@given(facts(), policies(), nows(), st.floats(0, 2))
def test_room_for_doubt_never_admits_anybody(known: Facts, rules: Policy, now: Now, share: float) -> None:
    if decide(known, replace(rules, face_wider=0.0), now).verdict is not Verdict.ADMIT:
        assert decide(known, replace(rules, face_wider=share), now).verdict is not Verdict.ADMIT


def _near_the_edge() -> tuple[Facts, Policy, Now]:
    """Somebody whom the machine just admits."""
    known, rules, now = good_facts(), policy(Profile.CONCERT, bands=(FaceBands(MODEL, "any", 0.4, 0.5),)), NOW
    assert known.face is not None
    assert known.face.comparison is not None
    bands = next(one for one in rules.bands if one.fits(known.face.comparison))
    edge = replace(known.face, comparison=replace(known.face.comparison, distance=bands.accept - 0.001))
    known, rules = replace(known, face=edge), replace(rules, face_wider=0.5)
    assert decide(known, rules, now).verdict is Verdict.ADMIT
    return known, rules, now


@pytest.mark.parametrize("kind", ["twin", "child's note", "guardian", "household book", "old portrait"])
def test_whoever_is_hard_to_tell_meets_a_person_sooner(kind: str) -> None:
    known, rules, now = _near_the_edge()
    assert known.lookup is not None
    assert known.card is not None
    (ticket,) = known.lookup.tickets
    card = known.card
    match kind:
        case "twin":
            ticket = replace(ticket, twin=True)
        case "child's note":
            ticket = replace(ticket, notes=(Note(NoteKind.CHILD),))
        case "guardian":
            ticket = replace(ticket, guardian="T9")
        case "household book":
            card = replace(card, child=True)
        case "old portrait":
            model = ticket.reference_model
            card = replace(card, valid_from="2001-01-01", valid_to="", portrait_model=model)
            ticket, rules = replace(ticket, reference_model=""), replace(rules, document_reference=True)
    changed = replace(known, card=card, lookup=replace(known.lookup, tickets=(ticket,)))
    assert is_hard_to_tell(Case(changed, rules, now, ticket))
    if kind != "guardian":  # who is asked for the guardian first
        assert decide(changed, rules, now).reason is Reason.FACE_UNCERTAIN
    assert not is_hard_to_tell(Case(changed, replace(rules, face_wider=0.0), now, ticket))
