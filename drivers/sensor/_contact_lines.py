"""The lines that a contact board says: see `serial`, which speaks them.

Turnstiles give dry contacts and the trade has no standard for carrying them over a line, so this is ours. It is small
enough for any microcontroller with eight inputs. 9600 8N1, the board only talks, one message a line:

    what counter check CR LF        T+ 017 CF

- what, two characters: `T+` `T-` a turn inwards, outwards; `P+` `P-` a second person went along;
  `H!` `H.` held open, no longer; `F!` `F.` fire input, over; `X!` `X.` tampering, over;
  `A0` to `A7` alive, once a second: the states that stand now, 1 held open + 2 fire + 4 tampering.
- counter, three digits: one up with each message, 999 is followed by 000. An `A` line repeats the last one.
- check, two hexadecimal digits: CRC-8 with polynomial D5 and start 00 over the six characters before. Any two flipped
  bits in a line are noticed, which the commoner polynomial 07 can't promise once the check itself is in digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

COUNTERS = 1000

_LINE = re.compile(rb"([TP][+-]|[HFX][!.]|A[0-7]) (\d{3}) ([0-9A-F]{2})")
_LONGEST_LINE = 32


def crc8(data: bytes) -> int:
    """CRC-8, polynomial D5, start 00, as in DVB-S2 (ETSI EN 302 307); over "123456789" it is BC."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1) ^ 0xD5 if crc & 0x80 else crc << 1
        crc &= 0xFF
    return crc


@dataclass(frozen=True, slots=True)
class Line:
    """One good message."""

    what: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class Broken:
    """Bytes that are no message. `size` is how many."""

    size: int


def encode(what: bytes, counter: int) -> bytes:
    """One message with its line end."""
    body = b"%s %03d" % (what, counter)
    return b"%s %02X\r\n" % (body, crc8(body))


def decode(line: bytes) -> Line | Broken:
    """One message without its line end."""
    found = _LINE.fullmatch(line)
    if found is None or crc8(line[:6]) != int(found[3], 16):
        return Broken(len(line))
    return Line(found[1], int(found[2]))


class LineCutter:
    """Cuts a stream of bytes into messages, however the bytes arrive."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Line | Broken]:
        """The messages that `data` completes."""
        out: list[Line | Broken] = []
        for byte in data:
            if byte == 0x0A:
                if line := self._rest.removesuffix(b"\r"):
                    out.append(decode(line))
                self._rest = b""
                continue
            self._rest += bytes((byte,))
            if len(self._rest) >= _LONGEST_LINE:
                out.append(Broken(len(self._rest)))
                self._rest = b""
        return out
