"""Frames and status codes of the SAM module in Chinese ID card readers (GA/T 467).

    question  AA AA AA 96 69 | length (2) | command, parameter | data | check
    answer    AA AA AA 96 69 | length (2) | SW1 SW2 SW3        | data | check

The length counts all that follows it, the check included. The check is the XOR of all bytes from the length on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import reduce
from operator import xor
from typing import Generic, TypeVar

from drivers.errors import BadAnswer

PREAMBLE = bytes.fromhex("AAAAAA9669")
LONGEST = 2400
"""No module sends more than 2,321 bytes (base information with two fingerprints)."""

STALE_S = 1.0
"""The rest of a frame that did not come within this time will not come."""


@dataclass(slots=True)
class Stats:
    """What went well and badly on the wire since the device was opened."""

    frames: int = 0
    checksum_errors: int = 0
    resyncs: int = 0  # times that bytes were skipped in search of a frame
    retries: int = 0
    timeouts: int = 0


def checksum(data: bytes | bytearray) -> int:
    """XOR of all bytes."""
    return reduce(xor, data, 0)


def wrap(body: bytes) -> bytes:
    """A whole frame around `body`."""
    sized = (len(body) + 1).to_bytes(2, "big") + body
    return PREAMBLE + sized + bytes([checksum(sized)])


def unwrap(frame: bytes, least: int) -> bytes:
    """The body of exactly one frame whose body has at least `least` bytes. Raises `BadAnswer`."""
    if not frame.startswith(PREAMBLE):
        raise BadAnswer("a frame without its preamble")
    size = int.from_bytes(frame[5:7], "big")
    if not least + 1 <= size <= LONGEST or len(frame) != size + 7:
        raise BadAnswer(f"a frame of {len(frame)} bytes that gives its length as {size}")
    if checksum(frame[5:]):
        raise BadAnswer("a frame with a wrong checksum")
    return frame[7:-1]


@dataclass(frozen=True, slots=True)
class Command:
    """A question of the host."""

    code: int
    parameter: int
    data: bytes = b""

    LEAST = 2

    @classmethod
    def from_bytes(cls, frame: bytes) -> Command:
        """Read one whole frame. Raises `BadAnswer`."""
        body = unwrap(frame, cls.LEAST)
        return cls(body[0], body[1], body[2:])

    def to_bytes(self) -> bytes:
        """The frame, ready to send."""
        return wrap(bytes([self.code, self.parameter]) + self.data)


RESET = Command(0x10, 0xFF)
STATUS = Command(0x11, 0xFF)
IDENTITY = Command(0x12, 0xFF)
FIND = Command(0x20, 0x01)
SELECT = Command(0x20, 0x02)
READ = Command(0x30, 0x01)
READ_WITH_FINGERPRINT = Command(0x30, 0x10)
NEWEST_ADDRESS = Command(0x30, 0x03)
CARD_NUMBER = Command(0x30, 0x05)
RADIO_FRAME_80 = Command(0x61, 0xFF, b"\x50")

NAMES = {
    "reset": RESET,
    "status": STATUS,
    "identity": IDENTITY,
    "find": FIND,
    "select": SELECT,
    "read": READ,
    "fingerprint": READ_WITH_FINGERPRINT,
    "address": NEWEST_ADDRESS,
    "number": CARD_NUMBER,
}


class Reaction(Enum):
    """What the host does about a status."""

    GO_ON = auto()
    NO_CARD = auto()
    NO_CONTENT = auto()
    RESEND = auto()  # once, then reset
    FIND_AGAIN = auto()
    RESET = auto()
    REJECTED = auto()
    UNSUPPORTED = auto()
    PRESENT_AGAIN = auto()
    ALARM = auto()


OK = 0x90
FOUND = 0x9F
STATUSES: dict[int, tuple[str, Reaction]] = {
    OK: ("success", Reaction.GO_ON),
    FOUND: ("card found", Reaction.GO_ON),
    0x91: ("no such content", Reaction.NO_CONTENT),
    0x10: ("checksum error in the question", Reaction.RESEND),
    0x11: ("length error in the question", Reaction.RESEND),
    0x21: ("unknown command", Reaction.RESEND),
    0x23: ("not allowed now", Reaction.FIND_AGAIN),
    0x24: ("unrecognised error", Reaction.RESET),
    0x31: ("the card rejected the module", Reaction.REJECTED),
    0x32: ("the module rejected the card", Reaction.REJECTED),
    0x33: ("the card's information failed verification", Reaction.REJECTED),
    0x40: ("card type not recognised", Reaction.UNSUPPORTED),
    0x41: ("card read failed", Reaction.PRESENT_AGAIN),
    0x47: ("random number failed", Reaction.PRESENT_AGAIN),
    0x60: ("self-test failed", Reaction.ALARM),
    0x66: ("module not authorised", Reaction.ALARM),
    0x80: ("no card", Reaction.NO_CARD),
    0x81: ("card selection failed", Reaction.PRESENT_AGAIN),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the module. `status` is SW3; SW1 and SW2 carry the card's own status."""

    status: int
    data: bytes = b""
    sw1: int = 0
    sw2: int = 0

    LEAST = 3

    @classmethod
    def from_bytes(cls, frame: bytes) -> Answer:
        """Read one whole frame. Raises `BadAnswer`."""
        body = unwrap(frame, cls.LEAST)
        return cls(body[2], body[3:], body[0], body[1])

    def to_bytes(self) -> bytes:
        """The frame, ready to send."""
        return wrap(bytes([self.sw1, self.sw2, self.status]) + self.data)

    @property
    def reaction(self) -> Reaction:
        """What to do about it. A status that no table knows is the module's own trouble: reset it."""
        return STATUSES.get(self.status, ("", Reaction.RESET))[1]

    @property
    def meaning(self) -> str:
        """For the technician: `41 (card read failed)`."""
        return f"{self.status:02X} ({STATUSES.get(self.status, ('unknown status',))[0]})"


FrameT = TypeVar("FrameT", Command, Answer)


class Decoder(Generic[FrameT]):
    """Finds frames in a stream of bytes, however it is cut and whatever lies between them.

    It slides to the next preamble after nonsense, a length out of limits, a wrong checksum, or a frame whose rest does
    not come within `STALE_S`.
    """

    def __init__(self, frame: type[FrameT], stats: Stats) -> None:
        self._frame: type[FrameT] = frame
        self._stats = stats
        self._buffer = bytearray()
        self._last_byte_at = 0.0

    @property
    def partial(self) -> bool:
        """Whether a frame has begun and not ended."""
        return len(self._buffer) >= len(PREAMBLE)

    def clear(self) -> None:
        """Forget what has come."""
        self._buffer.clear()

    def feed(self, data: bytes, now: float) -> list[FrameT]:
        """All frames completed by `data`, which arrived at `now` (monotonic seconds). Feed `b""` to let time pass."""
        frames: list[FrameT] = []
        if self._buffer and now - self._last_byte_at > STALE_S:
            frames += self._take(stale=True)
        if data:
            self._buffer += data
            self._last_byte_at = now
            frames += self._take(stale=False)
        self._stats.frames += len(frames)
        return frames

    def _take(self, stale: bool) -> list[FrameT]:
        frames = []
        while self._slide():
            size = int.from_bytes(self._buffer[5:7], "big")
            whole = len(self._buffer) >= 7
            if whole and self._frame.LEAST + 1 <= size <= LONGEST:
                whole = len(self._buffer) >= size + 7
                if whole and not checksum(self._buffer[5 : size + 7]):
                    frames.append(self._frame.from_bytes(bytes(self._buffer[: size + 7])))
                    del self._buffer[: size + 7]
                    continue
                self._stats.checksum_errors += whole
            if not whole and not stale:
                break
            del self._buffer[:1]
        if stale:
            self._buffer.clear()
        return frames

    def _slide(self) -> bool:
        """Drop what stands before the next preamble; whether there is one."""
        start = self._buffer.find(PREAMBLE)
        keep = _begun(self._buffer) if start < 0 else len(self._buffer) - start
        if keep < len(self._buffer):
            self._stats.resyncs += 1
            del self._buffer[: len(self._buffer) - keep]
        return start >= 0


def _begun(buffer: bytearray) -> int:
    """How many bytes at the end may be the beginning of a preamble."""
    return next((n for n in range(len(PREAMBLE) - 1, 0, -1) if buffer.endswith(PREAMBLE[:n])), 0)


def split_base_info(data: bytes, with_fingerprint: bool = False) -> tuple[bytes, bytes]:
    """Text (256 bytes) and portrait of a base information answer; fingerprints are dropped here. Raises `BadAnswer`."""
    head = 6 if with_fingerprint else 4
    sizes = [int.from_bytes(data[n : n + 2], "big") for n in range(0, head, 2)]
    if len(data) < head or len(data) != head + sum(sizes):
        raise BadAnswer("the inner lengths of the card's data do not add up")
    if sizes[0] != 256:
        raise BadAnswer(f"the card's text has {sizes[0]} bytes, expected 256")
    return data[head : head + 256], data[head + 256 : head + 256 + sizes[1]]


def join_base_info(text: bytes, portrait: bytes, fingerprint: bytes | None = None) -> bytes:
    """The data of a base information answer; without the fingerprint's length where that is `None`."""
    parts = [text, portrait] if fingerprint is None else [text, portrait, fingerprint]
    return b"".join(len(part).to_bytes(2, "big") for part in parts) + b"".join(parts)
