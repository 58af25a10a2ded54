"""How scanners are told to look and to rest, by family, and what they say to it.

A scanner in command mode must be set up for it beforehand, with the vendor's setting codes or program. What a scanner
replies is known byte for byte, or the family is not asked for a reply.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass

_GM65_HEAD = b"\x7e\x00"
_GM65_ANY_CRC = b"\xab\xcd"
_GM65_TRIGGER = 0x0002


def crc16_xmodem(data: bytes) -> int:
    """CRC-16 with polynomial 1021 and start 0000; over "123456789" it is 31C3."""
    return binascii.crc_hqx(data, 0)


def gm65(kind: int, address: int, data: bytes, *, checked: bool = True) -> bytes:
    """A command of the GM65 family: kind 7 reads, 8 writes, 9 saves. Unchecked, the CRC is the one that says "any"."""
    body = bytes((kind, len(data))) + address.to_bytes(2, "big") + data
    return _GM65_HEAD + body + (crc16_xmodem(body).to_bytes(2, "big") if checked else _GM65_ANY_CRC)


def ssi(opcode: int) -> bytes:
    """A command of Zebra's Simple Serial Interface without data: length, opcode, host, status, checksum."""
    body = bytes((4, opcode, 4, 0))
    return body + (-sum(body) & 0xFFFF).to_bytes(2, "big")


def newland(command: bytes) -> bytes:
    """A temporary setting of the Newland family."""
    return b"\x7e\x010000#" + command + b";\x03"


_NEWLAND_DONE, _NEWLAND_REFUSED = b"\x06", (b"\x15", b"\x05")


def _newland_replies(statuses: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple(
        b"\x02\x010000" + mark + b"SCNTRG" + value + status + b";\x03"
        for mark in (b"#", b"@")
        for value in (b"0", b"1")
        for status in statuses
    )


@dataclass(frozen=True, slots=True)
class Trigger:
    """One family's words. `refusals` are the replies that say no."""

    start: bytes
    stop: bytes
    replies: tuple[bytes, ...] = ()
    refusals: tuple[bytes, ...] = ()


FAMILIES: dict[str, Trigger] = {
    "gm65": Trigger(
        gm65(8, _GM65_TRIGGER, b"\x01", checked=False),
        gm65(8, _GM65_TRIGGER, b"\x00", checked=False),
        (bytes.fromhex("02000001003331"),),
    ),
    "honeywell": Trigger(b"\x16T\r", b"\x16U\r"),
    "newland": Trigger(
        newland(b"SCNTRG1"), newland(b"SCNTRG0"), _newland_replies((_NEWLAND_DONE,)), _newland_replies(_NEWLAND_REFUSED)
    ),
    "zebra": Trigger(b"\x00" + ssi(0xE4), b"\x00" + ssi(0xE5), (bytes.fromhex("04d00000ff2c"),)),
    "cipherlab": Trigger(b"E", b"D"),
}
"""By the name that `family=` takes. The zero before Zebra's commands wakes the scanner."""
