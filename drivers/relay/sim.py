"""A relay without hardware.

`sim:` lives in this process and counts. `sim+unix:///path`, `sim+tcp:` and `sim+serial:` tell the other end of a line
what they would do, one JSON object a line, and wait for its word:

    > {"n": 1, "do": "pulse", "seconds": 0.5}       < {"n": 1, "ok": true}
    > {"n": 2, "do": "hold", "closed": true}        < {"n": 2, "ok": false, "why": "jammed"}
    > {"n": 3, "do": "poll"}                        < {"n": 3, "ok": true}

Unlike a plain relay board, the other end times the pulse itself.

Device: a relay that isn't there
Does: counts pulses
Tried: in the process, and over ptys with split, late, lost and garbled bytes
Untried: nothing; it has no hardware
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, DriverError
from drivers.json_lines import JsonLines, Stream
from drivers.transport import Transport, open_transport
from drivers.url import DeviceUrl

TRANSPORTS: tuple[str, ...] = ("", "unix", "tcp", "serial")
OPTIONS: dict[str, str] = {}

ANSWER_S = 0.5


class SimRelay:
    """A contact that only counts."""

    def __init__(self) -> None:
        self.pulses = 0
        self.held = False
        self._closed = False

    def pulse(self, seconds: float) -> None:
        """Count one pulse."""
        self.poll()
        self.pulses += 1

    def hold(self, closed: bool) -> None:
        """Note what is to be held."""
        self.poll()
        self.held = closed

    def poll(self) -> None:
        """Always there, until closed."""
        if self._closed:
            raise DeviceLost("relay sim: closed")

    def close(self) -> None:
        """Open the contact for good."""
        self.held = False
        self._closed = True


class FarRelay:
    """The host's half of the line."""

    def __init__(self, wire: Transport) -> None:
        self._wire = wire
        self._lines = JsonLines(wire)
        self._n = 0
        self._closed = False

    def pulse(self, seconds: float) -> None:
        """Have the other end pulse; returns when it has begun."""
        self._ask(do="pulse", seconds=seconds)

    def hold(self, closed: bool) -> None:
        """Have the other end hold or rest."""
        self._ask(do="hold", closed=closed)

    def poll(self) -> None:
        """Ask for a sign of life."""
        self._ask(do="poll")

    def close(self) -> None:
        """Ask the other end to let go, and give the line back."""
        if not self._closed:
            self._closed = True
            with suppress(DriverError):
                self._lines.send(n=0, do="hold", closed=False)
        self._wire.close()

    def _ask(self, **message: Any) -> None:
        self._n += 1
        self._lines.send(n=self._n, **message)
        ends = time.monotonic() + ANSWER_S
        while (answer := self._lines.receive(max(0.0, ends - time.monotonic()))) is not None:
            if answer.get("n") != self._n:
                continue  # the late answer to an earlier question
            if answer.get("ok") is True:
                return
            if answer.get("ok") is False:
                raise DeviceRefused(f"relay sim: {answer.get('why', 'no reason given')}")
            raise BadAnswer("relay sim: an answer without a yes or no")
        raise DeviceTimeout(f"relay sim: no answer in {ANSWER_S:g} s")


def open(url: DeviceUrl) -> SimRelay | FarRelay:
    """In this process, or at the end of a line."""
    return FarRelay(open_transport(url)) if url.transport else SimRelay()


# --- The other end ----------------------------------------------------------------------------------------------------


class RelaySimulator:
    """The far end: counts what it is told.

    `mute`: says nothing. `jam`: refuses. `on_pulse` is called with the seconds of each pulse.
    """

    def __init__(self, port: Stream) -> None:
        self._lines = JsonLines(port)
        self.mute = False
        self.jam = False
        self.held = False
        self.pulses = 0
        self.on_pulse: Callable[[float], None] | None = None
        self._news = threading.Condition()

    def run(self, stop: threading.Event) -> None:
        """Serve the line until told to stop."""
        while not stop.is_set():
            try:
                message = self._lines.receive(0.05)
            except BadAnswer:
                continue
            if message is not None:
                self._take(message)

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until `condition` holds; looked at after every message."""
        with self._news:
            return self._news.wait_for(condition, timeout)

    def command(self, text: str) -> str:
        """`state`, `jam`, `free`, `mute` or `speak`."""
        match text.strip():
            case "state":
                return f"pulses: {self.pulses}; held {'closed' if self.held else 'open'}"
            case "jam" | "free" as word:
                self.jam = word == "jam"
            case "mute" | "speak" as word:
                self.mute = word == "mute"
            case _:
                return "commands: state, jam, free, mute, speak"
        return "done"

    def _take(self, message: dict[str, Any]) -> None:
        why = "jammed" if self.jam else self._do(message)
        if not self.mute:
            self._lines.send(n=message.get("n"), ok=not why, **({"why": why} if why else {}))
        with self._news:
            self._news.notify_all()

    def _do(self, message: dict[str, Any]) -> str:
        """Obey, or say why not."""
        match message:
            case {"do": "pulse", "seconds": int() | float() as seconds} if 0 < seconds <= 30:
                self.pulses += 1
                if self.on_pulse is not None:
                    self.on_pulse(seconds)
            case {"do": "hold", "closed": bool() as closed}:
                self.held = closed
            case {"do": "poll"}:
                pass
            case _:
                return "not understood"
        return ""


def simulator(port: Stream) -> RelaySimulator:
    """The far end, on `port`."""
    return RelaySimulator(port)
