"""Takes the personal bytes out of a tape and leaves the conversation: who spoke when, how long, in which frames.

What a reader's protocol needs to be understood stays: preambles, lengths, commands, statuses, what ends a line. All
else becomes zeros, or the letter A on the wires that carry text. Checks are made right again, and stay wrong where
they were wrong. Of a wire that nobody here knows the direction, the time and the length of every chunk remain.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Callable
from functools import reduce
from operator import xor

from drivers.reader import _osdp_frames as osdp
from drivers.reader._sam_frames import LONGEST, PREAMBLE
from drivers.tape import HEADER, read_chunks

_Blank = Callable[[bytes, bool], bytes]

_SIDES = (True, False)  # host, device
_MESSAGES = ("pcsc", "emrtd")  # a chunk is a message there

_EVENT = struct.Struct("@llHHi")  # struct input_event, as `drivers.reader.wedge` reads it
_KEYS_THAT_SAY_NOTHING = {28, 96, 42, 54}  # both enters, both shifts
_SOME_KEY = 30
# What the reader answers without a card in it (IEC 60839-11-5): ACK, NAK, PDID, PDCAP, LSTATR, ISTATR, OSTATR, BUSY.
_OSDP_PLAIN = {0x40, 0x41, 0x45, 0x46, 0x48, 0x49, 0x4A, 0x79, 0x60, 0x61, 0x62, 0x64}
_OSDP_SECURE, _OSDP_CRC = 0x08, 0x04


def blank_tape(text: str) -> str:
    """The tape without personal bytes. Raises `BadAnswer` for what is none."""
    chunks = read_chunks(text)
    about = next((line[2:].split(",")[0] for line in text.splitlines()[1:2] if line.startswith("# ")), "")
    driver = about.split("+")[0].strip()
    kept = {side: _side([chunk.data for chunk in chunks if chunk.from_host is side], driver, side) for side in _SIDES}
    lines, at = [HEADER, f"# {_plain(about)}, payloads blanked"], {True: 0, False: 0}
    for chunk in chunks:
        first = at[chunk.from_host]
        at[chunk.from_host] += len(chunk.data)
        data = kept[chunk.from_host][first : at[chunk.from_host]]
        lines.append(f"{chunk.at_s:.6f} {'>' if chunk.from_host else '<'} {data.hex(' ').upper()}")
    return "\n".join(lines) + "\n"


def _side(chunks: list[bytes], driver: str, from_host: bool) -> bytes:
    """All that one side said."""
    if driver in _MESSAGES:
        return b"".join(_apdu(chunk, from_host) for chunk in chunks)
    return _RULES.get(driver, _unknown)(b"".join(chunks), from_host)


def _plain(about: str) -> str:
    return about if about.replace("+", "").replace("_", "").isalnum() else "a wire"


def _unknown(data: bytes, from_host: bool) -> bytes:
    return bytes(len(data))


def _kept(data: bytes, from_host: bool) -> bytes:
    """A contact or a beam says nothing of anybody."""
    return data


def _sam(data: bytes, from_host: bool) -> bytes:
    """GA/T 467: preamble, length, then command and parameter, or three bytes of status; the rest is the card's."""
    left, at = bytearray(len(data)), 0
    while (at := data.find(PREAMBLE, at)) >= 0:
        size = int.from_bytes(data[at + 5 : at + 7], "big")
        end = at + 7 + size
        if not 3 <= size <= LONGEST or end > len(data):
            left[at : at + 7] = data[at : at + 7]
            at += len(PREAMBLE)
            continue
        head = at + 7 + min(2 if from_host else 3, size - 1)
        left[at:head] = data[at:head]
        right = reduce(xor, data[at + 5 : end], 0) == 0
        left[end - 1] = reduce(xor, left[at + 5 : end - 1], 0) ^ (0 if right else 0xFF)
        at = end
    return bytes(left)


def _line(data: bytes, from_host: bool) -> bytes:
    """What ends a code stays, and where it was long."""
    return data if from_host else bytes(byte if byte < 0x20 else 0x41 for byte in data)


def _wedge(data: bytes, from_host: bool) -> bytes:
    """Every key becomes the same, but those that every code has."""
    left = bytearray(len(data))
    for at in range(0, len(data) - _EVENT.size + 1, _EVENT.size):
        seconds, micros, kind, code, value = _EVENT.unpack_from(data, at)
        if kind == 1:
            code = code if code in _KEYS_THAT_SAY_NOTHING else _SOME_KEY
        elif kind == 4:  # EV_MSC: the key's scan code
            value = 0
        _EVENT.pack_into(left, at, seconds, micros, kind, code, value)
    return bytes(left)


def _osdp(data: bytes, from_host: bool) -> bytes:
    """Address, length, control and code of every whole frame; its data where the code has nothing to do with a card."""
    left, at = bytearray(len(data)), 0
    while (at := data.find(0x53, at)) >= 0:
        size = osdp.frame_size(data[at : at + osdp.LONGEST])
        if not size:
            at += 1
            continue
        left[at : at + size] = _osdp_frame(data[at : at + size])
        at += size
    return bytes(left)


def _osdp_frame(frame: bytes) -> bytes:
    checks = 2 if frame[4] & _OSDP_CRC else 1
    code = 5 + (frame[5] if frame[4] & _OSDP_SECURE else 0)
    plain = frame[code] in _OSDP_PLAIN and not frame[4] & _OSDP_SECURE if code < len(frame) - checks else False
    body = bytearray(frame[:-checks])
    if not plain:
        body[min(code + 1, len(body)) :] = bytes(max(len(body) - code - 1, 0))
        body[7:code] = bytes(max(code - 7, 0))
    if checks == 2:
        return bytes(body) + binascii.crc_hqx(bytes(body), 0x1D0F).to_bytes(2, "little")
    return bytes(body) + bytes([-sum(body) % 256])


def _apdu(chunk: bytes, from_host: bool) -> bytes:
    """ISO 7816-4, where every chunk is one message: a command's head, an answer's status."""
    if from_host:
        return chunk[:4] + bytes(max(len(chunk) - 4, 0))
    return bytes(max(len(chunk) - 2, 0)) + chunk[-2:]


_RULES: dict[str, _Blank] = {
    "sam": _sam,
    "line": _line,
    "wedge": _wedge,
    "osdp": _osdp,
    "lcus": _kept,
    "modbus": _kept,
    "serial": _kept,
}
