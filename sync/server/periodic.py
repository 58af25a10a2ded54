"""What the server does once in a while. With many workers, whoever comes first does it; nobody has to lead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from sqlalchemy import Connection, or_, update

from sync.server import tables
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub

_log = logging.getLogger(__name__)


def take_turn(hub: Hub, connection: Connection, name: str, period_s: float) -> bool:
    """Whether `name` is due, and ours to do in this transaction; the next turn comes after `period_s`.

    A turn that is further away than that was set by a clock that was ahead, and is not waited for.
    """
    turn, now = tables.turn, hub.clock()
    connection.execute(insert_or_ignore(connection, turn).values(name=name, next_at=0.0))
    is_due = or_(turn.c.next_at <= now, turn.c.next_at > now + 2 * period_s)
    mine = update(turn).where(turn.c.name == name, is_due).values(next_at=now + period_s)
    return connection.execute(mine.returning(turn.c.name)).first() is not None


@asynccontextmanager
async def every(hub: Hub, name: str, period_s: float, work: Callable[[Hub], object]) -> AsyncIterator[None]:
    """Do `work`, in a thread, once in `period_s` over all workers, for as long as this holds."""
    task = asyncio.get_running_loop().create_task(_keep_doing(hub, name, period_s, work))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_doing(hub: Hub, name: str, period_s: float, work: Callable[[Hub], object]) -> None:
    while True:
        try:
            await asyncio.to_thread(_once, hub, name, period_s, work)
        except Exception:  # a failure today is no reason not to try again tomorrow
            _log.exception("%s failed and will be tried again", name)
        await asyncio.sleep(min(period_s, 60.0))


def _once(hub: Hub, name: str, period_s: float, work: Callable[[Hub], object]) -> None:
    with hub.begin() as connection:
        mine = take_turn(hub, connection, name, period_s)
    if mine:
        work(hub)
