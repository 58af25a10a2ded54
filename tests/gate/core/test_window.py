"""By an untrusted clock a person may say which event it is; then times are judged by its window."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.decide import decide
from gate.core.events import ClockJudged, WindowSet
from gate.core.lane import step
from gate.core.state import new_lane
from models.decision import Facts, Now, Policy, Reason, StewardAction, StewardWord, Verdict
from models.keeping import ClockBody, Window
from models.ledger import EntryKind
from models.ticket import Validity
from tests.gate.core.strategies import DOORS, EVENT, NOW, card, facts, good_facts, lookup, policies, ticket
from tests.gate.core.strategies import policy as concert

POLICY = concert()
WRONG = Now(1000.0, 5.0)
TONIGHT = Window(EVENT, DOORS - 3600, DOORS + 6 * 3600, "anna")


def by_word(window: Window | None = TONIGHT, **changes: object) -> Facts:
    return replace(good_facts(**changes), clock_trusted=False, window=window)


def word(known: Facts, now: Now = WRONG) -> tuple[Verdict, Reason]:
    said = decide(known, POLICY, now)
    return said.verdict, said.reason


def test_a_good_visitor_gets_in_by_the_word_and_it_is_flagged() -> None:
    said = decide(by_word(), POLICY, WRONG)
    assert (said.verdict, "event_by_word" in said.flags) == (Verdict.ADMIT, True)


def test_without_a_word_or_by_one_on_another_event_a_person_decides() -> None:
    assert word(by_word(None)) == (Verdict.REFER, Reason.CLOCK_UNTRUSTED)
    assert word(by_word(replace(TONIGHT, event="another"))) == (Verdict.REFER, Reason.CLOCK_UNTRUSTED)


def valid(since: float, until: float) -> Facts:
    return by_word(lookup=lookup(ticket(validity=Validity(since, until))))


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (valid(TONIGHT.until + 9e5, 9e9), Reason.NOT_YET_VALID),
        (valid(1, TONIGHT.since - 1), Reason.EXPIRED),
        (by_word(card=card(valid_to="2020-01-01")), Reason.CARD_EXPIRED),
        (by_word(card=card(valid_from="2099-01-01")), Reason.CARD_EXPIRED),
    ],
)
def test_what_is_out_of_its_time_all_through_the_window_is_refused(known: Facts, reason: Reason) -> None:
    assert word(known) == (Verdict.DENY, reason)


def test_a_manifest_from_before_the_window_is_stale() -> None:
    old = replace(TONIGHT, since=DOORS + 90 * 86_400, until=DOORS + 91 * 86_400)
    good = ticket(validity=Validity(DOORS, 9e9))
    assert word(by_word(old, lookup=lookup(good))) == (Verdict.REFER, Reason.MANIFEST_STALE)


def test_a_time_of_minutes_can_not_be_judged_by_a_window_of_hours() -> None:
    short = card(valid_since=NOW.wall, valid_until=NOW.wall + 60)
    known = by_word(card=short)
    assert word(known) == (Verdict.REFER, Reason.CLOCK_UNTRUSTED)
    vouched = StewardWord(StewardAction.ADMIT, "anna", on=Reason.CLOCK_UNTRUSTED)
    assert word(replace(known, steward=(vouched,)))[0] is Verdict.ADMIT
    assert word(by_word(card=card(valid_since=1.0, valid_until=TONIGHT.since - 1))) == (Verdict.DENY, Reason.EXPIRED)


@given(facts(), policies(), st.floats(DOORS - 9e4, DOORS + 9e4))
def test_a_window_of_a_moment_judges_as_a_right_clock_does(known: Facts, policy: Policy, at: float) -> None:
    now = Now(at, 5.0)
    if known.lookup is not None:
        known = replace(known, lookup=replace(known.lookup, hits=()))
    known = replace(known, face_hits=(), steward=())
    right = decide(replace(known, clock_trusted=True), policy, now)
    moment = Window(policy.event, at, at, "anna")
    by_one = decide(replace(known, clock_trusted=False, window=moment), policy, now)
    assert (by_one.verdict, by_one.reason, by_one.ticket) == (right.verdict, right.reason, right.ticket)


@given(facts(), policies())
def test_by_a_right_clock_a_word_changes_nothing(known: Facts, policy: Policy) -> None:
    known = replace(known, clock_trusted=True)
    assert decide(replace(known, window=TONIGHT), policy, NOW) == decide(known, policy, NOW)


# --- at the lane ------------------------------------------------------------------------------------------------------


def bodies(effects: tuple[Any, ...]) -> list[object]:
    return [each.body for each in effects if getattr(each, "kind", None) is EntryKind.CLOCK]


def test_a_word_is_on_record_and_ends_when_the_clock_is_right() -> None:
    lane, _ = step(new_lane("north"), ClockJudged(False), POLICY, WRONG)
    lane, effects = step(lane, WindowSet(TONIGHT, "anna", "the poster"), POLICY, WRONG)
    assert (lane.window, bodies(effects)) == (TONIGHT, [ClockBody("anna", TONIGHT, "the poster")])
    assert step(lane, WindowSet(TONIGHT, "anna"), POLICY, WRONG) == (lane, ())
    lane, effects = step(lane, ClockJudged(True), POLICY, NOW)
    assert (lane.window, bodies(effects)) == (None, [ClockBody("clock", None, "the clock is right")])


def test_a_word_can_be_taken_back() -> None:
    lane = replace(new_lane("north"), clock_trusted=False, window=TONIGHT)
    lane, effects = step(lane, WindowSet(None, "boris"), POLICY, WRONG)
    assert (lane.window, bodies(effects)) == (None, [ClockBody("boris", None)])


def test_by_a_right_clock_nobody_needs_to_say_it() -> None:
    lane = new_lane("north")
    assert step(lane, WindowSet(TONIGHT, "anna"), POLICY, NOW) == (lane, ())
