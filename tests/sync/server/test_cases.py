"""The rights of the listed: a clock runs, nobody else is told, and what is decided reaches whoever held the entry."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from models.ids import DocumentType
from models.watch import WatchAction, WatchPurpose, WatchState
from sync.holding import Document
from sync.server import cases
from sync.server.cases import ANSWER_S, Asked, Case, Outcome, Wish
from sync.server.hub import Hub
from sync.server.permissions import Person, Role
from sync.server.problems import Refused
from sync.server.strangers import AT_LEAST_S, number_hash
from sync.server.watch_entries import propose
from sync.server.watch_rules import Proposal
from sync.server.watch_tables import watch_case, watch_entry, watch_item
from tests.sync.server.conftest import Clock
from tests.sync.server.pages_client import browsing, enrol_person
from tests.sync.server.world import hall

OWNER = Person("lin", "Lin", Role.OWNER, None, "zh")
MINE = Document(DocumentType.RESIDENT_ID, "11010519491231002X")
OTHER = Document(DocumentType.PASSPORT, "E12345678")


@pytest.fixture(autouse=True)
def house(hub: Hub) -> None:
    hall(hub)


@pytest.fixture
def entry(hub: Hub) -> str:
    """An entry about the holder of `MINE`, as its two approvers left it."""
    wish = Proposal("Hall", WatchPurpose.SCALPING, WatchAction.REVIEW, "desk 2", document=MINE)
    with hub.begin() as connection:
        name = propose(hub, connection, "somebody", None, wish)
        there = watch_entry.c.entry == name
        connection.execute(update(watch_entry).where(there).values(state=WatchState.APPROVED))
    return name


def _open(hub: Hub, wish: Wish = Wish.APPEAL, document: Document = MINE) -> tuple[str, str]:
    """The number, and the case's name here."""
    number, _ = cases.open_case(hub, "10.0.0.1", Asked(wish, document, "I never sold a ticket", "138 0000 0000"))
    with hub.begin() as connection:
        here = watch_case.c.word_hash == number_hash(number)
        name = connection.execute(select(watch_case.c.case).where(here)).scalar_one()
    return number, name


def _find(hub: Hub, name: str) -> Case:
    with hub.begin() as connection:
        return cases.find_case(hub, connection, OWNER, name)


def _answer(hub: Hub, name: str, outcome: Outcome, entry: str = "", *, identified: bool = True) -> None:
    with hub.begin() as connection:
        cases.answer_case(hub, connection, OWNER, name, outcome, "as we found", identified=identified, entry=entry)


def _state(hub: Hub, entry: str) -> str:
    with hub.begin() as connection:
        return str(connection.execute(select(watch_entry.c.state).where(watch_entry.c.entry == entry)).scalar_one())


def test_a_case_shows_the_entries_about_its_person_and_nobody_elses(hub: Hub, entry: str) -> None:
    _, name = _open(hub)
    found = _find(hub, name)
    assert [(one.entry, one.state) for one in found.listed] == [(entry, "active")]
    _, other = _open(hub, document=OTHER)
    assert _find(hub, other).listed == ()


def test_whoever_opens_a_case_is_not_told_whether_there_is_an_entry(hub: Hub, entry: str) -> None:
    """Else anybody could ask who is listed."""
    listed, unlisted = _open(hub)[0], _open(hub, document=OTHER)[0]
    one, other = cases.ask(hub, "10.0.0.1", listed), cases.ask(hub, "10.0.0.1", unlisted)
    assert (one.state, one.answer, one.outcome) == (other.state, other.answer, other.outcome) == ("open", "", "")


def test_nothing_is_told_before_somebody_checked_who_asks(hub: Hub, entry: str) -> None:
    number, name = _open(hub)
    with pytest.raises(Refused) as refused:
        _answer(hub, name, Outcome.TOLD, identified=False)
    assert refused.value.code == "not_identified"
    _answer(hub, name, Outcome.NOT_IDENTIFIED, identified=False)
    assert cases.ask(hub, "10.0.0.1", number).outcome == "not_identified"


def test_the_clock_runs_to_the_answer(hub: Hub, clock: Clock, entry: str) -> None:
    _, name = _open(hub)
    clock.now += 3600
    _, later = _open(hub, Wish.ASK, OTHER)
    with hub.begin() as connection:
        assert [one.case for one in cases.list_cases(connection, is_open=True)] == [name, later]
        assert cases.overdue(hub, connection) == 0
    clock.now += ANSWER_S - 1800
    with hub.begin() as connection:
        assert cases.overdue(hub, connection) == 1
    _answer(hub, name, Outcome.UPHELD)
    with hub.begin() as connection:
        assert cases.overdue(hub, connection) == 0
        assert [one.case for one in cases.list_cases(connection, is_open=False)] == [name]


def test_a_contested_entry_rests_while_the_case_is_open(hub: Hub, entry: str) -> None:
    _, name = _open(hub)
    with hub.begin() as connection:
        cases.contest(hub, connection, OWNER, name, entry, "appeal")
    assert _state(hub, entry) == WatchState.CONTESTED
    _, other = _open(hub, document=OTHER)
    with pytest.raises(Refused) as refused, hub.begin() as connection:
        cases.contest(hub, connection, OWNER, other, entry, "appeal")
    assert refused.value.status == 404, "an entry about somebody else"


@pytest.mark.parametrize("outcome", [Outcome.WITHDRAWN, Outcome.ERASED])
def test_what_is_decided_takes_the_entry_from_the_gates(hub: Hub, entry: str, outcome: Outcome) -> None:
    _, name = _open(hub)
    _answer(hub, name, outcome, entry)
    assert _state(hub, entry) == WatchState.WITHDRAWN
    with hub.begin() as connection:
        row = connection.execute(select(watch_entry).where(watch_entry.c.entry == entry)).one()
        held = connection.execute(select(watch_item.c.item).where(~watch_item.c.removed)).all()
        closed = connection.execute(select(watch_case).where(watch_case.c.case == name)).one()
    assert held == []
    assert (row.sealed_person is None) == (outcome is Outcome.ERASED)
    assert closed.sealed_person is None, "the number that was asked with is not kept"
    (listed,) = _find(hub, name).listed
    assert listed.erased == (outcome is Outcome.ERASED)


def test_a_case_is_answered_once(hub: Hub, entry: str) -> None:
    _, name = _open(hub)
    _answer(hub, name, Outcome.UPHELD)
    with pytest.raises(Refused) as refused:
        _answer(hub, name, Outcome.TOLD)
    assert refused.value.code == "case_answered"


@pytest.mark.parametrize(
    ("document", "text", "contact", "code"),
    [
        (Document(DocumentType.RESIDENT_ID, "110105194912310021"), "x", "y", "bad_document"),
        (MINE, " ", "y", "no_text"),
        (MINE, "x", "", "no_text"),
        (MINE, "x" * 3000, "y", "no_text"),
    ],
)
def test_what_is_no_case_is_refused(hub: Hub, document: Document, text: str, contact: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        cases.open_case(hub, "10.0.0.1", Asked(Wish.ASK, document, text, contact))
    assert refused.value.code == code


def test_what_was_told_lies_sealed(hub: Hub, entry: str) -> None:
    _open(hub)
    with hub.begin() as connection:
        row = connection.execute(select(watch_case)).one()
    assert all(word not in bytes(str(tuple(row)), "utf-8") for word in (b"11010519", b"never sold", b"138 0000"))


def test_a_person_asks_on_the_page_and_is_answered(hub: Hub, clock: Clock, entry: str) -> None:
    enrol_person(hub, "lin", Role.OWNER)
    with browsing(hub) as browser:
        text = browser.get("/listed").text
        told = {"stamp": re.search(r'name="stamp" value="([^"]+)"', text)[1]}  # type: ignore[index]
        told |= {"wish": "appeal", "kind": "resident_id", "number": MINE.number, "contact": "138", "text": "<b>no</b>"}
        clock.now += AT_LEAST_S
        opened = browser.client.post("/listed", data=told).text
        number = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", opened)[0]  # type: ignore[index]
        browser.log_in("lin")
        name = re.search(r"/cases/(case-[0-9a-f]+)", browser.get("/cases").text)[1]  # type: ignore[index]
        seen = browser.get(f"/cases/{name}").text
        assert "<b>no</b>" not in seen
        assert entry in seen
        link = re.search(r'href="(/watch/[^"]+)"', seen)[1]  # type: ignore[index]
        listed = browser.get(link)
        assert listed.status_code == 200
        handed = re.search(r'href="(/evidence[^"]+)"', listed.text)[1]  # type: ignore[index]
        assert f"entry:{entry}" in browser.get(handed).text
        browser.get(f"/cases/{name}")
        answered = browser.post(f"/cases/{name}", outcome="withdrawn", entry=entry, words="taken off", identified="yes")
        assert answered.status_code == 200
        assert "taken off" in browser.client.post("/listed/answer", data={"number": number}).text
    assert _state(hub, entry) == WatchState.WITHDRAWN


def test_closed_cases_are_forgotten_after_a_year(hub: Hub, clock: Clock, entry: str) -> None:
    number, name = _open(hub)
    _answer(hub, name, Outcome.UPHELD)
    clock.now += cases.KEEP_S + 1
    assert cases.forget_old(hub) == 1
    with pytest.raises(Refused):
        cases.ask(hub, "10.0.0.1", number)
