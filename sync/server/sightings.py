"""What stewards tell of suspected scalpers, out of the ledgers that gates send: reports like those of passers-by.

A line makes one report, however often it comes, and a report that was settled stays settled when everything is made
again from the lines. Of one that was settled and deleted only the line is left; it is not reported a second time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from models.ledger import EntryKind
from models.sighting import Sight
from models.wire import WireError, from_json
from sync.contract import LedgerLine
from sync.server import tables
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub
from sync.server.pages.words import LANGUAGES, words_in
from sync.server.reports import KEEP_S, LONGEST_CONTACT, place_of
from sync.server.strangers import new_number, number_hash
from sync.server.tally import minute_of
from sync.server.watch_tables import report

LONGEST_CODE = 40


@dataclass(frozen=True, slots=True)
class _Told:
    """What of a line's body matters here. A newer gate may have seen what we have no word for."""

    actor: str = ""
    sight: str = ""
    attempt: int = 0


def take_up(
    hub: Hub,
    connection: Connection,
    device: str,
    gate: str,
    epoch: str,
    lines: Iterable[LedgerLine],
    received_at: float,
) -> None:
    """Make reports of those of `lines` that tell of one; within the caller's transaction."""
    theirs = [line for line in lines if line.kind == EntryKind.SIGHTING]
    if not theirs or received_at <= hub.clock() - KEEP_S:  # it may have been settled since, and deleted
        return
    venue = connection.execute(select(tables.device.c.venue).where(tables.device.c.device == device)).scalar()
    for line in theirs:
        name, told = name_of(device, epoch, line.seq), _read(line)
        at = line.at if minute_of(line.at, received_at) == int(line.at // 60) else received_at
        values = {
            "report": name,
            "word_hash": number_hash(new_number()),  # nobody is told it: stewards hear from the office
            "venue": venue,
            "place": gate,
            "by": told.actor[:LONGEST_CONTACT],
            "made_at": at,
            "sealed_text": hub.seal(in_words(told.sight, told.attempt).encode(), place_of(name, "text")),
        }
        connection.execute(insert_or_ignore(connection, report).values(**values))


def name_of(device: str, epoch: str, seq: int) -> str:
    """What the report of this line is called, whenever it is made."""
    return "report-" + hashlib.sha256(f"{device}\0{epoch}\0{seq}".encode()).hexdigest()[:24]


def in_words(sight: str, attempt: int) -> str:
    """What was seen, a line in each of the site's languages; and by which number the gate knows whom it was about."""
    said = []
    for t in map(words_in, LANGUAGES):
        seen = t.of("sight", sight[:LONGEST_CODE] or Sight.OTHER)
        said.append(t("sighted.of_attempt", seen=seen, attempt=attempt) if attempt > 0 else seen)
    return "\n".join(dict.fromkeys(said))


def _read(line: LedgerLine) -> _Told:
    try:
        return from_json(_Told, line.body)
    except WireError:
        return _Told()
