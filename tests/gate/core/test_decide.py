"""One example for each reason, and the cases that staff ask about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gate.core.decide import chosen_ticket, decide, explain
from gate.core.rules import face_matches
from models.credential import Assurance
from models.decision import (
    ClaimAnswer,
    Decision,
    Facts,
    Need,
    OfflineRule,
    Profile,
    Reason,
    ReEntryMode,
    StewardAction,
    Verdict,
)
from models.passage import Direction
from models.ticket import NoteKind, Validity
from models.watch import WatchAction
from tests.gate.core.reasons import (
    ADMIT,
    CLAIMS,
    CONCERT,
    DENY,
    EXAMPLES,
    REFER,
    REFUSALS,
    STEP_ONLY,
    Example,
    found,
    seen,
)
from tests.gate.core.strategies import (
    DAY,
    DOORS,
    NOW,
    card,
    good_facts,
    hit,
    lookup,
    policy,
    ticket,
    use,
    word,
)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_each_case_has_its_word(example: Example) -> None:
    said = decide(example.facts, example.rules, NOW)
    assert (said.verdict, said.reason, said.settleable) == (example.verdict, example.reason, example.settleable)
    assert said.awaiting == ()


def test_every_reason_has_an_example() -> None:
    assert {example.reason for example in EXAMPLES.values()} | STEP_ONLY == set(Reason)


# --- what is still to be gathered ---------------------------------------------------------------------------------


def test_before_the_stores_answer_only_they_are_awaited() -> None:
    said = decide(good_facts(lookup=None, face=None, claim=None), CLAIMS, NOW)
    assert (said.verdict, said.awaiting) == (REFER, (Need.LOOKUP,))


def test_claim_and_face_are_awaited_together() -> None:
    said = decide(good_facts(face=None, claim=None), CLAIMS, NOW)
    assert (said.verdict, said.awaiting, said.ticket) == (REFER, (Need.CLAIM, Need.FACE), "T1")


@pytest.mark.parametrize("name", ["no ticket", "refunded", "inside already", "no picture enrolled", "wants no camera"])
def test_who_is_refused_before_the_face_awaits_no_camera(name: str) -> None:
    example = REFUSALS[name]
    assert decide(replace(example.facts, face=None), example.rules, NOW).awaiting == ()


# --- what a steward may settle ------------------------------------------------------------------------------------

SETTLED = {name: example for name, example in REFUSALS.items() if example.settleable}
FINAL = {name: example for name, example in REFUSALS.items() if not example.settleable}


def vouched(facts: Facts, on: Reason | None) -> Facts:
    """The same, and a steward who was shown `on` said "admit"."""
    return replace(facts, steward=(*facts.steward, word(on=on)))


@pytest.mark.parametrize("example", SETTLED.values(), ids=SETTLED.keys())
def test_a_word_settles_what_was_shown_and_is_flagged(example: Example) -> None:
    said = decide(vouched(example.facts, example.reason), example.rules, NOW)
    assert (said.verdict, said.reason) == (ADMIT, Reason.OK_BY_STEWARD)
    assert {f"settled_{example.reason}", "non_face_alternative"} & set(said.flags)


@pytest.mark.parametrize("example", SETTLED.values(), ids=SETTLED.keys())
def test_a_word_about_something_else_settles_nothing(example: Example) -> None:
    before = decide(example.facts, example.rules, NOW)
    for other in (None, Reason.NO_TICKET, Reason.PAUSED):
        assert decide(vouched(example.facts, other), example.rules, NOW) == before


@pytest.mark.parametrize("example", FINAL.values(), ids=FINAL.keys())
def test_what_is_final_stays_whatever_the_steward_says(example: Example) -> None:
    said = decide(vouched(example.facts, example.reason), example.rules, NOW)
    assert (said.verdict, said.reason) == (example.verdict, example.reason)


def test_one_word_settles_one_thing() -> None:
    """Listed and inside already: two looks, two words."""
    facts = found(uses=(use(),), hits=(hit(),))
    once = vouched(facts, Reason.ALREADY_ADMITTED)
    assert decide(once, CONCERT, NOW).reason is Reason.WATCHLISTED
    assert decide(vouched(once, Reason.WATCHLISTED), CONCERT, NOW).verdict is ADMIT


def test_a_comparison_by_eye_is_recorded_as_the_way_without_a_face() -> None:
    said = decide(vouched(seen(distance=0.9), Reason.FACE_MISMATCH), CONCERT, NOW)
    assert said.flags == ("non_face_alternative",)


def test_who_skips_the_face_is_compared_by_eye() -> None:
    facts = good_facts(face=None, steward=(word(StewardAction.SKIP_FACE),))
    assert decide(facts, CONCERT, NOW) == Decision(REFER, Reason.FACE_DECLINED, (), "T1", settleable=True)
    assert decide(vouched(facts, Reason.FACE_DECLINED), CONCERT, NOW).flags == ("non_face_alternative",)


@pytest.mark.parametrize("name", ["on a list", "on a list, by face", "on a list that refuses"])
def test_a_cleared_hit_is_no_objection(name: str) -> None:
    facts = replace(REFUSALS[name].facts, steward=(word(StewardAction.CLEAR_WATCH, Reason.WATCHLISTED),))
    assert decide(facts, CONCERT, NOW).verdict is ADMIT


def test_by_a_wrong_clock_no_entry_of_a_list_has_run_out() -> None:
    over = hit(valid_from=DOORS - 9 * DAY, valid_to=DOORS - 8 * DAY)
    facts = replace(good_facts(lookup=lookup(hits=(over,))), clock_trusted=True)
    assert decide(facts, CONCERT, NOW).verdict is ADMIT
    vouched_for = vouched(replace(facts, clock_trusted=False), Reason.CLOCK_UNTRUSTED)
    assert decide(vouched_for, CONCERT, NOW).reason is Reason.WATCHLISTED


def test_a_fresh_ticket_is_chosen_before_a_used_one_that_would_pass_with_a_flag() -> None:
    rules = policy(Profile.CARD, reentry=ReEntryMode.SOFT, one_per_identity=False)
    facts = good_facts(lookup=lookup(ticket("T1"), ticket("T2"), uses=(use("T1"),)))
    assert (decide(facts, rules, NOW).ticket, decide(facts, rules, NOW).flags) == ("T2", ())


def test_a_confirmed_note_holds_nobody() -> None:
    facts = replace(REFUSALS["a bag to look at"].facts, steward=(word(StewardAction.CONFIRM, Reason.CONFIRM_FIRST),))
    assert decide(facts, CONCERT, NOW).reason is Reason.OK


def test_a_refusal_outweighs_every_other_word() -> None:
    facts = vouched(replace(seen(distance=0.9), steward=(word(StewardAction.REFUSE),)), Reason.FACE_MISMATCH)
    assert decide(facts, CONCERT, NOW).reason is Reason.REFUSED_BY_STEWARD


def test_with_a_clock_that_was_vouched_for_the_rules_about_time_stand_aside() -> None:
    old = found(ticket(validity=Validity(DOORS - 9 * DAY, DOORS - 8 * DAY)))
    facts = replace(old, clock_trusted=False, card=card(valid_to="2020-01-01"))
    rules = policy(stale_after_s=1.0)
    assert decide(vouched(facts, Reason.CLOCK_UNTRUSTED), rules, NOW).flags == ("settled_clock_untrusted",)


# --- notes, flags and the ticket that is chosen --------------------------------------------------------------------


def test_a_silent_list_tells_staff_and_lets_pass() -> None:
    said = decide(found(hits=(hit(WatchAction.NOTIFY),)), CONCERT, NOW)
    assert (said.verdict, [note.kind for note in said.notes]) == (ADMIT, [NoteKind.WATCH])


def test_of_several_tickets_the_one_that_comes_furthest_is_judged() -> None:
    used, wrong_gate, good = ticket("T1"), ticket("T2", gates=("south",)), ticket("T3")
    rules = policy(one_per_identity=False)
    facts = found(used, wrong_gate, good, uses=(use("T1"),))
    assert decide(facts, rules, NOW) == Decision(ADMIT, Reason.OK, (), "T3")
    facts = found(used, wrong_gate, uses=(use("T1"),))
    assert decide(facts, rules, NOW).reason is Reason.ALREADY_ADMITTED


def test_of_two_good_tickets_the_earlier_is_used() -> None:
    later = ticket("T1", validity=Validity(DOORS + 300, DOORS + DAY))
    chosen = chosen_ticket(found(later, ticket("T2")), CONCERT, NOW)
    assert chosen is not None
    assert chosen.ticket == "T2"


def test_a_second_ticket_of_the_same_person_does_not_let_her_in_twice() -> None:
    said = decide(found(ticket("T1"), ticket("T2"), uses=(use("T1"),)), CONCERT, NOW)
    assert (said.verdict, said.reason, said.ticket) == (DENY, Reason.DUPLICATE_IDENTITY, "T2")


# --- in again, without an answer, with a child, out ----------------------------------------------------------------

REENTRY = [
    (ReEntryMode.HARD, 300.0, Direction.ENTRY, False, Reason.ALREADY_ADMITTED, ()),
    (ReEntryMode.SOFT, 300.0, Direction.ENTRY, False, Reason.OK, ("second_entry",)),
    (ReEntryMode.TIMED, 119.0, Direction.ENTRY, False, Reason.ALREADY_ADMITTED, ()),
    (ReEntryMode.TIMED, 120.0, Direction.ENTRY, False, Reason.OK, ("entry_again_after_time",)),
    (ReEntryMode.HARD, 300.0, Direction.EXIT, True, Reason.OK, ()),
    (ReEntryMode.HARD, 300.0, Direction.EXIT, False, Reason.ALREADY_ADMITTED, ()),
]


@pytest.mark.parametrize(("mode", "ago_s", "direction", "exits", "reason", "flags"), REENTRY)
def test_coming_in_again(
    mode: ReEntryMode, ago_s: float, direction: Direction, exits: bool, reason: Reason, flags: tuple[str, ...]
) -> None:
    rules = policy(reentry=mode, reentry_after_s=120.0, exits=exits)
    said = decide(found(uses=(use(ago_s=900.0), use(ago_s=ago_s, direction=direction))), rules, NOW)
    assert (said.reason, said.flags) == (reason, flags)


OFFLINE = [
    (OfflineRule.ADMIT_AND_FLAG, ("south", "north"), ADMIT, ("claim_unanswered",)),
    (OfflineRule.REFER, ("north",), REFER, ()),
    (OfflineRule.HOME_GATE_ONLY, ("north", "south"), ADMIT, ("claim_unanswered",)),
    (OfflineRule.HOME_GATE_ONLY, ("south", "north"), REFER, ()),
    (OfflineRule.HOME_GATE_ONLY, (), REFER, ()),
]


@pytest.mark.parametrize(("rule", "gates", "verdict", "flags"), OFFLINE)
def test_a_claim_without_an_answer(
    rule: OfflineRule, gates: tuple[str, ...], verdict: Verdict, flags: tuple[str, ...]
) -> None:
    facts = replace(found(ticket(gates=gates)), claim=ClaimAnswer.NO_ANSWER)
    said = decide(facts, policy(claims=True, offline_rule=rule), NOW)
    assert (said.verdict, said.flags) == (verdict, flags)


@pytest.mark.parametrize(
    "guardian_uses",
    [(), (use("T9", 181.0),), (use("T9", -1.0),), (use("T9", 60.0), use("T9", 30.0, direction=Direction.EXIT))],
    ids=["never", "too long ago", "in the future", "out again"],
)
def test_a_child_waits_for_a_guardian_who_went_in_a_moment_ago(guardian_uses: Any) -> None:
    assert decide(found(ticket(guardian="T9"), guardian_uses=guardian_uses), CONCERT, NOW).verdict is REFER


@pytest.mark.parametrize("change", [{"tickets": ()}, {"manifest": None}], ids=["without ticket", "without manifest"])
def test_nobody_is_kept_inside(change: Any) -> None:
    """Where people go in and out by the day, an exit asks for no ticket."""
    facts = replace(found(**change), direction=Direction.EXIT, clock_trusted=False)
    said = decide(facts, policy(Profile.HOSPITAL), NOW)
    assert (said.verdict, said.flags) == (ADMIT, ("exit_without_entry",))


# --- profiles ------------------------------------------------------------------------------------------------------


def test_a_hospital_admits_an_appointment_half_an_hour_early_and_again_and_again() -> None:
    rules = policy(Profile.HOSPITAL)
    appointment = ticket(validity=Validity(NOW.wall + 1800, NOW.wall + 3600))
    facts = replace(found(appointment, uses=(use(),)), face=None, card=card(assurance=Assurance.SIGNED))
    said = decide(facts, rules, NOW)
    assert (said.verdict, said.reason, said.flags) == (ADMIT, Reason.OK_WITHOUT_FACE, ("second_entry",))
    assert decide(replace(facts, lookup=lookup(tickets=())), rules, NOW).reason is Reason.NO_TICKET


def test_screening_asks_the_lists_and_no_ticket() -> None:
    rules = policy(Profile.SCREENING)
    facts = replace(found(tickets=()), face=None)
    assert decide(facts, rules, NOW) == Decision(ADMIT, Reason.OK_WITHOUT_FACE)
    assert decide(replace(facts, lookup=lookup(tickets=(), hits=(hit(),))), rules, NOW).reason is Reason.WATCHLISTED


# --- the account of a decision -------------------------------------------------------------------------------------


def test_explain_names_the_rule_that_objected_last() -> None:
    said, steps = explain(seen(distance=0.9), CONCERT, NOW)
    assert said.reason is Reason.FACE_MISMATCH
    assert steps[-1].rule is face_matches
    assert len({step.rule for step in steps}) == len(steps)
