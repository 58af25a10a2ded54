"""Scanners that pretend to be a keyboard, read below the console, and such a scanner simulated.

    wedge:///dev/input/by-id/usb-Acme_Scanner-event-kbd         a scanner, taken away from the console
    wedge+unix:///run/menshen/keys.sock                         the same events from a program
    wedge+serial:///tmp/keys                                    or from a pseudo-terminal

The device is grabbed (EVIOCGRAB), so that no ticket is ever typed into a console. Keys are taken for those of a US
keyboard, without caps lock: set the scanner to that layout, and to ENTER as the end. A keyboard can't say `票`: for
such codes give the scanner a serial line (`line`). A gap of more than `gap_ms` between two keys is a person's, and what
was typed till then is dropped. The gap is measured by the kernel's own times, not by ours.

Device: code scanner that types like a keyboard
Does: grabbed from the console, US layout; the same codes as `line`
Tried: event structs over a pty
Untried: a kernel device
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.errors import DeviceLost
from drivers.reader import _code_desk
from drivers.reader._code_desk import CodeDesk, open_desk
from drivers.reader._code_lines import MOST_BYTES
from drivers.reader._wedge_keys import ENTER, KEYPAD, PLAIN, SHIFT, SHIFTED, key_of
from drivers.reader.line import Port
from drivers.transport import Transport, open_transport
from drivers.url import DeviceUrl
from models.credential import CardFault, CardProblem, Credential, Medium

TRANSPORTS = ("", "serial", "tcp", "unix")
OPTIONS = {
    "gap_ms": "longest pause between two keys of a scanner; what has longer ones was typed by a person (50)",
    **_code_desk.OPTIONS,
}

EVENT = struct.Struct("@llHHi")  # struct input_event: seconds, microseconds, type, code, value
EV_SYN, EV_KEY = 0, 1
SYN_REPORT, SYN_DROPPED = 0, 3
KEY_UP, KEY_DOWN = 0, 1

_GRAB = 0x40044590  # EVIOCGRAB = _IOW('E', 0x90, int)
_TYPES = frozenset({0, 1, 2, 3, 4, 5, 0x11, 0x12, 0x14, 0x15})  # EV_SYN … EV_FF
_STALE_S = 0.1  # half an event that stays half; and codes without an end are forgotten


def open(url: DeviceUrl) -> WedgeReader:
    """Open the keyboard and take it away from the console."""
    gap_s = url.option("gap_ms", float, 50.0, low=1, high=5000) / 1000
    desk = open_desk(url, time.monotonic, time.time)
    if url.transport:
        return WedgeReader(open_transport(url, 115200), desk, gap_s=gap_s)
    return WedgeReader(Keyboard(url.require_location("the path of an event device")), desk, gap_s=gap_s)


def simulator(port: Port) -> WedgeSimulator:
    """The scanner at the far end of `port`: `run(stop)` serves, `command(text)` drives."""
    return WedgeSimulator(port)


class Keyboard:
    """An event device of the kernel, for us alone."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise DeviceLost(_why_not(path, error)) from error
        try:
            fcntl.ioctl(self._fd, _GRAB, 1)
        except OSError as error:
            self.close()
            raise DeviceLost(_why_not(path, error)) from error

    def read(self, timeout: float) -> bytes:
        """See `Transport.read`."""
        try:
            poll = select.poll()
            poll.register(self._fd, select.POLLIN)
            if self._fd >= 0 and not poll.poll(max(timeout, 0) * 1000):
                return b""
            data = os.read(self._fd, 64 * EVENT.size)
        except BlockingIOError:
            return b""
        except (OSError, ValueError) as error:
            raise DeviceLost(f"{self._path} is gone: {error}") from error
        if not data:
            raise DeviceLost(f"{self._path} is gone")
        return data

    def write(self, data: bytes) -> None:
        """Nothing is ever said to a scanner here."""

    def discard(self) -> None:
        """See `Transport.discard`."""
        while self.read(0):
            pass

    def close(self) -> None:
        """See `Transport.close`. The kernel gives the keys back to the console."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


@dataclass(slots=True)
class Stats:
    """What the keys were like since connecting. `typed` counts beginnings that were dropped as a person's."""

    codes: int = 0
    typed: int = 0
    dropped: int = 0


class WedgeReader:
    """The host's half."""

    def __init__(
        self, stream: Transport, desk: CodeDesk, *, gap_s: float = 0.05, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._desk, self._gap_s, self._clock = stream, desk, gap_s, clock
        self.stats = Stats()
        self._rest = b""
        self._heard_at = clock()
        self._outcomes: deque[Credential | CardFault] = deque()
        self._shift: set[int] = set()
        self._missed = False  # the kernel dropped events: nothing counts up to the next report
        self._forget()

    def read(self, timeout: float) -> Credential | CardFault | None:
        """See `CardReader.read`."""
        deadline = self._clock() + timeout
        while not self._outcomes:
            data = self._stream.read(max(deadline - self._clock(), 0))
            now = self._clock()
            if not data:
                self._rest_when_quiet(now)
            else:
                self._heard_at = now
            for at, kind, code, value in self._events(data):
                self._take(at, kind, code, value)
            if now >= deadline and not self._outcomes:
                return None
        return self._outcomes.popleft()

    def close(self) -> None:
        """See `Device.close`."""
        self._stream.close()

    def _forget(self) -> None:
        self._text = ""
        self._strange = False
        self._last: float | None = None

    def _rest_when_quiet(self, now: float) -> None:
        """No ticket waits in memory for its ENTER, and half an event is no event."""
        if now - self._heard_at >= max(_STALE_S, 2 * self._gap_s):
            self._rest = b""
            self._shift.clear()
            self._drop_begun()

    def _drop_begun(self) -> None:
        if self._text or self._strange:
            self.stats.typed += 1
        self._forget()

    def _events(self, data: bytes) -> Iterator[tuple[float, int, int, int]]:
        """Time, type, code and value of each whole event. What can't be one is skipped byte by byte."""
        self._rest += data
        while len(self._rest) >= EVENT.size:
            seconds, micros, kind, code, value = EVENT.unpack_from(self._rest)
            if kind in _TYPES and 0 <= micros < 1_000_000 and seconds >= 0:
                self._rest = self._rest[EVENT.size :]
                yield seconds + micros / 1e6, kind, code, value
            else:
                self._rest = self._rest[1:]
                self.stats.dropped += 1

    def _take(self, at: float, kind: int, code: int, value: int) -> None:
        if kind == EV_SYN:
            self._missed = code == SYN_DROPPED or (self._missed and code != SYN_REPORT)
            if code == SYN_DROPPED:
                self.stats.dropped += 1
                self._shift.clear()
                self._strange = True
        elif kind == EV_KEY and not self._missed:
            if code in SHIFT:
                (self._shift.discard if value == KEY_UP else self._shift.add)(code)
            elif value == KEY_DOWN:
                self._press(at, code)

    def _press(self, at: float, key: int) -> None:
        if self._last is not None and not 0 <= at - self._last <= self._gap_s:
            self._drop_begun()
        self._last = at
        if key in ENTER:
            self._end()
            return
        character = KEYPAD.get(key) or (SHIFTED if self._shift else PLAIN).get(key)
        if character is None or len(self._text) >= MOST_BYTES:
            self._strange = True
        else:
            self._text += character

    def _end(self) -> None:
        text, strange = self._text, self._strange
        self._forget()
        if strange:
            self._outcomes.append(
                CardFault(CardProblem.UNREADABLE, "keys that are no characters of a US keyboard", Medium.CODE)
            )
        elif text and (outcome := self._desk.take(text.encode())) is not None:
            self.stats.codes += 1
            self._outcomes.append(outcome)


def _why_not(path: str, error: OSError) -> str:
    if not Path(path).exists():
        return f"{path} is not there: is the scanner plugged in, and in keyboard mode?"
    if error.errno in (errno.ENOTTY, errno.EINVAL):
        return f"{path} is no event device: give one of /dev/input/by-id/*-event-kbd"
    if error.errno == errno.EBUSY:
        return f"{path} is grabbed by another program"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{path} may not be opened by this user: add it to the group of the device (often input)"
    return f"{path} does not open: {error.strerror}"


class WedgeSimulator:
    """The device's half: types. Its clock is its own, a key every `pace_s`."""

    def __init__(self, port: Port, *, pace_s: float = 0.002) -> None:
        self._port, self._pace_s = port, pace_s
        self._now = 1000.0

    def scan(self, text: str) -> None:
        """Type `text` and ENTER, as fast as scanners do. Raises `ValueError` for what a US keyboard does not have."""
        self.send([*(event for character in text for event in self.stroke(*key_of(character))), *self.stroke(28)])

    def type_slowly(self, text: str, pause_s: float = 0.2) -> None:
        """Type as people do, with ENTER."""
        for key in [*(key_of(character) for character in text), (28, False)]:
            self._now += pause_s
            self.send(self.stroke(*key))

    def stroke(self, key: int, shift: bool = False) -> list[bytes]:
        """One key, pressed and let go."""
        keys = [(42, KEY_DOWN)] if shift else []
        keys += [(key, KEY_DOWN), (key, KEY_UP)]
        keys += [(42, KEY_UP)] if shift else []
        return [self.event(EV_KEY, code, value) + self.event(EV_SYN, SYN_REPORT, 0) for code, value in keys]

    def event(self, kind: int, code: int, value: int) -> bytes:
        """One event, at the simulator's own time, which goes on with each key."""
        if (kind, value) == (EV_KEY, KEY_DOWN):
            self._now += self._pace_s
        return EVENT.pack(int(self._now), int(self._now % 1 * 1e6), kind, code, value)

    def send(self, events: list[bytes]) -> None:
        """Events as they are."""
        for event in events:
            self._port.write(event)

    def run(self, stop: threading.Event) -> None:
        """There is nothing to answer: wait until `stop` is set."""
        stop.wait()

    def command(self, text: str) -> str:
        """Do what one line says, and answer `ok` or `error: …`: scan T-17 | slowly T-17 | key 59."""
        word, _, rest = text.strip().partition(" ")
        try:
            if word == "scan":
                self.scan(rest)
            elif word == "slowly":
                self.type_slowly(rest)
            elif word == "key":
                self.send(self.stroke(int(rest)))
            elif word != "remove":
                return f"error: {word!r} is not known here, there are: scan, slowly, key, remove"
        except (ValueError, struct.error) as error:
            return f"error: {error}"
        return "ok"
