"""The sync process of a gate: signs of life, the doorbell, manifests in, the ledger out, claims in between.

One loop asks `sync.plan` what to do next and does it. Beside it run the doorbell, at most one pull, and the claims,
which wait for nobody. What touches the disk runs in threads.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from models.decision import ClaimAnswer
from models.link import Acknowledged, Ask, FromSync, LaneWord, Reach, SignedTime, SyncStatus, Told
from models.store.errors import StoreError
from models.version import VERSION
from sync.authority_clock import AuthorityClock
from sync.claims_socket import ClaimsSocket, Office
from sync.client import Client, authority_only
from sync.contract import Contact as ContactBody
from sync.contract import Standing
from sync.enrolment import Enrolment
from sync.failures import Garbled, RefusedBy, Revoked, SyncFailed, Unreachable
from sync.forward import forward
from sync.listen import Listener
from sync.numbers import KeptNumber
from sync.outbox import Outbox
from sync.plan import Contact, Outlook, Pull, Push, Wait, Wipe, plan, retry_s
from sync.post import Post
from sync.pull import Shelf
from sync.puller import Puller
from sync.renewer import Renewer
from sync.signing import Signer
from sync.status import REACHED, status_of
from sync.watch_puller import ListShelf, WatchPuller

_log = logging.getLogger("sync.agent")

LOOK_S = 2.0
CLAIM_S = 0.3

T = TypeVar("T")


class Agent:
    """One gate's sync process. `run` returns when it is cancelled."""

    def __init__(
        self,
        post: Post,
        wall: Callable[[], float] = time.time,
        mono: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._post, self._wall, self._mono, self._chance = post, wall, mono, chance
        self._papers = post.enrolment
        self._disk = ThreadPoolExecutor(3, thread_name_prefix="sync-disk")  # a large bundle stops no line
        self._stir = asyncio.Event()
        self._clock = AuthorityClock(post.enrolment.device, wall, mono)
        self.now = self._clock.now
        self._standing: Standing | None = None
        self._reach = Reach.ALONE
        self._lane = LaneWord()
        self._failures, self._trouble = 0, ""
        self._contact_at = self._look_at = self._contacted_at = 0.0
        self._wiped = self._erased = self._rung = self._doubt = False
        signer = Signer(self._papers.site, self._papers.device, post.signing_key, wall)
        self._client = Client(
            self._papers.server, authority_only(self._papers.authority), signer, KeptNumber(post.state_dir / "number")
        )
        self._issuers = {**post.issuers, **self._papers.issuer_keys}
        shelf = Shelf(post.state_dir, post.gate, post.device_key, self._issuers, self.now, self._papers.device)
        self._renewer = Renewer(self._client, post.device_files, self._clock.told, mono, self._take_papers)
        self._puller = Puller(self._client, shelf, self._on_disk, mono, self.now, post.manifest_keep(self._clock.told))
        its = ListShelf(post.state_dir, post.device_key)
        self._list = WatchPuller(self._client, its, self._issuers, self._on_disk, self.now, self._ring)
        self._outbox = Outbox(self._client, post.state_dir / "ledger.db", self._on_disk, mono, self.now)
        self._listener = Listener(self._client, self._ring, chance)
        office = Office(self.ask, self._ledger_grew, self._hear_lane, self.status, self._greeting)
        self._socket = ClaimsSocket(post.socket, office)

    async def run(self) -> None:
        """Serve until cancelled. Raises `OSError` when the socket can't be had."""
        self._post.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self._socket.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._go_on(tasks))
                tasks.create_task(self._listener.run())
                tasks.create_task(self._list.run())
                tasks.create_task(self._renewer.run())
        finally:
            await self._socket.close()
            await self._client.close()
            self._disk.shutdown(wait=True)

    # --- the loop -----------------------------------------------------------------------------------------------

    async def _go_on(self, tasks: asyncio.TaskGroup) -> None:
        await self._puller.look()
        while True:
            if self._mono() >= self._look_at:
                await self._look()
            match plan(self._outlook()):
                case Wait(seconds):
                    await self._wait(seconds)
                case Contact():
                    await self._contact()
                case Push():
                    await self._push()
                case Pull(offers):
                    self._puller.begin(offers)
                    tasks.create_task(self._pull())
                case Wipe():
                    await self._wipe()

    def _outlook(self) -> Outlook:
        outbox, puller = self._outbox, self._puller
        return Outlook(
            now=self._mono(),
            contact_at=self._contact_at,
            push_at=max(outbox.not_before, self._contact_at if self._reach is Reach.ALONE else 0.0),
            pull_at=puller.not_before,
            look_at=self._look_at,
            standing=self._standing,
            holds=puller.held is not None or self._list.goes,
            written=outbox.written,
            acknowledged=outbox.acknowledged,
            pulling=puller.busy,
            set_aside=puller.set_aside(),
        )

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stir.wait()
        self._stir.clear()

    async def _look(self) -> None:
        self._look_at = self._mono() + LOOK_S
        await self._outbox.look()
        self._contact_if_wanted()
        if not self._puller.busy:
            await self._puller.look()  # a technician may have loaded one
        self._post.alive()

    async def _contact(self) -> None:
        await self._look()
        told, self._rung = replace(self._sign_of_life(), watch=self._list.told), False
        try:
            await self._on_disk(self._client.look_ahead)
            standing, number = await self._client.contact(told)
        except (SyncFailed, OSError) as error:
            self._lose(error)
            return
        self._failures, self._trouble, self._doubt = 0, "", False
        self._contact_at = 0.0 if self._rung else self._mono() + self._post.contact_s  # what rang meanwhile is newer
        self._contacted_at = self.now()
        self._standing = standing
        self._list.met(standing, self._papers.site)
        self._take_time(standing, number)
        if self._outbox.take_mark(told.ledger, standing.acknowledged):
            self._tell_acknowledged()
        self._set_reach(Reach.VENUE if standing.alone else Reach.ONLINE)
        self._listener.met(standing.cursor)

    def _sign_of_life(self) -> ContactBody:
        lane, told, ledger = self._lane, self._puller.told, self._outbox.state
        how = (lane.phase, lane.mode, lane.faults, lane.counts, lane.clock_trusted)
        proof = (lane.asked_at, lane.silent, lane.proved_at, lane.proved)
        return ContactBody(self._wall(), VERSION, told, ledger, *how, *proof)

    async def _push(self) -> None:
        try:
            grew = await self._outbox.push()
        except Revoked:
            self._ring()
            return
        except (Unreachable, Garbled) as error:
            self._lose(error)
            return
        if grew:
            self._tell_acknowledged()
        self._contact_if_wanted()

    def _contact_if_wanted(self) -> None:
        if self._outbox.wants_contact:
            self._outbox.wants_contact = False
            self._ring()

    async def _pull(self) -> None:
        event = self._standing.event if self._standing else ""
        await self._puller.pull(event, self._chance())
        self._wiped = self._wiped and self._puller.held is None
        if self._puller.changed or self._puller.wants_base:
            self._ring()
        self._stir.set()

    async def _wipe(self) -> None:
        try:
            await self._puller.destroy()
            await self._list.let_go()
        except (StoreError, OSError) as error:
            self._trouble = str(error)
            _log.critical("the manifest has to go and can't be destroyed yet: %s", error)
            await self._wait(0.5)
            return
        self._wiped, self._erased = True, self._standing is not None and self._standing.erased
        self._contact_at = 0.0  # and tell
        _log.warning("the manifest is destroyed, as the authority wants it")

    # --- whom we reach ------------------------------------------------------------------------------------------

    def _lose(self, error: BaseException) -> None:
        self._failures += 1
        self._trouble = str(error)
        if isinstance(error, RefusedBy) and error.code == "not_signed":
            self._renewer.stir()  # perhaps there is another key by now
        self._contact_at = self._mono() + min(retry_s(self._failures, self._chance()), max(self._post.contact_s, 1.0))
        self._set_reach(Reach.ALONE)

    def _set_reach(self, reach: Reach) -> None:
        if reach is not self._reach:
            _log.warning(REACHED[reach], self._trouble)
            self._reach = reach
            self._socket.tell(FromSync(reach=reach))

    def _take_time(self, standing: Standing, number: int) -> None:
        keys = self._papers.issuer_keys.values()
        first = self._clock.told() is None
        if not self._clock.take(standing, number, keys):
            self._trouble = "the authority's time is not signed by an issuer of this site: enrol this gate again"
            return
        if first:
            self._renewer.stir()
        self._socket.tell(FromSync(time=SignedTime(standing.time)))

    def _take_papers(self, papers: Enrolment) -> None:
        self._papers, self._failures = papers, 0
        self._issuers.update(papers.issuer_keys)
        self._ring()

    def _ring(self) -> None:
        """A contact now; while nobody answers, the back-off stands."""
        self._rung = True
        if self._failures == 0:
            self._contact_at = 0.0
        self._stir.set()

    # --- what the gate process says -----------------------------------------------------------------------------

    async def ask(self, ask: Ask) -> Told:
        """Forward a claim at once. Known to be alone, the answer is there at once too."""
        if self._reach is Reach.ALONE or self._doubt:
            return Told(ask.claim, ClaimAnswer.NO_ANSWER)
        try:
            return await forward(self._client, ask, self._post.gate, CLAIM_S)
        except SyncFailed as error:
            _log.warning("a claim got no answer: %s", error)
            self._doubt = True  # until a contact shows that somebody is there
            self._ring()
            return Told(ask.claim, ClaimAnswer.NO_ANSWER)

    def _ledger_grew(self, seq: int) -> None:
        if seq > self._outbox.written:
            self._look_at = 0.0
            self._stir.set()

    def _hear_lane(self, lane: LaneWord) -> None:
        """Told with the next contact; a change that a supervisor should see at once does not wait for it."""
        before, self._lane = self._lane, lane
        if (before.mode, before.faults, before.silent) != (lane.mode, lane.faults, lane.silent):
            self._ring()

    def _tell_acknowledged(self) -> None:
        if self._outbox.acknowledged is not None:
            self._socket.tell(FromSync(acknowledged=Acknowledged(self._outbox.epoch, self._outbox.acknowledged)))

    def _greeting(self) -> list[FromSync]:
        words = [FromSync(reach=self._reach)]
        if self._clock.told() is not None:
            words.append(FromSync(time=SignedTime(self.now())))
        if self._outbox.acknowledged is not None:
            words.append(FromSync(acknowledged=Acknowledged(self._outbox.epoch, self._outbox.acknowledged)))
        return words

    def status(self) -> SyncStatus:
        """How everything stands."""
        made = status_of(self._papers, self._puller, self._list, self._outbox, self._listener, self._standing)
        made = replace(made, wiped=self._wiped, erased=self._wiped and self._erased)
        return replace(made, reach=self._reach, contact_at=self._contacted_at, trouble=self._trouble)

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)
