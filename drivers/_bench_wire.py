"""The wire of a bench: questions and answers in text, where in life a kernel or a USB stack would carry them.

For devices that have no serial protocol of their own (GPIO chips, HID boards), so that both their halves can be tried
on a pseudo-terminal. Each line bears its CRC-32 in eight hexadecimal digits:

    ? 7 set 17=1 89AB01EF   the seventh question
    ! 7 ok 17=1 …           its answer, or `! 7 no EBUSY why …`
    * 1 22 0 8123 …         what the device says unasked

A question goes out again when it stays unanswered, so each must do no harm when it is heard twice.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from typing import Protocol

from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, UnknownDevice
from drivers.transport import Transport

ANSWER_S = 0.2
TRIES = 3
LONGEST_LINE = 512


def encode(*words: object) -> bytes:
    """One line of the wire."""
    text = " ".join(str(word) for word in words).encode("ascii", "replace")
    return b"%s %08X\n" % (text, zlib.crc32(text))


def decode(line: bytes) -> list[str] | None:
    """The words of a line without its end; `None` where its check fails."""
    text, _, check = line.rpartition(b" ")
    return text.decode().split(" ") if check == b"%08X" % zlib.crc32(text) and text.isascii() else None


class LineCutter:
    """Cuts a stream of bytes into lines of the wire, and counts those that were broken."""

    def __init__(self) -> None:
        self.broken = 0
        self._rest = b""

    def feed(self, data: bytes) -> list[list[str]]:
        """The good lines that `data` completes, as words."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-LONGEST_LINE:]
        found = [decode(line) for line in lines]
        self.broken += found.count(None)
        return [words for words in found if words is not None]


class Port(Protocol):
    """What the device holds of the wire."""

    def read(self, timeout: float, /) -> bytes:
        """What has arrived."""

    def write(self, data: bytes, /) -> object:
        """Send."""


class Asker:
    """The host's end of `wire`. `who` is what its errors call the device; `events` is what came unasked."""

    def __init__(self, wire: Transport, who: str) -> None:
        self._wire, self._who = wire, who
        self._cutter = LineCutter()
        self._n = 0
        self._closed = False
        self.events: list[list[str]] = []

    def ask(self, *words: object) -> str:
        """Ask one question; gives what comes after the `ok`."""
        self._n += 1
        question = encode("?", self._n, *words)
        for _ in range(TRIES):
            self._wire.write(question)
            ends = time.monotonic() + ANSWER_S
            while (left := ends - time.monotonic()) > 0:
                answer = self.hear(left)
                if answer is not None:
                    return self._outcome(answer)
        if self._cutter.broken:
            self._cutter.broken = 0
            raise BadAnswer(f"{self._who}: lines that fail their check, and no answer")
        raise DeviceTimeout(f"{self._who}: no answer in {TRIES * ANSWER_S:g} s")

    def hear(self, timeout: float) -> list[str] | None:
        """Take in what has come, up to `timeout` seconds; gives the answer to the last question, if it was there."""
        if self._closed:
            raise DeviceLost(f"{self._who}: given back")
        answer = None
        for words in self._cutter.feed(self._wire.read(timeout)):
            if words[0] == "*":
                self.events.append(words[1:])
            elif words[:2] == ["!", str(self._n)]:
                answer = words[2:]
        return answer

    def close(self) -> None:
        """Give the wire back."""
        self._closed = True
        self._wire.close()

    def _outcome(self, answer: Sequence[str]) -> str:
        match answer:
            case ["ok", *rest]:
                return " ".join(rest)
            case ["no", "EBUSY", *why]:
                raise DeviceRefused(f"{self._who} is in use: {' '.join(why)}")
            case ["no", "ENOENT", *why]:
                raise UnknownDevice(f"{self._who}: {' '.join(why)}")
            case _:
                raise DeviceRefused(f"{self._who}: {' '.join(answer[1:])}")
