"""The rights of whoever is listed, or thinks so: to ask, to have it corrected, to appeal, to be erased.

Everybody may open a case, with a document's number and a way to be reached. A clock runs to the answer. What the case
says is told to the person whose identity was checked, for else anybody could ask who is listed. What is done about an
entry (let it rest, amend, withdraw, erase) is done as always, and reaches every partner that holds it; the case shows
their receipts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from models.ids import DocumentType, normalise_number
from models.watch import WatchState
from sync.holding import Document
from sync.server.attempts import Limit
from sync.server.case_entries import Listed, entries_about, listed
from sync.server.hub import Hub, new_identifier
from sync.server.permissions import Person
from sync.server.problems import Refused
from sync.server.strangers import asked_by_number, new_number, number_hash
from sync.server.watch_erasure import erase_entry
from sync.server.watch_life import rest, withdraw
from sync.server.watch_tables import watch_case
from sync.sources.people import wrong_number

DAY_S = 86_400.0
ANSWER_S = 15 * DAY_S
"""Within so long a case is answered: half of the thirty days that GB/T 35273 (8.7) allows."""

SOON_S = 3 * DAY_S
KEEP_S = 365 * DAY_S
"""So long after it was closed a case is kept, without the document's number."""

PERIOD_S = 3600.0
LONGEST_TEXT = LONGEST_ANSWER = 2_000
LONGEST_CONTACT = 100
DESK = Limit("case", for_address=10, for_all=500)
ASKING = Limit("case_ask", for_address=30, for_all=3_000)


class Wish(StrEnum):
    """What the person wants."""

    ASK = "ask"  # am I listed, by whom, why, until when?
    CORRECT = "correct"
    APPEAL = "appeal"
    ERASE = "erase"


class Outcome(StrEnum):
    """What was decided."""

    NOT_LISTED = "not_listed"
    TOLD = "told"
    CORRECTED = "corrected"
    UPHELD = "upheld"  # the entry stays, and why is in the answer
    WITHDRAWN = "withdrawn"
    ERASED = "erased"
    NOT_IDENTIFIED = "not_identified"  # whoever asked did not show who he is


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for."""

    wish: Wish
    document: Document
    text: str = field(repr=False)
    contact: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it is read here."""

    case: str
    wish: str
    made_at: float
    due_at: float
    state: str
    text: str = field(repr=False)
    contact: str = field(repr=False)
    document: Document | None = field(repr=False)
    listed: tuple[Listed, ...]
    outcome: str
    answer: str = field(repr=False)
    answered_by: str
    answered_at: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the person hears who asks with the number."""

    wish: str
    made_at: float
    due_at: float
    state: str
    outcome: str
    answer: str


def open_case(hub: Hub, address: str, asked: Asked) -> tuple[str, float]:
    """Open a case; the number to ask with, and when it is answered at the latest.

    Raises `Refused`: 422 `no_text`, `bad_document`; 429.
    """
    text, contact = asked.text.strip(), asked.contact.strip()
    if not 0 < len(text) <= LONGEST_TEXT or not 0 < len(contact) <= LONGEST_CONTACT:
        raise Refused(422, "no_text", "say what it is about, and how you are reached")
    if wrong_number(asked.document.kind, asked.document.number):
        raise Refused(422, "bad_document", "the document's number has a digit wrong: look at it once more")
    number, name, now = new_number(), new_identifier("case"), hub.clock()
    document = f"{asked.document.kind.value}|{normalise_number(asked.document.number)}"
    sealed = json.dumps({"text": text, "contact": contact}, ensure_ascii=False)
    with hub.begin() as connection:
        if refusal := DESK.refusal(hub, connection, address):
            raise refusal
        DESK.count(hub, connection, address)
        values: dict[str, Any] = {"case": name, "kind": asked.wish.value, "state": "open", "made_at": now}
        values |= {"word_hash": number_hash(number), "due_at": now + ANSWER_S}
        values |= {"sealed_person": hub.seal(document.encode(), _place(name, "person"))}
        values |= {"sealed_text": hub.seal(sealed.encode(), _place(name, "text"))}
        connection.execute(insert(watch_case).values(**values))
        hub.audit(connection, "visitor", "case.opened", name, wish=asked.wish.value)
    return number, now + ANSWER_S


def ask(hub: Hub, address: str, number: str) -> Standing:
    """How the case of this number stands. Raises `Refused`: 404; 429."""
    row = asked_by_number(hub, watch_case, ASKING, address, number)
    answer = hub.unseal(row.sealed_answer, _place(row.case, "answer")).decode() if row.sealed_answer else ""
    return Standing(row.kind, row.made_at, row.due_at, row.state, row.outcome, answer)


def list_cases(connection: Connection, *, is_open: bool, limit: int = 500) -> tuple[Any, ...]:
    """The open ones, the most urgent first; or the closed ones, the latest first. Nobody's name is in them."""
    row = watch_case.c
    order = row.due_at if is_open else row.answered_at.desc()
    columns = (row.case, row.kind, row.made_at, row.due_at, row.state, row.outcome, row.answered_at)
    wanted = select(*columns).where((row.state == "open") == is_open).order_by(order).limit(limit)
    return tuple(connection.execute(wanted))


def find_case(hub: Hub, connection: Connection, person: Person, name: str) -> Case:
    """One case with all entries about its person; that it was read is audited. Raises `Refused`: 404."""
    row = _find(connection, name)
    hub.audit(connection, person.account, "case.seen", name)
    said = json.loads(hub.unseal(row.sealed_text, _place(name, "text")))
    document = _document(hub, row)
    answer = hub.unseal(row.sealed_answer, _place(name, "answer")).decode() if row.sealed_answer else ""
    return Case(
        name,
        row.kind,
        row.made_at,
        row.due_at,
        row.state,
        said["text"],
        said["contact"],
        document,
        listed(hub, connection, entries_about(hub, connection, document, row.entry)),
        row.outcome,
        answer,
        row.answered_by,
        row.answered_at,
    )


def contest(hub: Hub, connection: Connection, person: Person, name: str, entry: str, why: str) -> None:
    """Let an entry rest while the case is open. Raises `Refused`: 404; 409; 422."""
    _check_about(hub, connection, name, entry)
    rest(hub, connection, person, entry, WatchState.CONTESTED, why)
    hub.audit(connection, person.account, "case.contested", name, entry=entry)


def answer_case(
    hub: Hub,
    connection: Connection,
    person: Person,
    name: str,
    outcome: Outcome,
    words: str,
    *,
    identified: bool,
    entry: str = "",
) -> None:
    """Answer a case and do what the outcome says with `entry`: withdraw it, or erase the person.

    Raises `Refused`: 404; 409 `case_answered`, `watch_not_ours`; 422 `no_text`, `not_identified`.
    """
    words = words.strip()
    if not 0 < len(words) <= LONGEST_ANSWER:
        raise Refused(422, "no_text", f"the answer has 1 to {LONGEST_ANSWER} characters")
    if not identified and outcome is not Outcome.NOT_IDENTIFIED:
        raise Refused(422, "not_identified", "check who asks before anything is told: this would tell others")
    if outcome in (Outcome.WITHDRAWN, Outcome.ERASED):
        _end(hub, connection, person, name, entry, outcome, words)
    values: dict[str, Any] = {"state": "closed", "outcome": outcome.value, "answered_by": person.account}
    values |= {"answered_at": hub.clock(), "entry": entry or None, "sealed_person": None}
    values |= {"sealed_answer": hub.seal(words.encode(), _place(name, "answer"))}
    here = watch_case.c.case == name, watch_case.c.state == "open"
    if (
        connection.execute(update(watch_case).where(*here).values(**values).returning(watch_case.c.case)).first()
        is None
    ):
        _find(connection, name)
        raise Refused(409, "case_answered", "somebody else answered this case meanwhile")
    hub.audit(connection, person.account, "case.answered", name, outcome=outcome.value, entry=entry)


def overdue(hub: Hub, connection: Connection) -> int:
    """How many cases should have been answered by now."""
    late = select(watch_case.c.case).where(watch_case.c.state == "open", watch_case.c.due_at < hub.clock())
    return len(connection.execute(late).all())


def forget_old(hub: Hub) -> int:
    """Delete cases that were closed long ago; how many."""
    with hub.begin() as connection:
        gone = connection.execute(watch_case.delete().where(watch_case.c.answered_at <= hub.clock() - KEEP_S))
    return int(gone.rowcount)


def _end(hub: Hub, connection: Connection, person: Person, name: str, entry: str, outcome: Outcome, words: str) -> None:
    row = _check_about(hub, connection, name, entry)
    if row.state != WatchState.WITHDRAWN:
        withdraw(hub, connection, person, entry, words[:200])
    if outcome is Outcome.ERASED:
        erase_entry(hub, connection, person.account, entry, f"{name}")


def _check_about(hub: Hub, connection: Connection, name: str, entry: str) -> Row[Any]:
    """The entry's row, if it is about the person of the case. Raises `Refused`: 404; 409."""
    row = _find(connection, name)
    found = {one.entry: one for one in entries_about(hub, connection, _document(hub, row), row.entry)}
    if entry not in found:
        raise Refused(404, "no_such_watch_entry", "no such entry is about the person of this case")
    return found[entry]


def _find(connection: Connection, name: str) -> Row[Any]:
    row = connection.execute(select(watch_case).where(watch_case.c.case == name)).first()
    if row is None:
        raise Refused(404, "no_such_case", "there is no such case")
    return row


def _document(hub: Hub, row: Row[Any]) -> Document | None:
    if row.sealed_person is None:
        return None
    kind, _, number = hub.unseal(row.sealed_person, _place(row.case, "person")).decode().partition("|")
    return Document(DocumentType(kind), number)


def _place(name: str, part: str) -> str:
    return f"case|{name}|{part}"
