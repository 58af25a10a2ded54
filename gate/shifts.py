"""Who is on shift at this lane. The ledger tells it, and so it outlives the process."""

from __future__ import annotations

from collections.abc import Iterable

from gate.staff_book import Staff
from models import wire
from models.command import OnShift
from models.ledger import Entry
from models.record import ShiftBody

LONGEST_S = 12 * 3600.0
"""Nobody works longer than this: a shift that nobody ended ends then."""

TOO_LONG = "twelve hours are over"
STRUCK_OUT = "no longer in the staff book"
ENTRIES_BACK = 500


class Shifts:
    """Since when each actor has been on shift, Unix seconds."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """`entries` are the ledger's latest of the kind `SHIFT`, the oldest first."""
        self._since: dict[str, float] = {}
        for entry in entries:
            try:
                self.take(wire.from_builtins(ShiftBody, entry.body), entry.at)
            except wire.WireError:
                continue

    def __contains__(self, actor: str) -> bool:
        return actor in self._since

    def take(self, body: ShiftBody, at: float) -> None:
        """What the ledger was told has come to pass."""
        if body.on:
            self._since.setdefault(body.actor, at)
        else:
            self._since.pop(body.actor, None)

    def shown(self, staff: Staff) -> tuple[OnShift, ...]:
        """For the screens, whoever has been there longest first."""
        on = sorted((since, actor) for actor, since in self._since.items() if actor in staff)
        return tuple(OnShift(actor, staff[actor].name, staff[actor].role, since) for since, actor in on)

    def over(self, staff: Staff, now: float) -> tuple[ShiftBody, ...]:
        """The shifts that are to be ended now, each with the reason."""
        gone = [ShiftBody(actor, on=False, why=STRUCK_OUT) for actor in self._since if actor not in staff]
        late = [actor for actor, since in self._since.items() if actor in staff and now - since >= LONGEST_S]
        return (*gone, *(ShiftBody(actor, on=False, why=TOO_LONG) for actor in late))
