"""Modbus RTU: the frames, and the master's side of the line. For `relay/modbus` and `sensor/modbus`.

A frame is `unit function data crc`, the CRC low byte first. Modbus over Serial Line V1.02, 2.5.1: frames are divided by
a silence of 3.5 characters. Modbus Application Protocol V1.1b3, 6 and 7: functions and exception codes.

A line has one master. A board that has both relays and inputs is used by two drivers of one program, so drivers that
name the same line share one `Bus` and take turns. Two programs can't share a line.

An adapter that hears itself would confirm each write by its own echo. The answer to a read differs from the question,
so a read tells: `Unit.read_coils` fails on such an adapter.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import IntEnum

from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout, UnknownDevice
from drivers.transport import Transport, open_transport
from drivers.url import DeviceUrl

BAUD = 9600
TRANSPORTS: tuple[str, ...] = ("serial", "tcp")
OPTIONS: dict[str, str] = {
    "address": "the board's address on the line, 1 to 247 (1)",
    "answer_s": "longest wait for an answer, in seconds (0.25)",
}
ANSWER_S = 0.25
TRIES = 2
MOST_BITS = 2000

_NOISE_S = 0.1  # a line that isn't quiet for so long never will be
_ON, _OFF = 0xFF00, 0x0000
_FLASH_ON = 0x0200
_FAULT = 0x80
_FAULT_SIZE = 5
_ECHO_SIZE = 8
_FAULTS = {
    1: "it does not know this function",
    2: "it has no such channel or input",
    3: "it does not take this value",
    4: "it has a fault of its own",
    5: "it is still at work on it",
    6: "it is busy",
    10: "the gateway has no way to it",
    11: "it does not answer the gateway",
}


class Function(IntEnum):
    """The functions in use."""

    READ_COILS = 1
    READ_INPUTS = 2
    WRITE_COIL = 5
    WRITE_COILS = 15


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS: polynomial A001 reflected, start FFFF; over "123456789" it is 4B37."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def seal(body: bytes) -> bytes:
    """`body` with its CRC."""
    return body + crc16(body).to_bytes(2, "little")


def is_whole(frame: bytes) -> bool:
    """Whether the CRC of `frame` is right."""
    return len(frame) >= 4 and seal(frame[:-2]) == frame


def request(unit: int, function: int, first: int, value: int) -> bytes:
    """A question of eight bytes: `value` is a count for reads, what to write for a coil."""
    return seal(bytes((unit, function)) + first.to_bytes(2, "big") + value.to_bytes(2, "big"))


def write_coil(unit: int, coil: int, on: bool) -> bytes:
    """Switch one coil; coils count from 0."""
    return request(unit, Function.WRITE_COIL, coil, _ON if on else _OFF)


def flash_on(unit: int, coil: int, tenths: int) -> bytes:
    """Waveshare's own: close the relay for `tenths` times 100 ms, in the board."""
    return request(unit, Function.WRITE_COIL, _FLASH_ON + coil, tenths)


def pack_bits(bits: list[bool]) -> bytes:
    """Coils or inputs as they travel: the first is the lowest bit of the first byte."""
    packed = sum(1 << at for at, bit in enumerate(bits) if bit)
    return packed.to_bytes((len(bits) + 7) // 8, "little")


def unpack_bits(packed: bytes, count: int) -> tuple[bool, ...]:
    """The reverse of `pack_bits`."""
    return tuple(bool(packed[at // 8] >> at % 8 & 1) for at in range(count))


def answer_in(heard: bytes, asked: bytes) -> bytes | None:
    """The whole answer to `asked`, or `None` while it is still coming.

    `heard` begins after the question was sent. Raises `BadAnswer` for anything but that answer, and `DeviceRefused`
    for an exception.
    """
    refused = heard[:2] == bytes((asked[0], asked[1] | _FAULT))
    if not refused and not asked.startswith(heard[:2]):
        raise BadAnswer("the answer is to another question")
    size = _FAULT_SIZE if refused else _answer_size(asked)
    if len(heard) < size:
        return None
    if len(heard) > size or not is_whole(heard):
        raise BadAnswer("the answer fails its check; does the adapter hear itself?")
    if refused:
        raise DeviceRefused(f"exception {heard[2]}, {_FAULTS.get(heard[2], 'a code of its own')}")
    if asked[1] == Function.WRITE_COIL and heard != asked:
        raise BadAnswer("the echo differs from the order")
    if asked[1] != Function.WRITE_COIL and heard[2] != size - 5:
        raise BadAnswer("the answer has another size than asked for")
    return heard


def _answer_size(asked: bytes) -> int:
    if asked[1] == Function.WRITE_COIL:
        return _ECHO_SIZE
    return 5 + (int.from_bytes(asked[4:6], "big") + 7) // 8


class Bus:
    """A line and its one master. Any thread may ask; one question is on the line at a time.

    Once lost it stays lost, and the line is given back at once, so that a new connection can have it.
    """

    def __init__(self, wire: Transport, *, baud: int = BAUD, clock: Callable[[], float] = time.monotonic) -> None:
        self._wire = wire
        self._quiet_s = 3.5 * 11 / baud if baud <= 19200 else 0.00175
        self._clock = clock
        self._turn = threading.Lock()
        self.lost = False

    def ask(self, question: bytes, answer_s: float) -> bytes:
        """Send `question` into a silence, and give the answer. Raises as `answer_in`; `DeviceTimeout` for silence."""
        with self._turn:
            if self.lost:
                raise DeviceLost("the line is closed")
            try:
                self._hush()
                self._wire.write(question)
                return self._listen(question, answer_s)
            except DeviceLost:
                self.close()
                raise

    def close(self) -> None:
        """Give the line back."""
        self.lost = True
        self._wire.close()

    def _hush(self) -> None:
        """Wait until the line is silent. What was still said belongs to an older question."""
        ends = self._clock() + _NOISE_S
        while self._wire.read(self._quiet_s):
            if self._clock() > ends:
                raise BadAnswer("the line is never silent")

    def _listen(self, question: bytes, answer_s: float) -> bytes:
        heard = b""
        ends = self._clock() + answer_s
        while (left := ends - self._clock()) > 0:
            heard += self._wire.read(left)
            answer = answer_in(heard, question)
            if answer is not None:
                return answer
        if heard:
            raise BadAnswer(f"{len(heard)} bytes of an answer and no more")
        raise DeviceTimeout(f"no answer in {answer_s:g} s")


class Unit:
    """One board on a bus. `repeats` counts the questions that had to be asked again."""

    def __init__(self, bus: Bus, address: int = 1, answer_s: float = ANSWER_S, leave: Callable[[], None] | None = None):
        """`leave` is called once, on closing: by default it closes the bus."""
        self.repeats = 0
        self._bus = bus
        self._address = address
        self._answer_s = answer_s
        self._leave = leave or bus.close
        self._closed = False

    def read_coils(self, first: int, count: int) -> tuple[bool, ...]:
        """The states of `count` coils from `first`, which counts from 0."""
        return self._read(Function.READ_COILS, first, count)

    def read_inputs(self, first: int, count: int) -> tuple[bool, ...]:
        """The levels of `count` discrete inputs from `first`, which counts from 0."""
        return self._read(Function.READ_INPUTS, first, count)

    def write_coil(self, coil: int, on: bool) -> None:
        """Switch a coil; returns when the board has confirmed it."""
        self._ask(write_coil(self._address, coil, on))

    def flash_on(self, coil: int, tenths: int) -> None:
        """Close a coil for `tenths` times 100 ms. Asked once only, since a second time is a second pulse."""
        self._ask(flash_on(self._address, coil, tenths), tries=1)

    def check_open(self) -> None:
        """Raise `DeviceLost` after `close` or a lost line."""
        if self._closed or self._bus.lost:
            raise DeviceLost(f"Modbus unit {self._address}: the line is closed")

    def close(self) -> None:
        """Leave the bus. May be called twice."""
        if not self._closed:
            self._closed = True
            self._leave()

    def _read(self, function: Function, first: int, count: int) -> tuple[bool, ...]:
        answer = self._ask(request(self._address, function, first, count))
        return unpack_bits(answer[3:-2], count)

    def _ask(self, question: bytes, tries: int = TRIES) -> bytes:
        self.check_open()
        for left in reversed(range(tries)):
            try:
                return self._bus.ask(question, self._answer_s)
            except (DeviceTimeout, BadAnswer, DeviceRefused) as error:
                if isinstance(error, DeviceRefused) or not left:
                    raise type(error)(f"Modbus unit {self._address}: {error}") from error
                self.repeats += 1
        raise AssertionError("a question is asked at least once")


# --- The lines in use -------------------------------------------------------------------------------------------------


class _Shared:
    """A bus with the number of its users."""

    def __init__(self, bus: Bus, settings: object) -> None:
        self.bus, self.settings, self.users = bus, settings, 0


_in_use: dict[tuple[str, str], _Shared] = {}
_registry = threading.Lock()


def open_unit(url: DeviceUrl) -> Unit:
    """The board at `url`, on a bus that is shared with whoever has the same line in this program."""
    address = url.option("address", int, 1, low=1, high=247)
    answer_s = url.option("answer_s", float, ANSWER_S, low=0.01, high=5)
    if url.transport == "replay":
        return Unit(_open_bus(url), address, answer_s)
    key, settings = (url.transport, url.location), (url.options.get("baud"), url.wrappers)
    with _registry:
        shared = _in_use.get(key)
        if shared is None or shared.bus.lost:
            shared = _in_use[key] = _Shared(_open_bus(url), settings)
        elif shared.settings != settings:
            raise UnknownDevice(
                f"{url}: another device has this line with another speed or wrapper; give both the same"
            )
        shared.users += 1
    return Unit(shared.bus, address, answer_s, leave=lambda: _leave(key, shared))


def _open_bus(url: DeviceUrl) -> Bus:
    return Bus(open_transport(url, BAUD), baud=url.option("baud", int, BAUD))


def _leave(key: tuple[str, str], shared: _Shared) -> None:
    with _registry:
        shared.users -= 1
        if shared.users:
            return
        shared.bus.close()
        if _in_use.get(key) is shared:
            del _in_use[key]
