"""The near half of a bench chip: GPIO lines at the end of a wire. The far half is `_gpio_board`.

The wire is ours and meant for benches alone: it stands in for the kernel, so that drivers of GPIO lines can be tried
without a chip. Text lines, each with its CRC-32 in eight hexadecimal digits:

    ? 1 hello                        ! 1 ok                     whatever was asked for before is given back
    ? 2 out 17=0,5=0 menshen         ! 2 ok 17=0,5=0            drive these lines, from these levels on
    ? 3 in 22,GPIO27 up 30 menshen   ! 3 ok 22=1,27=1           listen, with a bias and a debounce time in ms
    ? 4 set 17=1                     ! 4 ok
    ? 5 get                          ! 5 ok 17=1,5=0            or `! 5 no EBUSY line 17 by somebody`
                                     * 1 22 0 81234567890       edge: its number, line, level, monotonic ns

Levels on the wire are those of the pins. A question is asked again when it goes unanswered, which does no harm to any.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from drivers._gpio_lines import CONSUMER, Bias, Edge
from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, DriverError, UnknownDevice
from drivers.transport import Transport, open_transport
from drivers.url import DeviceUrl

ANSWER_S = 0.2
TRIES = 3
LONGEST_LINE = 512


def encode(*words: object) -> bytes:
    """One line of the wire."""
    text = " ".join(str(word) for word in words).encode()
    return b"%s %08X\n" % (text, zlib.crc32(text))


def decode(line: bytes) -> list[str] | None:
    """The words of a line without its end; `None` where its check fails."""
    text, _, check = line.rpartition(b" ")
    return text.decode().split(" ") if check == b"%08X" % zlib.crc32(text) and text.isascii() else None


def spell(levels: Mapping[str, bool]) -> str:
    """`17=0,5=1`. Names are percent-encoded, since they may hold anything."""
    return ",".join(f"{quote(line, safe='')}={level:d}" for line, level in levels.items())


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


class FarChip:
    """A bench chip on `wire`. Greets it, which gives back whatever an earlier program had."""

    def __init__(self, wire: Transport) -> None:
        self._wire = wire
        self._cutter = LineCutter()
        self._n = 0
        self._closed = False
        self.events: list[list[str]] = []
        self.ask("hello")

    def ask(self, *words: object) -> str:
        """Ask one question; gives what comes after the `ok`. Edges that come meanwhile are kept in `events`."""
        self._n += 1
        question = encode("?", self._n, *words)
        for _ in range(TRIES):
            self._wire.write(question)
            ends = time.monotonic() + ANSWER_S
            while (left := ends - time.monotonic()) > 0:
                answer = self.hear(left)
                if answer is not None:
                    return _outcome(answer)
        if self._cutter.broken:
            self._cutter.broken = 0
            raise BadAnswer("gpio chip: lines that fail their check, and no answer")
        raise DeviceTimeout(f"gpio chip: no answer in {TRIES * ANSWER_S:g} s")

    def hear(self, timeout: float) -> list[str] | None:
        """Take in what has come, up to `timeout` seconds; gives the answer to the last question, if it was there."""
        if self._closed:
            raise DeviceLost("gpio chip: the lines were given back")
        answer = None
        for words in self._cutter.feed(self._wire.read(timeout)):
            if words[0] == "*":
                self.events.append(words[1:])
            elif words[:2] == ["!", str(self._n)]:
                answer = words[2:]
        return answer

    def close(self) -> None:
        """Give the wire back. The chip learns of it from the next greeting."""
        self._closed = True
        self._wire.close()


def open_chip(url: DeviceUrl) -> FarChip:
    """The bench chip at the end of the wire that `url` names."""
    wire = open_transport(url, 115200)
    try:
        return FarChip(wire)
    except DriverError:
        wire.close()
        raise


class _FarLines:
    """Lines of a bench chip, by the names of the URL."""

    def __init__(self, chip: FarChip, lines: Iterable[str], claim: Sequence[object], active_low: bool) -> None:
        self._chip, self._active_low = chip, active_low
        try:
            offsets = list(_pairs(chip.ask(*claim, CONSUMER)))
        except DriverError:
            chip.close()
            raise
        self._offsets = dict(zip(lines, offsets, strict=True))
        self._names = {offset: line for line, offset in self._offsets.items()}

    def levels(self) -> dict[str, bool]:
        """See `Outputs.levels` and `Inputs.levels`."""
        pins = _pairs(self._chip.ask("get"))
        return {line: pins[offset] != self._active_low for line, offset in self._offsets.items()}

    def close(self) -> None:
        """Give the lines back."""
        self._chip.close()


class FarOutputs(_FarLines):
    """See `Outputs`."""

    def __init__(self, chip: FarChip, at_rest: Mapping[str, bool], *, active_low: bool = False) -> None:
        pins = {line: level != active_low for line, level in at_rest.items()}
        super().__init__(chip, at_rest, ("out", spell(pins)), active_low)

    def set(self, levels: Mapping[str, bool]) -> None:
        """See `Outputs.set`."""
        self._chip.ask("set", spell({self._offsets[line]: level != self._active_low for line, level in levels.items()}))


class FarInputs(_FarLines):
    """See `Inputs`."""

    def __init__(
        self, chip: FarChip, lines: Sequence[str], *, bias: Bias, debounce_ms: float, active_low: bool = False
    ) -> None:
        names = ",".join(quote(line, safe="") for line in lines)
        super().__init__(chip, lines, ("in", names, bias, f"{debounce_ms:g}"), active_low)
        self._sequence = 0
        self._kept: list[Edge] = []

    def wait(self, timeout: float) -> list[Edge]:
        """See `Inputs.wait`."""
        edges, self._kept = self._kept, []
        if edges:
            return edges
        ends = time.monotonic() + timeout
        self._chip.hear(0.0)
        while not self._chip.events and (left := ends - time.monotonic()) > 0:
            self._chip.hear(left)
        events, self._chip.events = self._chip.events, []
        lost = 0
        for number, offset, level, at_ns in events:
            lost += int(number) - self._sequence - 1
            self._sequence = int(number)
            edges.append(Edge(self._names[offset], (level == "1") != self._active_low, int(at_ns)))
        if lost:
            self._kept = edges
            raise BadAnswer(f"gpio chip: {lost} edges were lost on the way")
        return edges


def _pairs(text: str) -> dict[str, bool]:
    """The other way round from `spell`."""
    return {line: level == "1" for line, _, level in (pair.partition("=") for pair in text.split(","))}


def _outcome(answer: Sequence[str]) -> str:
    match answer:
        case ["ok", *rest]:
            return " ".join(rest)
        case ["no", "EBUSY", *why]:
            raise DeviceRefused(f"gpio chip is in use: {' '.join(why)}")
        case ["no", "ENOENT", *why]:
            raise UnknownDevice(f"gpio chip: {' '.join(why)}")
        case _:
            raise DeviceRefused(f"gpio chip: {' '.join(answer)}")
