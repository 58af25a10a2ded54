"""At a venue hub: the one worker that works towards the centre, step by step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from sync.contract import Contact, Standing
from sync.contract_hub import HeldClaim, HubGates, HubStanding
from sync.enrolment import Enrolment
from sync.failures import RefusedBy, SyncFailed
from sync.refusals import NotNext
from sync.server import upstream_lines, upstream_list, upstream_mirror
from sync.server.erasure import erase
from sync.server.hub import Hub
from sync.server.partner_received import THE_CENTRE, drop_all, progress
from sync.server.reached import note_lost, note_reached
from sync.server.upstream_bundles import fetch, wipe
from sync.server.upstream_client import CentreClient
from sync.server.upstream_list import is_wanted

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Work:
    """What the worker's tasks share. `rung`: meet the centre now. `offered`: there may be bundles to fetch."""

    hub: Hub
    papers: Enrolment
    client: CentreClient
    cursor: int = 0
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    offered: asyncio.Event = field(default_factory=asyncio.Event)
    standing: HubStanding | None = None
    listed: Standing | None = None  # as it was when the list of persons was last told of
    list_told: asyncio.Event = field(default_factory=asyncio.Event)
    passed: int = 0  # up to which revision of that list all our gates are, as the centre was told
    whole_list: bool = False

    async def meet(self) -> None:
        """A sign of life, our gates, and what the centre wants of us."""
        self.rung.clear()
        try:
            held = await asyncio.to_thread(self._in_transaction, lambda c: upstream_list.told(c, self.passed))
            standing, _ = await self.client.contact(Contact(self.hub.clock(), watch=held))
        except SyncFailed:
            await asyncio.to_thread(note_lost, self.hub)
            raise
        await asyncio.to_thread(note_reached, self.hub)
        self.cursor, self.passed = max(self.cursor, standing.cursor), held.revision if held else 0
        if standing.wipe:
            await asyncio.to_thread(wipe, self.hub)
            await asyncio.to_thread(self._in_transaction, lambda c: drop_all(self.hub, c, THE_CENTRE))
            return
        self.listed = standing
        self.list_told.set()
        told = await asyncio.to_thread(self._in_transaction, upstream_mirror.gates_to_tell)
        wanted = self.standing = await self.client.tell_gates(told)
        await asyncio.to_thread(self._take, told, wanted)
        for event in wanted.erased:
            await asyncio.to_thread(erase, self.hub, upstream_mirror.CENTRE, event, "erased at the centre", early=True)
        await self._open_leases(wanted)
        self.offered.set()

    async def listen(self) -> None:
        """Hang on the doorbell until it breaks."""
        async for cursor in self.client.rings(self.cursor):
            self.cursor = max(self.cursor, cursor or 0)
            self.rung.set()

    async def pull(self) -> None:
        """Fetch what is offered, in order."""
        self.offered.clear()
        if self.standing is None:  # what was begun before a restart is gone on with
            return
        if await fetch(self.hub, self.client, self.papers, self.standing):
            self.rung.set()  # tell what we hold, and begin to answer for what we know the rules of

    async def pull_list(self) -> None:
        """The list of persons, when the centre has another one than we."""
        self.list_told.clear()
        listed = self.listed
        if listed is None:
            return
        if not await asyncio.to_thread(self._in_transaction, lambda c: is_wanted(self.hub, c, listed)):
            return
        cursor, _ = await asyncio.to_thread(self._in_transaction, lambda c: progress(c, THE_CENTRE))
        try:
            fetched = await upstream_list.bring(self.hub, self.papers, self.client, 0 if self.whole_list else cursor)
            await asyncio.to_thread(upstream_list.keep, self.hub, fetched)
        except NotNext:
            self.whole_list = True
            raise
        self.whole_list = False

    async def send(self) -> None:
        """All lines that there are, a batch of each ledger in turn."""
        went = True
        while went:
            waiting = await asyncio.to_thread(self._in_transaction, self._pending)
            went = any([await self._send_next(which) for which in waiting])

    async def _send_next(self, which: upstream_lines.Which) -> bool:
        """One batch; whether the centre took it."""
        batch = await asyncio.to_thread(self._in_transaction, lambda c: upstream_lines.batch_for(c, which))
        if batch is None:
            return False
        try:
            receipt = await self.client.pass_on(batch)
        except RefusedBy as why:
            _log.warning("the centre takes no more of the ledger %s of %s: %s", batch.epoch, batch.device, why)
            now = self.hub.clock()
            note = partial(upstream_lines.refused, batch=batch, why=why, now=now)
            await asyncio.to_thread(self._in_transaction, note)
            if why.code == "no_such_gate":
                self.rung.set()
            return False
        await asyncio.to_thread(self._in_transaction, lambda c: upstream_lines.acknowledge(c, batch, receipt))
        if not await asyncio.to_thread(self._in_transaction, upstream_mirror.waiting):
            self.rung.set()  # an event that was asked back may go now
        return True

    async def _open_leases(self, standing: HubStanding) -> None:
        for event in await asyncio.to_thread(self._in_transaction, lambda c: upstream_mirror.to_open(c, standing)):
            claims = await self.client.held_claims(event)
            await asyncio.to_thread(self._begin, event, claims)

    def _begin(self, event: str, claims: Sequence[HeldClaim]) -> None:
        with self.hub.begin() as connection:
            upstream_mirror.begin_to_answer(self.hub, connection, event, claims)

    def _take(self, told: HubGates, standing: HubStanding) -> None:
        with self.hub.begin() as connection:
            upstream_mirror.take_standing(self.hub, connection, told, standing)

    def _pending(self, connection: Connection) -> list[upstream_lines.Which]:
        return upstream_lines.pending(connection, self.hub.clock())

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        with self.hub.begin() as connection:
            return work(connection)
