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

from gate.before_card import BeforeCard
from gate.by_eye import ByEye
from gate.claims import Authority, Nobody
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
    CardRead,
    ClaimAnswered,
    ClockJudged,
    DeviceBack,
    Event,
    FaceCompared,
    LookupFailed,
    RecordFailed,
    ReleaseFailed,
    TicketFound,
    TimedOut,
    Timer,
)
from gate.core.lane import step
from gate.core.state import Lane, may_go_on, scans_to_keep
from gate.hardware import Barrier, Eyes
from gate.hearing import event_of
from gate.messages import Message
from gate.stores import Rules, Stores
from gate.tally import Tally
from gate.visitor import Visitor, portrait_to_use
from models.credential import Credential
from models.decision import FaceFacts
from models.link import Ask, claim_name
from models.record import DecisionBody
from models.store.errors import StoreError
from models.view import LaneView
from models.wire import WireError

_log = logging.getLogger("gate.lane")

T = TypeVar("T")

REOPEN_S = 0.5  # how soon a ledger that failed is tried again


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
        authority: Authority | None = None,
        tally: Tally | None = None,
    ) -> None:
        self.lane, self.rules = lane, rules
        self._stores, self._barrier, self._eyes = stores, barrier, eyes
        self._clock, self._store, self._tell = clock, store, tell
        self._authority = authority or Nobody()
        self._loop = asyncio.get_running_loop()
        self._turns: asyncio.Queue[tuple[Event | Rules | Exception, asyncio.Future[bool] | None]] = asyncio.Queue()
        self._timers: dict[Timer, asyncio.TimerHandle] = {}
        self.by_eye = ByEye(eyes)
        self._before_card = BeforeCard(eyes)
        self._visitor = Visitor(eyes.opens, stores.faces) if eyes is not None else Visitor()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reopening, self.tally = False, tally or Tally()
        self.waiting = self._turns.qsize  # events that are still to be taken

    async def run(self) -> None:
        """Take events until cancelled. Raises whatever went wrong unforeseen, in a task of the lane's own as well."""
        try:
            while True:
                turn, asked = await self._turns.get()
                mattered = await self._take_turn(turn)
                if asked is not None and not asked.done():
                    asked.set_result(mattered)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _take_turn(self, turn: Event | Rules | Exception) -> bool:
        if isinstance(turn, Exception):
            raise turn
        return await (self._use(turn) if isinstance(turn, Rules) else self.handle(turn))

    def post(self, event: Event) -> None:
        """Queue an event; from the loop's thread."""
        self._turns.put_nowait((event, None))

    async def ask(self, event: Event) -> bool:
        """Queue an event and wait until it has been handled. Returns whether it changed or caused anything."""
        return await self._in_turn(event)

    async def use(self, rules: Rules) -> None:
        """Queue rules: once they stand in the ledger they hold, for all that comes after."""
        if rules is not self.rules:
            await self._in_turn(rules)

    async def _in_turn(self, turn: Event | Rules) -> bool:
        asked: asyncio.Future[bool] = self._loop.create_future()
        self._turns.put_nowait((turn, asked))
        return await asked

    def take(self, message: Message) -> None:
        """Queue what a device told; from the loop's thread."""
        self.post(event_of(message, self._visitor, self.rules))

    async def handle(self, event: Event) -> bool:
        """One step with all its effects. Returns whether the event changed or caused anything, and is on record."""
        now = self._clock.now()
        before = self.lane
        self.lane, effects = step(before, event, self.rules.policy, now)
        if isinstance(event, CardRead):
            self._visitor.has_come(event.scan)
        if self.lane.attempt != before.attempt or not may_go_on(self.lane):
            self._visitor.forget()
        self.by_eye.follow(self.lane, self.rules.policy)
        self._before_card.follow(self.lane, self.rules.policy)
        done = await self._carry_out_all(effects, now.wall)
        self._visitor.keep_only(scans_to_keep(self.lane))
        return done and (self.lane is not before or bool(effects))

    async def _carry_out_all(self, effects: tuple[Effect, ...], at: float) -> bool:
        for effect in effects:
            if not await self._carry_out(effect, at):
                return False
        return True

    async def _use(self, rules: Rules) -> bool:
        try:
            await self._in_store(lambda: self._stores.write_rules(rules, self._clock.wall()))
        except StoreError as error:
            await self._fail_ledger(str(error))
            return False
        self.rules = rules
        self._before_card.follow(self.lane, rules.policy)
        return True

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
                self._spawn(self._look_up(attempt, self._visitor.credential(scan)))
            case Capture(attempt, ticket, seconds, turn):
                self._capture(attempt, ticket, seconds, turn)
            case StopCapture(attempt):
                if self._eyes is not None:
                    self._eyes.cancel(attempt)
            case Claim(attempt, ticket):
                name, facts = claim_name(self._stores.ledger.epoch, attempt), self.lane.facts
                step = facts.card.code_step if facts.card else None
                ask = Ask(name, self.rules.policy.event, ticket, facts.direction, at, step)
                self._spawn(self._claim(attempt, ask))
        return True

    async def _write(self, record: Record, at: float) -> bool:
        try:
            entry = await self._in_store(lambda: self._stores.write(record, at, self.rules.digest))
        except (StoreError, WireError) as error:
            await self._fail_ledger(str(error))
            return False
        if isinstance(record.body, DecisionBody):
            self._log_decision(record.body)
        self._authority.wrote(entry.seq)
        self.tally.wrote(record.kind, record.body, at, self.lane)
        return True

    def _log_decision(self, body: DecisionBody) -> None:
        word = body.decision
        steps = " ".join(f"{name}={ms:.1f}" for name, ms in body.ms.items())
        _log.info("attempt=%d verdict=%s reason=%s %s", body.attempt, word.verdict, word.reason, steps)

    async def _fail_ledger(self, why: str) -> None:
        """The lane learns of it before anything else can happen."""
        _log.critical("the ledger takes no entries: %s", why)
        if not self._reopening:
            self._reopening = True
            self._spawn(self._reopen())
        await self.handle(RecordFailed(self.lane.attempt, why))

    async def _reopen(self) -> None:
        while self._reopening:
            await asyncio.sleep(REOPEN_S)
            try:
                kept = await self._in_store(self._stores.reopen)
            except StoreError as error:
                _log.error("the ledger still takes no entries: %s", error)
                continue
            _log.warning("the ledger is back; %d entries had been kept", kept)
            self._reopening = False
            self.post(DeviceBack("ledger"))

    async def _look_up(self, attempt: int, credential: Credential | None) -> None:
        if credential is None:
            self.post(LookupFailed(attempt, "the scan is gone"))
            return
        try:
            found, rules = await self._in_store(lambda: self._stores.look_up_by_rules(credential, self.rules))
        except StoreError as error:
            _log.error("the look-up failed: %s", error)
            self.post(LookupFailed(attempt, type(error).__name__))
            return
        await self.use(rules)
        if attempt == self.lane.attempt:
            self.by_eye.keep(attempt, credential.portrait, self.rules.policy)
            portrait = portrait_to_use(credential, self.lane.facts.card, found.facts, self.rules.policy)
            self._visitor.expect(found.references, portrait)
        self.post(TicketFound(attempt, found.facts, found.holders))

    async def _claim(self, attempt: int, ask: Ask) -> None:
        told = await self._authority.ask(ask)
        self.post(ClaimAnswered(attempt, told.answer, told.first))

    def _capture(self, attempt: int, ticket: str, seconds: float, turn: bool) -> None:
        portrait = self._visitor.look_for(ticket, attempt)
        if self._eyes is None:
            self.post(FaceCompared(attempt, FaceFacts(fault="this lane has no camera")))
        else:
            self._eyes.capture(attempt, seconds, portrait, turn)

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
        task.add_done_callback(self._spawned_ended)

    def _spawned_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._turns.put_nowait((error, None))

    def judge_clock(self) -> None:
        """Tell the lane when the clock has become right or wrong."""
        if self._clock.trusted is not self.lane.clock_trusted:
            self.post(ClockJudged(self._clock.trusted))
