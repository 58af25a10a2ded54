"""What the lane has done, for the screens: counts, the last visitors, how fast the queue moves.

It listens to what is written into the ledger, so it tells of nothing that is not on record. After a restart the ledger
gives it back, without the names, which the ledger does not know.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from gate.core.state import Lane
from gate.reds import Reds
from models import wire
from models.command import Recent
from models.decision import Reason, TicketFacts, Verdict
from models.ledger import Entry, EntryKind
from models.record import Body, DecisionBody, PassageBody, RedBody
from models.view import Who
from models.wire import WireError

MOST_RECENT = 10
PER_MINUTE_S = 300.0
ENTRIES_BACK = 400
"""So many entries are read at a start: five busy minutes at one lane."""


class Tally:
    """Counts of this process, and the last visitors, the newest first."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.listeners: list[Callable[[EntryKind, Body], None]] = []
        self._recent: deque[Recent] = deque(maxlen=MOST_RECENT)
        self._admitted: deque[float] = deque()
        self.reds = Reds()

    @property
    def recent(self) -> tuple[Recent, ...]:
        """The last visitors, the newest first."""
        return tuple(self._recent)

    def per_minute(self, now: float) -> float:
        """How many were admitted a minute, over the last five."""
        while self._admitted and self._admitted[0] <= now - PER_MINUTE_S:
            self._admitted.popleft()
        return round(len(self._admitted) / (PER_MINUTE_S / 60.0), 1)

    def wrote(self, kind: EntryKind, body: Body, at: float, lane: Lane) -> None:
        """The ledger took an entry."""
        for listener in self.listeners:
            listener(kind, body)
        self._count(kind)
        self.reds.wrote(body, at)
        if isinstance(body, DecisionBody):
            self._count(body.decision.verdict)
            self._decided(body, at, lane.holders.get(body.decision.ticket))
        elif isinstance(body, PassageBody):
            self._passed(body)
        elif isinstance(body, RedBody):
            self._recent.appendleft(Recent(at, body.attempt, Verdict.ADMIT, Reason.OK_EMERGENCY))

    def restore(self, entries: Iterable[Entry]) -> None:
        """Take up what stood in the ledger, the oldest first. An older line that can't be read now is passed over."""
        for entry in entries:
            try:
                if entry.kind is EntryKind.DECISION:
                    self._decided(wire.from_builtins(DecisionBody, entry.body), entry.at, None)
                elif entry.kind is EntryKind.PASSAGE:
                    self._passed(wire.from_builtins(PassageBody, entry.body))
            except WireError:
                continue

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def _decided(self, body: DecisionBody, at: float, who: Who | None) -> None:
        if not body.attempt:  # a card that could not be read, while the lane was another's
            return
        word, earlier = body.decision, self._find(body.attempt)
        name = who.masked_name if who else earlier.masked_name if earlier else ""
        new = Recent(at, body.attempt, word.verdict, word.reason, name, _seat(body))
        if earlier is not None:
            self._recent.remove(earlier)
        self._recent.appendleft(new)
        if word.verdict is Verdict.ADMIT:
            self._admitted.append(at)

    def _passed(self, body: PassageBody) -> None:
        released = self._find(body.attempt)
        if released is not None:
            self._recent[self._recent.index(released)] = replace(released, passage=body.passage)

    def _find(self, attempt: int) -> Recent | None:
        return next((one for one in self._recent if one.attempt == attempt), None)


def _seat(body: DecisionBody) -> str:
    tickets: tuple[TicketFacts, ...] = body.facts.lookup.tickets if body.facts.lookup else ()
    return next((one.entitlement.seat for one in tickets if one.ticket == body.decision.ticket), "")
