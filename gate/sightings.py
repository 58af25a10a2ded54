"""A steward's report of a suspected scalper: a line in the ledger, which goes to the server like every line.

Nothing happens at the lane by it, and nothing is asked of anybody. It needs no network: the office reads it when the
line gets there. Only a few are taken within a minute, so that a playing finger does not fill the office's desk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from gate.core.events import Event, StaffNoted
from gate.typed import NOT_RECORDED
from models.command import Answer, Command
from models.ledger import EntryKind
from models.sighting import SightingBody

WITHIN_S = 60.0
MOST_BY_ONE = 4
MOST_AT_THE_LANE = 8

TOO_MANY = "too many reports within a minute: wait a little"
NO_SUCH = "nobody of this number has come to this lane"


class Sightings:
    """Writes them down. `latest` tells the newest attempt's number, `mono` gives monotonic seconds."""

    def __init__(
        self, ask: Callable[[Event], Awaitable[bool]], latest: Callable[[], int], mono: Callable[[], float]
    ) -> None:
        self._ask, self._latest, self._mono = ask, latest, mono
        self._noted: deque[tuple[float, str]] = deque()

    async def note(self, command: Command) -> Answer:
        """What became of the order. Only what stands in the ledger counts towards the few within a minute."""
        if command.sight is None:
            return Answer(command.id, ok=False, error="the order sighting lacks what was seen")
        if not 0 <= command.attempt <= self._latest():
            return Answer(command.id, ok=False, error=NO_SUCH)
        now = self._mono()
        if wait_s := self._wait_s(command.actor, now):
            return Answer(command.id, ok=False, error=TOO_MANY, wait_s=round(wait_s, 1))
        mark = now, command.actor
        self._noted.append(mark)  # before the wait for the ledger: the next one may ask meanwhile
        if not await self._ask(StaffNoted(EntryKind.SIGHTING, SightingBody(mark[1], command.sight, command.attempt))):
            self._noted.remove(mark)
            return Answer(command.id, ok=False, error=NOT_RECORDED)
        return Answer(command.id, ok=True)

    def _wait_s(self, actor: str, now: float) -> float:
        """How long this person has to wait; 0: not at all."""
        while self._noted and self._noted[0][0] <= now - WITHIN_S:
            self._noted.popleft()
        by_one = [at for at, by in self._noted if by == actor][-MOST_BY_ONE:]
        by_all = [at for at, _ in self._noted][-MOST_AT_THE_LANE:]
        full = [by_one] * (len(by_one) == MOST_BY_ONE) + [by_all] * (len(by_all) == MOST_AT_THE_LANE)
        return max((times[0] + WITHIN_S - now for times in full), default=0.0)
