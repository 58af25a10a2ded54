"""A table with at least one example for each reason that `decide` gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from models.credential import Assurance, CardProblem
from models.decision import (
    ClaimAnswer,
    CodeNeed,
    FaceFacts,
    Facts,
    OfflineRule,
    PatientHere,
    Policy,
    Profile,
    Reason,
    ReEntryMode,
    StewardAction,
    StewardWord,
    Verdict,
)
from models.face import Comparison, FaceProblem
from models.pad import PadChallenge
from models.passage import Direction, Passage
from models.ticket import Note, NoteKind, TicketStatus, Validity
from models.watch import HitMeans, WatchAction
from tests.gate.core.strategies import (
    DAY,
    DOORS,
    MODEL,
    NOW,
    STEP,
    card,
    code,
    face,
    good_facts,
    hit,
    lookup,
    policy,
    ticket,
    use,
    word,
)

ADMIT, DENY, REFER = Verdict.ADMIT, Verdict.DENY, Verdict.REFER
CONCERT, CARD = policy(), policy(Profile.CARD)
CLAIMS = policy(claims=True)

STEP_ONLY = {Reason.STEWARD_TIMEOUT, Reason.OK_EMERGENCY}
"""Said by the lane, not by `decide`; see the lane's own stories."""


@dataclass(frozen=True)
class Example:
    """What differs from the good concert visitor, and the word on it."""

    facts: Facts
    verdict: Verdict
    reason: Reason
    rules: Policy = CONCERT
    settleable: bool = False


def found(*held: Any, **changes: Any) -> Facts:
    """The good visitor but for what the stores say."""
    return good_facts(lookup=lookup(*held, **changes))


def held_up(face_too: FaceFacts | None = None, **changes: Any) -> Facts:
    """The good visitor, with a code instead of a card, and without a look into the camera."""
    return good_facts(card=code(**changes), face=face_too)


def shown_before(step: int, **changes: Any) -> Facts:
    """A changing code, and the step in which this ticket let somebody in two hours ago or out a moment ago."""
    uses = (use(ago_s=7200.0), use(ago_s=5.0, direction=Direction.EXIT, code_step=step))
    return replace(held_up(face(), code_step=STEP, **changes), lookup=lookup(uses=uses))


def seen(**changes: Any) -> Facts:
    """The good visitor but for what the camera says."""
    return good_facts(face=face(**changes))


WARD = policy(Profile.HOSPITAL)
PATIENT = PatientHere(ticket("T7", category="standard"), inside=True)
NAMED = (replace(word(StewardAction.COMPANION, Reason.WHOSE_COMPANION), of="T7"),)


def came_with(patient: PatientHere, *words: StewardWord) -> Facts:
    """Somebody without an appointment, while this patient is known."""
    return good_facts(lookup=lookup(tickets=(), patients=(patient,)), steward=words)


HOSPITAL = {
    "no appointment, and a patient is inside": Example(came_with(PATIENT), REFER, Reason.WHOSE_COMPANION, WARD),
    "a patient's companion": Example(came_with(PATIENT, *NAMED), ADMIT, Reason.OK_BY_STEWARD, WARD),
    "no appointment, and every patient has his companion": Example(
        came_with(replace(PATIENT, companions=1)), DENY, Reason.NO_TICKET, WARD
    ),
    "no companions in this house": Example(came_with(PATIENT), DENY, Reason.NO_TICKET, CARD),
    "a companion whose patient has left": Example(
        came_with(replace(PATIENT, inside=False), *NAMED), REFER, Reason.PATIENT_NOT_HERE, WARD, settleable=True
    ),
    "a companion too many": Example(
        came_with(replace(PATIENT, companions=1), *NAMED), REFER, Reason.COMPANIONS_FULL, WARD, settleable=True
    ),
}


REFUSALS = {
    "no ticket": Example(found(tickets=()), DENY, Reason.NO_TICKET),
    "card pulled too soon": Example(
        good_facts(card=None, card_problem=CardProblem.UNREADABLE), DENY, Reason.UNREADABLE_CARD
    ),
    "no card at all": Example(good_facts(card=None), DENY, Reason.UNREADABLE_CARD),
    "a card of another kind": Example(good_facts(card_problem=CardProblem.UNSUPPORTED), DENY, Reason.UNSUPPORTED_CARD),
    "a forged card": Example(good_facts(card_problem=CardProblem.REJECTED), DENY, Reason.REJECTED_CARD),
    "card ended yesterday": Example(good_facts(card=card(valid_to="2025-06-14")), DENY, Reason.CARD_EXPIRED),
    "card begins tomorrow": Example(good_facts(card=card(valid_from="2025-06-16")), DENY, Reason.CARD_EXPIRED),
    "a card that anybody can copy": Example(
        good_facts(card=card(assurance=Assurance.UID_ONLY)), DENY, Reason.WEAK_CREDENTIAL
    ),
    "a code that anybody can print": Example(
        held_up(face(), assurance=Assurance.UID_ONLY), DENY, Reason.WEAK_CREDENTIAL
    ),
    "a code where codes open nothing": Example(
        held_up(), DENY, Reason.WEAK_CREDENTIAL, policy(Profile.SCREENING, min_code_assurance=Assurance.SIGNED)
    ),
    "another event's code": Example(held_up(face(), event="arena-0616"), DENY, Reason.WRONG_EVENT),
    "another event's code at a gate without a manifest": Example(
        replace(held_up(), lookup=lookup(manifest=None)), REFER, Reason.MANIFEST_MISSING, replace(CARD, event="")
    ),
    "a code half a second before its time": Example(
        held_up(face(), valid_since=NOW.wall + 0.5), DENY, Reason.NOT_YET_VALID
    ),
    "a code half a second after its time": Example(held_up(face(), valid_until=NOW.wall - 0.5), DENY, Reason.EXPIRED),
    "a picture of a used code": Example(shown_before(STEP), DENY, Reason.CODE_USED, policy(exits=True)),
    "an older code than the used one": Example(shown_before(STEP + 1), DENY, Reason.CODE_USED, policy(exits=True)),
    "a picture of a code that was used at another gate": Example(
        replace(held_up(face(), code_step=STEP), claim=ClaimAnswer.CODE_USED), DENY, Reason.CODE_USED, CLAIMS
    ),
    "the same where people come and go": Example(
        replace(held_up(face(), code_step=STEP), claim=ClaimAnswer.CODE_USED),
        DENY,
        Reason.CODE_USED,
        policy(claims=True, reentry=ReEntryMode.SOFT),
    ),
    "a code and no face": Example(
        held_up(FaceFacts(problem=FaceProblem.NO_FACE)), REFER, Reason.NO_FACE, settleable=True
    ),
    "a code with another's face": Example(held_up(face(0.7)), REFER, Reason.FACE_MISMATCH, settleable=True),
    "a code alone": Example(held_up(), REFER, Reason.DOCUMENT_NEEDED, CARD, settleable=True),
    "a code alone at a hospital": Example(
        held_up(), REFER, Reason.DOCUMENT_NEEDED, policy(Profile.HOSPITAL), settleable=True
    ),
    "a code where there is no reference to compare": Example(
        held_up(),
        REFER,
        Reason.DOCUMENT_NEEDED,
        policy(Profile.SCREENING, min_code_assurance=Assurance.SIGNED, code_needs=CodeNeed.FACE),
        settleable=True,
    ),
    "a code whose ticket is another gate's": Example(
        replace(held_up(), lookup=lookup(ticket(gates=("south",)))), DENY, Reason.WRONG_GATE, CARD
    ),
    "too early": Example(found(ticket(validity=Validity(NOW.wall + 1, DOORS + DAY))), DENY, Reason.NOT_YET_VALID),
    "too late": Example(found(ticket(validity=Validity(DOORS, NOW.wall - 1))), DENY, Reason.EXPIRED),
    "another gate": Example(found(ticket(gates=("south",))), DENY, Reason.WRONG_GATE),
    "another event": Example(found(ticket(event="arena-0616")), DENY, Reason.WRONG_EVENT),
    "refunded": Example(found(ticket(status=TicketStatus.REVOKED)), DENY, Reason.REVOKED),
    "bound to nobody": Example(found(ticket(bound_at=None)), DENY, Reason.UNBOUND),
    "a work ticket bound too late": Example(
        found(ticket(category="work", bound_at=DOORS - DAY + 1)), DENY, Reason.UNBOUND
    ),
    "inside already": Example(found(uses=(use(),)), DENY, Reason.ALREADY_ADMITTED, settleable=True),
    "released, and nobody saw the turn": Example(
        found(uses=(use(passage=Passage.UNKNOWN),)), REFER, Reason.ALREADY_ADMITTED, settleable=True
    ),
    "used at another gate": Example(
        good_facts(claim=ClaimAnswer.REFUSED), DENY, Reason.ALREADY_ADMITTED, CLAIMS, settleable=True
    ),
    "in on another ticket": Example(found(uses=(use("T7"),)), DENY, Reason.DUPLICATE_IDENTITY, settleable=True),
    "perhaps in on another ticket": Example(
        found(uses=(use("T7", passage=Passage.UNKNOWN),)), REFER, Reason.DUPLICATE_IDENTITY, settleable=True
    ),
    "house full": Example(found(inside=100), DENY, Reason.OCCUPANCY, policy(occupancy_limit=100)),
    **HOSPITAL,
    "a child alone": Example(found(ticket(guardian="T9")), REFER, Reason.GUARDIAN_NEEDED, settleable=True),
    "a bag to look at": Example(
        found(ticket(notes=(Note(NoteKind.CHECK, "bag", hold=True),))), REFER, Reason.CONFIRM_FIRST, settleable=True
    ),
    "another person": Example(seen(distance=0.61), REFER, Reason.FACE_MISMATCH, settleable=True),
    "perhaps another person": Example(seen(distance=0.41), REFER, Reason.FACE_UNCERTAIN, settleable=True),
    "not a number": Example(seen(distance=float("nan")), REFER, Reason.FACE_MISMATCH, settleable=True),
    "wants no camera": Example(found(ticket(face_declined=True)), REFER, Reason.FACE_DECLINED, settleable=True),
    "nobody before the camera": Example(
        good_facts(face=FaceFacts(problem=FaceProblem.NO_FACE)), REFER, Reason.NO_FACE, settleable=True
    ),
    "neither face nor problem": Example(good_facts(face=FaceFacts()), REFER, Reason.NO_FACE, settleable=True),
    "too dark": Example(
        good_facts(face=FaceFacts(problem=FaceProblem.TOO_DARK)), REFER, Reason.POOR_FACE, settleable=True
    ),
    "no picture enrolled": Example(found(ticket(reference_model="")), REFER, Reason.NO_REFERENCE, settleable=True),
    "no picture enrolled, and a portrait that the rules do not take": Example(
        good_facts(lookup=lookup(ticket(reference_model="")), card=card(portrait_model=MODEL)),
        REFER,
        Reason.NO_REFERENCE,
        policy(document_reference=False),
        settleable=True,
    ),
    "no picture enrolled, and a portrait that nobody vouches for": Example(
        good_facts(
            lookup=lookup(ticket(reference_model="")),
            card=card(portrait_model=MODEL, assurance=Assurance.UID_ONLY),
        ),
        REFER,
        Reason.NO_REFERENCE,
        policy(min_assurance=Assurance.UID_ONLY),
        settleable=True,
    ),
    "a portrait for another network": Example(
        good_facts(lookup=lookup(ticket(reference_model="")), card=card(portrait_model="sface-v1")),
        REFER,
        Reason.MODEL_MISMATCH,
        settleable=True,
    ),
    "a portrait without a face": Example(
        good_facts(
            lookup=lookup(ticket(reference_model="")),
            card=card(portrait_model=MODEL),
            face=FaceFacts(portrait_problem="no_face"),
        ),
        REFER,
        Reason.NO_REFERENCE,
        settleable=True,
    ),
    "wants no camera, and has a portrait": Example(
        good_facts(lookup=lookup(ticket(reference_model="", face_declined=True)), card=card(portrait_model=MODEL)),
        REFER,
        Reason.FACE_DECLINED,
        settleable=True,
    ),
    "enrolled by another network, and has a portrait": Example(
        good_facts(lookup=lookup(ticket(reference_model="sface-v1")), card=card(portrait_model=MODEL)),
        REFER,
        Reason.MODEL_MISMATCH,
        settleable=True,
    ),
    "enrolled by another network": Example(
        found(ticket(reference_model="sface-v1")), REFER, Reason.MODEL_MISMATCH, settleable=True
    ),
    "compared by another network": Example(
        good_facts(face=FaceFacts(Comparison(0.1, "sface-v1"))), REFER, Reason.MODEL_MISMATCH, settleable=True
    ),
    "a photograph held up": Example(
        seen(pad_score=0.4), REFER, Reason.NOT_LIVE, policy(pad_accept=0.5), settleable=True
    ),
    "a doubtful face that was not asked to turn": Example(
        seen(pad_score=0.4, turned=True), REFER, Reason.NOT_LIVE, policy(pad_accept=0.5), settleable=True
    ),
    "a doubtful face that did not turn": Example(
        seen(pad_score=0.4),
        REFER,
        Reason.NOT_LIVE,
        policy(pad_accept=0.5, pad_challenge=PadChallenge.DOUBT),
        settleable=True,
    ),
    "a photograph that turned": Example(
        seen(pad_score=0.2, turned=True),
        REFER,
        Reason.NOT_LIVE,
        policy(pad_accept=0.5, pad_challenge=PadChallenge.DOUBT),
        settleable=True,
    ),
    "a live face that did not turn where all do": Example(
        seen(pad_score=0.9),
        REFER,
        Reason.NOT_LIVE,
        policy(pad_accept=0.5, pad_challenge=PadChallenge.ALWAYS),
        settleable=True,
    ),
    "liveness not measured": Example(seen(), REFER, Reason.NOT_LIVE, policy(pad_accept=0.5), settleable=True),
    "camera gone": Example(good_facts(face=FaceFacts(fault="unplugged")), REFER, Reason.DEVICE_FAULT, settleable=True),
    "stores gone": Example(good_facts(lookup=None, lookup_fault="disk"), REFER, Reason.DEVICE_FAULT),
    "on a list": Example(found(hits=(hit(),)), REFER, Reason.WATCHLISTED, settleable=True),
    "on a list, by face": Example(
        good_facts(face_hits=(hit(means=HitMeans.FACE, distance=0.2),)), REFER, Reason.WATCHLISTED, settleable=True
    ),
    "on a list that refuses": Example(found(hits=(hit(WatchAction.REFUSE_UNLESS_CLEARED),)), REFER, Reason.WATCHLISTED),
    "no authority in reach": Example(
        good_facts(claim=ClaimAnswer.NO_ANSWER),
        REFER,
        Reason.CLAIM_UNANSWERED,
        policy(claims=True, offline_rule=OfflineRule.REFER),
        settleable=True,
    ),
    "manifest too old": Example(found(), REFER, Reason.MANIFEST_STALE, policy(stale_after_s=4199.0), settleable=True),
    "no manifest": Example(found(manifest=None), REFER, Reason.MANIFEST_MISSING),
    "another event's manifest": Example(found(), REFER, Reason.WRONG_EVENT, replace(CONCERT, event="arena-0616")),
    "the clock may be wrong": Example(good_facts(clock_trusted=False), REFER, Reason.CLOCK_UNTRUSTED, settleable=True),
    "a steward said no": Example(good_facts(steward=(word(StewardAction.REFUSE),)), DENY, Reason.REFUSED_BY_STEWARD),
    "lane paused": Example(good_facts(paused=True), REFER, Reason.PAUSED),
    "no relay": Example(good_facts(out_of_order="relay"), REFER, Reason.OUT_OF_ORDER),
    "leaves without having come": Example(
        good_facts(direction=Direction.EXIT), REFER, Reason.NOT_INSIDE, settleable=True
    ),
}

ADMISSIONS = {
    "the good visitor": Example(good_facts(), ADMIT, Reason.OK),
    "at the threshold": Example(seen(distance=0.40), ADMIT, Reason.OK),
    "compared with the document's portrait": Example(
        good_facts(lookup=lookup(ticket(reference_model="")), card=card(portrait_model=MODEL)), ADMIT, Reason.OK
    ),
    "doubtful, and turned when asked": Example(
        seen(pad_score=0.4, turned=True), ADMIT, Reason.OK, policy(pad_accept=0.5, pad_challenge=PadChallenge.DOUBT)
    ),
    "live": Example(seen(pad_score=0.5), ADMIT, Reason.OK, policy(pad_accept=0.5)),
    "a code and the face to it": Example(held_up(face()), ADMIT, Reason.OK),
    "a code on its first and last second": Example(
        held_up(face(), valid_since=NOW.wall, valid_until=NOW.wall), ADMIT, Reason.OK
    ),
    "the next code after the used one": Example(shown_before(STEP - 1), ADMIT, Reason.OK, policy(exits=True)),
    "a code and a steward's look at a document": Example(
        replace(held_up(), steward=(word(on=Reason.DOCUMENT_NEEDED),)), ADMIT, Reason.OK_BY_STEWARD, CARD
    ),
    "a code where it needs a face and cards do not": Example(
        held_up(face()), ADMIT, Reason.OK, replace(CARD, code_needs=CodeNeed.FACE, bands=CONCERT.bands)
    ),
    "a code that needs nothing": Example(
        held_up(), ADMIT, Reason.OK_WITHOUT_FACE, replace(CARD, code_needs=CodeNeed.NOTHING)
    ),
    "a profile without faces": Example(good_facts(face=None), ADMIT, Reason.OK_WITHOUT_FACE, CARD),
    "a ticket for every gate": Example(found(ticket(gates=())), ADMIT, Reason.OK),
    "the card's last day": Example(good_facts(card=card(valid_to="2025-06-15")), ADMIT, Reason.OK),
    "the card's first day": Example(good_facts(card=card(valid_from="2025-06-15")), ADMIT, Reason.OK),
    "the ticket's first second": Example(found(ticket(validity=Validity(NOW.wall, NOW.wall))), ADMIT, Reason.OK),
    "a little early": Example(
        found(ticket(validity=Validity(NOW.wall + 60, DOORS + DAY))), ADMIT, Reason.OK, policy(early_s=60.0)
    ),
    "a work ticket bound just in time": Example(found(ticket(category="work", bound_at=DOORS - DAY)), ADMIT, Reason.OK),
    "a work ticket where that does not matter": Example(
        found(ticket(category="work", bound_at=DOORS)), ADMIT, Reason.OK, policy(bound_before_s=None)
    ),
    "a common ticket bound on the way": Example(found(ticket(bound_at=DOORS)), ADMIT, Reason.OK),
    "the last place": Example(found(inside=99), ADMIT, Reason.OK, policy(occupancy_limit=100)),
    "a child behind its guardian": Example(
        found(ticket(guardian="T9"), guardian_uses=(use("T9", 180.0),)), ADMIT, Reason.OK
    ),
    "a note that holds nobody": Example(found(ticket(notes=(Note(NoteKind.VIP),))), ADMIT, Reason.OK),
    "a list's entry that has ended": Example(found(hits=(hit(valid_to=DOORS),)), ADMIT, Reason.OK),
    "somebody else's use of another ticket": Example(found(uses=(use("T7", person_key="a7"),)), ADMIT, Reason.OK),
    "out again, in again": Example(
        found(uses=(use(ago_s=600.0), use(direction=Direction.EXIT))), ADMIT, Reason.OK, policy(exits=True)
    ),
    "leaves": Example(
        good_facts(direction=Direction.EXIT, lookup=lookup(uses=(use(),))), ADMIT, Reason.OK_WITHOUT_FACE
    ),
    "compared by eye": Example(
        good_facts(face=face(0.9), steward=(word(on=Reason.FACE_MISMATCH),)), ADMIT, Reason.OK_BY_STEWARD
    ),
}

EXAMPLES = REFUSALS | ADMISSIONS
