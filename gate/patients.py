"""Patients inside, as this gate's own ledger knows them: whose companion somebody may be.

What a decision was given of a patient's ticket stands in the ledger, without a name. Names of the last ones are kept in
memory, masked, so that a steward can ask "with Li*?", and go with the process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from models import wire
from models.decision import PatientHere, TicketFacts
from models.passage import Direction
from models.record import DecisionBody
from models.store.ledger_read import LedgerReader
from models.ticket import COMPANION, companion_of, patient_of_companion
from models.view import Who
from models.wire import WireError

MOST_OFFERED = 6
"""So many of the last patients a steward chooses from."""

LOOKED_BACK = 2_000
"""Lines of the ledger: a busy entrance's last hour or two. Whoever came earlier is found by his companion's own use."""

_INSIDE = """
SELECT seq, ticket FROM release AS one WHERE direction = 'entry' AND passage IS NOT 'no_show'
    AND ticket <> '' AND ticket NOT LIKE ? AND seq > ? AND NOT EXISTS (
        SELECT 1 FROM release WHERE ticket = one.ticket AND seq > one.seq AND passage IS NOT 'no_show')
ORDER BY seq DESC LIMIT ?
"""
_LATEST = """
SELECT seq FROM release WHERE ticket = ? AND direction = 'entry' AND passage IS NOT 'no_show' ORDER BY seq DESC LIMIT 1
"""
_COMPANIONS = """
SELECT count(*) FROM (SELECT direction, max(seq) FROM release
    WHERE ticket = ? AND passage IS NOT 'no_show' GROUP BY person_key) WHERE direction = 'entry'
"""


def patients_here(ledger: LedgerReader, person_key: str) -> tuple[PatientHere, ...]:
    """The patients whose companion this person may be: whose she was when she last went in, then the last who came.

    Raises `StoreFailed`.
    """
    hers = [patient_of_companion(use.ticket) for use in ledger.uses((), person_key)]
    known = [patient for patient in hers[-1:] if patient]
    since = ledger.last_seq() - LOOKED_BACK
    rows = ledger.rows(_INSIDE, (f"{COMPANION}:%", since, MOST_OFFERED))
    found = [_patient(ledger, ticket, inside=_is_inside(ledger, ticket)) for ticket in known]
    found += [_patient(ledger, ticket, inside=True, seq=seq) for seq, ticket in rows if ticket not in known]
    return tuple(one for one in found if one is not None)


def _is_inside(ledger: LedgerReader, ticket: str) -> bool:
    uses = ledger.uses((ticket,))
    return bool(uses) and uses[-1].direction is Direction.ENTRY


def _patient(ledger: LedgerReader, ticket: str, *, inside: bool, seq: int = 0) -> PatientHere | None:
    facts = _ticket_at(ledger, ticket, seq or _entry_of(ledger, ticket))
    if facts is None or facts.category == COMPANION:
        return None
    (count,) = ledger.rows(_COMPANIONS, (companion_of(ticket),))[0]
    return PatientHere(facts, inside, int(count))


def _entry_of(ledger: LedgerReader, ticket: str) -> int:
    rows = ledger.rows(_LATEST, (ticket,))
    return int(rows[0][0]) if rows else 0


def _ticket_at(ledger: LedgerReader, ticket: str, seq: int) -> TicketFacts | None:
    """The ticket as it was when its holder went in."""
    entry = ledger.entry(seq) if seq else None
    try:
        body = wire.from_builtins(DecisionBody, entry.body) if entry else None
    except WireError:  # an older program's line
        return None
    held = body.facts.lookup.tickets if body and body.facts.lookup else ()
    return next((one for one in held if one.ticket == ticket), None)


class LatelyCalled:
    """What a screen may say of those who were looked up lately."""

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._who: OrderedDict[str, Who] = OrderedDict()

    def keep(self, holders: Mapping[str, Who]) -> None:
        """Somebody was looked up."""
        for ticket, who in holders.items():
            self._who[ticket] = who
            self._who.move_to_end(ticket)
        while len(self._who) > self._most:
            self._who.popitem(last=False)

    def among(self, patients: tuple[PatientHere, ...]) -> dict[str, Who]:
        """By ticket, as far as they are remembered."""
        return {one.ticket.ticket: self._who[one.ticket.ticket] for one in patients if one.ticket.ticket in self._who}
