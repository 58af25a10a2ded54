"""A lane on paper: carries out no effect but the timers, moves time by hand, and remembers every step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from gate.core.effects import Effect, StartTimer
from gate.core.events import Event, TimedOut, Timer
from gate.core.lane import step
from gate.core.state import Lane
from models.decision import Now, Policy
from models.view import Phase
from tests.gate.core.stories import Move
from tests.gate.core.strategies import NOW

E = TypeVar("E")

REST = frozenset({Phase.IDLE, Phase.PAUSED, Phase.FREE, Phase.FAULT})


@dataclass(frozen=True)
class Taken:
    """One step that was taken."""

    before: Lane
    event: Event
    after: Lane
    effects: tuple[Effect, ...]
    now: Now
    timers: dict[Timer, tuple[float, int]]  # that run after it: when each is due, and of which attempt


class PaperLane:
    """Runs `step` and keeps its timers: a newer one of the same name replaces the older."""

    def __init__(self, lane: Lane, policy: Policy, now: Now = NOW) -> None:
        self.lane, self.policy, self.now = lane, policy, now
        self.timers: dict[Timer, tuple[float, int]] = {}
        self.taken: list[Taken] = []

    @property
    def phase(self) -> Phase:
        """Where the lane stands."""
        return self.lane.phase

    def tell(self, *events: Event) -> tuple[Effect, ...]:
        """These events happen now; returns what the last of them caused."""
        effects: tuple[Effect, ...] = ()
        for event in events:
            before = self.lane
            self.lane, effects = step(before, event, self.policy, self.now)
            for effect in effects:
                if isinstance(effect, StartTimer):
                    self.timers[effect.timer] = (self.now.mono + effect.seconds, effect.attempt)
            self.taken.append(Taken(before, event, self.lane, effects, self.now, dict(self.timers)))
        return effects

    def wait(self, seconds: float) -> None:
        """Let time go by, and the timers that come due in it run down."""
        until = self.now.mono + seconds
        while self.timers and min(self.timers.values())[0] <= until:
            self.fire_next()
        self._move_to(until)

    def fire_next(self) -> None:
        """Let time go by up to the next timer."""
        which = min(self.timers, key=lambda timer: self.timers[timer])
        due, attempt = self.timers.pop(which)
        self._move_to(max(due, self.now.mono))
        self.tell(TimedOut(attempt, which))

    def play(self, story: Iterable[Move]) -> PaperLane:
        """Let a story happen."""
        for move in story:
            self.wait(move.wait_s)
            self.tell(move.event_at(self.lane))
        return self

    def left_alone(self) -> Iterator[PaperLane]:
        """This lane as it stood after each step, to go on from there in another way."""
        for taken in self.taken:
            lane = PaperLane(taken.after, self.policy, taken.now)
            lane.timers = dict(taken.timers)
            yield lane

    def effects(self, kind: type[E]) -> list[E]:
        """All effects of a kind so far, in order."""
        return [effect for taken in self.taken for effect in taken.effects if isinstance(effect, kind)]

    def _move_to(self, mono: float) -> None:
        self.now = replace(self.now, wall=self.now.wall + mono - self.now.mono, mono=mono)
