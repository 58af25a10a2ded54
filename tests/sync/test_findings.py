"""Each rule on an event's tickets finds what it is about, names the tickets, and says nothing of a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision import Profile
from models.face import FaceReference
from models.ids import DocumentType, check_digit
from models.profiles import DLIB_BANDS, policy_of
from models.ticket import Entitlement, Ticket, TicketStatus, Validity
from sync.findings import SEVERITIES, Finding, Rule, Severity, birth_of, findings
from sync.holding import Document, Holding
from sync.publishing import RulesBroken, refuse_errors

CONCERT = policy_of(Profile.CONCERT, "gala")
NOW = datetime(2026, 5, 1, 4, tzinfo=UTC).timestamp()
DOORS = NOW + 50 * 86_400
FACE = FaceReference(DLIB_BANDS.model_version, bytes(512), "consent-1")


def number_of(birth: str, serial: int = 1) -> str:
    """The ID number of nobody, born on that day."""
    stem = f"110105{birth}{serial:03d}"
    return stem + check_digit(stem)


def holding(
    name: str = "T1", *, birth: str = "19491231", serial: int = 1, consent: str = "", **more: object
) -> Holding:
    ticket = Ticket(name, Entitlement("gala"), Validity(DOORS, DOORS + 1))
    documents = (Document(DocumentType.RESIDENT_ID, number_of(birth, serial)),)
    return Holding(replace(ticket, **more), documents, consent)  # type: ignore[arg-type]


def asked(rule: Rule, *holdings: Holding, policy=CONCERT, now: float = NOW) -> list[Finding]:
    return findings(holdings, policy, now, [rule])


def test_a_lawful_crowd_has_no_findings():
    assert findings([holding(f"T{n}", serial=n, reference=FACE) for n in range(5)], CONCERT, NOW) == []


def test_a_face_without_a_basis_is_an_error_under_every_profile():
    face = holding(reference=replace(FACE, legal_basis=""))
    for profile in Profile:
        (found,) = asked(Rule.MISSING_CONSENT, face, policy=policy_of(profile, "gala"))
        assert (found.severity, found.tickets) == (Severity.ERROR, ("T1",))


@pytest.mark.parametrize(("birth", "child"), [("20120502", True), ("20120501", False), ("20120430", False)])
def test_a_child_is_under_14_until_the_birthday_in_the_events_zone(birth, child):
    assert bool(asked(Rule.UNDER_14, holding(birth=birth, reference=FACE))) is child


def test_a_childs_face_needs_the_guardians_consent_or_stays_unenrolled():
    assert asked(Rule.UNDER_14, holding(birth="20200101", reference=FACE, consent="guardian-7")) == []
    assert asked(Rule.UNDER_14, holding(birth="20200101")) == []
    (open_question,) = asked(Rule.UNDER_14_UNDECIDED, holding(birth="20200101"))
    assert open_question.severity is Severity.WARNING
    assert asked(Rule.UNDER_14_UNDECIDED, holding(birth="20200101", face_declined=True)) == []
    assert asked(Rule.UNDER_14_UNDECIDED, holding(birth="20200101"), policy=policy_of(Profile.CARD, "gala")) == []


def test_only_numbers_with_a_birthday_in_them_have_one():
    assert birth_of(DocumentType.RESIDENT_ID, number_of("20200229")) == date(2020, 2, 29)
    assert birth_of(DocumentType.RESIDENT_ID, number_of("20210229")) is None
    assert birth_of(DocumentType.RESIDENT_ID, "110105202002290") is None
    assert birth_of(DocumentType.PASSPORT, number_of("20200229")) is None


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True), st.sampled_from(DocumentType))
def test_looking_for_a_birthday_never_fails(number, kind):
    assert birth_of(kind, number) is None or birth_of(kind, number).year >= 1


def test_one_document_that_is_still_valid_is_enough():
    held = holding()
    ended = replace(held.documents[0], valid_to=date(2026, 6, 1))
    lasting = replace(held.documents[0], valid_to=date(2026, 6, 20))
    for documents, found in [((ended,), 1), ((lasting,), 0), ((ended, lasting), 0), ((ended, *held.documents), 0)]:
        assert len(asked(Rule.EXPIRED_DOCUMENT, replace(held, documents=documents))) == found, documents


def test_a_template_that_the_gates_cannot_use_is_told():
    other = replace(FACE, model_version="another-network")
    assert len(asked(Rule.UNUSABLE_PHOTOGRAPH, holding(reference=other))) == 1
    assert len(asked(Rule.UNUSABLE_PHOTOGRAPH, holding(reference=replace(FACE, template=b"abc")))) == 1
    assert asked(Rule.UNUSABLE_PHOTOGRAPH, holding(reference=FACE)) == []


def test_no_photograph_is_told_where_nothing_else_could_be_compared():
    strict = replace(CONCERT, document_reference=False)
    assert len(asked(Rule.NO_PHOTOGRAPH, holding(), policy=strict)) == 1
    assert asked(Rule.NO_PHOTOGRAPH, holding(face_declined=True), policy=strict) == []
    assert asked(Rule.NO_PHOTOGRAPH, holding()) == []


def test_work_passes_have_a_quota():
    passes = [holding(f"T{n}", serial=n, category="work") for n in range(3)]
    assert asked(Rule.WORK_QUOTA, *passes) == []
    assert asked(Rule.WORK_QUOTA, *passes, policy=replace(CONCERT, work_quota=3)) == []
    (found,) = asked(Rule.WORK_QUOTA, *passes, policy=replace(CONCERT, work_quota=2))
    assert found.words == "at most 2 work passes: there are 3"


def test_a_guardians_ticket_must_be_valid():
    child, adult = holding("C", guardian="A"), holding("A", serial=2)
    assert asked(Rule.UNKNOWN_GUARDIAN, child, adult) == []
    revoked = replace(adult, ticket=replace(adult.ticket, status=TicketStatus.REVOKED))
    assert [found.tickets for found in asked(Rule.UNKNOWN_GUARDIAN, child, revoked)] == [("C",)]


def test_one_identity_on_two_tickets_is_graver_at_a_concert():
    pair = holding("T1"), holding("T2")
    told = {profile: asked(Rule.SAME_IDENTITY, *pair, policy=policy_of(profile, "gala")) for profile in Profile}
    assert told[Profile.CONCERT][0].severity is Severity.ERROR
    assert told[Profile.CARD][0].severity is Severity.WARNING
    assert told[Profile.HOSPITAL] == told[Profile.SCREENING] == []


def test_every_rule_has_a_severity_and_errors_alone_keep_from_publishing():
    assert set(SEVERITIES) == set(Rule)
    warning = Finding(Rule.NO_PHOTOGRAPH, Severity.WARNING, ("T1",), "a photograph")
    error = Finding(Rule.UNDER_14, Severity.ERROR, ("T2",), "a guardian's consent")
    refuse_errors([warning])
    with pytest.raises(RulesBroken) as caught:
        refuse_errors([warning, error])
    assert caught.value.findings == (error,)


def test_no_words_hold_a_number():
    crowd = [holding(f"T{n}", birth="20200101", reference=replace(FACE, legal_basis="")) for n in range(2)]
    told = findings(crowd, replace(CONCERT, work_quota=0), NOW)
    assert told
    assert not any(number_of("20200101") in str(found) for found in told)
