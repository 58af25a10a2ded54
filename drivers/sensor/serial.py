"""A passage sensor on a serial line, both ends of the wire.

The lines are described in `_contact_lines`. The board says once a second that it is alive and how far it has counted.
So a dead line is told from a quiet one, a lost message is noticed within a second, and a lost state is made good by the
next sign of life. A lost turn can't be: `read` then raises `BadAnswer` once, so that somebody knows of it.

The fire input frees the turnstile by its own wire. What arrives here is only seen and written down. The board debounces
and decides by itself; for bare contacts see `sensor/gpio` and `sensor/modbus`.

Device: contact board that speaks our own line protocol
Does: turns, second person, held open, fire, tampering; lost messages noticed within a second
Tried: simulator, bad wires
Untried: a real board; none is sold, a microcontroller has to be programmed
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from drivers.errors import BadAnswer, DeviceLost, DriverError
from drivers.sensor._contact_lines import COUNTERS, Broken, Line, LineCutter, encode
from drivers.transport import PtyPort, Transport, open_transport
from drivers.url import DeviceUrl
from models.passage import Direction, SensorSignal, SignalKind

BAUD = 9600
TRANSPORTS: tuple[str, ...] = ("serial", "tcp")
OPTIONS: dict[str, str] = {}

BEAT_S = 1.0
SILENCE_S = 3.0
"""So long without one good line, and the board counts as gone."""

_EVENTS = {b"T": SignalKind.TURNED, b"P": SignalKind.SECOND_PERSON}
_STATES = {b"H": SignalKind.HELD_OPEN, b"F": SignalKind.FIRE, b"X": SignalKind.TAMPER}
_BITS = {SignalKind.HELD_OPEN: 1, SignalKind.FIRE: 2, SignalKind.TAMPER: 4}
_SIGNS = {Direction.ENTRY: b"+", Direction.EXIT: b"-"}


@dataclass(slots=True)
class Stats:
    """What the line was like since connecting."""

    messages: int = 0
    broken: int = 0
    lost: int = 0


class SerialSensor:
    """The host's half."""

    def __init__(
        self, wire: Transport, *, silence_s: float = SILENCE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.stats = Stats()
        self._wire = wire
        self._silence_s = silence_s
        self._clock = clock
        self._heard_at = clock()
        self._cutter = LineCutter()
        self._counter: int | None = None
        self._standing: set[SignalKind] = set()
        self._queue: deque[SensorSignal | BadAnswer] = deque()

    def read(self, timeout: float) -> SensorSignal | None:
        """The next signal, or `None`.

        Raises `BadAnswer` for a broken line and, once, for lost messages (`stats` counts both; what comes after them
        is kept for the next call), and `DeviceLost` after `SILENCE_S` without a good line.
        """
        ends = self._clock() + timeout
        self._hear(0.0)
        while not self._queue and (left := ends - self._clock()) > 0:
            self._hear(left)
        if not self._queue:
            return None
        item = self._queue.popleft()
        if isinstance(item, BadAnswer):
            raise item
        return item

    def greet(self) -> None:
        """Wait for the first good line. Raises `DeviceLost` when none comes within the time of silence."""
        while not self.stats.messages:
            self._hear(self._silence_s)

    def close(self) -> None:
        """Give the line back."""
        self._wire.close()

    def _hear(self, timeout: float) -> None:
        """Take in what the line has, waiting up to `timeout`, and look at how long the board has been silent."""
        quiet_left = self._heard_at + self._silence_s - self._clock()
        data = self._wire.read(max(0.0, min(timeout, quiet_left)))
        for item in self._cutter.feed(data):
            if isinstance(item, Line):
                self._heard_at = self._clock()
                self._take(item)
            else:
                self._complain(item)
        if not self._queue and self._clock() - self._heard_at > self._silence_s:
            raise DeviceLost(f"passage sensor: no sign of life for {self._silence_s:g} s")

    def _complain(self, broken: Broken) -> None:
        if self._counter is None:
            return  # connected in the middle of a line
        self.stats.broken += 1
        self._queue.append(BadAnswer(f"passage sensor: a line of {broken.size} bytes fails its check"))

    def _take(self, line: Line) -> None:
        self.stats.messages += 1
        self._count(line)
        mark, sign = line.what[:1], line.what[1:]
        if mark == b"A":
            self._compare(int(sign))
        elif mark in _EVENTS:
            direction = Direction.ENTRY if sign == b"+" else Direction.EXIT
            self._queue.append(SensorSignal(_EVENTS[mark], direction))
        else:
            self._stand(_STATES[mark], sign == b"!")

    def _count(self, line: Line) -> None:
        """Notice missing messages. The first line heard only sets the count."""
        before, self._counter = self._counter, line.counter
        if before is None:
            return
        lost = (line.counter - before - (line.what[:1] != b"A")) % COUNTERS
        if lost:
            self.stats.lost += lost
            self._queue.append(BadAnswer(f"passage sensor: {lost} lost between {before:03d} and {line.counter:03d}"))

    def _compare(self, bits: int) -> None:
        for state, bit in _BITS.items():
            self._stand(state, bool(bits & bit))

    def _stand(self, state: SignalKind, stands: bool) -> None:
        if stands == (state in self._standing):
            return
        if stands:
            self._standing.add(state)
            self._queue.append(SensorSignal(state))
        else:
            self._standing.discard(state)
            self._queue.append(SensorSignal(SignalKind.CLEARED, detail=state.value))


def open(url: DeviceUrl) -> SerialSensor:
    """Connect. What was said before is thrown away; states that still stand arrive with the next `A` line."""
    wire = open_transport(url, BAUD)
    try:
        wire.discard()
    except DriverError:
        wire.close()
        raise
    return SerialSensor(wire)


# --- The board's half -------------------------------------------------------------------------------------------------


class SensorSimulator:
    """A contact board on the far end of `port`. `run` sends the sign of life; the rest may be called from any thread.

    `mute`: counts on and says nothing, as a cut wire would.
    """

    def __init__(self, port: PtyPort, *, beat_s: float = BEAT_S) -> None:
        self.port = port
        self.mute = False
        self._beat_s = beat_s
        self._counter = 0
        self._bits = 0
        self._lock = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Say once a second that the board is alive, until told to stop."""
        while not stop.is_set():
            self.beat()
            stop.wait(self._beat_s)

    def beat(self) -> None:
        """Send one sign of life."""
        with self._lock:
            self._send(b"A%d" % self._bits)

    def turn(self, direction: Direction = Direction.ENTRY) -> None:
        """Somebody went through."""
        self._tell(b"T" + _SIGNS[direction])

    def second_person(self, direction: Direction = Direction.ENTRY) -> None:
        """Somebody went along with somebody."""
        self._tell(b"P" + _SIGNS[direction])

    def held_open(self) -> None:
        """The turnstile is kept from closing."""
        self._stand(b"H", True)

    def fire(self) -> None:
        """The fire input is up."""
        self._stand(b"F", True)

    def tamper(self) -> None:
        """The cover was opened."""
        self._stand(b"X", True)

    def clear(self, state: SignalKind | None = None) -> None:
        """`state` is over, or all that stand."""
        for mark, kind in _STATES.items():
            if state in (None, kind):
                self._stand(mark, False)

    def command(self, text: str) -> str:
        """One word: see `help`."""
        words: dict[str, Callable[[], None]] = {
            "turn": self.turn,
            "turn exit": lambda: self.turn(Direction.EXIT),
            "second": self.second_person,
            "second exit": lambda: self.second_person(Direction.EXIT),
            "held": self.held_open,
            "fire": self.fire,
            "tamper": self.tamper,
            "clear": self.clear,
            "mute": lambda: setattr(self, "mute", True),
            "speak": lambda: setattr(self, "mute", False),
        }
        act = words.get(" ".join(text.split()))
        if act is None:
            return "commands: " + ", ".join(words)
        act()
        return f"done; {self._counter:03d} sent, standing: {self._bits}"

    def _stand(self, mark: bytes, stands: bool) -> None:
        bit = _BITS[_STATES[mark]]
        if bool(self._bits & bit) != stands:
            self._tell(mark + (b"!" if stands else b"."), bit)

    def _tell(self, what: bytes, flips: int = 0) -> None:
        with self._lock:
            self._counter = (self._counter + 1) % COUNTERS
            self._bits ^= flips
            self._send(what)

    def _send(self, what: bytes) -> None:
        if self.mute:
            return
        self.port.write(encode(what, self._counter))


def simulator(port: PtyPort) -> SensorSimulator:
    """The board's half on `port`."""
    return SensorSimulator(port)
