"""A signal without hardware.

`sim:` lives in this process and remembers what it was told. `sim+unix:///path`, `sim+tcp:` and `sim+serial:` tell the
other end of a line, one JSON object a line, and wait for its word:

    > {"n": 1, "do": "show", "cue": "welcome"}      < {"n": 1, "ok": true}
    > {"n": 2, "do": "poll"}                        < {"n": 2, "ok": false, "why": "not understood"}

Device: a signal that isn't there
Does: remembers the cues it was told
Tried: in the process, and over ptys with split, late, lost and garbled bytes
Untried: nothing; it has no hardware
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout
from drivers.json_lines import JsonLines, Stream
from drivers.transport import Transport, open_transport
from drivers.url import DeviceUrl
from models.cue import Cue

TRANSPORTS: tuple[str, ...] = ("", "unix", "tcp", "serial")
OPTIONS: dict[str, str] = {}

ANSWER_S = 0.5


class SimSignal:
    """Keeps the cues in the order in which they came; nothing is heard or seen."""

    def __init__(self) -> None:
        self.shown: list[Cue] = []
        self._closed = False

    def show(self, cue: Cue) -> None:
        """Remember `cue`."""
        self.poll()
        self.shown.append(cue)

    def poll(self) -> None:
        """Always there, until closed."""
        if self._closed:
            raise DeviceLost("signal sim: closed")

    def close(self) -> None:
        """Be gone."""
        self._closed = True


class FarSignal:
    """The host's half of the line."""

    def __init__(self, wire: Transport) -> None:
        self._wire = wire
        self._lines = JsonLines(wire)
        self._n = 0

    def show(self, cue: Cue) -> None:
        """Have the other end show it."""
        self._ask(do="show", cue=cue.value)

    def poll(self) -> None:
        """Ask for a sign of life."""
        self._ask(do="poll")

    def close(self) -> None:
        """Give the line back."""
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
                raise DeviceRefused(f"signal sim: {answer.get('why', 'no reason given')}")
            raise BadAnswer("signal sim: an answer without a yes or no")
        raise DeviceTimeout(f"signal sim: no answer in {ANSWER_S:g} s")


def open(url: DeviceUrl) -> SimSignal | FarSignal:
    """In this process, or at the end of a line."""
    return FarSignal(open_transport(url)) if url.transport else SimSignal()


# --- The other end ----------------------------------------------------------------------------------------------------


class SignalSimulator:
    """The far end: remembers the cues. `mute`: says nothing. `on_show` is called with each cue."""

    def __init__(self, port: Stream) -> None:
        self._lines = JsonLines(port)
        self.mute = False
        self.shown: list[Cue] = []
        self.on_show: Callable[[Cue], None] | None = None

    def run(self, stop: threading.Event) -> None:
        """Serve the line until told to stop."""
        while not stop.is_set():
            with suppress(BadAnswer):
                message = self._lines.receive(0.05)
                if message is not None:
                    self._take(message)

    def command(self, text: str) -> str:
        """`state`, `mute` or `speak`."""
        match text.strip():
            case "state":
                return f"shows: {self.shown[-1] if self.shown else 'nothing yet'}; cues: {len(self.shown)}"
            case "mute" | "speak" as word:
                self.mute = word == "mute"
            case _:
                return "commands: state, mute, speak"
        return "done"

    def _take(self, message: dict[str, Any]) -> None:
        understood = self._do(message)
        if not self.mute:
            why = {} if understood else {"why": "not understood"}
            self._lines.send(n=message.get("n"), ok=understood, **why)

    def _do(self, message: dict[str, Any]) -> bool:
        match message:
            case {"do": "show", "cue": str(name)} if name in [*Cue]:
                self.shown.append(Cue(name))
                if self.on_show is not None:
                    self.on_show(Cue(name))
                return True
            case {"do": "poll"}:
                return True
        return False


def simulator(port: Stream) -> SignalSimulator:
    """The far end, on `port`."""
    return SignalSimulator(port)
