"""A case as one file that proves itself: gathered here, written down as handed out, read by `sync.evidence`.

A case is a ticket of an event (`ticket:EVENT/TICKET`) or an entry of the list (`entry:ENTRY`). What the visitor may
have of a dispute has no line's body in it, for these name staff and, now and then, somebody else's use of the ticket:
the digests are there, and whoever holds the ledger can be made to show the line that fits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, or_, select

from sync import evidence
from sync.evidence import Attached, Record, Seen
from sync.server import tables
from sync.server.evidence_entry import entry_case
from sync.server.evidence_lines import Lines, lines_of_ticket, prove
from sync.server.evidence_ticket import ticket_facts, visitor_report
from sync.server.hub import Hub
from sync.server.pages.words import Words
from sync.server.permissions import Person, check_event
from sync.server.problems import Refused
from sync.server.site import site_name

LONGEST_WHY = 500
MOST_SEEN = 10_000


@dataclass(frozen=True, slots=True)
class Handed:
    """An evidence file as it was handed out. `unsealed` lines can't be proved before their gate's next seal is here."""

    case: str
    content: bytes
    sha256: str
    unsealed: int


def export(
    hub: Hub, person: Person, case: str, why: str, *, receiver: bytes = b"", with_person: bool = False
) -> Handed:
    """The case with everything that proves it, sealed for `receiver` (raw X25519) where one is named.

    `with_person` puts the listed person's document into it. Who exported what, when and why is audited.
    Raises `Refused`: 404 no such case; 422 `no_reason`, `no_such_case_kind`.
    """
    why = _reason(why)
    kind, _, rest = case.partition(":")
    with hub.begin() as connection:
        if kind == "ticket":
            event, ticket = _ticket(rest)
            check_event(connection, person, event)
            lines = prove(connection, lines_of_ticket(connection, event, ticket))
            facts, files = ticket_facts(connection, event, ticket), {}
            seen = _seen(connection, lambda audit: _about_ticket(audit, event, ticket))
        elif kind == "entry":
            facts, attached, places = entry_case(hub, connection, person, rest, with_person=with_person)
            lines, files = prove(connection, places), attached
            seen = _seen(connection, lambda audit: audit.c.object == rest)
        else:
            raise Refused(422, "no_such_case_kind", "a case is ticket:EVENT/TICKET or entry:ENTRY")
        record = _record(hub, connection, person, case, why, facts, lines, tuple(files))
        content = evidence.write(
            replace(record, seen=seen), {one.name: body for one, body in files.items()}, hub.issuer_key
        )
        content = evidence.seal(content, receiver) if receiver else content
        handed = Handed(case, content, hashlib.sha256(content).hexdigest(), len(lines.unsealed))
        detail = {"why": why, "sha256": handed.sha256, "sealed": bool(receiver), "with_person": with_person}
        hub.audit(connection, person.account, "evidence.exported", case, **detail)
    return handed


def for_visitor(hub: Hub, person: Person, event: str, ticket: str, why: str, words: Sequence[Words]) -> Handed:
    """What happened to one ticket, in words for its holder, with the proof of it and nobody else's data.

    Raises `Refused`: 404; 422 `no_reason`.
    """
    why, case = _reason(why), f"ticket:{event}/{ticket}"
    with hub.begin() as connection:
        check_event(connection, person, event)
        facts = ticket_facts(connection, event, ticket)
        lines = prove(connection, lines_of_ticket(connection, event, ticket), show=False)
        report = visitor_report(facts, words, hub.clock())
        attached = evidence.attach(1, "report.pdf", "application/pdf", report)
        record = _record(hub, connection, person, case, why, facts, lines, (attached,))
        content = evidence.write(record, {attached.name: report}, hub.issuer_key)
        handed = Handed(case, content, hashlib.sha256(content).hexdigest(), len(lines.unsealed))
        hub.audit(connection, person.account, "evidence.for_visitor", case, why=why, sha256=handed.sha256)
    return handed


def _record(
    hub: Hub,
    connection: Connection,
    person: Person,
    case: str,
    why: str,
    facts: dict[str, Any],
    lines: Lines,
    files: tuple[Attached, ...],
) -> Record:
    key = hub.issuer_key.public_key().public_bytes_raw().hex()
    waiting = [{"device": place.device, "epoch": place.epoch, "seq": place.seq} for place in lines.unsealed]
    facts = facts | {"not_sealed_yet": waiting, "pictures": "none: this site keeps no picture of a visitor"}
    site, now = site_name(connection), hub.clock()
    return Record(site, key, case, now, person.account, why, facts, lines.excerpts, lines.gates, files=files)


def _seen(connection: Connection, about: Callable[[Any], Any]) -> tuple[Seen, ...]:
    """Who looked at it and who did what about it, oldest first."""
    audit = tables.audit
    found = select(audit).where(about(audit)).order_by(audit.c.seq).limit(MOST_SEEN)
    return tuple(Seen(row.at, row.actor, row.act, row.detail) for row in connection.execute(found))


def _about_ticket(audit: Any, event: str, ticket: str) -> Any:
    told = audit.c.detail.contains(f'"ticket": {json.dumps(ticket, ensure_ascii=False)}', autoescape=True)
    return or_((audit.c.object == event) & told, audit.c.object == f"ticket:{event}/{ticket}")


def _ticket(rest: str) -> tuple[str, str]:
    event, slash, ticket = rest.partition("/")
    if not (event and slash and ticket):
        raise Refused(422, "no_such_case_kind", "a ticket's case is ticket:EVENT/TICKET")
    return event, ticket


def _reason(why: str) -> str:
    why = " ".join(why.split())
    if not 0 < len(why) <= LONGEST_WHY:
        raise Refused(422, "no_reason", f"say in 1 to {LONGEST_WHY} characters what the evidence is for")
    return why
