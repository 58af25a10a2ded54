"""A passage sensor made of contacts and light beams on GPIO lines of this computer.

    gpio:///dev/gpiochip0?turn_in=22&turn_out=23&fire=24&beam_a=GPIO5:nc&beam_b=GPIO6:nc

The options name lines by number or by name, as `gpioinfo` lists them, and may say how a contact rests: see `_contacts`.
Contacts go from the line to ground and use the chip's own pull-up (`bias=up`, a closed contact is low); with
`bias=down` they go to the supply, and a closed one is high. GPIO pins take 3.3 V and no long wires: put opto-couplers
between them and the turnstile.

The kernel stamps each edge with its time, so a turn is told right however late it is read; the chip's own filter only
keeps storms of edges off. Every two seconds the levels are read as a whole, which makes good what edges didn't tell.
Where the kernel says that edges were lost, `read` raises once: a turn may have been missed.

The fire input frees the turnstile by its own wire. What arrives here is only seen and written down.

Device: contacts and light beams on GPIO lines (libgpiod 2)
Does: turns, held open, jam, fire, tampering, cabinet door, stuck contacts; direction and a second person by beams
Tried: simulated chip, bad wires, random edge sequences
Untried: any real chip, the kernel's gpio-sim
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping

from drivers import _contacts
from drivers._bench_wire import Port
from drivers._gpio_board import ChipSimulator
from drivers._gpio_lines import BIASES, TRANSPORTS, Bias, open_inputs
from drivers._gpio_lines import Inputs as Lines
from drivers._inputs import Contact, Inputs, Timing
from drivers.errors import BadAnswer, DriverError
from drivers.url import DeviceUrl
from models.passage import Direction, SensorSignal

__all__ = ["OPTIONS", "TRANSPORTS", "GpioSensor", "TurnstileSimulator", "open", "simulator"]

OPTIONS: dict[str, str] = {
    **_contacts.OPTIONS,
    "bias": "the chip's own resistor: up, down, off or as_is (up)",
    "active": "level of a closed contact, high or low (low; high with bias=down)",
}

LOOK_S = 2.0
"""How often all levels are read."""

_FILTER_MS = 5.0
_LATE_S = 0.005  # by so much an edge may come later than it says


class GpioSensor:
    """The host's half."""

    def __init__(self, lines: Lines, contacts: Mapping[str, Contact], timing: Timing | None = None) -> None:
        """Takes over `lines`, which are the inputs of `contacts`. A turn that stands at the first look isn't one."""
        self._lines = lines
        self._inputs = Inputs(contacts, timing or Timing())
        self._queue: deque[SensorSignal] = deque()
        self._look()

    def read(self, timeout: float) -> SensorSignal | None:
        """The next signal, or `None`. Raises `BadAnswer` once where edges were lost, and whatever the chip does."""
        ends = time.monotonic() + timeout
        while not self._queue:
            now = time.monotonic()
            due = self._inputs.due()
            until = min(ends, self._look_at, ends if due is None else due + _LATE_S)
            self._listen(max(0.0, until - now))
            if not self._queue and time.monotonic() >= ends:
                return None
        return self._queue.popleft()

    def close(self) -> None:
        """Give the lines back."""
        self._lines.close()

    def _listen(self, timeout: float) -> None:
        """Take in what has come; where nothing has, see what time has brought about."""
        began = time.monotonic()
        try:
            edges = self._lines.wait(timeout)
        except BadAnswer:
            self._look_at = began  # after the edges that were kept
            raise
        for edge in edges:
            self._queue += self._inputs.edge(edge.line, edge.level, edge.at_ns / 1e9)
        if not edges:
            self._queue += self._inputs.tick(max(began, time.monotonic() - _LATE_S))
            if time.monotonic() >= self._look_at:
                self._look()

    def _look(self) -> None:
        levels, now = self._lines.levels(), time.monotonic()
        self._look_at = now + LOOK_S
        self._queue += self._inputs.sample(levels, now)


def open(url: DeviceUrl) -> GpioSensor:
    """Ask for the lines, and look at them."""
    biases: dict[str, Bias] = {bias: bias for bias in BIASES}
    bias = biases[url.choice("bias", BIASES, "up")]
    closed = url.choice("active", _contacts.LEVELS, "high" if bias == "down" else "low") == "high"
    contacts = _contacts.contacts_of(url, lambda name, source: source, closed_level=closed)
    timing = _contacts.timing_of(url)
    filter_ms = min(_FILTER_MS, timing.beam_debounce_s * 500)
    lines = open_inputs(url, [contact.input for contact in contacts.values()], bias=bias, debounce_ms=filter_ms)
    try:
        return GpioSensor(lines, contacts, timing)
    except DriverError:
        lines.close()
        raise


# --- The turnstile's half ---------------------------------------------------------------------------------------------


WIRING = {
    **{"turn_in": 22, "turn_out": 23, "fire": 24, "tamper": 25, "cabinet": 26, "held": 27},
    **{"jam": 16, "second": 20, "beam_a": 5, "beam_b": 6},
}


class TurnstileSimulator(ChipSimulator):
    """A chip with a turnstile's contacts between its lines and ground, and its beams. `WIRING` says which is where.

    The fire loop is closed at rest, all else is open. `turn` and `beam` take as long as a quick person does.
    """

    def __init__(self, port: Port) -> None:
        super().__init__(port)
        self.step_s = 0.06
        self._closed = {WIRING["fire"]}
        self._pace = threading.Event()  # never set: people need time

    def contact(self, name: str, closed: bool) -> None:
        """Close or open one contact of `WIRING`."""
        line = WIRING[name]
        (self._closed.add if closed else self._closed.discard)(line)
        self.drive(line, not closed)

    def turn(self, direction: Direction = Direction.ENTRY) -> None:
        """Somebody goes through: the contact of `direction` closes and opens."""
        name = "turn_in" if direction is Direction.ENTRY else "turn_out"
        for closed in (True, False):
            self.contact(name, closed)
            self._pace.wait(self.step_s)

    def walk(self, direction: Direction = Direction.ENTRY) -> None:
        """Somebody goes through the beams."""
        first, second = ("beam_a", "beam_b") if direction is Direction.ENTRY else ("beam_b", "beam_a")
        for name, blocked in ((first, True), (second, True), (first, False), (second, False)):
            self.contact(name, blocked)
            self._pace.wait(self.step_s)

    def command(self, text: str) -> str:
        """One of the commands that `help` names."""
        match text.split():
            case ["turn" | "walk" as word]:
                (self.turn if word == "turn" else self.walk)()
            case ["turn" | "walk" as word, "entry" | "exit" as way]:
                (self.turn if word == "turn" else self.walk)(Direction(way))
            case ["beam", "a" | "b" as which, "on" | "off" as level]:
                self.contact(f"beam_{which}", level == "on")
            case [name, "on" | "off" as level] if name in WIRING:
                self.contact(name, (level == "on") != (name == "fire"))
            case ["options"]:
                return "&".join(f"{name}={line}" for name, line in WIRING.items())
            case _:
                own = "turn, turn exit, walk, walk exit, beam a on, fire on, held off"
                return f"{super().command(text)}; of the turnstile: {own}, options (for the URL)"
        return "done"

    def _do(self, words: list[str]) -> str:
        answer = super()._do(words)
        if words[0] != "in":
            return answer
        for line in self._closed:  # a closed contact is stronger than the chip's resistor
            self._pins[line].high = self._pins[line].counted = False
        return self._spell()


def simulator(port: Port) -> TurnstileSimulator:
    """A chip and its turnstile on `port`."""
    return TurnstileSimulator(port)
