"""What a supervisor's word does at the lane, what a holder's presence does, and modes that end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gate.core.decide import decide
from gate.core.effects import Capture, Hold, Lookup, Record, Release, Show
from gate.core.events import CardFailed, CardRead, ModeEnded, ModeSet, StaffNoted, StewardSaid, TicketFound
from gate.core.state import may_go_on, new_lane, scans_to_keep
from models.credential import Assurance, CardProblem
from models.decision import ClaimAnswer, Policy, Profile, Reason, StewardAction, Verdict
from models.ledger import EntryKind
from models.profiles import MAY_BE_OVERRIDDEN, policy_of
from models.record import DecisionBody, ModeBody, ShiftBody
from models.staff import Cause
from models.ticket import Validity
from models.view import LaneView, Mode, Phase
from models.watch import WatchAction
from tests.gate.core.paper_lane import PaperLane
from tests.gate.core.reasons import Example, found
from tests.gate.core.strategies import DAY, DOORS, GATE, NOW, card, good_facts, hit, lookup, policy, ticket, use
from tests.gate.core.told import AN, WEI, a_lane, compared, kinds, says, words

CARD = policy(Profile.CARD)
SOUTH = lookup(ticket(gates=("south",)))

REFUSED = {
    Reason.WEAK_CREDENTIAL: good_facts(card=card(assurance=Assurance.UID_ONLY)),
    Reason.CARD_EXPIRED: good_facts(card=card(valid_to="2025-06-14")),
    Reason.WRONG_GATE: good_facts(lookup=SOUTH),
    Reason.NOT_YET_VALID: found(ticket(validity=Validity(NOW.wall + 60, DOORS + DAY))),
    Reason.EXPIRED: found(ticket(validity=Validity(DOORS, NOW.wall - 1))),
    Reason.UNBOUND: found(ticket(bound_at=None)),
    Reason.OCCUPANCY: found(inside=100),
}


def overrides(attempt: int = 1, **changes: Any) -> StewardSaid:
    """A supervisor overrides what the first person was told."""
    said = StewardSaid(attempt, StewardAction.OVERRIDE, "super-1", "ticket seen", Cause.HELPDESK)
    return replace(said, **changes)


def refused(rules: Policy = CARD) -> PaperLane:
    """Somebody came to the wrong gate and was told so."""
    lane = a_lane(rules)
    lane.tell(AN, TicketFound(1, SOUTH))
    assert words(lane) == [(Verdict.DENY, Reason.WRONG_GATE)]
    return lane


def view(lane: PaperLane) -> LaneView:
    """What the screens show now."""
    return lane.effects(Show)[-1].view


@pytest.mark.parametrize("reason", REFUSED)
def test_each_reason_that_a_policy_may_leave_to_supervisors_can_be_overridden(reason: Reason) -> None:
    rules = policy(occupancy_limit=100 if reason is Reason.OCCUPANCY else None, overridable=(reason,))
    lane = PaperLane(new_lane(GATE), rules)
    facts = REFUSED[reason]
    assert facts.card
    lane.tell(CardRead(1, facts.card, "an"), TicketFound(1, facts.lookup or lookup()), compared())
    assert (view(lane).reason, view(lane).overridable, view(lane).settleable) == (reason, True, False)
    lane.tell(overrides(), TicketFound(1, facts.lookup or lookup()), compared())
    assert lane.phase is Phase.RELEASED
    (body,) = [r.body for r in lane.effects(Record) if isinstance(r.body, DecisionBody) and r.opens]
    assert (body.decision.reason, body.decision.flags) == (Reason.OK_BY_STEWARD, (f"override_{reason}",))
    assert (body.facts.steward[0].cause, body.facts.steward[0].on) == (Cause.HELPDESK, reason)


def test_that_is_all_that_can_be() -> None:
    assert set(REFUSED) == MAY_BE_OVERRIDDEN
    for profile in Profile:
        assert MAY_BE_OVERRIDDEN.issuperset(policy_of(profile, "").overridable)


@pytest.mark.parametrize("profile", [Profile.CONCERT, Profile.CARD])
def test_no_shipped_rule_lets_a_permit_be_overridden(profile: Profile) -> None:
    assert not {Reason.UNBOUND, Reason.OCCUPANCY, Reason.EXPIRED}.intersection(policy_of(profile, "").overridable)


def test_the_record_comes_before_the_release() -> None:
    lane = refused()
    assert kinds(lane.tell(overrides())) == ["Record", "Release", "Show", "StartTimer"]


def test_after_its_word_the_lane_is_at_rest_and_the_last_one_can_still_be_overridden() -> None:
    lane = refused()
    lane.wait(CARD.show_s)
    assert (view(lane).phase, view(lane).verdict, view(lane).reason) == (Phase.IDLE, None, None)
    assert (view(lane).refused, view(lane).overridable, view(lane).attempt) == (Reason.WRONG_GATE, True, 1)
    assert (view(lane).ticket, view(lane).who.seat, view(lane).medium) == ("", "", None)
    lane.wait(60.0)
    lane.tell(overrides())
    assert lane.phase is Phase.RELEASED
    assert view(lane).refused is None


def test_nobody_is_overridden_after_so_long() -> None:
    lane = refused()
    lane.wait(CARD.refer_s)
    assert (view(lane).refused, view(lane).overridable) == (None, False)
    assert lane.tell(overrides()) == ()


@pytest.mark.parametrize("comes", [WEI, CardFailed(CardProblem.UNREADABLE)])
def test_the_next_one_is_served_at_once_and_the_last_one_is_over(comes: Any) -> None:
    lane = refused()
    lane.wait(CARD.show_s + 1)
    lane.tell(comes)
    assert lane.lane.attempt == 2
    assert lane.tell(overrides()) == ()
    assert not lane.effects(Release)


def test_who_waits_goes_before_who_might_be_overridden() -> None:
    lane = a_lane(CARD)
    lane.tell(AN, WEI, TicketFound(1, SOUTH))
    lane.wait(CARD.show_s)
    assert (lane.lane.attempt, lane.phase) == (2, Phase.LOOKUP)


def test_what_is_known_of_the_refused_is_kept_as_long_as_she_may_be_overridden() -> None:
    lane = a_lane(CARD)
    lane.tell(CardRead(7, card(valid_to="2025-06-14"), "an"))
    assert may_go_on(lane.lane)
    assert scans_to_keep(lane.lane) == {7}
    assert [type(e) for e in lane.tell(overrides())][:1] == [Lookup]
    lane.tell(TicketFound(1, lookup()))
    assert lane.phase is Phase.RELEASED
    assert not may_go_on(lane.lane)
    assert scans_to_keep(lane.lane) == frozenset()


def test_an_override_settles_one_thing_and_the_camera_looks_all_the_same() -> None:
    lane = refused(policy())
    assert [type(effect) for effect in lane.tell(overrides())][:1] == [Capture]
    lane.tell(*(compared(0.7) for _ in range(3)))
    assert words(lane)[-1] == (Verdict.REFER, Reason.FACE_MISMATCH)
    assert lane.tell(overrides()) == ()
    lane.tell(says(StewardAction.ADMIT))
    assert lane.phase is Phase.RELEASED


@pytest.mark.parametrize(
    "said",
    [
        overrides(cause=None),
        overrides(second="super-1"),
        overrides(),
        overrides(attempt=2),
        says(StewardAction.ADMIT),
        says(StewardAction.REFUSE),
        says(StewardAction.SKIP_FACE),
        says(StewardAction.HOLDER_HERE),
    ],
    ids=str,
)
def test_less_than_two_supervisors_with_a_cause_change_nothing_where_two_are_asked_for(said: StewardSaid) -> None:
    lane = refused(replace(CARD, override_by_two=True))
    before = lane.lane
    assert lane.tell(said) == ()
    assert lane.lane is before


def test_two_do() -> None:
    lane = refused(replace(CARD, override_by_two=True))
    lane.tell(overrides(second="super-2"))
    assert lane.phase is Phase.RELEASED
    assert lane.lane.facts.steward[0].second == "super-2"


def test_without_the_policys_leave_nobody_overrides() -> None:
    lane = refused(replace(CARD, overridable=()))
    assert lane.tell(overrides()) == ()
    lane.wait(CARD.show_s)
    assert lane.lane.decision is None


def test_a_list_is_no_supervisors_to_override() -> None:
    lane = a_lane(replace(CARD, overridable=tuple(Reason)))
    lane.tell(AN, TicketFound(1, lookup(hits=(hit(WatchAction.REFUSE_UNLESS_CLEARED),))))
    assert (view(lane).reason, view(lane).overridable) == (Reason.WATCHLISTED, False)
    assert lane.tell(overrides()) == ()
    lane.tell(says(StewardAction.CLEAR_WATCH))
    assert lane.phase is Phase.RELEASED


# --- the holder is here -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found_too", "answer", "reason", "first"),
    [
        ({"uses": (use(),)}, None, Reason.ALREADY_ADMITTED, use()),
        ({"uses": (use("T7"),)}, None, Reason.DUPLICATE_IDENTITY, use("T7")),
        ({}, use(gate="south"), Reason.ALREADY_ADMITTED, use(gate="south")),
    ],
    ids=["here", "on another ticket", "at another gate"],
)
def test_a_holder_who_is_here_goes_in_and_the_seat_is_looked_at(found_too, answer, reason, first) -> None:
    facts = good_facts(lookup=lookup(**found_too), face=None)
    if answer is not None:
        facts = replace(facts, claim=ClaimAnswer.REFUSED, claim_first=answer)
    lane = a_lane(replace(CARD, claims=answer is not None))
    lane.tell(AN, TicketFound(1, facts.lookup))
    if answer is not None:
        from gate.core.events import ClaimAnswered

        lane.tell(ClaimAnswered(1, ClaimAnswer.REFUSED, answer))
    assert (view(lane).reason, view(lane).first_use) == (reason, first)
    lane.tell(says(StewardAction.HOLDER_HERE))
    assert lane.phase is Phase.RELEASED
    word = lane.lane.decision
    assert word is not None
    assert (word.reason, word.flags) == (Reason.OK_BY_STEWARD, (f"settled_{reason}", "seat_check"))
    assert word.first_use == first


def test_to_say_so_of_anything_else_changes_nothing() -> None:
    lane = a_lane()
    lane.tell(AN, TicketFound(1, lookup(ticket(face_declined=True))))
    assert lane.phase is Phase.REFERRED
    assert lane.tell(says(StewardAction.HOLDER_HERE)) == ()


# --- modes --------------------------------------------------------------------------------------------------------


def test_a_lane_taken_out_of_service_refers_everybody_and_cannot_be_talked_round() -> None:
    lane = a_lane(CARD)
    lane.tell(ModeSet(Mode.OUT_OF_ORDER, "super-1", "gate bent"))
    assert (lane.phase, view(lane).mode) == (Phase.FAULT, Mode.OUT_OF_ORDER)
    lane.tell(AN)
    assert words(lane) == [(Verdict.REFER, Reason.OUT_OF_ORDER)]
    assert lane.tell(says(StewardAction.ADMIT), overrides()) == ()
    lane.tell(ModeSet(Mode.CONTROLLED, "super-1"))
    assert lane.phase is Phase.IDLE


def test_a_mode_for_a_while_ends_by_itself_in_the_name_of_whoever_set_it() -> None:
    lane = a_lane(CARD)
    until = NOW.wall + 60.0
    lane.tell(ModeSet(Mode.FREE, "super-1", "drill", until))
    assert lane.tell(ModeEnded(until)) == ()
    lane.wait(60.0)
    effects = lane.tell(ModeEnded(until))
    assert effects[:2] == (
        Record(0, EntryKind.MODE, ModeBody(Mode.CONTROLLED, "super-1", "time is up")),
        Hold(False),
    )
    assert lane.phase is Phase.IDLE
    assert lane.tell(ModeEnded(until)) == ()


def test_a_later_word_outlives_the_end_of_an_earlier_one() -> None:
    lane = a_lane(CARD)
    until = NOW.wall + 60.0
    lane.tell(ModeSet(Mode.PAUSED, "super-1", "", until), ModeSet(Mode.PAUSED, "super-2"))
    lane.wait(61.0)
    assert lane.tell(ModeEnded(until)) == ()
    assert lane.phase is Phase.PAUSED


@pytest.mark.parametrize(
    ("mode", "phase"), [(Mode.PAUSED, Phase.PAUSED), (Mode.FREE, Phase.FREE), (Mode.OUT_OF_ORDER, Phase.FAULT)]
)
def test_a_lane_begins_as_it_was_run(mode: Mode, phase: Phase) -> None:
    lane = new_lane(GATE, ordered=ModeBody(mode, "super-1", "", NOW.wall + 9.0))
    assert (lane.phase, lane.mode, lane.mode_by, lane.mode_until) == (phase, mode, "super-1", NOW.wall + 9.0)


def test_who_works_here_is_written_down_and_disturbs_nobody() -> None:
    lane = refused()
    body = ShiftBody("steward-4", on=True)
    assert lane.tell(StaffNoted(EntryKind.SHIFT, body)) == (Record(1, EntryKind.SHIFT, body),)
    assert view(lane).reason is Reason.WRONG_GATE


def test_the_profiles_differ_where_they_say_they_do() -> None:
    expired = Example(good_facts(card=card(valid_to="2025-06-14"), face=None), Verdict.DENY, Reason.CARD_EXPIRED)
    late = Example(REFUSED[Reason.EXPIRED], Verdict.DENY, Reason.EXPIRED)
    told = {
        profile: [decide(each.facts, policy(profile), NOW).overridable for each in (expired, late)]
        for profile in (Profile.CONCERT, Profile.HOSPITAL)
    }
    assert told == {Profile.CONCERT: [True, False], Profile.HOSPITAL: [True, True]}
