"""What is wrong, or doubtful, with an event's tickets before its doors open: rules with names, and what each found.

The real-name rules follow the notice of the Ministry of Culture and Tourism and the Ministry of Public Security on
performances (September 2023): one ticket per identity; work, sponsor and invitation tickets bound to a person a day
before; above 5,000 spectators, at least 85 % of the tickets on public sale. Those on faces follow the Personal
Information Protection Law: a basis for every template (articles 13 and 29), and for a child under 14 the guardian's
consent (article 31). Those on appointments are a hospital's own: slots that are hoarded are slots that are traded.

Everything here is a function of tickets, policy and time. Words name tickets and kinds of documents, never a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from models.decision import Policy, Profile
from models.ids import DocumentType, normalise_number, number_is_valid
from models.ticket import COMPANION, Ticket, TicketStatus
from sync.holding import Holding

LARGE_SHOW = 5_000
PUBLIC_SHARE = 0.85
CHILD_YEARS = 14

_BORN_IN_THE_NUMBER = (DocumentType.RESIDENT_ID, DocumentType.RESIDENCE_PERMIT, DocumentType.FOREIGNER_CARD)
_FLOAT_BYTES = 4
_LAST_MOMENT = 253_370_000_000.0  # late in the year 9999, the last one that has days here


class Rule(StrEnum):
    """What is asked of an event's tickets."""

    SAME_IDENTITY = "same_identity"
    UNBOUND_AT_DEADLINE = "unbound_at_deadline"
    PUBLIC_SHARE = "public_share"
    WORK_QUOTA = "work_quota"
    MISSING_CONSENT = "missing_consent"
    UNDER_14 = "under_14"
    UNDER_14_UNDECIDED = "under_14_undecided"
    EXPIRED_DOCUMENT = "expired_document"
    UNUSABLE_PHOTOGRAPH = "unusable_photograph"
    NO_PHOTOGRAPH = "no_photograph"
    UNKNOWN_GUARDIAN = "unknown_guardian"
    SAME_SLOT = "same_slot"
    COMPANIONS = "companions"


class Severity(StrEnum):
    """An error keeps the manifest from being published; a warning is for a person to look at."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found. `tickets` are those concerned; none where it is the house as a whole."""

    rule: Rule
    severity: Severity
    tickets: tuple[str, ...]
    words: str


Found: TypeAlias = Iterator[tuple[tuple[str, ...], str]]
"""The tickets concerned, and the words."""

WHOLE_HOUSE = (Rule.PUBLIC_SHARE, Rule.WORK_QUOTA)
"""What only all of the tickets together can break."""

REAL_NAME = (Rule.SAME_IDENTITY, Rule.UNBOUND_AT_DEADLINE, *WHOLE_HOUSE)
"""The notice of 2023."""

_ERROR = dict.fromkeys(Profile, Severity.ERROR)
_WARNING = dict.fromkeys(Profile, Severity.WARNING)

SEVERITIES: Mapping[Rule, Mapping[Profile, Severity]] = MappingProxyType(
    {
        Rule.SAME_IDENTITY: {Profile.CONCERT: Severity.ERROR, Profile.CARD: Severity.WARNING},
        Rule.UNBOUND_AT_DEADLINE: _WARNING | {Profile.CONCERT: Severity.ERROR},
        Rule.PUBLIC_SHARE: {Profile.CONCERT: Severity.ERROR},
        Rule.WORK_QUOTA: _WARNING | {Profile.CONCERT: Severity.ERROR},
        Rule.MISSING_CONSENT: _ERROR,
        Rule.UNDER_14: _ERROR,
        Rule.UNDER_14_UNDECIDED: _WARNING,
        Rule.EXPIRED_DOCUMENT: _WARNING,
        Rule.UNUSABLE_PHOTOGRAPH: _WARNING,
        Rule.NO_PHOTOGRAPH: _WARNING,
        Rule.UNKNOWN_GUARDIAN: _WARNING,
        Rule.SAME_SLOT: {Profile.HOSPITAL: Severity.ERROR},
        Rule.COMPANIONS: {Profile.HOSPITAL: Severity.WARNING},
    }
)
"""How grave a rule is under each profile. A profile that is missing: the rule isn't asked there."""


def findings(
    holdings: Sequence[Holding], policy: Policy, now: float, rules: Sequence[Rule] = tuple(Rule)
) -> list[Finding]:
    """What `rules` find in the tickets that are valid, in the order of the rules. `now` is in Unix seconds."""
    valid = [holding for holding in holdings if holding.ticket.status is TicketStatus.VALID]
    found: list[Finding] = []
    for rule in rules:
        severity = SEVERITIES[rule].get(policy.profile)
        if severity is not None:
            found += (Finding(rule, severity, *each) for each in _ASKED[rule](valid, policy, now))
    return found


def birth_of(kind: DocumentType, number: str) -> date | None:
    """The birthday that stands in an 18-character ID number (GB 11643); `None` where there is none."""
    number = normalise_number(number)
    if kind not in _BORN_IN_THE_NUMBER or not number_is_valid(number):
        return None
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def is_child(holding: Holding, today: date) -> bool:
    """Whether a document of the ticket says that its holder is under 14."""
    births = (birth_of(document.kind, document.number) for document in holding.documents)
    return any(birth is not None and _age(birth, today) < CHILD_YEARS for birth in births)


def _age(birth: date, today: date) -> int:
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def _same_identity(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    holders: dict[tuple[DocumentType, str], str] = {}
    for holding in holdings if policy.one_per_identity else ():
        ticket = holding.ticket.ticket
        for document in holding.documents:
            first = holders.setdefault((document.kind, normalise_number(document.number)), ticket)
            if first != ticket:
                words = f"one ticket per identity: tickets {first} and {ticket} have the same {document.kind}"
                yield (first, ticket), words


def _unbound(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    if policy.bound_before_s is None:
        return
    for ticket in (holding.ticket for holding in holdings):
        latest = ticket.validity.not_before - policy.bound_before_s
        bound_at = now if ticket.bound_at is None else ticket.bound_at  # to nobody yet: there may be time left
        if ticket.category in policy.bound_categories and bound_at > latest:
            hours = policy.bound_before_s / 3600
            yield (ticket.ticket,), f"bound {hours:g} hours before: ticket {ticket.ticket} ({ticket.category}) was not"


def _public_share(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    public = sum(holding.ticket.category not in policy.bound_categories for holding in holdings)
    if len(holdings) > LARGE_SHOW and public < PUBLIC_SHARE * len(holdings):
        yield (), f"{PUBLIC_SHARE:.0%} on public sale: {public} of {len(holdings)} tickets are"


def _work_quota(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    work = sum(holding.ticket.category == "work" for holding in holdings)
    if policy.work_quota is not None and work > policy.work_quota:
        yield (), f"at most {policy.work_quota} work passes: there are {work}"


def _missing_consent(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    for ticket in (holding.ticket for holding in holdings):
        if ticket.reference is not None and not ticket.reference.legal_basis:
            yield (
                (ticket.ticket,),
                f"a basis for every face: ticket {ticket.ticket} has neither consent nor legal basis",
            )


def _under_14(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    for holding in _children(holdings, policy, now):
        if holding.ticket.reference is not None and not holding.guardian_consent:
            name = holding.ticket.ticket
            yield (name,), f"a guardian's consent for a child's face: ticket {name} needs one, or face_declined"


def _under_14_undecided(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    """No template is kept, but at the gate the face would be compared with the document's portrait."""
    for holding in _children(holdings, policy, now) if policy.needs_face else ():
        ticket = holding.ticket
        if ticket.reference is None and not (ticket.face_declined or holding.guardian_consent):
            words = f"a child by face or by eye: ticket {ticket.ticket} has no guardian's consent and no face_declined"
            yield (ticket.ticket,), words


def _children(holdings: Sequence[Holding], policy: Policy, now: float) -> Iterator[Holding]:
    today = _day(now, policy)
    return (holding for holding in holdings if is_child(holding, today))


def _expired_document(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    for holding in holdings:
        ends = [document.valid_to for document in holding.documents]
        day = _day(holding.ticket.validity.not_before, policy) if any(ends) else None
        # One that will do is enough: the holder may bring either.
        if day is not None and all(end is not None and end < day for end in ends):
            name = holding.ticket.ticket
            yield (name,), f"a document that is still valid: those of ticket {name} end before its day"


def _unusable_photograph(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    models = {band.model_version for band in policy.bands}
    for ticket in (holding.ticket for holding in holdings):
        reference = ticket.reference
        if reference is None or not policy.needs_face:
            continue
        if not reference.template or len(reference.template) % _FLOAT_BYTES:
            yield (ticket.ticket,), f"a usable photograph: the template of ticket {ticket.ticket} is no template"
        elif reference.model_version not in models:
            words = f"a usable photograph: that of ticket {ticket.ticket} was enrolled by a model without bands here"
            yield (ticket.ticket,), words


def _no_photograph(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    for ticket in (holding.ticket for holding in holdings if policy.needs_face and not policy.document_reference):
        if ticket.reference is None and not ticket.face_declined:
            yield (ticket.ticket,), f"a photograph: ticket {ticket.ticket} has none, a person will have to look"


def _unknown_guardian(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    valid: dict[str, Ticket] = {holding.ticket.ticket: holding.ticket for holding in holdings}
    for ticket in valid.values():
        if ticket.guardian and ticket.guardian not in valid:
            yield (ticket.ticket,), f"a guardian with a ticket: that of ticket {ticket.ticket} has none that is valid"


def _same_slot(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    """Who holds two appointments of one department on one day keeps another patient from one, or trades it."""
    held: dict[tuple[DocumentType, str, str, date], str] = {}
    for holding in holdings:
        ticket, department = holding.ticket, holding.ticket.entitlement.department
        if not department or ticket.category == COMPANION:
            continue
        day = _day(ticket.validity.not_before, policy)
        slots = [(one.kind, normalise_number(one.number), department, day) for one in holding.documents]
        first = next((held[slot] for slot in slots if slot in held), "")
        if first:
            words = f"one slot per patient, department and day: {first} and {ticket.ticket} are both for {department}"
            yield (first, ticket.ticket), words
        held |= {slot: ticket.ticket for slot in slots if slot not in held}


def _companions(holdings: Sequence[Holding], policy: Policy, now: float) -> Found:
    """Companions who are named in the list, beyond those that the house lets in with one patient."""
    with_whom: dict[str, list[str]] = {}
    for ticket in (holding.ticket for holding in holdings if holding.ticket.category == COMPANION):
        with_whom.setdefault(ticket.guardian, []).append(ticket.ticket)
    for patient, names in with_whom.items():
        if len(names) > policy.companions:
            words = f"at most {policy.companions} companions of a patient: that of ticket {patient} has {len(names)}"
            yield (patient, *names), words


def _day(at: float, policy: Policy) -> date:
    zone = timezone(timedelta(seconds=policy.utc_offset_s)) if policy.utc_offset_s else UTC
    return datetime.fromtimestamp(min(max(at, 0.0), _LAST_MOMENT), zone).date()


_ASKED: Mapping[Rule, Callable[[Sequence[Holding], Policy, float], Found]] = {
    Rule.SAME_IDENTITY: _same_identity,
    Rule.UNBOUND_AT_DEADLINE: _unbound,
    Rule.PUBLIC_SHARE: _public_share,
    Rule.WORK_QUOTA: _work_quota,
    Rule.MISSING_CONSENT: _missing_consent,
    Rule.UNDER_14: _under_14,
    Rule.UNDER_14_UNDECIDED: _under_14_undecided,
    Rule.EXPIRED_DOCUMENT: _expired_document,
    Rule.UNUSABLE_PHOTOGRAPH: _unusable_photograph,
    Rule.NO_PHOTOGRAPH: _no_photograph,
    Rule.UNKNOWN_GUARDIAN: _unknown_guardian,
    Rule.SAME_SLOT: _same_slot,
    Rule.COMPANIONS: _companions,
}
