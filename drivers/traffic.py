"""What went over a wire, counted and not kept: the wire's half of the signal doctor.

`counted` makes `open_transport` count for whoever asked, without a word in the device's URL:

    traffic = Traffic(ear)
    with counted(traffic):
        device = connect("reader", url)

A driver may not get as far as a device: a reader with its wires crossed never answers its greeting. The wire is counted
all the same. An `Ear` is the driver's decoder, listening only; it tells good frames from damage. A driver module
brings one as `ear()`, or has one in `drivers.ears`.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from drivers.transport import Transport


@dataclass(slots=True)
class Heard:
    """What an ear made of the device's bytes. `radio` counts cards that were there and failed in the reader's field."""

    frames: int = 0
    bad_checks: int = 0
    noise: int = 0  # bytes that belong to no frame
    found: int = 0
    radio: int = 0
    alarms: int = 0  # the device says that it is out of order
    remote: int = 0  # signs that the chip is decoded over a network
    local: int = 0  # the reader told the number of its own module


class Ear(Protocol):
    """A decoder that listens only."""

    asks: bool
    """Whether the host asks and the device answers each time. Otherwise the device talks by itself, or not at all."""

    heard: Heard

    def hear(self, data: bytes, now: float) -> None:
        """The device sent `data`; `now` is monotonic seconds."""

    def asked(self, question: bytes) -> None:
        """The host sent `question`."""

    def echo_tells(self, question: bytes) -> bool:
        """Whether `question`, heard back, is the host's own echo; some protocols answer in the same words."""


class DeafEar:
    """For wires whose language nobody here understands: it counts nothing."""

    asks = False

    def __init__(self) -> None:
        self.heard = Heard()

    def hear(self, data: bytes, now: float) -> None:
        """See `Ear`."""

    def asked(self, question: bytes) -> None:
        """See `Ear`."""

    def echo_tells(self, question: bytes) -> bool:
        """See `Ear`."""
        return bool(question)


class Traffic:
    """Counts of one wire, over all its connections."""

    def __init__(self, ear: Ear | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.ear: Ear = ear or DeafEar()
        self.knows_language = ear is not None
        self.clock = clock
        self.connections = self.bytes_in = self.bytes_out = self.echoed = 0
        self.questions = self.unanswered = self.repeats = 0
        self.longest_gap_s = 0.0
        self.values: Counter[int] = Counter()  # how often each byte came
        self._last_in: float | None = None
        self._pending: tuple[bytes, int, int] | None = None  # question, frames and bytes when it was asked
        self._may_echo = b""

    def sent(self, data: bytes) -> None:
        """The host wrote `data`."""
        self.bytes_out += len(data)
        self.questions += 1
        self._settle(data)
        self._pending = (data, self.ear.heard.frames, self.bytes_in)
        self._may_echo = data if self.ear.echo_tells(data) else b""
        self.ear.asked(data)

    def came(self, data: bytes) -> None:
        """The host read `data`."""
        if not data:
            return
        now = self.clock()
        if self._last_in is not None:
            self.longest_gap_s = max(self.longest_gap_s, now - self._last_in)
        self._last_in = now
        self.bytes_in += len(data)
        self.values.update(data)
        self._match_echo(data)
        self.ear.hear(data, now)

    def _settle(self, following: bytes) -> None:
        """Whether the question before was answered, now that the next one is asked."""
        if self._pending is None:
            return
        question, frames, came = self._pending
        if self.ear.heard.frames == frames if self.knows_language else self.bytes_in == came:
            self.unanswered += 1
            self.repeats += question == following

    def _match_echo(self, data: bytes) -> None:
        head = self._may_echo[: len(data)]
        if not head or not data.startswith(head):
            self._may_echo = b""
            return
        self._may_echo = self._may_echo[len(head) :]
        self.echoed += 0 if self._may_echo else 1


class Counted:
    """A transport around a transport that counts what passes."""

    def __init__(self, stream: Transport, traffic: Traffic) -> None:
        self._stream, self._traffic = stream, traffic
        traffic.connections += 1

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        self._stream.write(data)
        self._traffic.sent(data)

    def read(self, timeout: float) -> bytes:
        """See `Transport.read`."""
        data = self._stream.read(timeout)
        self._traffic.came(data)
        return data

    def discard(self) -> None:
        """See `Transport.discard`. What is thrown away isn't counted."""
        self._stream.discard()

    def close(self) -> None:
        """See `Transport.close`."""
        self._stream.close()


_asked_for: ContextVar[Traffic | None] = ContextVar("traffic", default=None)


@contextlib.contextmanager
def counted(traffic: Traffic) -> Iterator[None]:
    """Have every byte stream that this thread opens inside count into `traffic`."""
    token = _asked_for.set(traffic)
    try:
        yield
    finally:
        _asked_for.reset(token)


def count(stream: Transport) -> Transport:
    """`stream`, counting where somebody asked for it."""
    traffic = _asked_for.get()
    return stream if traffic is None else Counted(stream, traffic)
