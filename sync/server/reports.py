"""The report box: somebody saw a scalper at work and says so, by name or not; a person here looks at each.

A report is no evidence yet and lists nobody: it becomes nothing, a warning, or a proposed entry that two others must
approve. Text, photograph and contact lie sealed, and are gone when the report has been settled for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from models.watch import WatchAction, WatchPurpose
from sync.holding import Document
from sync.server import tables
from sync.server.attempts import Limit
from sync.server.hub import Hub, new_identifier
from sync.server.permissions import Person
from sync.server.photograph import plain_picture
from sync.server.problems import Refused
from sync.server.strangers import asked_by_number, new_number, number_hash
from sync.server.watch_entries import propose
from sync.server.watch_evidence import attach
from sync.server.watch_rules import Proposal
from sync.server.watch_tables import report

LONGEST_TEXT = 2_000
LONGEST_PLACE = LONGEST_CONTACT = 100
LARGEST_PHOTO = 6 * 2**20
KEEP_S = 90 * 86_400.0
"""So long after it was settled a report is kept, for whoever asks."""

PERIOD_S = 3600.0
BOX = Limit("report", for_address=30, for_all=3_000)
"""A crowd behind one network has one address: many at once are still let in."""

ASKING = Limit("report_ask", for_address=30, for_all=3_000)


class Outcome(StrEnum):
    """What became of a report."""

    NEW = "new"
    NOTHING = "nothing"
    WARNING = "warning"
    PROPOSED = "proposed"


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody told. All but the text may be left out."""

    text: str = field(repr=False)
    place: str = ""
    venue: str = ""
    contact: str = field(default="", repr=False)
    photo: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it is read here."""

    report: str
    made_at: float
    venue: str
    place: str
    by: str
    state: str
    text: str = field(repr=False)
    contact: str = field(repr=False)
    has_photo: bool
    entry: str
    triaged_by: str
    triaged_at: float | None
    answer: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What the reporter hears who asks with the number."""

    made_at: float
    state: str
    answer: str


def take(hub: Hub, address: str, told: Told, by: str = "") -> str:
    """Keep a report; the number with which its reporter asks. Once this returns it is on the disk.

    Raises `Refused`: 422 `no_text`, `bad_picture`; 413; 429.
    """
    if not told.text.strip() or len(told.text) > LONGEST_TEXT:
        raise Refused(422, "no_text", f"say in at most {LONGEST_TEXT} characters what you saw")
    if len(told.photo) > LARGEST_PHOTO:
        raise Refused(413, "too_large", f"a photograph has at most {LARGEST_PHOTO >> 20} MB")
    photo = plain_picture(told.photo)[1] if told.photo else b""
    number, name = new_number(), new_identifier("report")
    with hub.begin() as connection:
        if refusal := BOX.refusal(hub, connection, address):
            raise refusal
        BOX.count(hub, connection, address)
        values: dict[str, Any] = {"report": name, "word_hash": number_hash(number), "by": by, "made_at": hub.clock()}
        values |= {"venue": _known_venue(connection, told.venue), "place": told.place[:LONGEST_PLACE]}
        values |= {f"sealed_{part}": _seal(hub, name, part, said) for part, said in _parts(told, photo)}
        connection.execute(insert(report).values(**values))
    return number


def ask(hub: Hub, address: str, number: str) -> Standing:
    """How the report of this number stands. Raises `Refused`: 404; 429."""
    row = asked_by_number(hub, report, ASKING, address, number)
    return Standing(row.made_at, row.state, row.answer)


def list_reports(hub: Hub, connection: Connection, person: Person, *, is_new: bool, limit: int = 200) -> list[Report]:
    """Those that wait, the oldest first; or those that are settled, the latest first."""
    order = report.c.made_at if is_new else report.c.triaged_at.desc()
    wanted = _seen_by(person).where((report.c.state == Outcome.NEW) == is_new).order_by(order).limit(limit)
    return [_read(hub, row) for row in connection.execute(wanted)]


def find_report(hub: Hub, connection: Connection, person: Person, name: str) -> Report:
    """One of them; that it was read is audited. Raises `Refused`: 404."""
    row = _find(connection, person, name)
    hub.audit(connection, person.account, "report.seen", name)
    return _read(hub, row)


def photo_of(hub: Hub, connection: Connection, person: Person, name: str) -> tuple[str, bytes]:
    """Media type and bytes of its photograph. Raises `Refused`: 404."""
    row = _find(connection, person, name)
    if row.sealed_photo is None:
        raise Refused(404, "no_such_file", "this report has no photograph")
    hub.audit(connection, person.account, "report.photo_seen", name)
    content = hub.unseal(row.sealed_photo, place_of(name, "photo"))
    return ("image/png" if content[:4] == b"\x89PNG" else "image/jpeg"), content


def settle(hub: Hub, connection: Connection, person: Person, name: str, outcome: Outcome, answer: str) -> None:
    """Nothing, or a warning. Raises `Refused`: 404; 409 `report_settled`; 422."""
    if outcome not in (Outcome.NOTHING, Outcome.WARNING):
        raise Refused(422, "bad_field", "a report becomes nothing, a warning, or a proposed entry")
    _settle(hub, connection, person, name, outcome, answer, "")


def propose_entry(
    hub: Hub,
    connection: Connection,
    person: Person,
    name: str,
    owner: str,
    appeal: str,
    document: Document,
    answer: str,
) -> str:
    """Propose the reported person for the list, to be looked at (`review`) for a year; the report becomes evidence.

    Raises `Refused`: 404; 409 `report_settled`; 422 `watch_unlawful`.
    """
    told = _read(hub, _find(connection, person, name))
    wish = Proposal(owner, WatchPurpose.SCALPING, WatchAction.REVIEW, appeal, document=document)
    entry = propose(hub, connection, person.account, person.organisation, wish)
    text = f"{told.report} {told.place}\n\n{told.text}\n".encode()
    attach(hub, connection, person, entry, f"{name}.txt", "text/plain; charset=utf-8", text)
    if told.has_photo:
        kind, photo = photo_of(hub, connection, person, name)
        attach(hub, connection, person, entry, f"{name}.{kind.partition('/')[2]}", kind, photo)
    _settle(hub, connection, person, name, Outcome.PROPOSED, answer, entry)
    return entry


def forget_old(hub: Hub) -> int:
    """Delete what was settled long ago; how many."""
    with hub.begin() as connection:
        gone = connection.execute(report.delete().where(report.c.triaged_at <= hub.clock() - KEEP_S))
    return int(gone.rowcount)


def _settle(
    hub: Hub, connection: Connection, person: Person, name: str, outcome: Outcome, answer: str, entry: str
) -> None:
    _find(connection, person, name)
    values: dict[str, Any] = {"state": outcome.value, "answer": answer, "entry": entry or None}
    values |= {"triaged_by": person.account, "triaged_at": hub.clock()}
    here = report.c.report == name, report.c.state == Outcome.NEW
    if connection.execute(update(report).where(*here).values(**values).returning(report.c.report)).first() is None:
        raise Refused(409, "report_settled", "somebody else settled this report meanwhile")
    hub.audit(connection, person.account, "report.settled", name, outcome=outcome.value, entry=entry)


def _find(connection: Connection, person: Person, name: str) -> Row[Any]:
    row = connection.execute(_seen_by(person).where(report.c.report == name)).first()
    if row is None:
        raise Refused(404, "no_such_report", "there is no such report, or it is not yours to see")
    return row


def _seen_by(person: Person) -> Any:
    """Who is of one organisation sees what was told at its venues."""
    venues = select(tables.venue.c.venue).where(person.scope(tables.venue.c.organisation))
    wanted = select(report)
    return wanted if person.organisation is None else wanted.where(report.c.venue.in_(venues))


def _read(hub: Hub, row: Row[Any]) -> Report:
    contact = hub.unseal(row.sealed_contact, place_of(row.report, "contact")).decode() if row.sealed_contact else ""
    return Report(
        row.report,
        row.made_at,
        row.venue or "",
        row.place,
        row.by,
        row.state,
        hub.unseal(row.sealed_text, place_of(row.report, "text")).decode(),
        contact,
        row.sealed_photo is not None,
        row.entry or "",
        row.triaged_by,
        row.triaged_at,
        row.answer,
    )


def _parts(told: Told, photo: bytes) -> Sequence[tuple[str, bytes]]:
    return ("text", told.text.strip().encode()), ("photo", photo), ("contact", told.contact.strip().encode())


def _seal(hub: Hub, name: str, part: str, said: bytes) -> bytes | None:
    return hub.seal(said, place_of(name, part)) if said else None


def place_of(name: str, part: str) -> str:
    """What a sealed part of a report is bound to."""
    return f"report|{name}|{part}"


def _known_venue(connection: Connection, venue: str) -> str | None:
    found: str | None = connection.execute(select(tables.venue.c.venue).where(tables.venue.c.venue == venue)).scalar()
    return found
