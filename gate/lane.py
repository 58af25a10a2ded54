"""The lane at work: events in, `step`, effects out, one event after the other.

All of an event's effects are done, the durable ones included, before the next event is looked at. When the ledger takes
no entry, the effects behind it are dropped: no ink, no motion.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from gate.clock import Clock
from gate.core.effects import (
    Capture,
    Claim,
    Effect,
    Hold,
    Lookup,
    Record,
    Release,
    Show,
    StartTimer,
    StopCapture,
)
from gate.core.events import (
    CardFailed,
    ClaimAnswered,
    ClockJudged,
    DeviceBack,
    DeviceLost,
    Event,
    FaceCompared,
    FaceHinted,
    LookupFailed,
    Passed,
    RecordFailed,
    ReleaseFailed,
    SensorDoubted,
    SensorSaw,
    TicketFound,
    TimedOut,
    Timer,
)
from gate.core.lane import step
from gate.core.state import Lane
from gate.hardware import Barrier, Eyes
from gate.messages import (
    DeviceDown,
    DeviceUp,
    FaceFailed,
    FaceHint,
    FaceProbed,
    Message,
    ReaderGave,
    SensorGave,
    SensorMissed,
)
from gate.stores import Rules, Stores
from gate.visitor import Visitor
from models.credential import CardFault, Credential
from models.decision import ClaimAnswer, FaceFacts
from models.passage import Direction, SignalKind
from models.record import DecisionBody
from models.store.errors import StoreError
from models.view import LaneView
from models.wire import WireError

_log = logging.getLogger("gate.lane")

T = TypeVar("T")

EXIT_READER = "exit_reader"

REOPEN_S = 0.5
"""How soon a ledger that failed is tried again."""


class LaneRunner:
    """Runs one lane. Belongs to the event loop's thread; `store` is the executor of the store thread."""

    def __init__(
        self,
        lane: Lane,
        *,
        stores: Stores,
        rules: Rules,
        barrier: Barrier,
        eyes: Eyes | None,
        clock: Clock,
        store: Executor,
        tell: Callable[[LaneView], None],
    ) -> None:
        self.lane, self.rules = lane, rules
        self._stores, self._barrier, self._eyes = stores, barrier, eyes
        self._clock, self._store, self._tell = clock, store, tell
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[tuple[Event, asyncio.Future[bool] | None]] = asyncio.Queue()
        self._timers: dict[Timer, asyncio.TimerHandle] = {}
        self._visitor = Visitor()
        self._tasks: set[asyncio.Task[None]] = set()
        self.counts: dict[str, int] = {}

    async def run(self) -> None:
        """Take events until cancelled."""
        while True:
            event, asked = await self._events.get()
            mattered = await self.handle(event)
            if asked is not None and not asked.done():
                asked.set_result(mattered)

    def post(self, event: Event) -> None:
        """Queue an event; from the loop's thread."""
        self._events.put_nowait((event, None))

    async def ask(self, event: Event) -> bool:
        """Queue an event and wait until it has been handled. Returns whether it changed or caused anything."""
        asked: asyncio.Future[bool] = self._loop.create_future()
        self._events.put_nowait((event, asked))
        return await asked

    def take(self, message: Message) -> None:
        """Queue what a device told; from the loop's thread."""
        match message:
            case ReaderGave(device, Credential() as credential):
                self.post(self._visitor.presents(credential, _way(device)))
            case ReaderGave(device, CardFault() as fault):
                self.post(CardFailed(fault.problem, _way(device)))
            case SensorGave(signal=signal):
                turned = signal.kind is SignalKind.TURNED
                self.post(Passed(signal.direction) if turned else SensorSaw(signal))
            case SensorMissed():
                self.post(SensorDoubted())
            case DeviceUp(device):
                self.post(DeviceBack(device))
            case DeviceDown(device, why):
                self.post(DeviceLost(device, why))
            case FaceHint(attempt, problem):
                self.post(FaceHinted(attempt, problem))
            case FaceProbed():
                self.post(self._visitor.compare(message, self.rules))
            case FaceFailed(attempt, why):
                self.post(FaceCompared(attempt, FaceFacts(fault=why)))
            case _:
                raise TypeError(f"the lane takes no {type(message).__name__}")

    async def handle(self, event: Event) -> bool:
        """One step with all its effects. Returns whether the event changed or caused anything."""
        now = self._clock.now()
        before = self.lane
        self.lane, effects = step(before, event, self.rules.policy, now)
        if self.lane.attempt != before.attempt:
            self._visitor.forget()
        for effect in effects:
            if not await self._carry_out(effect, now.wall):
                break
        return self.lane is not before or bool(effects)

    async def use(self, rules: Rules) -> None:
        """From here on these rules hold; they stand in the ledger before they are used."""
        if rules is self.rules:
            return
        try:
            await self._in_store(lambda: self._stores.write_rules(rules, self._clock.wall()))
        except StoreError as error:
            self._fail_ledger(str(error))
            return
        self.rules = rules

    async def _carry_out(self, effect: Effect, at: float) -> bool:
        """Do one effect. Returns whether the effects behind it may follow."""
        match effect:
            case Record():
                return await self._write(effect, at)
            case Release(attempt, seconds):
                self._watch(self._barrier.pulse(seconds), attempt)
            case Hold(opened):
                self._watch(self._barrier.hold(opened), None)
            case Show(view):
                self._tell(view)
            case StartTimer():
                self._start_timer(effect)
            case Lookup(attempt, scan):
                self._spawn(self._look_up(attempt, scan))
            case Capture(attempt, ticket, seconds):
                self._capture(attempt, ticket, seconds)
            case StopCapture(attempt):
                if self._eyes is not None:
                    self._eyes.cancel(attempt)
            case Claim(attempt):
                # No authority is in reach of a gate that works alone; the event's offline rule speaks.
                self.post(ClaimAnswered(attempt, ClaimAnswer.NO_ANSWER))
        return True

    async def _write(self, record: Record, at: float) -> bool:
        try:
            await self._in_store(lambda: self._stores.write(record, at, self.rules.digest))
        except (StoreError, WireError) as error:
            self._fail_ledger(str(error))
            return False
        if isinstance(record.body, DecisionBody):
            self._log_decision(record.body)
        self.counts[record.kind] = self.counts.get(record.kind, 0) + 1
        return True

    def _log_decision(self, body: DecisionBody) -> None:
        word = body.decision
        self.counts[word.verdict] = self.counts.get(word.verdict, 0) + 1
        steps = " ".join(f"{name}={ms:.1f}" for name, ms in body.ms.items())
        _log.info("attempt=%d verdict=%s reason=%s %s", body.attempt, word.verdict, word.reason, steps)

    def _fail_ledger(self, why: str) -> None:
        _log.critical("the ledger takes no entries: %s", why)
        self.post(RecordFailed(self.lane.attempt, why))
        self._spawn(self._reopen())

    async def _reopen(self) -> None:
        while True:
            await asyncio.sleep(REOPEN_S)
            try:
                kept = await self._in_store(self._stores.ledger.reopen)
            except StoreError as error:
                _log.error("the ledger still takes no entries: %s", error)
                continue
            _log.warning("the ledger is back; %d entries had been kept", len(kept))
            self.post(DeviceBack("ledger"))
            return

    async def _look_up(self, attempt: int, scan: int) -> None:
        credential = self._visitor.credential(scan)
        if credential is None:
            self.post(LookupFailed(attempt, "the scan is gone"))
            return
        try:
            found = await self._in_store(lambda: self._stores.look_up(credential))
        except StoreError as error:
            _log.error("the look-up failed: %s", error)
            self.post(LookupFailed(attempt, type(error).__name__))
            return
        if attempt == self.lane.attempt:
            self._visitor.expect(found.references)
        self.post(TicketFound(attempt, found.facts, found.holders))

    def _capture(self, attempt: int, ticket: str, seconds: float) -> None:
        self._visitor.look_for(ticket)
        if self._eyes is None:
            self.post(FaceCompared(attempt, FaceFacts(fault="this lane has no camera")))
        else:
            self._eyes.capture(attempt, seconds)

    def _start_timer(self, effect: StartTimer) -> None:
        running = self._timers.pop(effect.timer, None)
        if running is not None:
            running.cancel()
        event = TimedOut(effect.attempt, effect.timer)
        self._timers[effect.timer] = self._loop.call_later(effect.seconds, self.post, event)

    def _watch(self, done: Future[None], attempt: int | None) -> None:
        """Hear of a relay that did not obey."""

        def tell(finished: Future[None]) -> None:
            error = None if finished.cancelled() else finished.exception()
            if error is not None:
                self._loop.call_soon_threadsafe(self._relay_failed, attempt, str(error))

        done.add_done_callback(tell)

    def _relay_failed(self, attempt: int | None, why: str) -> None:
        _log.error("the relay did not obey: %s", why)
        if attempt is not None:
            self.post(ReleaseFailed(attempt, why))

    async def _in_store(self, ask: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._store, ask)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def judge_clock(self) -> None:
        """Tell the lane when the clock has become right or wrong."""
        if self._clock.trusted is not self.lane.clock_trusted:
            self.post(ClockJudged(self._clock.trusted))


def _way(reader: str) -> Direction | None:
    """A second reader on the inner side lets people out; the other follows the lane."""
    return Direction.EXIT if reader == EXIT_READER else None
