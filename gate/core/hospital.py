"""A hospital's own rules: who goes in with a patient, and where a patient has to be for that.

A companion has no appointment. She goes in with her own document, bound to one patient by a steward's tap: from then on
she has a ticket made of the patient's, named after it, and every rule on tickets is asked of it. Her uses stand under
that name, so that she is counted while she is inside, given back when she leaves, and known when she comes again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gate.core.case import PASS, Case, Finding, Pass, deny, refer
from models.decision import Facts, PatientHere, Policy, Reason, StewardAction, TicketFacts
from models.passage import Direction
from models.ticket import COMPANION, companion_of, patient_of_companion
from models.view import ShownPatient, Who


def companion_ticket(facts: Facts, policy: Policy) -> TicketFacts | None:
    """The ticket of somebody without one who was called a patient's companion, now or when she went in before."""
    if facts.lookup is None or not policy.companions:
        return None
    named = _by_word(facts) or _by_use(facts)
    patient = next((one for one in facts.lookup.patients if named == one.ticket.ticket), None)
    return None if patient is None else _made_of(patient.ticket)


def _by_word(facts: Facts) -> str:
    words = (word for word in facts.steward if word.action is StewardAction.COMPANION)
    word = next(words, None)
    patients = facts.lookup.patients if facts.lookup else ()
    return "" if word is None else word.of or next((one.ticket.ticket for one in patients if one.inside), "")


def _by_use(facts: Facts) -> str:
    assert facts.lookup is not None
    hers = [use for use in facts.lookup.uses if use.person_key == facts.lookup.person_key]
    latest = max(hers, key=lambda use: use.at, default=None)
    return patient_of_companion(latest.ticket) if latest else ""


def _made_of(patient: TicketFacts) -> TicketFacts:
    name = companion_of(patient.ticket)
    return replace(patient, ticket=name, category=COMPANION, guardian=patient.ticket, notes=(), reference_model="")


def has_place(patient: PatientHere, policy: Policy) -> bool:
    """Whether one more may go in with this patient."""
    return patient.inside and patient.companions < policy.companions


def without_ticket(case: Case) -> Finding:
    """Nobody without a ticket goes in; but one who came with a patient may be his companion, which a person says."""
    if case.facts.lookup and any(has_place(one, case.policy) for one in case.lookup.patients):
        return refer(Reason.WHOSE_COMPANION, final=True)
    return deny(Reason.NO_TICKET)


def may_be_companion(facts: Facts, policy: Policy, of: str) -> bool:
    """Whether somebody may be called the companion of this patient; of any, where none is named."""
    patients = facts.lookup.patients if facts.lookup else ()
    return any(of in ("", one.ticket.ticket) and has_place(one, policy) for one in patients)


def shown_patients(facts: Facts, holders: Mapping[str, Who]) -> tuple[ShownPatient, ...]:
    """The patients inside, as staff are told of them."""
    patients = facts.lookup.patients if facts.lookup else ()
    return tuple(
        ShownPatient(
            one.ticket.ticket, holders.get(one.ticket.ticket, Who()).masked_name, one.ticket.entitlement.department
        )
        for one in patients
        if one.inside
    )


def was_named(case: Case) -> bool:
    """Whether a person has just said whose companion this is, and so has looked at her document."""
    of_hers = case.ticket is not None and bool(patient_of_companion(case.ticket.ticket))
    return case.entering and of_hers and case.said(StewardAction.COMPANION)


def patient_is_here(case: Case) -> Finding:
    """A companion's patient is inside, and has no more with him than the house allows. Others are not asked."""
    ticket = case.ticket
    if ticket is None or ticket.category != COMPANION:
        return PASS
    patient = next((one for one in case.lookup.patients if one.ticket.ticket == ticket.guardian), None)
    if not (patient.inside if patient else _went_in(case)):
        return refer(Reason.PATIENT_NOT_HERE)
    if patient is not None and not _is_inside_herself(case) and patient.companions >= case.policy.companions:
        return refer(Reason.COMPANIONS_FULL)
    return Pass(flags=("companion",))


def _went_in(case: Case) -> bool:
    latest = max(case.lookup.guardian_uses, key=lambda use: use.at, default=None)
    return latest is not None and latest.direction is Direction.ENTRY


def _is_inside_herself(case: Case) -> bool:
    """She is one of those counted: then she takes nobody's place, and the rule on second entries is asked of her."""
    return case.last_use is not None and case.last_use.direction is Direction.ENTRY
