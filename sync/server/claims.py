"""Claims: "this ticket is being used here, now". Whoever's row comes first into the table has the ticket.

The database alone decides, by the key of `claim`, so that any number of workers may ask at once. Claims that arrive
while a batch is with the database go together in the next one: a crowd costs few commits, a single visitor waits for
nobody. For an event that is leased to a venue hub the hub alone answers, here and at the hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, delete, select

from models.decision import Policy, ReEntryMode
from models.passage import Direction
from models.wire import from_json
from sync.contract import ClaimAnswer, ClaimRequest, FirstUse
from sync.server import tables
from sync.server.hub import Hub
from sync.server.many import among, insert_all
from sync.server.used_codes import LOWEST, Shown, kept_step, take_codes

GRANTED, REFUSED, CODE_USED, NO_ANSWER = "granted", "refused", "code_used", "no_answer"
LARGEST_BATCH = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """One claim and the device that brought it."""

    claim: ClaimRequest
    device: str


def settle(connection: Connection, asked: Sequence[Asked], now: float) -> list[ClaimAnswer]:
    """Answer claims, in order, within the caller's transaction.

    An exit ends the use before it. A code that was used before gets nothing, whatever it asks for. A claim that is
    repeated gets the answer it got before; one that was given back (nobody came) takes nothing any more. Among
    several for one ticket the first in order has it.
    """
    events = _events(connection, {one.claim.event for one in asked})
    ended = _ended(connection, asked)
    ours = [one for one in asked if _answers_for(one, events)]
    used = take_codes(connection, _shown(ours), ended, now)
    ours = [one for one in ours if (one.claim.event, one.claim.claim) not in used]
    free(connection, {(one.claim.event, one.claim.ticket) for one in ours if one.claim.direction == Direction.EXIT})
    takers = [one for one in ours if _takes(one, events)]
    _take(connection, [one for one in takers if (one.claim.event, one.claim.claim) not in ended], now)
    held = _held(connection, takers)
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


def _answer(
    one: Asked, events: dict[str, _Event], held: dict[tuple[str, str], _Holder], used: set[tuple[str, str]]
) -> ClaimAnswer:
    claim = one.claim
    if not _answers_for(one, events):
        return ClaimAnswer(claim.claim, NO_ANSWER)
    if (claim.event, claim.claim) in used:
        return ClaimAnswer(claim.claim, CODE_USED)
    holder = held.get((claim.event, claim.ticket)) if _takes(one, events) else None
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


def _take(connection: Connection, wanted: Sequence[Asked], now: float) -> None:
    first: dict[tuple[str, str], Asked] = {}
    for one in wanted:
        first.setdefault((one.claim.event, one.claim.ticket), one)
    # Always in the same order, so that two workers with the same tickets wait for each other and don't lock up.
    rows = [
        {
            "event": event,
            "ticket": ticket,
            "claim": one.claim.claim,
            "device": one.device,
            "gate": one.claim.gate,
            "at": one.claim.at or now,
            "passage": "held",
        }
        for (event, ticket), one in sorted(first.items())
    ]
    insert_all(connection, tables.claim, rows, ignore=True)


def _held(connection: Connection, takers: Sequence[Asked]) -> dict[tuple[str, str], _Holder]:
    held = tables.claim
    keys = sorted({(one.claim.event, one.claim.ticket) for one in takers})
    if not keys:
        return {}
    rows = connection.execute(select(held).where(among(connection, (held.c.event, held.c.ticket), keys)))
    return {(row.event, row.ticket): _Holder(row.claim, FirstUse(row.gate, row.at, row.passage)) for row in rows}


def _ended(connection: Connection, asked: Sequence[Asked]) -> set[tuple[str, str]]:
    ended = tables.ended_claim
    keys = sorted({(one.claim.event, one.claim.claim) for one in asked})
    if not keys:
        return set()
    rows = connection.execute(
        select(ended.c.event, ended.c.claim).where(among(connection, (ended.c.event, ended.c.claim), keys))
    )
    return {(row.event, row.claim) for row in rows}


def _events(connection: Connection, names: set[str]) -> dict[str, _Event]:
    event = tables.event
    rows = connection.execute(
        select(event.c.event, event.c.policy, event.c.lessee).where(event.c.event.in_(sorted(names)))
    )
    return {row.event: _Event(is_hard(row.policy), row.lessee or "") for row in rows}


@cache
def is_hard(policy: str) -> bool:
    """Whether by this policy (JSON) a ticket is good for one entry at a time."""
    return from_json(Policy, policy).reentry is ReEntryMode.HARD


class ClaimDesk:
    """Takes claims one by one and settles them in batches, one batch at a time, in a thread."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: list[tuple[Asked, asyncio.Future[ClaimAnswer]]] = []
        self._working: asyncio.Task[None] | None = None

    async def ask(self, asked: Sequence[Asked]) -> list[ClaimAnswer]:
        """The answers, in order. Raises what the database raises."""
        loop = asyncio.get_running_loop()
        answers = [loop.create_future() for _ in asked]
        self._waiting += zip(asked, answers, strict=True)
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        return list(await asyncio.gather(*answers))

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            try:
                answers = await asyncio.to_thread(self._settle, [asked for asked, _ in batch])
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():  # whoever asked may have gone
                    future.set_result(answer)

    def _settle(self, asked: list[Asked]) -> list[ClaimAnswer]:
        with self._hub.begin() as connection:
            return settle(connection, asked, self._hub.clock())
