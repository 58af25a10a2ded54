"""A GPIO chip without hardware: the far end of `_gpio_wire`, for `relay/gpio`, `signal/gpio` and `sensor/gpio`.

It does what the kernel does: a line belongs to one program, an edge bears the time at which it counted, a level counts
once it has lasted the debounce time, and a program that ends gives its lines back. What the pins do then is up to
`keeps_outputs`, as it is up to the chip in life.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from drivers._bench_wire import LineCutter, Port, encode

LINES = 28  # numbered from 0 and named GPIO0 to GPIO27, as on a Raspberry Pi


@dataclass(frozen=True, slots=True)
class Change:
    """One move of a pin that is driven by the host. `at` is monotonic time in seconds."""

    at: float
    line: int
    high: bool


@dataclass(slots=True)
class Pin:
    """One line. `high` is the pin's level, `counted` what is left of it after debouncing (`due` ends the wait)."""

    high: bool = False
    output: bool = False
    rest: bool = False
    stuck: bool = False
    consumer: str = ""
    listened: bool = False
    debounce_s: float = 0.0
    counted: bool = False
    due: float | None = None


class ChipSimulator:
    """A chip on the far end of `port`. `run` works until told to stop; the rest may be used from any thread.

    `mute`: obeys and never answers. `keeps_outputs`: pins given back stay driven as they were, as Raspberry Pi's own
    kernel has it; else they float, and `pull` is the level that they float to. `on_pulse` is called with the line's
    number whenever a driven line leaves the level it was asked for with.
    """

    def __init__(self, port: Port) -> None:
        self.port = port
        self.mute = False
        self.keeps_outputs = False
        self.pull = False
        self.pulses = 0
        self.changes: list[Change] = []
        self.on_pulse: Callable[[int], None] | None = None
        self._pins = [Pin() for _ in range(LINES)]
        self._cutter = LineCutter()
        self._edges = 0
        self._asked: list[int] = []
        self._lock = threading.RLock()
        self._news = threading.Condition()

    def run(self, stop: threading.Event) -> None:
        """Serve the wire."""
        while not stop.is_set():
            for words in self._cutter.feed(self.port.read(self._nap_s())):
                self._take(words)
            self._count_settled()

    def is_high(self, line: int) -> bool:
        """The level of a pin."""
        return self._pins[line].high

    def drive(self, line: int, high: bool) -> None:
        """Whatever is wired to an input gives it a level."""
        pin = self._pins[line]
        with self._lock:
            if pin.output or pin.high == high:
                return
            pin.high = high
            if not pin.listened:
                return
            pin.due = time.monotonic() + pin.debounce_s
            if not pin.debounce_s:
                self._count_settled()

    def occupy(self, line: int, consumer: str) -> None:
        """Another program has the line; an empty name is nobody."""
        self._pins[line].consumer = consumer

    def stick(self, line: int, stuck: bool = True) -> None:
        """The pin no longer follows."""
        self._pins[line].stuck = stuck

    def let_go(self) -> None:
        """The host's program has ended, however: its lines are given back."""
        with self._lock:
            for line in self._asked:
                pin = self._pins[line]
                level = pin.high if not pin.output or self.keeps_outputs else self.pull
                self._pins[line] = Pin(high=level, stuck=pin.stuck)
            self._asked, self._edges = [], 0

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until `condition` holds; looked at after every question."""
        with self._news:
            return self._news.wait_for(condition, timeout)

    def command(self, text: str) -> str:
        """One of the commands that the last line names."""
        known = {str(number): number for number in range(LINES)}
        match text.split():
            case ["state"]:
                high = [f"GPIO{n}" for n, pin in enumerate(self._pins) if pin.high]
                return f"high: {', '.join(high) or 'none'}; pulses: {self.pulses}"
            case ["high" | "low" as level, line] if line in known:
                self.drive(known[line], level == "high")
            case ["stick" | "free" as word, line] if line in known:
                self.stick(known[line], word == "stick")
            case ["occupy", line, consumer] if line in known:
                self.occupy(known[line], consumer)
            case ["mute" | "speak" as word]:
                self.mute = word == "mute"
            case ["die"]:
                self.let_go()
            case _:
                return "commands: state, high 22, low 22, stick 17, free 17, occupy 17 NAME, mute, speak, die"
        return "done"

    def _nap_s(self) -> float:
        """Until the next level counts, and not for long."""
        left = [pin.due - time.monotonic() for pin in self._pins if pin.due is not None]
        return max(0.0, min((0.05, *left)))

    def _count_settled(self) -> None:
        with self._lock:
            for line, pin in enumerate(self._pins):
                if pin.due is None or pin.due > time.monotonic():
                    continue
                pin.due = None
                if pin.high != pin.counted:
                    pin.counted = pin.high
                    self._edges += 1
                    self._say("*", self._edges, line, int(pin.high), time.monotonic_ns())

    def _say(self, *words: object) -> None:
        if not self.mute:
            with self._lock:
                self.port.write(encode(*words))

    def _take(self, words: list[str]) -> None:
        if len(words) < 3 or words[0] != "?":
            return
        with self._lock:
            try:
                outcome = ("ok", self._do(words[2:]))
            except _No as no:
                outcome = ("no", str(no))
            self._say("!", words[1], *filter(None, outcome))
        with self._news:
            self._news.notify_all()

    def _do(self, words: list[str]) -> str:
        match words:
            case ["hello"]:
                self.let_go()
            case ["out", levels, consumer]:
                self._claim([pair.partition("=")[0] for pair in levels.split(",")], consumer)
                for line, high in self._parse(levels):
                    pin = self._pins[line]
                    if not pin.output:  # else the question is asked again
                        pin.output, pin.rest = True, high
                    self._move(line, high)
                return self._spell()
            case ["in", lines, bias, debounce_ms, consumer]:
                for line in self._claim(lines.split(","), consumer):
                    pin = self._pins[line]
                    pin.high = {"up": True, "down": False}.get(bias, pin.high) if not pin.listened else pin.high
                    pin.debounce_s, pin.listened, pin.counted = float(debounce_ms) / 1000, True, pin.high
                return self._spell()
            case ["set", levels]:
                for line, high in self._parse(levels):
                    if not self._pins[line].output:
                        raise _No(f"EPERM line {line} is not driven by you")
                    self._move(line, high)
            case ["get"]:
                return self._spell()
            case _:
                raise _No("EINVAL not understood")
        return ""

    def _claim(self, names: list[str], consumer: str) -> list[int]:
        lines = [self._line(name) for name in names]
        for line in lines:
            if line not in self._asked and self._pins[line].consumer:
                raise _No(f"EBUSY line {line} by {self._pins[line].consumer}")
        for line in lines:
            self._pins[line].consumer = consumer
        self._asked = lines
        return lines

    def _line(self, name: str) -> int:
        number = unquote(name).removeprefix("GPIO")
        if not number.isdecimal() or int(number) >= LINES:
            raise _No(f"ENOENT it has no line {unquote(name)}")
        return int(number)

    def _parse(self, levels: str) -> list[tuple[int, bool]]:
        pairs = [pair.partition("=") for pair in levels.split(",")]
        return [(self._line(name), level == "1") for name, _, level in pairs]

    def _spell(self) -> str:
        return ",".join(f"{line}={self._pins[line].high:d}" for line in self._asked)

    def _move(self, line: int, high: bool) -> None:
        pin = self._pins[line]
        if pin.stuck or pin.high == high:
            return
        pin.high = high
        self.changes.append(Change(time.monotonic(), line, high))
        if high != pin.rest:
            self.pulses += 1
            if self.on_pulse is not None:
                self.on_pulse(line)


class _No(Exception):
    """What the chip refuses: the name of an error number, and words."""
