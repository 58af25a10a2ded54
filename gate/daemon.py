"""The gate process: puts stores, devices, lane and socket together, and takes them apart in order.

`python -m gate.daemon CONFIG` runs it; so does `gatectl run`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from gate.claims import SyncLink, lane_word
from gate.clock import Clock
from gate.config import Config
from gate.core.state import new_lane
from gate.devices import LaneDevices
from gate.duty import Duty
from gate.housekeeping_house import House
from gate.lane import LaneRunner
from gate.messages import Message, PumpDied
from gate.notify import Notifier
from gate.opening import open_stores
from gate.ordered import mode_at_start
from gate.orders import obey
from gate.prove import Prover
from gate.shifts import ENTRIES_BACK as SHIFTS_BACK
from gate.shifts import Shifts
from gate.sightings import Sightings
from gate.socket import Hall
from gate.stores import Rules
from gate.tally import ENTRIES_BACK, Tally
from gate.telling import for_staff, snapshot_of
from gate.typed import TypedDocuments
from gate.vitals import bare_trace
from models.command import Answer, Command
from models.credential import Credential
from models.cue import cue_of
from models.ledger import EntryKind
from models.link import FromSync
from models.store.errors import StoreError
from models.version import VERSION
from models.view import LaneView

_log = logging.getLogger("gate.daemon")

TICK_S = 1.0
CHECKPOINT_S = 60.0

T = TypeVar("T")


class GateFailed(RuntimeError):
    """The gate can't go on; the process ends and is to be started anew."""


class Daemon:
    """One lane's process. `run` returns after SIGTERM or SIGINT, or raises `GateFailed`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._clock = Clock()
        self._notify = Notifier()
        self._store = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._ended: asyncio.Future[None]
        self._view: LaneView | None = None
        self._inside = 0
        self._rules_fault = ""
        self._link = SyncLink(config.sync.socket, self._hear_sync)

    async def run(self) -> None:
        """Serve until told to stop."""
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, None)
        loop.set_exception_handler(self._loop_failed)
        self._stores = await self._in_store(lambda: open_stores(self._config, self._clock))
        try:
            await self._serve(loop)
        finally:
            await self._in_store(self._close_stores)
            self._store.shutdown()

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        rules = await self._in_store(self._begin)
        self._hall = Hall(self._config.socket.path, self._config.socket.group, self._obey)
        await self._hall.open()
        self._build(loop, rules)
        around = self._runner, self._duty, self._devices, self._clock
        self._house = House(self._config, self._stores, *around, self._in_store)
        await self._house.open()
        starting = self._devices.start(lambda: self._runner.rules.policy.needs_face)
        tasks = [loop.create_task(work) for work in (self._runner.run(), self._tick(), self._link.run(), starting)]
        for task in tasks:
            task.add_done_callback(self._task_ended)
        self._notify.ready("the lane starts")
        try:
            await self._ended
        finally:
            self._notify.stopping()
            await self._wind_down(tasks)

    async def _wind_down(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._prover.stop()
        await self._house.close()
        await self._devices.stop()
        await self._write_wear()
        await self._hall.close()

    def _begin(self) -> Rules:
        """The first entries of this process: what it found, what it settled, by which rules it goes on."""
        ledger = self._stores.ledger
        latest = ledger.tail(1)
        if latest:
            self._clock.raise_floor(latest[-1].at)
        ledger.append(EntryKind.START, {"version": VERSION}, self._clock.wall())
        left = ledger.settle_left_open()
        if left:
            _log.warning("%d releases were open when the process ended; whether anybody passed is unknown", len(left))
        self._last_attempt = self._stores.last_attempt()
        self._tally = Tally()
        self._tally.restore(ledger.tail(ENTRIES_BACK))
        self._tally.reds.restore(ledger)
        self._shifts = Shifts(ledger.latest(EntryKind.SHIFT, SHIFTS_BACK))
        self._ordered = mode_at_start(ledger, self._clock.wall())
        rules = self._stores.rules_at_start()
        self._stores.write_rules(rules, self._clock.wall())
        return rules

    def _close_stores(self) -> None:
        with contextlib.suppress(StoreError):
            self._stores.ledger.append(EntryKind.STOP, {}, self._clock.wall())
            self._stores.ledger.checkpoint(self._clock.wall())
        self._stores.close()

    def _build(self, loop: asyncio.AbstractEventLoop, rules: Rules) -> None:
        def post(message: Message) -> None:
            loop.call_soon_threadsafe(self._hear, message)

        place = self._config.gate
        self._devices = LaneDevices(self._config, post)
        self._runner = LaneRunner(
            new_lane(
                place.name,
                direction=place.direction,
                has_sensor=self._devices.sensor is not None,
                attempt=self._last_attempt,
                lost=self._devices.names,
                ordered=self._ordered,
            ),
            stores=self._stores,
            rules=rules,
            barrier=self._devices.relay,
            eyes=self._devices.eyes,
            clock=self._clock,
            store=self._store,
            tell=self._show,
            authority=self._link,
            tally=self._tally,
        )
        self._prover = Prover(self._config, self._devices, self._runner, self._clock, self._tell)
        self._typed = TypedDocuments(self._runner.ask, self._runner.take, lambda: self._clock.now().mono, self._key_of)
        attempt, mono = lambda: self._runner.lane.attempt, lambda: self._clock.now().mono
        self._sightings = Sightings(self._runner.ask, attempt, mono)
        self._duty = Duty(
            self._config.staff.book,
            place.state_dir,
            self._shifts,
            wall=self._clock.wall,
            ask=self._runner.ask,
            policy=lambda: self._runner.rules.policy,
        )

    async def _key_of(self, credential: Credential) -> str:
        found = await asyncio.get_running_loop().run_in_executor(self._store, self._stores.look_up, credential)
        return found.facts.person_key

    def _hear(self, message: Message) -> None:
        if isinstance(message, PumpDied):
            self._end(GateFailed(f"the {message.device} pump died:\n{message.trace}"))
            return
        if not self._prover.takes(message):
            self._runner.take(message)

    def _hear_sync(self, word: FromSync) -> None:
        """The authority's time, and how much of the ledger it holds."""
        if word.time is not None:
            self._clock.learn(word.time.at)
            self._runner.judge_clock()
        if word.acknowledged is not None:
            mark = word.acknowledged
            self._store.submit(self._stores.acknowledge, mark.epoch, mark.seq)

    async def _obey(self, command: Command) -> Answer:
        hands = self._duty, self._runner, self._devices, self._typed, self._prover, self._sightings
        answer = await obey(command, *hands, self._clock.wall())
        self._tell()
        return answer

    async def _tick(self) -> None:
        """Once a second: rules, clock, checkpoints, heartbeat."""
        sealed_at = self._clock.now().mono
        await self._write_wear()
        while True:
            await asyncio.sleep(TICK_S)
            await self._refresh()
            if self._clock.now().mono - sealed_at >= CHECKPOINT_S:
                sealed_at = self._clock.now().mono
                with contextlib.suppress(StoreError):
                    await self._in_store(lambda: self._stores.ledger.checkpoint(self._clock.wall()))
                await self._write_wear()
            self._runner.judge_clock()
            await self._duty.tick(self._runner.lane)
            self._look_for_hangs()
            self._prover.tick()
            await self._house.tick()
            self._tell()
            self._notify.alive()

    async def _write_wear(self) -> None:
        """In a thread of its own: a slow disk is none of the lane's business here. A full one is left to the ledger."""
        if self._house.spare:
            await asyncio.to_thread(self._devices.write_wear, self._clock.wall())

    async def _refresh(self) -> None:
        """Take up a new manifest, count the house. While the stores can't say, what was known stands."""
        try:
            rules = await self._in_store(lambda: self._stores.rules(self._runner.rules))
            self._inside = await self._in_store(self._stores.ledger.inside)
        except StoreError as error:
            if str(error) != self._rules_fault:
                _log.error("the stores do not answer, the rules stay as they are: %s", error)
            self._rules_fault = str(error)
            return
        self._rules_fault = ""
        await self._runner.use(rules)

    def _look_for_hangs(self) -> None:
        """A fresh process can start without the driver that hangs."""
        if hung := self._devices.hung(self._runner.rules.policy.pulse_s):
            self._end(GateFailed(hung))

    def _show(self, view: LaneView) -> None:
        self._view = for_staff(view, self._runner, self._clock.now())
        self._devices.show(cue_of(view))
        self._tell()
        self._notify.status(f"{view.phase}: {view.reason or ''}")

    def _tell(self) -> None:
        if self._view is None:
            return
        at, trusted, runner = self._clock.wall(), self._clock.trusted, self._runner
        told = snapshot_of(self._view, runner, self._devices.status(), at=at, clock_trusted=trusted)
        told = replace(told, inside=self._inside, reach=self._link.reach, mirror=self._devices.mirror)
        listed = self._stores.shared.state() if self._stores.shared else None
        told = replace(told, controller=self._config.gate.controller, listed=listed)
        self._hall.tell(self._house.complete(self._prover.complete(self._duty.complete(told, runner.lane))))
        word = lane_word(self._view, runner.lane.lost, runner.tally.counts, trusted)
        self._link.show(self._house.complete_word(self._prover.complete_word(word)))

    def _end(self, error: GateFailed | None) -> None:
        if not self._ended.done():
            if error is None:
                self._ended.set_result(None)
            else:
                self._ended.set_exception(error)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._die(error)

    def _loop_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        _log.critical("the event loop: %s", context.get("message", "an error"))
        self._die(context.get("exception") or GateFailed())

    def _die(self, error: BaseException) -> None:
        """End for an error that nobody foresaw; told without its own words, which may quote a card."""
        self._end(GateFailed(f"the gate met an error of its own: {bare_trace(error)}"))

    async def _in_store(self, ask: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._store, ask)


def run(config: Config) -> None:
    """Run one lane until a signal ends it. Raises `GateFailed` and `StoreError`."""
    asyncio.run(Daemon(config).run())
