"""The doorbell: a gate holds one long request open and hears within moments that something concerns it.

Each process looks at the table of changes at most ten times a second, however many gates hang on its bell; a gate that
was cut off asks with the last cursor it saw and misses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from sync.server import tables
from sync.server.database import reading
from sync.server.devices import directory
from sync.server.hub import Hub

LOOK_S = 0.1
KEEP_ALIVE_S = 15.0


@dataclass(slots=True, eq=False)
class Listener:
    """One gate on the bell. `cursor` is the last change it has heard of."""

    device: str
    cursor: int
    rung: asyncio.Event = field(default_factory=asyncio.Event)


class Doorbell:
    """Rings those whom a change concerns. Belongs to the event loop's thread."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._listeners: set[Listener] = set()
        self._cursor: int | None = None
        self._closing = False

    async def run(self) -> None:
        """Look for changes until cancelled. A database that is away for a while only delays the bell."""
        while True:
            if self._listeners:
                with suppress(DBAPIError):
                    await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Ring for what was committed since the last look."""
        since = self._cursor if self._cursor is not None else min(one.cursor for one in self._listeners)
        changes = await asyncio.to_thread(self._changes, since)
        if any(not device for _, _, device in changes):  # who serves what: one question for all, and not in the loop
            await asyncio.to_thread(directory(self._hub).find_all, {one.device for one in self._listeners})
        for cursor, event, device in changes:
            self._cursor = cursor
            for one in self._listeners:
                if one.cursor < cursor and self._concerns(one, event, device):
                    one.cursor = cursor
                    one.rung.set()

    async def rings(self, device: str, cursor: int) -> AsyncIterator[int | None]:
        """The cursor of each change that concerns `device`; `None` once in a while as a sign of life."""
        listener = Listener(device, cursor)
        self._listeners.add(listener)
        try:
            if await asyncio.to_thread(self._missed, listener):
                yield listener.cursor
            while not self._closing:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):  # wait_for may swallow a cancellation
                        await listener.rung.wait()
                except TimeoutError:
                    yield None
                    continue
                listener.rung.clear()
                yield listener.cursor
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Let everybody go."""
        self._closing = True
        for one in self._listeners:
            one.rung.set()

    def _concerns(self, listener: Listener, event: str, device: str) -> bool:
        if device:
            return device == listener.device
        known = directory(self._hub).find(listener.device)
        return known is not None and (not event or event in known.events)

    def _missed(self, listener: Listener) -> bool:
        """Whether anything concerned the listener while it was away; moves its cursor there."""
        missed = [
            cursor
            for cursor, event, device in self._changes(listener.cursor)
            if self._concerns(listener, event, device)
        ]
        listener.cursor = max([listener.cursor, *missed])
        return bool(missed)

    def _changes(self, since: int) -> list[tuple[int, str, str]]:
        change = tables.change
        with reading(self._hub.engine) as connection:
            rows = connection.execute(select(change).where(change.c.cursor > since).order_by(change.c.cursor))
            return [(row.cursor, row.event, row.device) for row in rows]


@asynccontextmanager
async def ringing(hub: Hub) -> AsyncIterator[Doorbell]:
    """A doorbell at work."""
    bell = Doorbell(hub)
    work = asyncio.get_running_loop().create_task(bell.run())
    try:
        yield bell
    finally:
        bell.close()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
