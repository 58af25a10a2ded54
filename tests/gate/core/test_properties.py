"""What holds of `decide` for all facts, policies and times.

`may_pass` says once more, in the words of the house rules and without a look at `gate.core.rules`, who may be admitted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gate.core.decide import chosen_ticket, decide, explain
from models.decision import (
    ClaimAnswer,
    Decision,
    FaceFacts,
    Facts,
    Now,
    OfflineRule,
    Policy,
    Reason,
    ReEntryMode,
    StewardAction,
    StewardWord,
    TicketFacts,
    Verdict,
)
from models.passage import Direction, Use
from models.ticket import TicketStatus
from models.watch import WatchAction, WatchHit
from tests.gate.core.strategies import (
    DAY,
    GATE,
    faces,
    facts,
    good_facts,
    hits,
    lookup,
    nows,
    policies,
    ticket,
    tickets,
    uses,
    words,
)

thorough = settings(max_examples=500, deadline=None)

BY_EYE = {
    Reason.FACE_MISMATCH,
    Reason.FACE_UNCERTAIN,
    Reason.FACE_DECLINED,
    Reason.NO_FACE,
    Reason.POOR_FACE,
    Reason.NO_REFERENCE,
    Reason.MODEL_MISMATCH,
    Reason.NOT_LIVE,
    Reason.DEVICE_FAULT,
}

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
    Reason.CARD_EXPIRED,
    Reason.UNREADABLE_CARD,
    Reason.UNSUPPORTED_CARD,
    Reason.REJECTED_CARD,
    Reason.MANIFEST_MISSING,
    Reason.PAUSED,
    Reason.OUT_OF_ORDER,
}


# --- who may pass, once more --------------------------------------------------------------------------------------


def may_pass(known: Facts, rules: Policy, now: Now, held: TicketFacts | None) -> bool:
    """Whether the house admits this person on this ticket."""
    if not (the_lane_may_admit(known) and known.lookup and not known.lookup_fault):
        return False
    if known.direction is Direction.EXIT:
        return may_leave(known, rules, held)
    if not (card_is_good(known, rules, now) and manifest_is_good(known, rules, now)):
        return False
    if rules.occupancy_limit is not None and known.lookup.inside >= rules.occupancy_limit:
        return False
    if not (lists_are_clear(known, now) and nothing_is_held(known, held)):
        return False
    if not rules.needs_ticket:
        return True
    return held is not None and ticket_admits(known, rules, now, held)


def ticket_admits(known: Facts, rules: Policy, now: Now, held: TicketFacts) -> bool:
    """A ticket for this gate and time, bound, unused, claimed; the guardian gone in; the face compared."""
    return (
        is_live(known, rules, now, held)
        and is_bound(rules, held)
        and is_unused(known, rules, now, held)
        and is_claimed(known, rules, held)
        and guardian_went_in(known, rules, now, held)
        and person_is_the_holder(known, rules, held)
    )


def vouched(known: Facts, reason: Reason) -> bool:
    """Whether a steward who was shown this said "admit"."""
    return any(said.action is StewardAction.ADMIT and said.on is reason for said in known.steward)


def said(known: Facts, action: StewardAction) -> bool:
    """Whether a steward said this."""
    return action in {each.action for each in known.steward}


def the_lane_may_admit(known: Facts) -> bool:
    """It works, it isn't paused, nobody refused, and a card was read."""
    closed = bool(known.out_of_order) or known.paused or said(known, StewardAction.REFUSE)
    return not closed and known.card is not None and known.card_problem is None


def card_is_good(known: Facts, rules: Policy, now: Now) -> bool:
    """Hard enough to copy, and in force on the venue's day."""
    assert known.card is not None
    strong = known.card.assurance >= rules.min_assurance
    if not known.clock_trusted:
        return strong and vouched(known, Reason.CLOCK_UNTRUSTED)
    noon = 43_200
    day = int((now.wall + rules.utc_offset_s) // DAY)
    return strong and all(
        (not edge or sign * (day * DAY + noon - _noon_of(edge)) <= 0)
        for edge, sign in ((known.card.valid_to, 1), (known.card.valid_from, -1))
    )


def _noon_of(day: str) -> float:
    """Noon of an ISO day, as if the venue were in Greenwich, by counting days (civil calendar, after H. Hinnant)."""
    year, month, date = (int(part) for part in day.split("-"))
    year -= month <= 2
    era, of_era = year // 400, year % 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + date - 1
    return (era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468) * DAY + 43_200


def manifest_is_good(known: Facts, rules: Policy, now: Now) -> bool:
    """There, of this event, and fresh: or a person vouched for it."""
    manifest = known.lookup.manifest if known.lookup else None
    if manifest is None or manifest.event != rules.event:
        return False
    stale = now.wall > manifest.expires_at or now.wall - manifest.issued_at > rules.stale_after_s
    return not known.clock_trusted or not stale or vouched(known, Reason.MANIFEST_STALE)


def is_live(known: Facts, rules: Policy, now: Now, held: TicketFacts) -> bool:
    """The issuer stands by it, and this is its event, its gate and its time."""
    opened = held.entitlement
    place = opened.event == rules.event and (opened.gates == () or GATE in opened.gates)
    in_time = held.validity.not_before - rules.early_s <= now.wall <= held.validity.not_after
    return held.status is TicketStatus.VALID and place and (in_time or not known.clock_trusted)


def is_bound(rules: Policy, held: TicketFacts) -> bool:
    """It belongs to somebody; a work ticket has for long enough."""
    if held.bound_at is None:
        return False
    strict = rules.bound_before_s is not None and held.category in rules.bound_categories
    return not strict or held.bound_at + (rules.bound_before_s or 0) <= held.validity.not_before


def is_unused(known: Facts, rules: Policy, now: Now, held: TicketFacts) -> bool:
    """Neither the ticket nor, where that matters, the person is inside already: or a person vouched for it."""
    assert known.lookup is not None
    mine = sorted((each for each in known.lookup.uses if each.ticket == held.ticket), key=lambda each: each.at)
    again = (
        not mine
        or rules.reentry is ReEntryMode.SOFT
        or (rules.exits and _last(mine).direction is Direction.EXIT)
        or (rules.reentry is ReEntryMode.TIMED and now.wall - _last(mine).at >= rules.reentry_after_s)
        or vouched(known, Reason.ALREADY_ADMITTED)
    )
    person = known.lookup.person_key
    elsewhere = any(
        each.person_key == person and each.ticket != held.ticket and each.direction is Direction.ENTRY
        for each in known.lookup.uses
    )
    return again and (not rules.one_per_identity or not elsewhere or vouched(known, Reason.DUPLICATE_IDENTITY))


def _last(ordered: list[Use]) -> Use:
    return next(each for each in ordered if each.at == ordered[-1].at)


def is_claimed(known: Facts, rules: Policy, held: TicketFacts) -> bool:
    """The authority granted it, or the event goes on without, or a person vouched for it."""
    if not rules.claims or known.claim is ClaimAnswer.GRANTED:
        return True
    if known.claim is None:
        return False
    if known.claim is ClaimAnswer.REFUSED:
        return vouched(known, Reason.ALREADY_ADMITTED)
    home = held.entitlement.gates != () and held.entitlement.gates[0] == GATE
    alone = rules.offline_rule
    goes_on = alone is OfflineRule.ADMIT_AND_FLAG or (alone is OfflineRule.HOME_GATE_ONLY and home)
    return goes_on or vouched(known, Reason.CLAIM_UNANSWERED)


def guardian_went_in(known: Facts, rules: Policy, now: Now, held: TicketFacts) -> bool:
    """A child comes with an adult who went in a moment ago."""
    assert known.lookup is not None
    if not held.guardian or vouched(known, Reason.GUARDIAN_NEEDED):
        return True
    ordered = sorted(known.lookup.guardian_uses, key=lambda each: each.at)
    if not ordered or _last(ordered).direction is Direction.EXIT:
        return False
    return 0 <= now.wall - ordered[-1].at <= rules.guardian_within_s


def person_is_the_holder(known: Facts, rules: Policy, held: TicketFacts) -> bool:
    """The face was compared by the machine and accepted, or by a person's eye."""
    if not rules.needs_face or any(vouched(known, reason) for reason in BY_EYE):
        return True
    seen = known.face
    if seen is None or seen.comparison is None or seen.problem or seen.fault:
        return False
    if held.face_declined or said(known, StewardAction.SKIP_FACE):
        return False
    live = rules.pad_accept is None or (seen.pad_score or -1.0) >= rules.pad_accept
    accepts = {bands.model_version: bands.accept for bands in rules.bands}
    same_model = seen.comparison.model_version == held.reference_model and held.reference_model in accepts
    return live and same_model and seen.comparison.distance <= accepts[held.reference_model]


def lists_are_clear(known: Facts, now: Now) -> bool:
    """No list in force asks for a look, or a person had one."""
    assert known.lookup is not None
    listed = known.lookup.hits + known.face_hits
    asked = {each.action for each in listed if each.valid_from <= now.wall <= each.valid_to} - {WatchAction.NOTIFY}
    if not asked or said(known, StewardAction.CLEAR_WATCH):
        return True
    return asked == {WatchAction.REVIEW} and vouched(known, Reason.WATCHLISTED)


def nothing_is_held(known: Facts, held: TicketFacts | None) -> bool:
    """No note holds the person back, or a person saw to it."""
    holding = held is not None and any(note.hold for note in held.notes)
    return not holding or said(known, StewardAction.CONFIRM) or vouched(known, Reason.CONFIRM_FIRST)


def may_leave(known: Facts, rules: Policy, held: TicketFacts | None) -> bool:
    """Who is inside may leave; who seems not to be is looked at under hard anti-passback alone."""
    assert known.lookup is not None
    mine = sorted((u for u in known.lookup.uses if held and u.ticket == held.ticket), key=lambda each: each.at)
    inside = bool(mine) and _last(mine).direction is Direction.ENTRY
    return inside or rules.reentry is not ReEntryMode.HARD or vouched(known, Reason.NOT_INSIDE)


# --- decide against the house rules -------------------------------------------------------------------------------


@settings(max_examples=1200, deadline=None)
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
        if is_live(known, rules, now, each) and is_bound(rules, each) and is_unused(known, rules, now, each)
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


@settings(max_examples=1000, deadline=None)
@given(facts(), policies(), nows(), harms())
def test_no_harm_ever_turns_a_no_into_a_yes(known: Facts, rules: Policy, now: Now, harm: Harm) -> None:
    """A watch hit, a larger distance, an older manifest, one more entry, a refused claim."""
    before = decide(known, rules, now)
    for name, after in harmed(known, harm).items():
        word = decide(after, rules, now)
        assert before.verdict is Verdict.ADMIT or word.verdict is not Verdict.ADMIT, name
        if name.startswith("a watch hit"):  # a hint for a person: alone it never denies
            assert before.verdict is Verdict.DENY or word.verdict is not Verdict.DENY, name


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
    every_word = tuple(StewardWord(StewardAction.ADMIT, "s", on=reason) for reason in Reason)
    for steward in (tuple(talk), every_word):
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
