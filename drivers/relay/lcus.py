"""LCUS serial relay boards (CH340 USB bridge, one to eight channels), both ends of the wire.

9600 8N1. A frame is `A0 channel operation sum`, where sum is the low byte of the other three. Most boards never answer;
some do, either with a frame or with text such as `CH1: ON`, and `feedback=1` uses those.

**The board can't time a pulse.** The host closes the contact, waits, and opens it. If the host loses power or is
killed in between, the contact stays closed until the host is back. What is done about it: the open frame is sent on
connecting (so a restart of the service is the longest gap), after every pulse even when it failed, on closing, and
again with each `poll`; and it is sent twice, since nobody confirms it. That leaves a dead host. Against it put the
turnstile in pulse mode, where it relocks by itself whatever the length of the contact, or a one-shot relay behind the
board, or take a board that times the pulse itself.

Device: USB relay board LCUS
Does: pulse timed by the host, eight channels
Tried: simulator over ptys with split, late, lost and garbled bytes
Untried: a real board; the boards that answer
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from drivers.errors import BadAnswer, DeviceRefused, DeviceTimeout, DriverError
from drivers.relay._host_timed import LONGEST_PULSE_S, HostTimedRelay
from drivers.transport import PtyPort, Transport, open_transport
from drivers.url import DeviceUrl

__all__ = ["LONGEST_PULSE_S", "Change", "LcusRelay", "LcusSimulator", "Op", "encode", "find_state", "open", "simulator"]

BAUD = 9600
TRANSPORTS: tuple[str, ...] = ("serial", "tcp")
OPTIONS: dict[str, str] = {
    "channel": "which relay of the board, 1 to 8 (1)",
    "feedback": "1 for a board that answers: every switch is then confirmed (0)",
    "invert": "1 where the coil is energised at rest (0)",
}

ANSWER_S = 0.2
TRIES = 3

_HEAD = 0xA0
_FRAME_SIZE = 4
_ASK_ALL = 0xFF


class Op(IntEnum):
    """What a frame asks for. The last four exist on boards with feedback alone."""

    OFF = 0
    ON = 1
    OFF_ANSWERED = 2
    ON_ANSWERED = 3
    TOGGLE_ANSWERED = 4
    QUERY = 5


def encode(channel: int, op: int) -> bytes:
    """One frame, four bytes."""
    return bytes((_HEAD, channel, op, (_HEAD + channel + op) & 0xFF))


def find_state(answer: bytes, channel: int) -> bool | None:
    """The last state of `channel` named in `answer`, as frame or as text; `None` when there is none."""
    text = rb"CH%d: ?(ON|OFF)" % channel
    off, on = (re.escape(encode(channel, op)) for op in (Op.OFF, Op.ON))
    found = re.findall(text + rb"|(" + off + rb"|" + on + rb")", answer)
    if not found:
        return None
    word, frame = found[-1]
    return bool(word == b"ON" or frame == encode(channel, Op.ON))


class LcusContact:
    """One channel of a board on `wire`."""

    def __init__(self, wire: Transport, channel: int, *, feedback: bool, invert: bool) -> None:
        self._wire = wire
        self._channel = channel
        self._feedback = feedback
        self._invert = invert

    def switch(self, closed: bool) -> None:
        """Give the order, twice where nobody answers.

        With feedback, raises `DeviceRefused` when the contact doesn't follow, and `DeviceTimeout` or `BadAnswer` when
        the board doesn't say.
        """
        coil = closed != self._invert
        if self._feedback:
            self._switch_and_ask(coil)
            return
        frame = encode(self._channel, Op.ON if coil else Op.OFF)
        self._wire.write(frame * 2)  # the same order twice does no harm, a lost one does

    def is_closed(self) -> None:
        """It can't tell without being told: the order to rest is what heals a lost frame."""
        self.wait(0.0)

    def wait(self, seconds: float) -> None:
        """Wait on the line and not on the clock, so that a pulled plug ends the wait."""
        ends = time.monotonic() + seconds
        self._wire.read(0.0)
        while (left := ends - time.monotonic()) > 0:
            self._wire.read(left)

    def close(self) -> None:
        """Give the line back."""
        self._wire.close()

    def _switch_and_ask(self, coil: bool) -> None:
        frame = encode(self._channel, Op.ON_ANSWERED if coil else Op.OFF_ANSWERED)
        for attempt in range(1, TRIES + 1):
            self._wire.discard()
            self._wire.write(frame)
            try:
                answered = self._answer()
            except (DeviceTimeout, BadAnswer):
                if attempt == TRIES:
                    raise
                continue
            if answered != coil:
                said = "on and says off" if coil else "off and says on"
                raise DeviceRefused(f"relay {self._channel} was told {said}")
            return

    def _answer(self) -> bool:
        heard = b""
        ends = time.monotonic() + ANSWER_S
        while (left := ends - time.monotonic()) > 0:
            heard += self._wire.read(left)
            state = find_state(heard, self._channel)
            if state is not None:
                return state
        if heard:
            raise BadAnswer(f"relay {self._channel}: {len(heard)} bytes that name no state")
        raise DeviceTimeout(f"relay {self._channel} did not answer in {ANSWER_S:g} s; does this board answer at all?")


class LcusRelay(HostTimedRelay):
    """The host's half. `pulse` takes as long as the pulse, the others about a second at worst."""

    def __init__(self, wire: Transport, *, channel: int = 1, feedback: bool = False, invert: bool = False) -> None:
        """Takes over `wire` and opens the contact."""
        contact = LcusContact(wire, channel, feedback=feedback, invert=invert)
        super().__init__(contact, wait=contact.wait)


def open(url: DeviceUrl) -> LcusRelay:
    """Connect, and open the contact before anything else."""
    channel = url.option("channel", int, 1, low=1, high=8)
    feedback, invert = url.option("feedback", bool, False), url.option("invert", bool, False)
    wire = open_transport(url, BAUD)
    try:
        wire.discard()
        return LcusRelay(wire, channel=channel, feedback=feedback, invert=invert)
    except DriverError:
        wire.close()
        raise


# --- The board's half -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One move of a contact. `at` is monotonic time in seconds."""

    at: float
    channel: int
    on: bool


class LcusSimulator:
    """A board on the far end of `port`. `run` works until told to stop; the rest may be used from any thread.

    `mute`: obeys and never answers. `jam`: the contacts no longer move. `text`: answers `CH1: ON`, else with frames.
    `on_pulse` is called with the channel's number whenever a contact closes.
    """

    def __init__(self, port: PtyPort) -> None:
        self.port = port
        self.mute = False
        self.jam = False
        self.text = True
        self.on_pulse: Callable[[int], None] | None = None
        self.changes: list[Change] = []
        self.pulses = 0
        self._coils = dict.fromkeys(range(1, 9), False)
        self._news = threading.Condition()
        self._buffer = b""

    def run(self, stop: threading.Event) -> None:
        """Serve the wire."""
        while not stop.is_set():
            self._take(self.port.read(0.05))

    def state(self, channel: int) -> bool:
        """Whether the contact of `channel` is closed."""
        return self._coils[channel]

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until `condition` holds; looked at after every frame."""
        with self._news:
            return self._news.wait_for(condition, timeout)

    def command(self, text: str) -> str:
        """`state`, `jam`, `free`, `mute` or `speak`."""
        match text.strip():
            case "state":
                closed = [str(channel) for channel, on in self._coils.items() if on]
                return f"closed: {', '.join(closed) or 'none'}; pulses: {self.pulses}"
            case "jam" | "free" as word:
                self.jam = word == "jam"
            case "mute" | "speak" as word:
                self.mute = word == "mute"
            case _:
                return "commands: state, jam, free, mute, speak"
        return "done"

    def _take(self, data: bytes) -> None:
        """Cut frames out of the stream; after a broken one, look for the next head."""
        self._buffer += data
        while self._buffer:
            if self._buffer[0] == _ASK_ALL:
                self._buffer = self._buffer[1:]
                self._answer(list(self._coils))
            elif self._buffer[0] != _HEAD:
                self._buffer = self._buffer[1:]
            elif len(self._buffer) < _FRAME_SIZE:
                return
            else:
                self._take_frame(self._buffer[:_FRAME_SIZE])

    def _take_frame(self, frame: bytes) -> None:
        _, channel, op, _ = frame
        if channel not in self._coils or op not in list(Op) or encode(channel, op) != frame:
            self._buffer = self._buffer[1:]
            return
        self._buffer = self._buffer[_FRAME_SIZE:]
        if op in (Op.ON, Op.ON_ANSWERED):
            self._move(channel, True)
        elif op in (Op.OFF, Op.OFF_ANSWERED):
            self._move(channel, False)
        elif op == Op.TOGGLE_ANSWERED:
            self._move(channel, not self._coils[channel])
        if op not in (Op.ON, Op.OFF):
            self._answer([channel])
        with self._news:
            self._news.notify_all()

    def _move(self, channel: int, on: bool) -> None:
        if self.jam or self._coils[channel] == on:
            return
        self._coils[channel] = on
        self.changes.append(Change(time.monotonic(), channel, on))
        self.pulses += on
        if on and self.on_pulse is not None:
            self.on_pulse(channel)

    def _answer(self, channels: list[int]) -> None:
        if self.mute:
            return
        answer = b""
        for channel in channels:
            on = self._coils[channel]
            answer += b"CH%d: %s\r\n" % (channel, b"ON" if on else b"OFF") if self.text else encode(channel, int(on))
        self.port.write(answer)


def simulator(port: PtyPort) -> LcusSimulator:
    """The board's half on `port`."""
    return LcusSimulator(port)
