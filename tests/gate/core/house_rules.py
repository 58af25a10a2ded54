"""Who may pass, said a second time and otherwise than in `gate.core.rules`: what the properties are held against."""

from __future__ import annotations

from models.credential import Assurance, Medium
from models.decision import (
    ClaimAnswer,
    CodeNeed,
    FaceFacts,
    Facts,
    Now,
    OfflineRule,
    Policy,
    Reason,
    ReEntryMode,
    StewardAction,
    TicketFacts,
)
from models.pad import PadChallenge
from models.passage import Direction, Use
from models.ticket import TicketStatus
from models.typed import TypedNeed
from models.watch import HitMeans, WatchAction, WatchFallback
from tests.gate.core.strategies import DAY, GATE

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
    Reason.DOCUMENT_NEEDED,
}


FOR_SUPERVISORS = {
    Reason.WEAK_CREDENTIAL,
    Reason.CARD_EXPIRED,
    Reason.WRONG_GATE,
    Reason.NOT_YET_VALID,
    Reason.EXPIRED,
    Reason.UNBOUND,
    Reason.OCCUPANCY,
}


def may_pass(known: Facts, rules: Policy, now: Now, held: TicketFacts | None) -> bool:
    """Whether the house admits this person on this ticket."""
    if not (the_lane_may_admit(known) and known.lookup and not known.lookup_fault):
        return False
    if known.direction is Direction.EXIT:
        return may_leave(known, rules, held)
    if not (card_is_good(known, rules, now) and manifest_is_good(known, rules, now)):
        return False
    if not (is_for_tonight(known, rules) and code_is_enough(known, rules, now)):
        return False
    full = rules.occupancy_limit is not None and known.lookup.inside >= rules.occupancy_limit
    if full and not overridden(known, rules, Reason.OCCUPANCY):
        return False
    if not (lists_are_clear(known, rules, now, held) and nothing_is_held(known, held)):
        return False
    if not rules.needs_ticket:
        return True
    return held is not None and ticket_admits(known, rules, now, held)


def ticket_admits(known: Facts, rules: Policy, now: Now, held: TicketFacts) -> bool:
    """A ticket for this gate and time, bound, unused, claimed; the guardian gone in; the face compared."""
    return (
        is_live(known, rules, now, held)
        and is_bound(known, rules, held)
        and is_unused(known, rules, now, held)
        and is_claimed(known, rules, held)
        and guardian_went_in(known, rules, now, held)
        and person_is_the_holder(known, rules, held)
    )


def vouched(known: Facts, reason: Reason) -> bool:
    """Whether a steward who was shown this said "admit", or of a use that the holder stands here."""
    used = reason in (Reason.ALREADY_ADMITTED, Reason.DUPLICATE_IDENTITY)
    yes = {StewardAction.ADMIT, StewardAction.HOLDER_HERE} if used else {StewardAction.ADMIT}
    return any(said.action in yes and said.on is reason for said in known.steward)


def overridden(known: Facts, rules: Policy, reason: Reason) -> bool:
    """Whether supervisors, as many as it takes, passed over this for a cause, and the event leaves it to them."""
    if reason not in FOR_SUPERVISORS.intersection(rules.overridable):
        return False
    for said in known.steward:
        people = {said.actor, said.second} - {""}
        enough = len(people) == 2 or not rules.override_by_two
        if (said.action, said.on) == (StewardAction.OVERRIDE, reason) and said.cause and enough:
            return True
    return False


def said(known: Facts, action: StewardAction) -> bool:
    """Whether a steward said this."""
    return action in {each.action for each in known.steward}


def answered(known: Facts, action: StewardAction, question: Reason) -> bool:
    """Whether a steward said this when he was shown that."""
    return (action, question) in {(each.action, each.on) for each in known.steward}


def the_lane_may_admit(known: Facts) -> bool:
    """It works, it isn't paused, nobody refused, and a card was read."""
    closed = bool(known.out_of_order) or known.paused or said(known, StewardAction.REFUSE)
    return not closed and known.card is not None and known.card_problem is None


def card_is_good(known: Facts, rules: Policy, now: Now) -> bool:
    """Hard enough to copy, and in force on the venue's day."""
    assert known.card is not None
    strong = is_code(known) or is_typed(known) or known.card.assurance >= rules.min_assurance
    strong = strong or overridden(known, rules, Reason.WEAK_CREDENTIAL)
    if not known.clock_trusted:
        return strong and vouched(known, Reason.CLOCK_UNTRUSTED)
    noon = 43_200
    day = int((now.wall + rules.utc_offset_s) // DAY)
    if overridden(known, rules, Reason.CARD_EXPIRED):
        return strong
    return strong and all(
        (not edge or sign * (day * DAY + noon - _noon_of(edge)) <= 0)
        for edge, sign in ((known.card.valid_to, 1), (known.card.valid_from, -1))
    )


def is_code(known: Facts) -> bool:
    """Whether it was a code that was held up."""
    return known.card is not None and known.card.medium is Medium.CODE


def is_typed(known: Facts) -> bool:
    """Whether a person read the document off."""
    return known.card is not None and known.card.typed_by != ""


def is_for_tonight(known: Facts, rules: Policy) -> bool:
    """No other event's name is on it."""
    return not (known.card and known.card.event) or known.card.event == rules.event


def code_is_enough(known: Facts, rules: Policy, now: Now) -> bool:
    """Within its seconds and never shown before; a code moreover signed, and with somebody's look at a document."""
    shown = known.card
    assert shown is not None
    assert known.lookup is not None
    too_early = shown.valid_since is not None and now.wall < shown.valid_since
    too_late = shown.valid_until is not None and shown.valid_until < now.wall
    why = Reason.EXPIRED if too_late else Reason.NOT_YET_VALID
    if known.clock_trusted and (too_early or too_late) and not overridden(known, rules, why):
        return False
    weak_will_do = overridden(known, rules, Reason.WEAK_CREDENTIAL)
    spent = [each.code_step for each in known.lookup.uses if each.code_step is not None]
    if shown.code_step is not None and spent and max(spent) >= shown.code_step:
        return False
    if is_typed(known):
        asked = vouched(known, Reason.DOCUMENT_NEEDED)
        return asked if rules.typed_needs is TypedNeed.STEWARD else weak_will_do
    if not is_code(known):
        return True
    looked = {
        CodeNeed.NOTHING: True,
        CodeNeed.FACE: rules.needs_ticket or vouched(known, Reason.DOCUMENT_NEEDED),
        CodeNeed.STEWARD: vouched(known, Reason.DOCUMENT_NEEDED),
        CodeNeed.DOCUMENT: weak_will_do,
    }
    return looked[rules.code_needs] and (shown.assurance >= rules.min_code_assurance or weak_will_do)


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
    door = opened.gates == () or GATE in opened.gates or overridden(known, rules, Reason.WRONG_GATE)
    place = opened.event == rules.event and door
    begun = held.validity.not_before - rules.early_s <= now.wall or overridden(known, rules, Reason.NOT_YET_VALID)
    in_time = begun and (now.wall <= held.validity.not_after or overridden(known, rules, Reason.EXPIRED))
    return held.status is TicketStatus.VALID and place and (in_time or not known.clock_trusted)


def is_bound(known: Facts, rules: Policy, held: TicketFacts) -> bool:
    """It belongs to somebody; a work ticket has for long enough."""
    if overridden(known, rules, Reason.UNBOUND):
        return True
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
    if known.claim is None or known.claim is ClaimAnswer.CODE_USED:
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
    asked = rules.needs_face or (is_code(known) and not is_typed(known) and rules.code_needs is CodeNeed.FACE)
    if not asked or any(vouched(known, reason) for reason in BY_EYE):
        return True
    seen = known.face
    if seen is None or seen.comparison is None or seen.problem or seen.fault or seen.portrait_problem:
        return False
    if held.face_declined or said(known, StewardAction.SKIP_FACE):
        return False
    live = _lives(seen, rules)
    accepts = {(bands.model_version, bands.cohort): bands for bands in rules.bands}
    model = held.reference_model
    if model == "" and rules.document_reference and known.card and known.card.assurance is not Assurance.UID_ONLY:
        model = known.card.portrait_model
    bands = accepts.get((model, seen.comparison.cohort)) if seen.comparison.model_version == model else None
    if not live or bands is None or seen.comparison.distance > bands.accept:
        return False
    return bands.ceiling is None or (seen.comparison.plain is not None and seen.comparison.plain <= bands.ceiling)


def _lives(seen: FaceFacts, rules: Policy) -> bool:
    """By the score; who turned the head needs less of one; and where all have to turn it, by both."""
    if rules.pad_challenge is PadChallenge.ALWAYS and not seen.turned:
        return False
    by_turning = rules.pad_challenge is PadChallenge.DOUBT and seen.turned
    least = min(rules.pad_accept or 0.0, rules.pad_doubt) if by_turning else rules.pad_accept
    return rules.pad_accept is None or (seen.pad_score is not None and seen.pad_score >= (least or 0.0))


def lists_are_clear(known: Facts, rules: Policy, now: Now, held: TicketFacts | None) -> bool:
    """No list in force here asks for a look; or a person had one, or did not come where that lets her go on."""
    assert known.lookup is not None
    listed = known.lookup.hits + known.face_hits
    in_force = [each for each in listed if each.valid_from <= now.wall <= each.valid_to or not known.clock_trusted]
    here = [each for each in in_force if GATE in (each.entrances or (GATE,))]
    sure = [each for each in here if each.means is HitMeans.DOCUMENT or each.frames > 1]
    guest = rules.needs_ticket and held is not None
    asked = [each for each in sure if not (each.action is WatchAction.NOTIFY and guest)]
    if not asked or answered(known, StewardAction.CLEAR_WATCH, Reason.WATCHLISTED):
        return True
    by_law = [each for each in asked if each.action is WatchAction.REFUSE_UNLESS_CLEARED and each.legal_basis]
    if any(each.means is HitMeans.DOCUMENT for each in by_law):
        return False
    patient = known.review_over and rules.watch_fallback is WatchFallback.ADMIT_WITH_NOTE
    return patient or vouched(known, Reason.WATCHLISTED)


def nothing_is_held(known: Facts, held: TicketFacts | None) -> bool:
    """No note holds the person back, or a person saw to it."""
    holding = held is not None and any(note.hold for note in held.notes)
    seen_to = answered(known, StewardAction.CONFIRM, Reason.CONFIRM_FIRST) or vouched(known, Reason.CONFIRM_FIRST)
    return not holding or seen_to


def may_leave(known: Facts, rules: Policy, held: TicketFacts | None) -> bool:
    """Who is inside may leave; who seems not to be is looked at under hard anti-passback alone."""
    assert known.lookup is not None
    mine = sorted((u for u in known.lookup.uses if held and u.ticket == held.ticket), key=lambda each: each.at)
    inside = bool(mine) and _last(mine).direction is Direction.ENTRY
    return inside or rules.reentry is not ReEntryMode.HARD or vouched(known, Reason.NOT_INSIDE)
