"""The rules, each a small function that reads like its name, in the order in which a person would ask.

`ENTRY_RULES` are walked from the top; the first objection stands. `TICKET_RULES` judge one ticket and also choose among
several. Nobody is kept inside by a ticket: `EXIT_RULES` are few.
"""

from __future__ import annotations

from collections.abc import Callable

from gate.core.case import PASS, Case, Finding, Missing, Pass, deny, refer
from gate.core.doubt import is_hard_to_tell
from gate.core.hospital import patient_is_here, was_named, without_ticket
from gate.core.life import is_live
from gate.core.lists import no_stranger_listed, nobody_listed
from models.credential import CardProblem, Medium
from models.decision import ClaimAnswer, CodeNeed, Need, OfflineRule, Reason, ReEntryMode, StewardAction
from models.face import Band, FaceProblem
from models.passage import Direction, Passage
from models.ticket import COMPANION, TicketStatus

Rule = Callable[[Case], Finding]

_CARD_REASONS = {
    CardProblem.UNREADABLE: Reason.UNREADABLE_CARD,
    CardProblem.UNSUPPORTED: Reason.UNSUPPORTED_CARD,
    CardProblem.REJECTED: Reason.REJECTED_CARD,
}


# --- the lane and the card ----------------------------------------------------------------------------------------


def lane_is_open(case: Case) -> Finding:
    """The lane works and nobody has paused it."""
    if case.facts.out_of_order:
        return refer(Reason.OUT_OF_ORDER, final=True)
    return refer(Reason.PAUSED, final=True) if case.facts.paused else PASS


def nobody_refused(case: Case) -> Finding:
    """No person has said no."""
    return deny(Reason.REFUSED_BY_STEWARD) if case.said(StewardAction.REFUSE) else PASS


def card_was_read(case: Case) -> Finding:
    """The card gave a credential."""
    if case.facts.card_problem:
        return deny(_CARD_REASONS[case.facts.card_problem])
    return PASS if case.facts.card else deny(Reason.UNREADABLE_CARD)


def credential_is_for_this_event(case: Case) -> Finding:
    """What was presented names no event, or today's."""
    if case.card.event in ("", case.policy.event):
        return PASS
    # Without a manifest the gate has no event: then it is the gate that lacks something.
    return deny(Reason.WRONG_EVENT) if case.policy.event else refer(Reason.MANIFEST_MISSING, final=True)


def clock_is_known(case: Case) -> Finding:
    """The clock is right, or a person says which event it is, or settles the matter.

    Once settled, the rules about time stand aside; by a word on the event they go by its window.
    """
    if case.facts.clock_trusted:
        return PASS
    return refer(Reason.CLOCK_UNTRUSTED) if case.times is None else Pass(flags=("event_by_word",))


def credential_is_strong(case: Case) -> Finding:
    """The medium is as hard to copy as the policy asks; of codes it asks something else than of cards.

    Of a document that a person typed it asks for a person, in `codes_are_taken` and `code_is_not_alone`.
    """
    if case.card.typed_by:
        return PASS
    by_code = case.card.medium is Medium.CODE
    wanted = case.policy.min_code_assurance if by_code else case.policy.min_assurance
    return PASS if case.card.assurance >= wanted else deny(Reason.WEAK_CREDENTIAL)


def codes_are_taken(case: Case) -> Finding:
    """It is neither code nor typed document, or such things open something here."""
    return deny(Reason.WEAK_CREDENTIAL) if case.code_need is CodeNeed.DOCUMENT else PASS


def code_is_in_its_time(case: Case) -> Finding:
    """Its own time to the second, where it has one, has begun and not ended."""
    if case.times is None:
        return PASS
    since, until = case.card.valid_since, case.card.valid_until
    if until is not None and case.earliest > until:
        return deny(Reason.EXPIRED)
    if since is not None and case.latest < since:
        return deny(Reason.NOT_YET_VALID)
    surely = (since is None or case.earliest >= since) and (until is None or case.latest <= until)
    return PASS if surely else refer(Reason.CLOCK_UNTRUSTED)  # a code of minutes, and it is known to the day


def card_is_valid_today(case: Case) -> Finding:
    """The document itself is in force; its last day counts."""
    if case.times is None:
        return PASS
    if case.card.valid_to and case.card.valid_to < case.day(case.earliest):
        return deny(Reason.CARD_EXPIRED)
    if case.card.valid_from and case.card.valid_from > case.day(case.latest):
        return deny(Reason.CARD_EXPIRED)
    return PASS


# --- the manifest -------------------------------------------------------------------------------------------------


def stores_answered(case: Case) -> Finding:
    """The manifest and the ledger were asked and could answer."""
    if case.facts.lookup_fault:
        return refer(Reason.DEVICE_FAULT, final=True)
    return PASS if case.facts.lookup else Missing(Need.LOOKUP, Reason.DEVICE_FAULT)


def manifest_is_there(case: Case) -> Finding:
    """This gate holds a manifest of this event."""
    if case.lookup.manifest is None:
        return refer(Reason.MANIFEST_MISSING, final=True)
    return PASS if case.lookup.manifest.event == case.policy.event else refer(Reason.WRONG_EVENT, final=True)


def manifest_is_fresh(case: Case) -> Finding:
    """The manifest is neither expired nor older than the policy allows."""
    manifest = case.lookup.manifest
    assert manifest is not None
    if case.times is None:
        return PASS
    age_s = case.earliest - manifest.issued_at
    fresh = case.earliest <= manifest.expires_at and age_s <= case.policy.stale_after_s
    return PASS if fresh else refer(Reason.MANIFEST_STALE)


def code_is_fresh(case: Case) -> Finding:
    """It is no picture of a changing code that was used before: neither that step was used, nor a later one."""
    step = case.card.code_step
    used = (use.code_step for use in case.lookup.uses if use.code_step is not None)
    return PASS if step is None or all(earlier < step for earlier in used) else deny(Reason.CODE_USED)


# --- the ticket ---------------------------------------------------------------------------------------------------


def has_ticket(case: Case) -> Finding:
    """The person holds a ticket at all, or was called somebody's companion."""
    return PASS if case.ticket else without_ticket(case)


def ticket_is_for_this_event(case: Case) -> Finding:
    """The ticket's event is today's."""
    assert case.ticket is not None
    return PASS if case.ticket.entitlement.event == case.policy.event else deny(Reason.WRONG_EVENT)


def ticket_is_not_revoked(case: Case) -> Finding:
    """Not refunded, re-sold or withdrawn."""
    assert case.ticket is not None
    return PASS if case.ticket.status is TicketStatus.VALID else deny(Reason.REVOKED)


def ticket_is_for_this_gate(case: Case) -> Finding:
    """The ticket names this gate, or none."""
    assert case.ticket is not None
    gates = case.ticket.entitlement.gates
    return PASS if not gates or case.facts.gate in gates else deny(Reason.WRONG_GATE)


def ticket_has_begun(case: Case) -> Finding:
    """Not too early; the policy may open a little sooner."""
    assert case.ticket is not None
    if case.times is None:
        return PASS
    opens_at = case.ticket.validity.not_before - case.policy.early_s
    return PASS if case.latest >= opens_at else deny(Reason.NOT_YET_VALID)


def ticket_has_not_ended(case: Case) -> Finding:
    """Not too late."""
    assert case.ticket is not None
    if case.times is None:
        return PASS
    return PASS if case.earliest <= case.ticket.validity.not_after else deny(Reason.EXPIRED)


def ticket_was_bound_in_time(case: Case) -> Finding:
    """The ticket belongs to a person, and where the rule is stricter, has done so since before the deadline."""
    ticket, policy = case.ticket, case.policy
    assert ticket is not None
    if ticket.bound_at is None:
        return deny(Reason.UNBOUND)
    if policy.bound_before_s is None or ticket.category not in policy.bound_categories:
        return PASS
    deadline = ticket.validity.not_before - policy.bound_before_s
    return PASS if ticket.bound_at <= deadline else deny(Reason.UNBOUND)


def ticket_is_unused(case: Case) -> Finding:
    """Not inside already (anti-passback), and not used up."""
    use, policy = case.last_use, case.policy
    if use is None or (use.direction is Direction.EXIT and policy.exits):
        return PASS
    if policy.reentry is ReEntryMode.SOFT:
        return Pass(flags=("second_entry",))
    if policy.reentry is ReEntryMode.TIMED and case.now.wall - use.at >= policy.reentry_after_s:
        return Pass(flags=("entry_again_after_time",))
    # Nobody saw the turnstile turn: a person looks before anybody is told "already inside".
    seen = use.passage is Passage.PASSED
    return deny(Reason.ALREADY_ADMITTED, final=False) if seen else refer(Reason.ALREADY_ADMITTED)


def one_admission_per_identity(case: Case) -> Finding:
    """The same person has not entered this show on another ticket."""
    if not case.policy.one_per_identity:
        return PASS
    assert case.ticket is not None
    others = [
        use
        for use in case.lookup.uses
        if use.person_key == case.lookup.person_key
        and use.ticket != case.ticket.ticket
        and use.direction is Direction.ENTRY
    ]
    if not others:
        return PASS
    seen = any(use.passage is Passage.PASSED for use in others)
    return deny(Reason.DUPLICATE_IDENTITY, final=False) if seen else refer(Reason.DUPLICATE_IDENTITY)


def claim_was_granted(case: Case) -> Finding:
    """The nearest authority knows of no use elsewhere; without an answer the event's offline rule speaks."""
    if not case.policy.claims:
        return PASS
    if case.facts.claim is None:
        return Missing(Need.CLAIM, Reason.CLAIM_UNANSWERED)
    if case.facts.claim is ClaimAnswer.GRANTED:
        return PASS
    if case.facts.claim is ClaimAnswer.CODE_USED:
        return deny(Reason.CODE_USED)
    if case.facts.claim is ClaimAnswer.REFUSED:
        return deny(Reason.ALREADY_ADMITTED, final=False)
    if case.policy.offline_rule is OfflineRule.ADMIT_AND_FLAG or _is_home_gate(case):
        return Pass(flags=("claim_unanswered",))
    return refer(Reason.CLAIM_UNANSWERED)


def _is_home_gate(case: Case) -> bool:
    """A ticket's home gate is the first it names; there a second use can't slip past, for all its uses meet."""
    if case.policy.offline_rule is not OfflineRule.HOME_GATE_ONLY or case.ticket is None:
        return False
    return case.ticket.entitlement.gates[:1] == (case.facts.gate,)


# --- the house ----------------------------------------------------------------------------------------------------


def there_is_room(case: Case) -> Finding:
    """The house is not full."""
    limit = case.policy.occupancy_limit
    return PASS if limit is None or case.lookup.inside < limit else deny(Reason.OCCUPANCY)


def guardian_is_with_the_child(case: Case) -> Finding:
    """A child's guardian went in a moment ago."""
    assert case.ticket is not None
    if not case.ticket.guardian or case.ticket.category == COMPANION:  # who has a rule of her own
        return PASS
    latest = max((u for u in case.lookup.guardian_uses), key=lambda u: u.at, default=None)
    inside = latest is not None and latest.direction is Direction.ENTRY
    if latest is not None and inside and 0 <= case.now.wall - latest.at <= case.policy.guardian_within_s:
        return PASS
    return refer(Reason.GUARDIAN_NEEDED)


def code_is_not_alone(case: Case) -> Finding:
    """It is nothing that is too little alone, code or typed, and has no face to be compared; or a person looked."""
    # Without tickets there is no reference that a face could be compared with.
    if was_named(case):
        return PASS
    faceless = case.code_need is CodeNeed.FACE and not case.policy.needs_ticket
    return refer(Reason.DOCUMENT_NEEDED) if faceless or case.code_need is CodeNeed.STEWARD else PASS


# --- the face -----------------------------------------------------------------------------------------------------


def face_may_be_compared(case: Case) -> Finding:
    """What a comparison needs is there before anybody is photographed: a reference, bands for its model.

    The reference is the ticket's own or, for want of one, the portrait in the document.
    """
    if _needs_no_camera(case):
        return _without_camera(case)
    assert case.ticket is not None
    if case.ticket.face_declined or case.said(StewardAction.SKIP_FACE):
        return refer(Reason.FACE_DECLINED)
    if not _reference_model(case):
        return refer(Reason.NO_REFERENCE)
    if not _has_bands(case):
        return refer(Reason.MODEL_MISMATCH)
    return PASS if case.ticket.reference_model else Pass(flags=("document_reference",))


def _needs_no_camera(case: Case) -> bool:
    return not case.needs_face or case.compared_by_eye


def _without_camera(case: Case) -> Pass:
    return Pass(flags=("non_face_alternative",)) if case.needs_face else PASS


def _reference_model(case: Case) -> str:
    """The model of the ticket's own reference; without one, the model that the document's portrait goes through."""
    assert case.ticket is not None
    portrait = case.card.reference_model if case.policy.document_reference else ""
    return case.ticket.reference_model or portrait


def _has_bands(case: Case) -> bool:
    return any(bands.model_version == _reference_model(case) for bands in case.policy.bands)


def face_is_good_enough(case: Case) -> Finding:
    """The camera saw one clear, live face, and a portrait that was to be the reference shows one."""
    if _needs_no_camera(case):
        return PASS
    face = case.facts.face
    if face is None:
        return Missing(Need.FACE, Reason.NO_FACE)
    if face.fault:
        return refer(Reason.DEVICE_FAULT)
    if face.portrait_problem:
        return refer(Reason.NO_REFERENCE)
    if face.problem:
        return refer(Reason.NO_FACE if face.problem is FaceProblem.NO_FACE else Reason.POOR_FACE)
    if not is_live(face, case.policy):
        return refer(Reason.NOT_LIVE)
    return PASS if face.comparison else refer(Reason.NO_FACE)


def face_matches(case: Case) -> Finding:
    """The comparison falls where the machine may admit; otherwise a person decides, whatever the distance."""
    face = case.facts.face
    if _needs_no_camera(case) or face is None or face.comparison is None:
        return PASS
    bands = next((bands for bands in case.policy.bands if bands.fits(face.comparison)), None)
    if bands is None or bands.model_version != _reference_model(case):
        return refer(Reason.MODEL_MISMATCH)
    wider = case.policy.face_wider if is_hard_to_tell(case) else 0.0
    band = bands.wider(wider).place(face.comparison)
    if band is Band.ACCEPT:
        return Pass(flags=("wider_bands",)) if wider else PASS
    return refer(Reason.FACE_UNCERTAIN if band is Band.REFER else Reason.FACE_MISMATCH)


# --- the staff; what lists ask of them is in `gate.core.lists` -----------------------------------------------------


def held_notes_are_confirmed(case: Case) -> Finding:
    """Where a note holds the person until staff have seen to it, they have."""
    held = case.ticket is not None and any(note.hold for note in case.ticket.notes)
    return refer(Reason.CONFIRM_FIRST) if held and not case.said(StewardAction.CONFIRM, Reason.CONFIRM_FIRST) else PASS


# --- going out ----------------------------------------------------------------------------------------------------


def is_inside(case: Case) -> Finding:
    """Who leaves has entered. Only under hard anti-passback is a person asked."""
    use = case.last_use if case.ticket else None
    if use is not None and use.direction is Direction.ENTRY:
        return PASS
    return refer(Reason.NOT_INSIDE) if case.policy.reentry is ReEntryMode.HARD else Pass(flags=("exit_without_entry",))


LANE_RULES: tuple[Rule, ...] = (lane_is_open, nobody_refused, card_was_read)
# The event comes first: a look at it needs no clock, and nobody need settle the clock for tomorrow's guest. The rule is
# about the credential, which says it, and not about the ticket: screening asks for none.
CARD_RULES: tuple[Rule, ...] = (
    credential_is_for_this_event,
    clock_is_known,
    credential_is_strong,
    codes_are_taken,
    code_is_in_its_time,
    card_is_valid_today,
)
MANIFEST_RULES: tuple[Rule, ...] = (stores_answered, manifest_is_there, manifest_is_fresh, code_is_fresh)
TICKET_RULES: tuple[Rule, ...] = (
    has_ticket,
    ticket_is_for_this_event,
    ticket_is_not_revoked,
    ticket_is_for_this_gate,
    ticket_has_not_ended,
    ticket_has_begun,
    ticket_was_bound_in_time,
    ticket_is_unused,
    one_admission_per_identity,
)
# A document is asked for last, by the way of the camera: nobody looks for his ID who can't go in anyway.
HOUSE_RULES: tuple[Rule, ...] = (there_is_room, guardian_is_with_the_child, patient_is_here, code_is_not_alone)
FACE_RULES: tuple[Rule, ...] = (face_may_be_compared, claim_was_granted, face_is_good_enough, face_matches)
STAFF_RULES: tuple[Rule, ...] = (nobody_listed, held_notes_are_confirmed)

BEFORE_TICKET = LANE_RULES + CARD_RULES + MANIFEST_RULES + (no_stranger_listed,)
ENTRY_RULES = BEFORE_TICKET + TICKET_RULES + HOUSE_RULES + FACE_RULES + STAFF_RULES
SCREENING_RULES = LANE_RULES + CARD_RULES + MANIFEST_RULES + (there_is_room, code_is_not_alone) + STAFF_RULES
EXIT_RULES: tuple[Rule, ...] = (*LANE_RULES, stores_answered, is_inside)
