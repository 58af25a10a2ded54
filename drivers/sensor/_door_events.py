"""From a door board's events to signals: in their order, none twice, and none missing without a word. Pure logic.

Events come unasked and may get lost; a status that is asked for tells how many there should be. `EventTrail` finds the
gaps, says what to ask for and lets events out in their order. `Door` tells what they mean for one door. Times are in
seconds of any clock that only goes forward.
"""

from __future__ import annotations

from collections.abc import Iterator

from drivers._uhppote import FIRE_BIT, FORCED_LOCK_BIT, Event, EventKind, Reason, Status
from models.passage import Direction, SensorSignal, SignalKind

ALARM_S = 60.0
"""The board doesn't say when an alarm is over: it is when none has come for so long."""
BUTTON_S = 10.0
"""Whoever pressed the button has so long to go through."""
MOST_FETCHED = 30

_FOREVER = float("inf")
_FIRE = SensorSignal(SignalKind.FIRE)
_LOCK = SensorSignal(SignalKind.JAM, detail="forced lock")
_HELD = SensorSignal(SignalKind.HELD_OPEN)
_ALARMS = {
    Reason.FIRE: _FIRE,
    Reason.FORCED_LOCK: _LOCK,
    Reason.THEFT: SensorSignal(SignalKind.TAMPER, detail="theft alarm"),
    Reason.ZONE: SensorSignal(SignalKind.TAMPER, detail="zone alarm"),
    Reason.EMERGENCY: SensorSignal(SignalKind.TAMPER, detail="emergency alarm"),
}
_BITS = {FIRE_BIT: _FIRE, FORCED_LOCK_BIT: _LOCK}


class EventTrail:
    """Lets events out in their order. `lost` counts those that nobody can tell any more, until it is set back."""

    def __init__(self) -> None:
        self.lost = 0
        self.went_back = False
        self._seen: int | None = None
        self._newest: Status | None = None
        self._before = 0

    @property
    def wanted(self) -> int | None:
        """The index of the event to ask for, if one is missing."""
        return None if self._newest is None or self._seen is None else self._seen + 1

    def take(self, status: Status, *, asked: bool) -> list[Event | Status]:
        """What is now known in order: events, then how things stand. `asked`: the status answers a question."""
        index = status.event.index
        if self._seen is None:
            self._seen = index
        if index < self._seen:
            return self._see_older(status, index) if asked else []  # repeated or late
        self._before = 0
        if self._newest is not None and index < self._newest.event.index:
            return []
        if index - self._seen <= 1:
            return self._reach(status)
        self._newest = status
        return self.give_up() if index - self._seen > MOST_FETCHED else []

    def fetched(self, event: Event) -> list[Event | Status]:
        """The answer to a question for `wanted`."""
        if self._newest is None or self._seen is None:
            return []
        if event.index != self._seen + 1 or event.kind in (EventKind.NONE, EventKind.GONE):
            return self.give_up() if event.index == 0 or event.kind == EventKind.GONE else []
        self._seen += 1
        return [event, *(self._reach(self._newest) if self._newest.event.index == self._seen + 1 else [])]

    def give_up(self) -> list[Event | Status]:
        """What was missing stays so."""
        if self._newest is None or self._seen is None:
            return []
        self.lost += self._newest.event.index - self._seen - 1
        self._seen = self._newest.event.index - 1
        return self._reach(self._newest)

    def _reach(self, status: Status) -> list[Event | Status]:
        is_new = status.event.index != self._seen
        self._seen, self._newest = status.event.index, None
        return [status.event, status] if is_new else [status]

    def _see_older(self, status: Status, index: int) -> list[Event | Status]:
        """The count went back: an old answer, or a board whose memory was cleared if it says so twice."""
        self._before += 1
        if self._before < 2:
            return []
        self._seen, self._newest, self._before, self.went_back = index, None, 0, True
        return [status]


class Door:
    """What events mean at door `number`. `way` is the direction of those who don't press the button."""

    def __init__(self, number: int, *, way: Direction = Direction.ENTRY, held_s: float = 10.0) -> None:
        self._number = number
        self._way = way
        self._held_s = held_s
        self._open: bool | None = None
        self._open_at = 0.0
        self._button_at = -_FOREVER
        self._standing: dict[SensorSignal, float] = {}
        """What stands, and until when if nothing else is heard."""

    def take(self, known: Event | Status, now: float) -> Iterator[SensorSignal]:
        """What an event or a status tells."""
        if isinstance(known, Status):
            yield from self._compare(known, now)
        elif known.kind == EventKind.ALARM and known.reason in _ALARMS:
            yield from self._stand(_ALARMS[Reason(known.reason)], now + ALARM_S)
        elif known.door == self._number:
            yield from self._see(known.reason, now)

    def tick(self, now: float) -> Iterator[SensorSignal]:
        """What time alone has brought about."""
        for signal in [signal for signal, until in self._standing.items() if until <= now]:
            yield from self._end(signal)
        if self._open and now - self._open_at >= self._held_s:
            yield from self._stand(_HELD, _FOREVER)

    def _see(self, reason: int, now: float) -> Iterator[SensorSignal]:
        if reason == Reason.BUTTON:
            self._button_at = now
        elif reason in (Reason.DOOR_OPENED, Reason.FORCED_OPEN):
            yield from self._move(True, now)
        elif reason == Reason.DOOR_CLOSED:
            yield from self._move(False, now)
        elif reason == Reason.OPEN_TOO_LONG:
            yield from self._move(True, now)
            yield from self._stand(_HELD, _FOREVER)

    def _compare(self, status: Status, now: float) -> Iterator[SensorSignal]:
        """Make good what no event told. A door that is open at the first look is no turn."""
        is_open = status.doors[self._number - 1]
        if self._open is None:
            self._open, self._open_at = is_open, now
        if status.buttons[self._number - 1]:
            self._button_at = now
        yield from self._move(is_open, now)
        for bit, signal in _BITS.items():
            if status.inputs & bit:
                yield from self._stand(signal, _FOREVER)
            elif self._standing.get(signal) == _FOREVER:
                yield from self._end(signal)

    def _move(self, is_open: bool, now: float) -> Iterator[SensorSignal]:
        if is_open == self._open:
            return
        self._open, self._open_at = is_open, now
        if not is_open:
            yield from self._end(_HELD)
            return
        pressed, self._button_at = now - self._button_at <= BUTTON_S, -_FOREVER
        back = Direction.ENTRY if self._way is Direction.EXIT else Direction.EXIT
        yield SensorSignal(SignalKind.TURNED, back if pressed else self._way)

    def _stand(self, signal: SensorSignal, until: float) -> Iterator[SensorSignal]:
        is_new = signal not in self._standing
        self._standing[signal] = max(until, self._standing.get(signal, 0.0))
        if is_new:
            yield signal

    def _end(self, signal: SensorSignal) -> Iterator[SensorSignal]:
        if self._standing.pop(signal, None) is not None:
            yield SensorSignal(SignalKind.CLEARED, detail=signal.detail or signal.kind.value)
