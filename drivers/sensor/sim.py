"""A passage sensor without hardware.

`sim:` lives in this process: call its `tell`. `sim+unix:///path`, `sim+tcp:` and `sim+serial:` listen to the other
end of a line, one JSON object a line:

    < {"kind": "turned", "direction": "entry"}      < {"kind": "cleared", "detail": "fire"}

Device: a sensor that isn't there
Does: every signal there is
Tried: in one process, bad wires
Untried: nothing; there is no hardware
"""

from __future__ import annotations

import queue
import threading
from typing import Any

from drivers.errors import BadAnswer
from drivers.json_lines import JsonLines, Stream
from drivers.transport import Transport, open_transport
from drivers.url import DeviceUrl
from models.passage import Direction, SensorSignal, SignalKind

TRANSPORTS: tuple[str, ...] = ("", "unix", "tcp", "serial")
OPTIONS: dict[str, str] = {}


class SimSensor:
    """Reads back what it was told."""

    def __init__(self) -> None:
        self._told: queue.SimpleQueue[SensorSignal] = queue.SimpleQueue()

    def tell(self, signal: SensorSignal) -> None:
        """Have `read` give `signal`. May be called from any thread."""
        self._told.put(signal)

    def read(self, timeout: float) -> SensorSignal | None:
        """The next signal told, or `None`."""
        try:
            return self._told.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return None

    def close(self) -> None:
        """Nothing to give back."""


class FarSensor:
    """The host's half of the line."""

    def __init__(self, wire: Transport) -> None:
        self._wire = wire
        self._lines = JsonLines(wire)

    def read(self, timeout: float) -> SensorSignal | None:
        """The next signal, or `None`. Raises `BadAnswer` for a line that names none."""
        message = self._lines.receive(timeout)
        return None if message is None else _signal(message)

    def close(self) -> None:
        """Give the line back."""
        self._wire.close()


def _signal(message: dict[str, Any]) -> SensorSignal:
    try:
        kind, direction = SignalKind(str(message.get("kind"))), Direction(str(message.get("direction", "entry")))
    except ValueError as error:
        raise BadAnswer("sensor sim: a line that names no signal") from error
    return SensorSignal(kind, direction, str(message.get("detail", "")))


def open(url: DeviceUrl) -> SimSensor | FarSensor:
    """In this process, or at the end of a line."""
    return FarSensor(open_transport(url)) if url.transport else SimSensor()


# --- The other end ----------------------------------------------------------------------------------------------------


class SensorSimulator:
    """The far end: passes on what it is told. All of it may be called from any thread."""

    def __init__(self, port: Stream) -> None:
        self._lines = JsonLines(port)
        self._lock = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Nothing to do by itself."""
        stop.wait()

    def tell(self, signal: SensorSignal) -> None:
        """Send one signal."""
        with self._lock:
            self._lines.send(kind=signal.kind, direction=signal.direction, detail=signal.detail)

    def turn(self, direction: Direction = Direction.ENTRY) -> None:
        """Somebody went through."""
        self.tell(SensorSignal(SignalKind.TURNED, direction))

    def command(self, text: str) -> str:
        """A kind of signal, with a direction or, for `cleared`, the state that is over."""
        kinds = ", ".join(SignalKind)
        word, _, more = " ".join(text.split()).partition(" ")
        if word not in list(SignalKind):
            return f"commands: {kinds}; then entry or exit, or after cleared the state"
        kind = SignalKind(word)
        if kind is SignalKind.CLEARED:
            self.tell(SensorSignal(kind, detail=more))
        elif more in ("", *Direction):
            self.tell(SensorSignal(kind, Direction(more or "entry")))
        else:
            return f"{more} is no direction: entry or exit"
        return "told"


def simulator(port: Stream) -> SensorSimulator:
    """The far end, on `port`."""
    return SensorSimulator(port)
