"""Documents that a person reads off: checked like any number, counted against fishing, on record before the look-up.

Whoever may type numbers could find out who has a ticket, and where she sits. So each one is written into the ledger
with the name of whoever typed it, whether the lane gets round to it or not, and only so many are taken within a minute:
from one person, and at one lane, for without a staff book a name is only a word.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import date

from gate.core.events import Event, StaffNoted
from gate.messages import DocumentTyped
from models.command import Answer, Command, Presented
from models.credential import Assurance, Credential, Medium
from models.ids import DocumentType, normalise_number
from models.ledger import EntryKind
from models.record import TypedBody
from models.typed import wrong_number

WITHIN_S = 60.0
MOST_BY_ONE = 6
MOST_AT_THE_LANE = 12

TOO_MANY = "too many numbers were typed within a minute: wait a little"
NOT_RECORDED = "the ledger takes no entries just now, so nothing was looked up"


class TypedDocuments:
    """Takes them to the lane: `ask` has it take an event, `take` a message. `mono` gives monotonic seconds."""

    def __init__(
        self,
        ask: Callable[[Event], Awaitable[bool]],
        take: Callable[[DocumentTyped], None],
        mono: Callable[[], float],
        key_of: Callable[[Credential], Awaitable[str]] | None = None,
    ) -> None:
        self._key_of = key_of
        self._ask, self._take, self._mono = ask, take, mono
        self._typed: deque[tuple[float, str]] = deque()
        self._noted: dict[str, float] = {}

    async def key_of(self, credential: Credential) -> str:
        """The keyed hash by which the stores know the document; empty where nobody can ask them."""
        return await self._key_of(credential) if self._key_of else ""

    async def present(self, command: Command) -> Answer:
        """What became of the order. A slip of the finger costs nothing and is no line."""
        now = self._mono()
        try:
            presented, credential = _read(command)
        except ValueError as error:
            return Answer(command.id, ok=False, error=str(error))
        wait_s = self._wait_s(command.actor, now)
        if wait_s:
            await self._note_too_many(command.actor, presented, now)
            return Answer(command.id, ok=False, error=TOO_MANY, wait_s=round(wait_s, 1))
        self._typed.append((now, command.actor))
        body = TypedBody(command.actor, presented.document, presented.child)
        if not await self._ask(StaffNoted(EntryKind.TYPED, body)):
            return Answer(command.id, ok=False, error=NOT_RECORDED)
        self._take(DocumentTyped(credential, command.actor, presented.child))
        return Answer(command.id, ok=True)

    def _wait_s(self, actor: str, now: float) -> float:
        """How long this person has to wait; 0: not at all."""
        while self._typed and self._typed[0][0] <= now - WITHIN_S:
            self._typed.popleft()
        by_one = [at for at, by in self._typed if by == actor][-MOST_BY_ONE:]
        by_all = [at for at, _ in self._typed][-MOST_AT_THE_LANE:]
        full = [by_one] * (len(by_one) == MOST_BY_ONE) + [by_all] * (len(by_all) == MOST_AT_THE_LANE)
        return max((times[0] + WITHIN_S - now for times in full), default=0.0)

    async def _note_too_many(self, actor: str, presented: Presented, now: float) -> None:
        """Once a minute for each: a flood of orders must not become one of lines."""
        if now - self._noted.get(actor, -WITHIN_S) >= WITHIN_S:
            self._noted = {by: at for by, at in self._noted.items() if now - at < WITHIN_S} | {actor: now}
            await self._ask(StaffNoted(EntryKind.TYPED, TypedBody(actor, presented.document, presented.child, False)))


def _read(command: Command) -> tuple[Presented, Credential]:
    if not command.actor:
        raise ValueError("a command needs an actor")
    if command.presented is None:
        raise ValueError("the order present lacks what it is about")
    return command.presented, credential_of(command.presented)


def credential_of(presented: Presented) -> Credential:
    """What was read off, as a credential: nobody asked a chip, so anybody could have written it.

    Raises `ValueError` that says what is wrong and what to look at, and never repeats the number.
    """
    number = normalise_number(presented.number)
    if wrong := wrong_number(presented.document, number):
        raise ValueError(wrong)
    if presented.child and presented.document is not DocumentType.RESIDENT_ID:
        raise ValueError(f"a household book gives a resident's ID number: for a child it is {DocumentType.RESIDENT_ID}")
    last_day = _day(presented.valid_to)
    return Credential(Medium.TYPED, presented.document, number, Assurance.UID_ONLY, valid_to=last_day)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written) if written else None
    except ValueError:
        raise ValueError("the last day of validity is a day such as 2031-05-31") from None
