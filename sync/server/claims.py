"""Claims: "this ticket is being used here, now". Whoever's row comes first into the table has the ticket.

The database alone decides, by the key of `claim`, so that any number of workers may ask at once. Claims that arrive
while a batch is with the database go together in the next one: a crowd costs few commits, a single visitor waits for
nobody. For an event that is leased to a venue hub the hub alone answers, here and at the hub.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from models.decision import Policy, ReEntryMode
from models.passage import Direction
from models.wire import from_json
from sync.contract import ClaimAnswer, ClaimRequest, FirstUse
from sync.server import tables
from sync.server.database import each_alone, transaction
from sync.server.hub import Hub
from sync.server.many import among, insert_all, insert_new
from sync.server.used_codes import LOWEST, Shown, kept_step, take_codes

GRANTED, REFUSED, CODE_USED, NO_ANSWER = "granted", "refused", "code_used", "no_answer"
LARGEST_BATCH = 500

_EVENTS = select(tables.event.c.event, tables.event.c.policy, tables.event.c.lessee).where(
    tables.event.c.event.in_(bindparam("names", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One claim and the device that brought it."""

    claim: ClaimRequest
    device: str


def settle(connection: Connection, asked: Sequence[Asked], now: float) -> list[ClaimAnswer]:
    """Answer claims, in order, within the caller's transaction; entries without codes need none.

    An exit ends the use before it. A code that was used before gets nothing, whatever it asks for. A claim that is
    repeated gets the answer it got before; one that was given back (nobody came) takes nothing any more. Among
    several for one ticket the first in order has it.
    """
    events = _events(connection, {one.claim.event for one in asked})
    ours = [one for one in asked if _answers_for(one, events)]
    shown = _shown(ours)
    used = take_codes(connection, shown, _ended(connection, [one.claim for one in shown]), now)
    ours = [one for one in ours if (one.claim.event, one.claim.claim) not in used]
    free(connection, {_place(one) for one in ours if one.claim.direction == Direction.EXIT})
    held = _hold(connection, [one for one in ours if _takes(one, events)], now)
    return [_answer(one, events, held, used) for one in asked]


@dataclass(frozen=True, slots=True)
class _Event:
    """What matters of an event here: is a ticket good for one entry at a time, and who answers for it."""

    hard: bool
    lessee: str


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who has a ticket."""

    claim: str
    use: FirstUse


def _shown(asked: Sequence[Asked]) -> list[Shown]:
    steps = [(one, one.claim.code_step) for one in asked]
    kept = [(one, kept_step(max(step, LOWEST))) for one, step in steps if step is not None]
    return [Shown(one.claim, step, one.device) for one, step in kept if step is not None]


def _answers_for(one: Asked, events: dict[str, _Event]) -> bool:
    event = events.get(one.claim.event)
    return event is not None and event.lessee in ("", one.device)


def _takes(one: Asked, events: dict[str, _Event]) -> bool:
    """Whether the claim takes its ticket for itself. Where re-entry is free, nothing has to be taken."""
    return one.claim.direction != Direction.EXIT and events[one.claim.event].hard


def _place(one: Asked) -> tuple[str, str]:
    return one.claim.event, one.claim.ticket


def _answer(
    one: Asked, events: dict[str, _Event], held: dict[tuple[str, str], _Holder], used: set[tuple[str, str]]
) -> ClaimAnswer:
    claim = one.claim
    if not _answers_for(one, events):
        return ClaimAnswer(claim.claim, NO_ANSWER)
    if (claim.event, claim.claim) in used:
        return ClaimAnswer(claim.claim, CODE_USED)
    holder = held.get(_place(one)) if _takes(one, events) else None
    if holder is None or holder.claim == claim.claim:
        return ClaimAnswer(claim.claim, GRANTED)
    return ClaimAnswer(claim.claim, REFUSED, holder.use)


def give_back(connection: Connection, given: Collection[tuple[str, str, str]], now: float) -> None:
    """Nobody came: these tickets (event, ticket, claim) are free again, and these claims take nothing any more."""
    if given:
        held, keys = tables.claim, sorted(given)
        connection.execute(delete(held).where(among(connection, (held.c.event, held.c.ticket, held.c.claim), keys)))
        end_claims(connection, [(event, claim) for event, _, claim in keys], now)


def end_claims(connection: Connection, claims: Collection[tuple[str, str]], now: float) -> None:
    """These claims (event, claim) take nothing any more."""
    rows = [{"event": event, "claim": claim, "at": now} for event, claim in sorted(claims)]
    insert_all(connection, tables.ended_claim, rows, ignore=True)


def free(connection: Connection, tickets: Collection[tuple[str, str]]) -> None:
    """Whoever has these tickets (event, ticket) has come out."""
    if tickets:
        held = tables.claim
        connection.execute(delete(held).where(among(connection, (held.c.event, held.c.ticket), sorted(tickets))))


def _hold(connection: Connection, takers: Sequence[Asked], now: float) -> dict[tuple[str, str], _Holder]:
    """Take what is free for whoever asked first; who has each of the tickets then.

    Nobody has a ticket that was asked for only by claims that were given back. A ticket that comes free between two
    statements (on PostgreSQL another worker may do that) is asked for again, for nobody may go in without a row.
    """
    held: dict[tuple[str, str], _Holder] = {}
    left = takers
    while left:
        held |= _take(connection, left, now)
        left = [one for one in left if _place(one) not in held]
        held |= _held(connection, left)
        left = [one for one in left if _place(one) not in held]
        ended = _ended(connection, [one.claim for one in left])
        left = [one for one in left if (one.claim.event, one.claim.claim) not in ended]
    return held


def _take(connection: Connection, wanted: Sequence[Asked], now: float) -> dict[tuple[str, str], _Holder]:
    """Those tickets that were free, and whose they are now."""
    # Always in the same order, so that two workers with the same tickets wait for each other and don't lock up.
    rows: dict[tuple[Any, ...], dict[str, Any]] = {
        (event, ticket): {
            "event": event,
            "ticket": ticket,
            "claim": one.claim.claim,
            "device": one.device,
            "gate": one.claim.gate,
            "at": one.claim.at or now,
            "passage": "held",
        }
        for (event, ticket), one in sorted({_place(one): one for one in reversed(wanted)}.items())
    }
    ended = tables.ended_claim.c
    taken = insert_new(connection, tables.claim, list(rows.values()), (ended.event, ended.claim))
    return {place: _holder(**rows[place]) for place in rows if place in taken}


def _held(connection: Connection, takers: Sequence[Asked]) -> dict[tuple[str, str], _Holder]:
    held = tables.claim
    keys = sorted({_place(one) for one in takers})
    if not keys:
        return {}
    rows = connection.execute(select(held).where(among(connection, (held.c.event, held.c.ticket), keys)))
    return {(row.event, row.ticket): _holder(**row._mapping) for row in rows}


def _holder(claim: str, gate: str, at: float, passage: str, **_: Any) -> _Holder:
    return _Holder(claim, FirstUse(gate, at, passage))


def _ended(connection: Connection, claims: Sequence[ClaimRequest]) -> set[tuple[str, str]]:
    ended = tables.ended_claim
    keys = sorted({(one.event, one.claim) for one in claims})
    if not keys:
        return set()
    rows = connection.execute(
        select(ended.c.event, ended.c.claim).where(among(connection, (ended.c.event, ended.c.claim), keys))
    )
    return {(row.event, row.claim) for row in rows}


def _events(connection: Connection, names: set[str]) -> dict[str, _Event]:
    rows = connection.execute(_EVENTS, {"names": sorted(names)})
    return {row.event: _Event(is_hard(row.policy), row.lessee or "") for row in rows}


@cache
def is_hard(policy: str) -> bool:
    """Whether by this policy (JSON) a ticket is good for one entry at a time."""
    return from_json(Policy, policy).reentry is ReEntryMode.HARD


class ClaimDesk:
    """Takes claims one by one and settles them in batches, one batch at a time, in a thread."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: deque[tuple[Sequence[Asked], asyncio.Future[list[ClaimAnswer]]]] = deque()
        self._working: asyncio.Task[None] | None = None

    async def ask(self, asked: Sequence[Asked]) -> list[ClaimAnswer]:
        """The answers, in order. Raises what the database raises."""
        loop = asyncio.get_running_loop()
        answers: asyncio.Future[list[ClaimAnswer]] = loop.create_future()
        self._waiting.append((asked, answers))
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        return await answers

    async def _work(self) -> None:
        while self._waiting:
            batch = self._next()
            try:
                answers = iter(await asyncio.to_thread(self._settle, [one for asked, _ in batch for one in asked]))
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for asked, future in batch:
                theirs = list(islice(answers, len(asked)))
                if not future.done():  # whoever asked may have gone
                    future.set_result(theirs)

    def _next(self) -> list[tuple[Sequence[Asked], asyncio.Future[list[ClaimAnswer]]]]:
        """As many of those that wait as go together."""
        batch, number = [self._waiting.popleft()], 0
        while self._waiting and (number := number + len(batch[-1][0])) + len(self._waiting[0][0]) <= LARGEST_BATCH:
            batch.append(self._waiting.popleft())
        return batch

    def _settle(self, asked: list[Asked]) -> list[ClaimAnswer]:
        # Taking is one statement; leaving, and codes, are several that belong together.
        several = any(one.claim.direction == Direction.EXIT or one.claim.code_step is not None for one in asked)
        with transaction(self._hub.engine) if several else each_alone(self._hub.engine) as connection:
            return settle(connection, asked, self._hub.clock())
