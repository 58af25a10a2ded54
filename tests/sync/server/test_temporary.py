"""A number for a person without a document: issued by a supervisor, good today, opened by the gate like any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from models.ids import DocumentType, number_is_valid
from models.store.code_signature import code_keys, verify_code
from models.ticket import Entitlement, Ticket, TicketStatus, Validity
from models.typed import wrong_number
from sync.holding import Document, Holding
from sync.server import tables
from sync.server.hub import Hub
from sync.server.permissions import Role
from sync.server.problems import Refused
from sync.server.temporary import CATEGORY, Slip, Wish, issue_temporary, new_number
from sync.server.tickets import event_place, find_ticket, put_tickets
from tests.sync.server.pages_client import Browser, browsing, enrol_person
from tests.sync.server.world import WARD, hall

HERS = Document(DocumentType.RESIDENT_ID, "11010519491231002X")


@pytest.fixture
def ward(hub: Hub) -> Hub:
    """A hospital's day, with one appointment."""
    hall(hub)
    now = hub.clock()
    ticket = Ticket("A-1", Entitlement(WARD, department="Cardiology"), Validity(now - 60, now + 9_000), bound_at=now)
    with hub.begin() as connection:
        sealed = hub.seal(bytes(32), event_place(WARD))
        connection.execute(update(tables.event).where(tables.event.c.event == WARD).values(sealed_secret=sealed))
        put_tickets(hub, connection, "li", WARD, [Holding(ticket, (HERS,))])
    return hub


def issues(hub: Hub, **wish: str) -> Slip:
    with hub.begin() as connection:
        return issue_temporary(hub, connection, "wen", WARD, Wish(**({"why": "lost his card"} | wish)))


def held(hub: Hub, ticket: str) -> Holding:
    with hub.begin() as connection:
        return find_ticket(hub, connection, WARD, ticket)


def test_a_new_one_is_good_until_the_end_of_the_day_and_typed_like_a_temporary_id(ward: Hub):
    slip = issues(ward, name="张三", department="Emergency", way="Door 2")
    assert wrong_number(DocumentType.TEMPORARY_ID, slip.number) == ""
    assert (slip.masked_name, slip.department, slip.way) == ("张*", "Emergency", "Door 2")
    ticket = held(ward, slip.ticket).ticket
    assert ticket.category == CATEGORY
    assert ticket.bound_at == ward.clock()
    assert ticket.validity.not_before <= ward.clock() < ticket.validity.not_after < ward.clock() + 86_400
    assert {one.kind for one in held(ward, slip.ticket).documents} == {
        DocumentType.TEMPORARY_ID,
        DocumentType.TICKET_CODE,
    }
    assert {one.valid_to for one in held(ward, slip.ticket).documents} == {slip.day}


def test_an_appointment_there_is_opens_by_the_number_as_well(ward: Hub):
    slip = issues(ward, ticket="A-1")
    documents = held(ward, "A-1").documents
    assert HERS in documents
    assert slip.number in {one.number for one in documents}
    again = issues(ward, ticket="A-1")
    numbers = {one.number for one in held(ward, "A-1").documents}
    assert again.number in numbers
    assert slip.number not in numbers  # the slip that was lost is worth nothing


def test_the_code_on_the_slip_is_signed_and_ends_with_the_day(ward: Hub):
    slip = issues(ward)
    keys = code_keys([ward.issuer_key.public_key().public_bytes_raw()])
    code = verify_code(slip.code, keys, ward.clock())
    assert code.ticket in {one.number for one in held(ward, slip.ticket).documents}  # type: ignore[union-attr]
    assert code.not_after < ward.clock() + 86_400  # type: ignore[union-attr]


def test_nobody_gets_one_without_a_reason_or_for_an_appointment_that_is_no_more(ward: Hub):
    with pytest.raises(Refused, match="why"):
        issues(ward, why=" ")
    with pytest.raises(Refused):
        issues(ward, ticket="A-9")
    ticket = held(ward, "A-1").ticket
    for odd in (
        {"status": TicketStatus.REVOKED},
        {"validity": Validity(ward.clock() + 2 * 86_400, ward.clock() + 3 * 86_400)},
    ):
        with ward.begin() as connection:
            put_tickets(ward, connection, "li", WARD, [Holding(replace(ticket, **odd), (HERS,))])
        with pytest.raises(Refused):
            issues(ward, ticket="A-1")


def test_who_issued_it_and_why_is_in_the_audit_and_the_number_is_not(ward: Hub):
    slip = issues(ward)
    with ward.begin() as connection:
        row = connection.execute(select(tables.audit).where(tables.audit.c.act == "temporary.issued")).one()
    assert row.actor == "wen"
    assert "lost his card" in row.detail
    assert slip.number not in row.detail


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)))
def test_every_number_is_whole_and_of_no_region(day: date):
    number = new_number(day)
    assert number_is_valid(number)
    assert number.startswith("00")
    assert number[6:14] == f"{day:%Y%m%d}"


@pytest.fixture
def browser(ward: Hub) -> Iterator[Browser]:
    with browsing(ward) as made:
        yield made


def test_a_supervisor_issues_one_on_the_page_and_an_auditor_does_not(ward: Hub, browser: Browser):
    enrol_person(ward, "wen", Role.SUPERVISOR)
    enrol_person(ward, "zhou", Role.AUDITOR)
    browser.log_in("wen")
    path = f"/events/{WARD}/temporary"
    assert browser.get(path).status_code == 200
    page = browser.post(path, why="no card with her", name="李四", ticket="", department="", way="")
    assert page.status_code == 200
    assert "<svg" in page.text
    assert "李四" not in page.text
    browser.log_in("zhou")
    assert browser.get(path).status_code in (403, 404)
