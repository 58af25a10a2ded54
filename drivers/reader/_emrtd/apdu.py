"""Commands to a chip and its responses (ISO/IEC 7816-3 and -4), the wire they cross, and the channel above it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from drivers.errors import BadAnswer, DriverError

OK = 0x9000
NOT_FOUND = 0x6A82
END_OF_FILE = 0x6282
SECURITY_STATUS = 0x6982
SM_MISSING, SM_WRONG = 0x6987, 0x6988


class Chip(Protocol):
    """The wire: one command in, one response out."""

    def transmit(self, apdu: bytes) -> bytes:
        """The chip's data and SW1 SW2. Raises `DeviceLost` or `DeviceTimeout` when the chip has left the field."""


class ChipRefused(DriverError):
    """The chip answered in good form that it will not. Stays within this package: readers make a `CardFault` of it."""

    def __init__(self, what: str, sw: int) -> None:
        super().__init__(f"{what}: the chip answered {sw:04X}")
        self.sw = sw


class WrongSecret(ChipRefused):
    """The chip does not open with this MRZ or CAN."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command APDU. `le` is the longest answer wanted, `None` for none; beyond 256 the extended form is used."""

    ins: int
    p1: int
    p2: int
    data: bytes = field(default=b"", repr=False)
    le: int | None = None
    cla: int = 0

    def encode(self) -> bytes:
        """The bytes on the wire."""
        head = bytes([self.cla, self.ins, self.p1, self.p2])
        extended = len(self.data) > 255 or (self.le or 0) > 256
        if not extended:
            lc = bytes([len(self.data)]) if self.data else b""
            return head + lc + self.data + (b"" if self.le is None else bytes([self.le & 0xFF]))
        lc = len(self.data).to_bytes(2, "big") if self.data else b""
        le = b"" if self.le is None else (self.le & 0xFFFF).to_bytes(2, "big")
        return head + b"\x00" + lc + self.data + le

    @classmethod
    def decode(cls, apdu: bytes) -> Command:
        """Read a command, as a chip does. Raises `BadAnswer`."""
        if len(apdu) < 4:
            raise BadAnswer("a command has four bytes or more")
        data, le = _split_body(apdu[4:])
        return cls(apdu[1], apdu[2], apdu[3], data, le, apdu[0])


@dataclass(frozen=True, slots=True)
class Response:
    """A response APDU."""

    data: bytes = field(repr=False)
    sw: int = OK

    def encode(self) -> bytes:
        """The bytes on the wire."""
        return self.data + self.sw.to_bytes(2, "big")

    @classmethod
    def decode(cls, apdu: bytes) -> Response:
        """Read a response. Raises `BadAnswer`."""
        if len(apdu) < 2:
            raise BadAnswer("the chip's answer is shorter than its two status bytes", card_present=True)
        return cls(apdu[:-2], int.from_bytes(apdu[-2:], "big"))


class Protection(Protocol):
    """Secure messaging, as the channel sees it."""

    def wrap(self, command: Command) -> Command:
        """Protect a command."""

    def unwrap(self, response: Response) -> Response:
        """Check a response and take its protection off. Raises `BadAnswer`."""


class Channel:
    """A chip, spoken to in clear until `protection` is set."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self.protection: Protection | None = None

    def send(self, command: Command) -> Response:
        """One command, one response, whatever its status."""
        if self.protection is None:
            return Response.decode(self._chip.transmit(command.encode()))
        wrapped = self.protection.wrap(command)
        return self.protection.unwrap(Response.decode(self._chip.transmit(wrapped.encode())))

    def ask(self, command: Command, what: str) -> bytes:
        """The data of a response that must be 9000. Raises `ChipRefused` for any other, saying `what` was wanted."""
        response = self.send(command)
        if response.sw != OK:
            raise ChipRefused(what, response.sw)
        return response.data


def _split_body(body: bytes) -> tuple[bytes, int | None]:
    """Data and Le of a command's body, short or extended."""
    if not body:
        return b"", None
    width = 1
    if body[0] == 0 and len(body) > 1:
        width, body = 2, body[1:]
    if len(body) == width:
        return b"", int.from_bytes(body, "big") or 256**width
    lc, rest = int.from_bytes(body[:width], "big"), body[width:]
    if lc == 0 or len(rest) not in (lc, lc + width):
        raise BadAnswer("a command's length does not fit its data")
    return rest[:lc], (int.from_bytes(rest[lc:], "big") or 256**width) if len(rest) > lc else None
