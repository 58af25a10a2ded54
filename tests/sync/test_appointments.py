"""A hospital's appointment list: read as it is kept there, and what is doubtful in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from models.decision import Profile
from models.ids import DocumentType, check_digit
from models.profiles import policy_of
from models.ticket import COMPANION, Entitlement, Ticket, TicketStatus, Validity
from sync.findings import Finding, Rule, Severity, findings
from sync.holding import Document, Holding
from sync.sources.people import Event, read_people

WARD = policy_of(Profile.HOSPITAL, "outpatients")
MORNING = datetime(2026, 5, 1, 0, tzinfo=UTC).timestamp()  # eight o'clock in China
HOUR, DAY = 3600.0, 86_400.0
LIST = """appointment,patient,number,department,doctor,from,to,way,category,guardian
A-1,张三,11010519491231002X,Cardiology,Dr Wu,2026-05-01T08:00+08:00,2026-05-01T12:00+08:00,"Lift 3, floor 2",,
A-2,李四,{wife},Cardiology,,2026-05-01T08:00+08:00,2026-05-01T12:00+08:00,,companion,A-1
"""


def number(serial: int) -> str:
    """The ID number of nobody."""
    stem = f"00000019500101{serial:03d}"
    return stem + check_digit(stem)


def slot(name: str, patient: int, department: str = "Cardiology", at: float = MORNING, **more: object) -> Holding:
    """One appointment."""
    ticket = Ticket(name, Entitlement("outpatients", department=department), Validity(at, at + HOUR), bound_at=at)
    documents = (Document(DocumentType.RESIDENT_ID, number(patient)),)
    return Holding(replace(ticket, **more), documents)  # type: ignore[arg-type]


def asked(rule: Rule, *holdings: Holding, profile: Profile = Profile.HOSPITAL) -> list[Finding]:
    return findings(holdings, policy_of(profile, "outpatients"), MORNING, [rule])


def test_an_appointment_list_is_read_by_its_own_names_and_belongs_to_its_patients(tmp_path: Path):
    path = tmp_path / "today.csv"
    path.write_text(LIST.format(wife=number(7)), encoding="utf-8")
    patient, companion = read_people(path, Event("outpatients"))
    holds = patient.ticket.entitlement
    assert (patient.ticket.ticket, patient.ticket.masked_name) == ("A-1", "张*")
    assert (holds.department, holds.doctor, holds.way) == ("Cardiology", "Dr Wu", "Lift 3, floor 2")
    assert patient.ticket.validity == Validity(MORNING, MORNING + 4 * HOUR)
    assert patient.ticket.bound_at == MORNING
    assert (companion.ticket.category, companion.ticket.guardian) == (COMPANION, "A-1")
    assert findings([patient, companion], WARD, MORNING) == []


def test_two_slots_of_one_department_on_one_day_are_an_error_that_names_both():
    (found,) = asked(Rule.SAME_SLOT, slot("A-1", 1), slot("A-2", 1, at=MORNING + 6 * HOUR), slot("A-3", 2))
    assert (found.rule, found.severity, found.tickets) == (Rule.SAME_SLOT, Severity.ERROR, ("A-1", "A-2"))
    assert number(1) not in found.words


def test_another_department_another_day_and_a_cancelled_slot_are_no_second_one():
    day_after = slot("A-4", 1, at=MORNING + DAY)
    cancelled = slot("A-5", 1, status=TicketStatus.REVOKED)
    assert asked(Rule.SAME_SLOT, slot("A-1", 1), slot("A-2", 1, "Dentistry"), day_after, cancelled) == []


def test_the_day_is_the_hospitals_own():
    """Eleven at night in London is seven in the morning here."""
    late = slot("A-1", 1, at=MORNING - 9 * HOUR), slot("A-2", 1, at=MORNING - 7 * HOUR)
    assert asked(Rule.SAME_SLOT, *late) == []


def test_elsewhere_nobody_asks_for_slots():
    for profile in set(Profile) - {Profile.HOSPITAL}:
        assert asked(Rule.SAME_SLOT, slot("A-1", 1), slot("A-2", 1), profile=profile) == []


def test_more_companions_in_the_list_than_the_house_allows_are_looked_at():
    first, second = (slot(f"C-{n}", n, category=COMPANION, guardian="A-1") for n in (8, 9))
    assert asked(Rule.COMPANIONS, slot("A-1", 1), first) == []
    (found,) = asked(Rule.COMPANIONS, slot("A-1", 1), first, second)
    assert (found.severity, found.tickets) == (Severity.WARNING, ("A-1", "C-8", "C-9"))


slots = st.tuples(st.integers(1, 3), st.sampled_from(["Cardiology", "Dentistry"]), st.integers(0, 2))


@given(st.lists(slots, max_size=12))
def test_a_list_is_in_order_exactly_when_no_patient_has_two_slots_of_a_department_in_a_day(
    booked: list[tuple[int, str, int]],
):
    held = [slot(f"A-{n}", who, where, MORNING + day * DAY) for n, (who, where, day) in enumerate(booked)]
    found = asked(Rule.SAME_SLOT, *held)
    assert bool(found) is (len(set(booked)) < len(booked))
    assert len(found) == len(booked) - len(set(booked))
