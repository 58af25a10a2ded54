"""Scanners of QR and bar codes that send text over a line, and such a scanner simulated.

    line+serial:///dev/gate-scanner                         9600 baud unless told; set 115200 where the scanner can
    line+tcp://10.0.0.8:4001?end=cr                         behind a serial device server
    line+serial:///dev/gate-scanner?family=gm65&trigger=command
    line+serial:///dev/gate-scanner?keys=/etc/menshen/issuer.pub&event=hall-2026

Anybody can copy a code, so a plain one is `UID_ONLY`; a code that an issuer of `keys` signed is `SIGNED`. Of a code
that changes, `uid` holds the number of its time step, eight bytes. What ends a code is told in `_code_lines`, what
scanners obey in `_code_triggers`, what becomes of a code in `_code_desk`.

Device: code scanner, serial or TCP
Does: codes by terminator or silence, trigger families, AIM identifiers; signed and changing tickets with `keys=` and
    `totp=`; always set `event=`
Tried: simulator over good and bad wires; RFC 9285, 4226 and 6238 vectors
Untried: real scanners, their triggers
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from drivers.errors import BadAnswer, DeviceRefused, DriverError, UnknownDevice
from drivers.reader import _code_desk
from drivers.reader._code_desk import CodeDesk, open_desk
from drivers.reader._code_lines import MOST_BYTES, CodeCutter, End, Piece, TooLong
from drivers.reader._code_triggers import FAMILIES, Trigger
from drivers.transport import Transport, open_transport
from drivers.url import DeviceUrl
from models.credential import CardFault, Credential

BAUD = 9600
TRANSPORTS = ("serial", "tcp", "unix")
OPTIONS = {
    "end": f"what ends a code: {', '.join(End)} (auto)",
    "gap_ms": "silence that ends a code where nothing else does (40)",
    "family": f"whose commands the scanner obeys: {', '.join(FAMILIES)} (none)",
    "trigger": "continuous, or command to have the scanner told when to look (continuous)",
    **_code_desk.OPTIONS,
}

TRIGGER_S = 3.0  # scanners stop looking by themselves after some seconds
AFTER_CODE_S = 0.1  # and most of them after a code


def open(url: DeviceUrl) -> LineReader:
    """Open the line."""
    end = End(url.choice("end", End, End.AUTO))
    gap_s = url.option("gap_ms", float, 40.0, low=1, high=5000) / 1000
    trigger = _trigger(url)
    desk = open_desk(url, time.monotonic, time.time)
    return LineReader(open_transport(url, BAUD), desk, end=end, gap_s=gap_s, trigger=trigger)


def simulator(port: Port) -> LineSimulator:
    """The scanner at the far end of `port`: `run(stop)` serves, `command(text)` drives."""
    return LineSimulator(port)


def _trigger(url: DeviceUrl) -> Trigger | None:
    family = url.choice("family", ("none", *FAMILIES), "none")
    by_command = url.choice("trigger", ("continuous", "command"), "continuous") == "command"
    if by_command and family == "none":
        raise UnknownDevice(f"{url}: trigger=command needs family=, one of {', '.join(FAMILIES)}")
    return FAMILIES[family] if by_command else None


class LineReader:
    """The host's half. `stats` counts what happened on the line."""

    def __init__(
        self,
        stream: Transport,
        desk: CodeDesk,
        *,
        end: End = End.AUTO,
        gap_s: float = 0.04,
        trigger: Trigger | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._desk, self._clock = stream, desk, clock
        self._trigger, self._trigger_at = trigger, clock()
        replies = (*trigger.replies, *trigger.refusals) if trigger else ()
        self._cutter = CodeCutter(end, gap_s, replies, self._heard)
        self.stats = self._cutter.stats
        self._pieces: deque[Piece] = deque()
        self._refused = False

    def read(self, timeout: float) -> Credential | CardFault | None:
        """See `CardReader.read`. Raises `BadAnswer` for more bytes than a code has, `DeviceRefused` for a "no"."""
        deadline = self._clock() + timeout
        while True:
            while self._pieces:
                outcome = self._judge(self._pieces.popleft())
                if outcome is not None:
                    return outcome
            self._pull_trigger()
            self._listen(deadline)
            if self._refused:
                self._refused = False
                raise DeviceRefused("the scanner does not take the trigger command: is it in command mode?")
            if not self._pieces and self._clock() >= deadline:
                return None

    def close(self) -> None:
        """See `Device.close`."""
        if self._trigger:
            with contextlib.suppress(DriverError):
                self._stream.write(self._trigger.stop)
        self._stream.close()

    def _listen(self, deadline: float) -> None:
        until = min(deadline, self._cutter.due or deadline)
        if self._trigger:
            until = min(until, self._trigger_at)
        data = self._stream.read(max(until - self._clock(), 0))
        now = self._clock()
        self._pieces.extend(self._cutter.feed(data, now) if data else self._cutter.quiet(now))

    def _judge(self, piece: Piece) -> Credential | CardFault | None:
        if isinstance(piece, TooLong):
            raise BadAnswer(f"more than {MOST_BYTES} bytes without an end, which no code has: check end= and the baud")
        self._trigger_at = self._clock() + AFTER_CODE_S
        return self._desk.take(piece)

    def _pull_trigger(self) -> None:
        if self._trigger and self._clock() >= self._trigger_at:
            self._trigger_at = self._clock() + TRIGGER_S
            self._stream.write(self._trigger.start)

    def _heard(self, reply: bytes) -> None:
        self._refused = self._refused or (self._trigger is not None and reply in self._trigger.refusals)


class Port(Protocol):
    """The scanner's end of a wire, such as `PtyPort`."""

    def read(self, timeout: float) -> bytes:
        """What the host wrote, empty after `timeout` seconds."""

    def write(self, data: bytes) -> object:
        """Send to the host."""


class LineSimulator:
    """The device's half. With `trigger` it looks only when told to; `show`n codes are sent again and again."""

    def __init__(
        self, port: Port, *, end: bytes = b"\r", trigger: Trigger | None = None, repeat_s: float = 0.03
    ) -> None:
        self._port, self._end, self._repeat_s = port, end, repeat_s
        self.trigger = trigger
        self.looks = trigger is None
        self.starts = 0
        self._shown = b""
        self._lock = threading.Lock()

    def scan(self, text: str, aim: str = "") -> None:
        """Somebody holds a code up for a moment. In command mode it counts once, and only when told to look."""
        self._emit(self._frame(text, aim))

    def show(self, text: str, aim: str = "") -> None:
        """A code is held up, and stays."""
        self._shown = self._frame(text, aim)

    def remove(self) -> None:
        """It is taken away."""
        self._shown = b""

    def send(self, pieces: Iterable[bytes]) -> None:
        """Bytes as they are, piece by piece."""
        for piece in pieces:
            self._port.write(piece)

    def run(self, stop: threading.Event) -> None:
        """Obey commands and repeat the shown code, until `stop` is set."""
        heard = b""
        while not stop.is_set():
            heard = self._obey(heard + self._port.read(self._repeat_s))
            if self._shown:
                self._emit(self._shown)

    def command(self, text: str) -> str:
        """Do what one line of text says, and answer `ok` or `error: …`.

        scan T-17 | aim ]Q1 T-17 | show T-17 | remove | hex 54 31 0D | family gm65|…|none
        """
        word, _, rest = text.strip().partition(" ")
        acts: dict[str, Callable[[], object]] = {
            "scan": lambda: self.scan(rest),
            "aim": lambda: self.scan(rest[4:], rest[:3]),
            "show": lambda: self.show(rest),
            "remove": self.remove,
            "hex": lambda: self.send([bytes.fromhex(rest)]),
            "family": lambda: self._become(rest),
        }
        try:
            acts[word]()
        except KeyError:
            return f"error: not known here, there are: {', '.join(acts)}; and families: none, {', '.join(FAMILIES)}"
        except ValueError as error:
            return f"error: {error}"
        return "ok"

    def _become(self, family: str) -> None:
        self.trigger = None if family == "none" else FAMILIES[family]
        self.looks = self.trigger is None

    def _frame(self, text: str, aim: str) -> bytes:
        return (aim + text).encode() + self._end

    def _emit(self, frame: bytes) -> None:
        with self._lock:
            if self.looks:
                self.looks = self.trigger is None
                self._port.write(frame)

    def _obey(self, heard: bytes) -> bytes:
        """Carry out the first command in `heard`, and give what may be the beginning of another."""
        trigger = self.trigger
        if trigger is None:
            return b""
        for order, looks in ((trigger.start, True), (trigger.stop, False)):
            if order in heard:
                with self._lock:
                    self.looks = looks
                    self.starts += looks
                    self._port.write(trigger.replies[-1] if trigger.replies else b"")
                return heard.partition(order)[2]
        return heard[-32:]
