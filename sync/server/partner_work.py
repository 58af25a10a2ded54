"""The work with partners: one worker of a server does all of it, whichever comes first to a lock on a file.

Ten times a second it looks whether our list has changed, and brings the partners' copies in line; with each partner
it keeps a line of its own.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TextIO

from sqlalchemy import Row, select
from sqlalchemy.exc import SQLAlchemyError

from sync.server.database import reading
from sync.server.hub import Hub
from sync.server.partner_entrusted import take_unagreed_off
from sync.server.partner_line import Line
from sync.server.partner_received import drop_expired
from sync.server.partner_shares import share_all
from sync.server.partners import ENTERED
from sync.server.watch_items import revision
from sync.server.watch_tables import watch_partner

LOOK_S, ANYWAY_S, LOCK_S, AGAIN_S = 0.1, 20.0, 2.0, 5.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def with_partners(hub: Hub) -> AsyncIterator[None]:
    """Work with partners while this holds."""
    task = asyncio.get_running_loop().create_task(_keep_at_it(hub))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_at_it(hub: Hub) -> None:
    while True:
        try:
            with (hub.settings.state_dir / ".partners.lock").open("w") as lock:
                await _alone(lock)
                await _Office(hub).run()
        except Exception:  # what nobody foresaw must not end the sharing for the night
            _log.exception("the work with partners failed and begins again")
        await asyncio.sleep(AGAIN_S)


async def _alone(lock: TextIO) -> None:
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        await asyncio.sleep(LOCK_S)


class _Office:
    """Lines to all partners, each as its row says."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lines: dict[str, tuple[Any, Line, asyncio.Task[None]]] = {}
        self._seen: object = None
        self._shared_at = -ANYWAY_S

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                with suppress(SQLAlchemyError):  # a database that is away for a while only delays it
                    await self._look()
                await asyncio.sleep(LOOK_S)
        finally:
            tasks = [task for *_, task in self._lines.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        rows, seen = await asyncio.to_thread(self._state)
        now = asyncio.get_running_loop().time()
        if seen != self._seen or now - self._shared_at >= ANYWAY_S:
            await asyncio.to_thread(self._share)
            self._seen, self._shared_at = seen, now
            for _, line, _ in self._lines.values():
                line.stir.set()
        await self._attend({row.partner: row for row in rows if row.state != ENTERED and row.url})

    async def _attend(self, rows: dict[str, Row[Any]]) -> None:
        for name, (how, _, task) in list(self._lines.items()):
            if name not in rows or _how(rows[name]) != how or task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                del self._lines[name]
        for name, row in rows.items():
            if name not in self._lines:
                line = Line(self._hub, row)
                self._lines[name] = (_how(row), line, asyncio.create_task(self._serve(line)))

    async def _serve(self, line: Line) -> None:
        try:
            await line.run()
        except Exception:
            _log.exception("the line to the partner %s failed and begins again", line.partner)
            await asyncio.sleep(AGAIN_S)

    def _state(self) -> tuple[list[Row[Any]], object]:
        with reading(self._hub.engine) as connection:
            rows = list(connection.execute(select(watch_partner).order_by(watch_partner.c.partner)))
            return rows, (revision(connection), [_how(row) for row in rows])

    def _share(self) -> None:
        with self._hub.begin() as connection:
            drop_expired(self._hub, connection)
            take_unagreed_off(self._hub, connection)
        share_all(self._hub)


def _how(row: Row[Any]) -> tuple[Any, ...]:
    """What of a partner's row makes its line another one."""
    terms = row.state, row.gets, row.gives, row.may_entrust, row.entrusts, row.purposes, row.owners
    return (*terms, row.url, row.authority, row.issuer_key, row.seal_key)
