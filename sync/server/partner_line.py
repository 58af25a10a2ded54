"""One partner, as this site works with it: its list in, entries and receipts and counts out, both within seconds."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import SQLAlchemyError

from models.store.errors import StoreError
from sync.contract_partner import MOST_ITEMS, HitCount, HitCounts
from sync.failures import RefusedBy, SyncFailed
from sync.plan import retry_s
from sync.refusals import BundleRefused, NotNext
from sync.server import partner_entrusted, partner_receipts
from sync.server.hub import Hub
from sync.server.partner_client import PartnerClient, open_partner
from sync.server.partner_end import end_with
from sync.server.partner_received import drop_all, progress, set_progress, take, trusted_part
from sync.server.partners import TRUSTED, note_trouble, seal_key_of, terms_of
from sync.server.site import ISSUER, site_name
from sync.server.watch_tables import watch_partner
from sync.watch_fetch import Fetched, Receiver, fetch

PULL_S, TELL_S, COUNT_S, LONGEST_S = 60.0, 0.3, 10.0, 10.0
FOR_EVER = 1e11
WITHIN_S = 120.0
FORESEEN = (SyncFailed, BundleRefused, SQLAlchemyError, StoreError, OSError, ValueError, TimeoutError)

NOT_ALL = "{} of its entries are not taken: their purpose or owner was not agreed on, or they make no sense"
ENDED_THERE = "the partner ended it"

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Line:
    """All that goes on with the partner of `row`, until `run` is cancelled."""

    def __init__(self, hub: Hub, row: Row[Any]) -> None:
        self.hub, self.partner = hub, str(row.partner)
        self._row = row
        self._rung = asyncio.Event()
        self.stir = asyncio.Event()  # set when our list has changed
        self._cursor = 0
        self._whole = False
        self._told: dict[tuple[str, str], int] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        site = await self._do(site_name)
        client = open_partner(self.hub, site, self._row)
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._row.state == TRUSTED:
                    tasks.create_task(self._again(partial(self._listen, client), TELL_S))
                    tasks.create_task(self._again(partial(self._pull, client, site), PULL_S, self._rung))
                    tasks.create_task(self._again(partial(self._count, client), COUNT_S))
                    tasks.create_task(self._again(partial(self._entrust, client), PULL_S, self.stir))
                tasks.create_task(self._again(partial(self._receipt, client), TELL_S))
        finally:
            await client.close()

    # --- in -----------------------------------------------------------------------------------------------------

    async def _listen(self, client: PartnerClient) -> None:
        async for cursor in client.rings(self._cursor):
            self._cursor = max(self._cursor, cursor or 0)
            self._rung.set()

    async def _pull(self, client: PartnerClient, site: str) -> None:
        self._rung.clear()
        after = 0 if self._whole else (await self._do(lambda c: progress(c, self.partner)))[0]
        receiver = Receiver({ISSUER: self._row.issuer_key}, self.partner, seal_key_of(self.hub), site)
        try:
            async with asyncio.timeout(WITHIN_S):
                fetched = await fetch(client.page, receiver, after, self.hub.clock)
            left = await asyncio.to_thread(self._take, fetched)
        except NotNext:
            if self._whole:
                raise
            self._whole = True
            self._rung.set()
            return
        except RefusedBy as refused:
            if refused.code == "partner_ended":
                await self._do(self._end)
            raise
        self._whole = False
        await self._do(lambda c: note_trouble(c, self.partner, NOT_ALL.format(left) if left else ""))

    def _take(self, fetched: Fetched) -> int:
        with self.hub.begin() as connection:
            row = connection.execute(select(watch_partner).where(watch_partner.c.partner == self.partner)).one()
            if row.state != TRUSTED or not row.gives:
                drop_all(self.hub, connection, self.partner)
                return 0
        return take(self.hub, self.partner, fetched, trusted_part(terms_of(row), self.hub.clock()))

    def _end(self, connection: Connection) -> None:
        end_with(self.hub, connection, self.partner)
        self.hub.audit(connection, self.partner, "partner.ended_there", self.partner)

    # --- out ----------------------------------------------------------------------------------------------------

    async def _entrust(self, client: PartnerClient) -> None:
        self.stir.clear()
        while True:
            made = await self._do(lambda c: partner_entrusted.to_entrust(self.hub, c, self.partner))
            if made is None:
                return
            told, upto = made
            await client.tell("entries", told)
            await self._do(partial(self._entrusted, upto=upto))

    def _entrusted(self, connection: Connection, upto: int) -> None:
        name = partner_entrusted.outgoing(self.partner)
        set_progress(connection, name, upto, self.hub.clock(), FOR_EVER)

    async def _receipt(self, client: PartnerClient) -> None:
        while (made := await self._do(lambda c: partner_receipts.due(self.hub, c, self.partner))) is not None:
            await client.tell("receipts", made)
            await self._do(partial(partner_receipts.sent, partner=self.partner, receipts=made))

    async def _count(self, client: PartnerClient) -> None:
        counts = await self._do(lambda c: partner_receipts.counts_for(self.hub, c, self.partner))
        fresh = [one for one in counts if self._told.get((one.item, one.day)) != one.hits]
        for start in range(0, len(fresh), MOST_ITEMS):
            some: list[HitCount] = fresh[start : start + MOST_ITEMS]
            await client.tell("hits", HitCounts(tuple(some)))
            self._told |= {(one.item, one.day): one.hits for one in some}

    # --- how ----------------------------------------------------------------------------------------------------

    async def _again(
        self, step: Callable[[], Coroutine[Any, Any, None]], pause_s: float, call: asyncio.Event | None = None
    ) -> None:
        failures = 0
        while True:
            try:
                await step()
                failures, wait_s = 0, pause_s
            except FORESEEN as error:
                failures += 1
                wait_s = min(retry_s(failures, random.random()), LONGEST_S)  # noqa: S311 - only to part from others
                await self._note(error, failures)
            if call is None or failures:
                await asyncio.sleep(wait_s)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await call.wait()

    async def _note(self, error: Exception, failures: int) -> None:
        """On the partner's page; a statement of the database stays out of it: there may be names in it."""
        words = type(error).__name__ if isinstance(error, SQLAlchemyError) else str(error)
        if failures in (1, 10, 100):
            _log.warning("with the partner %s: %s", self.partner, words)
        with suppress(*FORESEEN):
            await self._do(lambda c: note_trouble(c, self.partner, words[:300]))

    async def _do(self, work: Callable[[Connection], T]) -> T:
        def whole() -> T:
            with self.hub.begin() as connection:
                return work(connection)

        return await asyncio.to_thread(whole)
