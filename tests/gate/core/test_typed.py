"""Documents that a person read off: looked up like others, and never admitted without a person's look."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from gate.core.decide import decide
from models.credential import Assurance, Medium
from models.decision import CardFacts, CodeNeed, Facts, Now, Policy, Profile, Reason, StewardAction, Verdict
from models.ids import DocumentType
from models.passage import Direction
from models.typed import TypedNeed
from tests.examples import examples
from tests.gate.core.reasons import ADMIT, DENY, REFER
from tests.gate.core.strategies import (
    NOW,
    card,
    facts,
    good_facts,
    hit,
    lookup,
    nows,
    policies,
    policy,
    ticket,
    typed,
    typed_documents,
    use,
    word,
)

WITH_TICKETS = (Profile.CONCERT, Profile.CARD, Profile.HOSPITAL)
LOOKED = (word(on=Reason.DOCUMENT_NEEDED),)


def read_off(**changes: Any) -> Facts:
    """The good visitor, whose document no reader could read."""
    return replace(good_facts(card=typed(), face=None), **changes)


@pytest.mark.parametrize("profile", WITH_TICKETS)
@pytest.mark.parametrize(
    "document",
    [
        DocumentType.RESIDENT_ID,
        DocumentType.RESIDENCE_PERMIT,
        DocumentType.FOREIGNER_CARD,
        DocumentType.PASSPORT,
        DocumentType.TRAVEL_PERMIT,
        DocumentType.TEMPORARY_ID,
    ],
)
def test_who_has_a_ticket_is_compared_by_a_person_and_by_no_camera(profile: Profile, document: DocumentType) -> None:
    known = read_off(card=typed(document=document))
    said = decide(known, policy(profile), NOW)
    assert (said.verdict, said.reason, said.settleable, said.awaiting) == (REFER, Reason.DOCUMENT_NEEDED, True, ())
    said = decide(replace(known, steward=LOOKED), policy(profile), NOW)
    assert (said.verdict, said.reason) == (ADMIT, Reason.OK_BY_STEWARD)
    assert "settled_document_needed" in said.flags


def test_a_child_on_a_household_book_goes_the_same_way_and_behind_her_guardian() -> None:
    child = read_off(card=typed(child=True), lookup=lookup(ticket(guardian="T9"), guardian_uses=(use("T9", 60.0),)))
    assert decide(child, policy(), NOW).reason is Reason.DOCUMENT_NEEDED
    alone = replace(child, lookup=lookup(ticket(guardian="T9")))
    assert decide(alone, policy(), NOW).reason is Reason.GUARDIAN_NEEDED


def test_where_nobody_needs_a_ticket_a_typed_document_opens_nothing() -> None:
    for known in (read_off(), read_off(steward=LOOKED)):
        said = decide(known, policy(Profile.SCREENING), NOW)
        assert (said.verdict, said.reason, said.settleable) == (DENY, Reason.WEAK_CREDENTIAL, False)


def test_a_policy_that_says_nothing_of_them_takes_none() -> None:
    said = decide(read_off(), Policy(Profile.CARD, policy().event), NOW)
    assert (said.verdict, said.reason) == (DENY, Reason.WEAK_CREDENTIAL)


def test_it_is_no_way_around_the_ticket_the_documents_own_end_or_a_list() -> None:
    assert decide(read_off(lookup=lookup(tickets=()), steward=LOOKED), policy(), NOW).reason is Reason.NO_TICKET
    ended = read_off(card=typed(valid_to="2025-06-14"), steward=LOOKED)
    assert decide(ended, policy(), NOW).reason is Reason.CARD_EXPIRED
    listed = read_off(lookup=lookup(hits=(hit(),)), steward=LOOKED)
    assert decide(listed, policy(), NOW).reason is Reason.WATCHLISTED


def test_a_card_is_no_stronger_for_having_been_typed_by_nobody() -> None:
    """A keypad at the lane gives `typed` too; no member of staff stands behind that."""
    keyed = card(medium=Medium.TYPED, assurance=Assurance.UID_ONLY)
    assert decide(good_facts(card=keyed), policy(), NOW).reason is Reason.WEAK_CREDENTIAL


def test_there_is_no_need_weaker_than_a_persons_look() -> None:
    assert {need.value for need in TypedNeed} == {CodeNeed.STEWARD.value, CodeNeed.DOCUMENT.value}


@settings(max_examples=examples(1000), deadline=None)
@given(typed_documents(), facts(), policies(), nows())
def test_nobody_enters_on_a_typed_document_without_a_persons_look_at_it(
    shown: CardFacts, known: Facts, rules: Policy, now: Now
) -> None:
    known = replace(known, card=shown, direction=Direction.ENTRY)
    said = decide(known, rules, now)
    looked = any((w.action, w.on) == (StewardAction.ADMIT, Reason.DOCUMENT_NEEDED) for w in known.steward)
    overridden = any((w.action, w.on) == (StewardAction.OVERRIDE, Reason.WEAK_CREDENTIAL) for w in known.steward)
    if said.verdict is Verdict.ADMIT:
        assert looked if rules.typed_needs is TypedNeed.STEWARD else overridden
        assert said.reason not in (Reason.OK, Reason.OK_WITHOUT_FACE)


@settings(max_examples=examples(1000), deadline=None)
@given(typed_documents(), facts(), policies(), nows())
def test_a_document_that_a_reader_read_well_never_opens_less_than_the_same_one_typed(
    shown: CardFacts, known: Facts, rules: Policy, now: Now
) -> None:
    genuine = replace(shown, medium=Medium.CHIP_CARD, assurance=Assurance.AUTHENTICATED, typed_by="")
    by_hand = decide(replace(known, card=shown), rules, now)
    by_reader = decide(replace(known, card=genuine), rules, now)
    if by_hand.verdict is Verdict.ADMIT:  # at worst the camera is yet to be asked, or a person
        assert by_reader.verdict is Verdict.ADMIT or by_reader.awaiting or by_reader.settleable
