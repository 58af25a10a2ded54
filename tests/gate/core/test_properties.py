"""What holds of `decide` for all facts, policies and times.

`tests.gate.core.house_rules` says once more, without a look at `gate.core.rules`, who may be admitted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gate.core.decide import chosen_ticket, decide, explain
from gate.tighten import Loosening, Overrides, tighten
from models.credential import Assurance
from models.decision import (
    CardFacts,
    ClaimAnswer,
    CodeNeed,
    Decision,
    FaceFacts,
    Facts,
    Now,
    Policy,
    Reason,
    StewardAction,
    StewardWord,
    TicketFacts,
    Verdict,
)
from models.passage import Direction, Use
from models.ticket import TicketStatus
from models.watch import WatchAction, WatchHit
from tests.examples import examples
from tests.gate.core.house_rules import FOR_SUPERVISORS, is_bound, is_live, is_unused, may_pass
from tests.gate.core.strategies import (
    DAY,
    NOW,
    codes,
    faces,
    facts,
    good_facts,
    hit,
    hits,
    lookup,
    nows,
    override,
    overrides,
    policies,
    ticket,
    tickets,
    uses,
    words,
)

thorough = settings(max_examples=examples(500), deadline=None)

NEVER_TO_BE_TALKED_ROUND = {
    Reason.NO_TICKET,
    Reason.REVOKED,
    Reason.WRONG_GATE,
    Reason.WRONG_EVENT,
    Reason.NOT_YET_VALID,
    Reason.EXPIRED,
    Reason.UNBOUND,
    Reason.OCCUPANCY,
    Reason.WEAK_CREDENTIAL,
    Reason.CODE_USED,
    Reason.CARD_EXPIRED,
    Reason.UNREADABLE_CARD,
    Reason.UNSUPPORTED_CARD,
    Reason.REJECTED_CARD,
    Reason.MANIFEST_MISSING,
    Reason.PAUSED,
    Reason.OUT_OF_ORDER,
}


# --- decide against the house rules -------------------------------------------------------------------------------


@settings(max_examples=examples(1000), deadline=None)
@given(facts(), policies(), nows())
def test_admitted_is_exactly_who_may_pass(known: Facts, rules: Policy, now: Now) -> None:
    word = decide(known, rules, now)
    held = {each.ticket: each for each in (known.lookup.tickets if known.lookup else ())}
    assert word.ticket in held or (word.ticket == "" and not held)
    assert (word.verdict is Verdict.ADMIT) is may_pass(known, rules, now, held.get(word.ticket))


@thorough
@given(st.lists(tickets("T"), min_size=2, max_size=4), st.lists(uses("T0", "T1", "T2"), max_size=2), policies(), nows())
def test_of_several_tickets_one_that_is_good_is_chosen(
    several: list[TicketFacts], used: list[Use], rules: Policy, now: Now
) -> None:
    held = tuple(replace(each, ticket=f"T{number}") for number, each in enumerate(several))
    known = good_facts(lookup=lookup(tickets=held, uses=tuple(used)))
    good = {
        each.ticket
        for each in held
        if is_live(known, rules, now, each) and is_bound(known, rules, each) and is_unused(known, rules, now, each)
    }
    chosen = chosen_ticket(known, rules, now)
    assert chosen is not None
    assert chosen.ticket in good or not good


@thorough
@given(facts(), policies(), nows())
def test_decide_is_total_deterministic_and_blind_to_the_order_of_tickets(known: Facts, rules: Policy, now: Now) -> None:
    word = decide(known, rules, now)
    assert isinstance(word, Decision)
    assert decide(known, rules, now) == word
    assert explain(known, rules, now)[0] == word
    # A word that awaits something is never a yes or a no.
    assert not word.awaiting or (word.verdict is Verdict.REFER and not word.settleable)
    assert (word.verdict is Verdict.ADMIT) is word.reason.startswith("ok")
    if known.lookup:
        turned = replace(known.lookup, tickets=known.lookup.tickets[::-1])
        assert decide(replace(known, lookup=turned), rules, now) == word


@thorough
@given(facts(), policies(), nows())
def test_what_a_steward_may_settle_goes_on_from_there_and_what_he_may_not_stays(
    known: Facts, rules: Policy, now: Now
) -> None:
    word = decide(known, rules, now)
    assume(word.verdict is not Verdict.ADMIT and not word.awaiting)
    again = decide(
        replace(known, steward=(*known.steward, StewardWord(StewardAction.ADMIT, "s", on=word.reason))), rules, now
    )
    assert (again.reason != word.reason or bool(again.awaiting)) is word.settleable


# --- nothing turns a no into a yes --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Harm:
    """Something that speaks against a visitor, or at least not for her."""

    listed: WatchHit
    further: float
    older_s: float
    sooner_s: float
    entered: Use


def harms() -> st.SearchStrategy[Harm]:
    """Harms of every kind and size."""
    days = st.floats(0.0, 30 * DAY)
    return st.builds(Harm, hits(), st.floats(0.0, 2.0), days, days, uses("T1", "T4"))


def harmed(known: Facts, harm: Harm) -> dict[str, Facts]:
    """The same facts, each time with one of the harms done."""
    after = {
        "a watch hit by face": replace(known, face_hits=(*known.face_hits, harm.listed)),
        "a refused claim": replace(known, claim=ClaimAnswer.REFUSED) if known.claim else known,
    }
    if known.face and known.face.comparison:
        apart = replace(known.face.comparison, distance=known.face.comparison.distance + harm.further)
        after["a larger distance"] = replace(known, face=replace(known.face, comparison=apart))
    if known.lookup:
        after["a watch hit by document"] = _looked_up(known, hits=(*known.lookup.hits, harm.listed))
        if known.lookup.manifest:
            fresh = known.lookup.manifest
            issued_at, expires_at = fresh.issued_at - harm.older_s, fresh.expires_at - harm.sooner_s
            aged = replace(fresh, issued_at=issued_at, expires_at=expires_at)
            after["an older manifest"] = _looked_up(known, manifest=aged)
        # With two tickets the other one may be the better choice now; and who leaves ought to have entered.
        if len(known.lookup.tickets) <= 1 and known.direction is Direction.ENTRY:
            entered = replace(harm.entered, direction=Direction.ENTRY)
            after["one more entry"] = _looked_up(known, uses=(*known.lookup.uses, entered))
    return after


def _looked_up(known: Facts, **changes: Any) -> Facts:
    assert known.lookup is not None
    return replace(known, lookup=replace(known.lookup, **changes))


@settings(max_examples=examples(1000), deadline=None)
@given(facts(), policies(), nows(), harms())
def test_no_harm_ever_turns_a_no_into_a_yes(known: Facts, rules: Policy, now: Now, harm: Harm) -> None:
    """A watch hit, a larger distance, an older manifest, one more entry, a refused claim."""
    before = decide(known, rules, now)
    for name, after in harmed(known, harm).items():
        word = decide(after, rules, now)
        assert before.verdict is Verdict.ADMIT or word.verdict is not Verdict.ADMIT, name
        if name.startswith("a watch hit"):  # a hint for a person: alone it never denies
            assert before.verdict is Verdict.DENY or word.verdict is not Verdict.DENY, name


@settings(max_examples=examples(1000), deadline=None)
@given(codes(), facts(), policies(), nows(), st.sampled_from(CodeNeed), st.sampled_from(Assurance))
def test_asking_more_of_codes_never_opens(
    shown: CardFacts, known: Facts, rules: Policy, now: Now, need: CodeNeed, assurance: Assurance
) -> None:
    known = replace(known, card=shown)
    try:
        stricter = tighten(rules, Overrides(code_needs=need, min_code_assurance=assurance))
    except Loosening as loosening:
        stricter = loosening.policy
    before, word = decide(known, rules, now), decide(known, stricter, now)
    assert before.verdict is Verdict.ADMIT or word.verdict is not Verdict.ADMIT


@thorough
@given(codes(), facts(), policies(), nows())
def test_another_events_code_never_opens_the_way_in(shown: CardFacts, known: Facts, rules: Policy, now: Now) -> None:
    everything = tuple(StewardWord(StewardAction.ADMIT, "s", on=reason) for reason in Reason)
    known = replace(known, card=replace(shown, event="arena-0616"), direction=Direction.ENTRY, steward=everything)
    assert decide(known, rules, now).verdict is not Verdict.ADMIT


@thorough
@given(facts(), policies(), nows(), st.none() | faces())
def test_a_face_alone_never_denies(known: Facts, rules: Policy, now: Now, seen: FaceFacts | None) -> None:
    if decide(known, rules, now).verdict is not Verdict.DENY:
        assert decide(replace(known, face=seen), rules, now).verdict is not Verdict.DENY


@thorough
@given(facts(), policies(), nows(), st.lists(words(), max_size=4))
def test_no_word_of_a_steward_admits_whom_the_house_refuses(
    known: Facts, rules: Policy, now: Now, talk: list[StewardWord]
) -> None:
    refused = decide(replace(known, steward=()), rules, now).reason in NEVER_TO_BE_TALKED_ROUND
    assume(refused)
    # A supervisor's override is another matter: the policy may have handed him the reason.
    own_words = tuple(word for word in talk if word.action is not StewardAction.OVERRIDE)
    every_word = tuple(StewardWord(StewardAction.ADMIT, "s", on=reason) for reason in Reason)
    for steward in (own_words, every_word):
        assert decide(replace(known, steward=steward), rules, now).verdict is not Verdict.ADMIT


@thorough
@given(facts(), policies(), nows(), st.sampled_from([Reason.NO_TICKET, Reason.REVOKED, Reason.UNBOUND]))
def test_a_steward_who_says_everything_admits_nobody_without_a_ticket(
    known: Facts, rules: Policy, now: Now, wrong: Reason
) -> None:
    held = {
        Reason.NO_TICKET: (),
        Reason.REVOKED: (ticket(status=TicketStatus.REVOKED),),
        Reason.UNBOUND: (ticket(bound_at=None),),
    }[wrong]
    everything = tuple(
        StewardWord(action, "s", on=reason)
        for action in StewardAction
        if action is not StewardAction.REFUSE
        for reason in Reason
    )
    without = replace(known, direction=Direction.ENTRY, lookup=lookup(tickets=held), steward=everything)
    assert decide(without, replace(rules, needs_ticket=True), now).verdict is not Verdict.ADMIT


@thorough
@given(facts(), policies(), nows(), st.lists(overrides(), min_size=1, max_size=3))
def test_an_override_changes_nothing_that_the_policy_does_not_leave_to_supervisors(
    known: Facts, rules: Policy, now: Now, talk: list[StewardWord]
) -> None:
    before = decide(known, rules, now)
    beyond = tuple(each for each in talk if each.on not in rules.overridable or each.on not in FOR_SUPERVISORS)
    assert decide(replace(known, steward=(*known.steward, *beyond)), rules, now) == before
    if not before.overridable:
        here = tuple(replace(each, on=before.reason) for each in talk)
        assert decide(replace(known, steward=(*known.steward, *here)), rules, now) == before


@thorough
@given(facts(), policies(), nows(), st.sampled_from(["supervisor-1", "supervisor-2"]))
def test_what_a_supervisor_may_override_goes_on_from_there_by_as_many_as_it_takes(
    known: Facts, rules: Policy, now: Now, second: str
) -> None:
    before = decide(known, rules, now)
    if not before.overridable:
        return  # five of six are not; the reasons' own table has one of each
    assert not before.settleable
    after = decide(replace(known, steward=(*known.steward, override(before.reason, second=second))), rules, now)
    enough = not rules.override_by_two or second == "supervisor-2"
    assert (after != before) is enough
    if after.verdict is Verdict.ADMIT:
        assert after.reason is Reason.OK_BY_STEWARD
        assert f"override_{before.reason}" in after.flags


@thorough
@given(facts(), policies(), nows(), st.sampled_from(WatchAction))
def test_a_listed_person_passes_by_no_override(known: Facts, rules: Policy, now: Now, action: WatchAction) -> None:
    assume(action is not WatchAction.NOTIFY)
    rules = replace(rules, overridable=tuple(Reason), override_by_two=False)
    kept = tuple(each for each in known.steward if each.action is StewardAction.REFUSE)
    everything = tuple(override(reason) for reason in Reason)
    entering = replace(known, direction=Direction.ENTRY, face_hits=(hit(action),), steward=(*kept, *everything))
    entering = replace(entering, review_over=False)  # else she may go on because nobody came, by no override
    now = replace(now, wall=NOW.wall)  # while the entry is in force
    assert decide(entering, rules, now).verdict is not Verdict.ADMIT


@thorough
@given(facts(), policies(), nows(), st.lists(words(), max_size=4))
def test_who_is_seated_is_asked_for_exactly_when_the_holder_was_said_to_be_here(
    known: Facts, rules: Policy, now: Now, talk: list[StewardWord]
) -> None:
    word = decide(replace(known, steward=tuple(talk)), rules, now)
    here = any(each.action is StewardAction.HOLDER_HERE for each in talk)
    assert "seat_check" not in word.flags or here
    assert word.first_use is None or "seat_check" in word.flags


def test_the_strategies_are_worth_something() -> None:
    """A fifth of what is tried above is admitted, and most reasons are met."""
    seen: Counter[str] = Counter()

    @settings(max_examples=600, deadline=None, derandomize=True, database=None)
    @given(facts(), policies(), nows())
    def tell(known: Facts, rules: Policy, now: Now) -> None:
        word = decide(known, rules, now)
        seen.update([word.verdict, word.reason])

    tell()
    assert min(seen[verdict] for verdict in Verdict) >= 80, seen
    assert len(seen) >= 24, seen
