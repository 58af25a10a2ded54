"""Evidence of an entry: kept sealed, known by its SHA-256, handed out to those who may, each time written down."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from sync.server.hub import Hub
from sync.server.permissions import Person
from sync.server.problems import Refused
from sync.server.watch_entries import find_entry, refuse_over
from sync.server.watch_history import WatchAct, note
from sync.server.watch_items import state_of
from sync.server.watch_tables import watch_evidence

EVIDENCE_LIMIT = 8 << 20
PIECES_LIMIT = 20
REFERENCE = "reference.txt"
"""Where evidence is elsewhere, this says where: a case number, a decision's date."""


def attach(
    hub: Hub, connection: Connection, person: Person, entry: str, name: str, media_type: str, content: bytes
) -> int:
    """Keep a piece of evidence with an entry; its number there.

    Raises `Refused`: 404; 409 `watch_over`, `watch_not_ours`, `watch_much_evidence`; 413; 422 `no_file`.
    """
    row = find_entry(connection, person, entry, lock=True)
    refuse_over(row, hub.clock())
    if not content:
        raise Refused(422, "no_file", "the file is empty")
    if len(content) > EVIDENCE_LIMIT:
        raise Refused(413, "too_large", f"a piece of evidence has at most {EVIDENCE_LIMIT >> 20} MB")
    kept = watch_evidence.c
    count, last = connection.execute(select(func.count(), func.max(kept.number)).where(kept.entry == entry)).one()
    if count >= PIECES_LIMIT:
        raise Refused(409, "watch_much_evidence", f"an entry has at most {PIECES_LIMIT} pieces of evidence")
    number = int(last or 0) + 1
    connection.execute(
        insert(watch_evidence).values(_piece(hub, person.account, entry, number, name, media_type, content))
    )
    note(hub, connection, person.account, entry, row.version, WatchAct.EVIDENCE, state_of(row, hub.clock()), "")
    return number


def refer_all(hub: Hub, connection: Connection, actor: str, references: Sequence[tuple[str, str]]) -> None:
    """Say of new entries where their evidence is: pairs of entry and words."""
    pieces = [
        _piece(hub, actor, entry, 1, REFERENCE, "text/plain; charset=utf-8", words.encode())
        for entry, words in references
    ]
    if pieces:
        connection.execute(insert(watch_evidence), pieces)


def read_evidence(hub: Hub, connection: Connection, person: Person, entry: str, number: int) -> tuple[Row[Any], bytes]:
    """A piece of evidence and its content. Raises `Refused`: 404."""
    find_entry(connection, person, entry)
    kept = watch_evidence.c
    row = connection.execute(select(watch_evidence).where(kept.entry == entry, kept.number == number)).first()
    if row is None or row.sealed is None:
        raise Refused(404, "no_such_evidence", "there is no such evidence, or it was erased")
    hub.audit(connection, person.account, "watch.evidence_read", entry, number=number)
    return row, hub.unseal(row.sealed, _place(entry, number))


def _piece(hub: Hub, actor: str, entry: str, number: int, name: str, media_type: str, content: bytes) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    piece = {"entry": entry, "number": number, "name": name, "media_type": media_type, "size": len(content)}
    sealed = hub.seal(content, _place(entry, number))
    return piece | {"sha256": sha256, "sealed": sealed, "by": actor, "at": hub.clock()}


def _place(entry: str, number: int) -> str:
    return f"watch evidence|{entry}|{number}"
