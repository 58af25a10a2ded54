"""A photograph that a stranger sends, with nothing left in it but the picture: not where it was taken, nor with what.

Nothing is decoded here. The file is walked segment by segment, as JPEG (ITU-T T.81, annex B) and PNG (W3C, section 5)
lay them out, and only what a viewer needs is copied.
"""

from __future__ import annotations

import struct

from sync.server.problems import Refused

LONGEST_SIDE = 12_000
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_JPEG_KEPT = frozenset({0xDB, 0xC4, 0xDD, 0xDC, 0xE0, 0xEE, *range(0xC0, 0xD0)}) - {0xC8, 0xCC}
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def plain_picture(data: bytes) -> tuple[str, bytes]:
    """Media type and bytes of the picture alone. Raises `Refused`: 422 `bad_picture`."""
    try:
        if data[:2] == b"\xff\xd8":
            return "image/jpeg", _plain_jpeg(data)
        if data[:8] == _PNG:
            return "image/png", _plain_png(data)
    except (IndexError, struct.error):
        raise _bad("it ends too early") from None
    raise _bad("it is neither JPEG nor PNG")


def _plain_jpeg(data: bytes) -> bytes:
    out, at, framed = bytearray(data[:2]), 2, False
    while True:
        if data[at] != 0xFF:
            raise _bad("a segment doesn't begin where it should")
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
            continue
        if marker == _END:
            if not framed:
                raise _bad("there is no picture in it")
            return bytes(out + b"\xff\xd9")  # and whatever hangs behind is left behind
        (length,) = struct.unpack_from(">H", data, at + 2)
        segment = data[at : at + 2 + length]
        if length < 2 or len(segment) < 2 + length:
            raise _bad("it ends too early")
        if marker in _FRAMES:
            _check_size(*struct.unpack_from(">HH", segment, 5))
            framed = True
        if marker in _JPEG_KEPT or marker == _SCAN:
            out += segment
        at += 2 + length
        if marker == _SCAN:
            end = _end_of_scan(data, at)
            out += data[at:end]
            at = end


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the next marker begins that is no part of the coded picture."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise _bad("it ends too early")
        following = data[at + 1]
        if following != 0 and not 0xD0 <= following <= 0xD7 and following != 0xFF:
            return at
        at += 2 if following != 0xFF else 1


def _plain_png(data: bytes) -> bytes:
    out, at = bytearray(_PNG), len(_PNG)
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        chunk = data[at : at + 12 + length]
        if len(chunk) < 12 + length:
            raise _bad("it ends too early")
        if at == len(_PNG):
            if kind != b"IHDR" or length != 13:
                raise _bad("it doesn't begin with its size")
            _check_size(*struct.unpack_from(">II", chunk, 8))
        if kind in _PNG_KEPT:
            out += chunk
        if kind == b"IEND":
            return bytes(out)
        at += 12 + length


def _check_size(one: int, other: int) -> None:
    if not (0 < one <= LONGEST_SIDE and 0 < other <= LONGEST_SIDE):
        raise _bad(f"each side has 1 to {LONGEST_SIDE} pixels")


def _bad(why: str) -> Refused:
    return Refused(422, "bad_picture", f"this photograph can't be taken ({why}): send a JPEG or PNG, or none")
