"""Whole OSDP frames out of a stream of bytes.

libosdp forgets a frame that does not come in one piece, and at 9600 baud hardly any does. So it is handed whole frames
alone. What is on the wire: 53, address (bit 7: from the reader), length of all of it (LE16), control, …, then a CRC
(bit 2 of control; LE16, poly 1021, init 1D0F) or a sum that makes all bytes 0.
"""

from __future__ import annotations

import binascii

_START, _USES_CRC = 0x53, 0x04
_SHORTEST, LONGEST = 7, 1440


class Frames:
    """Collects bytes. `count` is the number of whole frames so far: it tells a dead line from a wrong key."""

    def __init__(self) -> None:
        self.count = 0
        self._tail = b""

    def take(self, data: bytes) -> bytes:
        """The frames that `data` make whole, without what stood between them."""
        self._tail = (self._tail + data)[-LONGEST:]
        whole, at = b"", 0
        while (at := self._tail.find(_START, at)) >= 0:
            size = frame_size(self._tail[at:])
            if size:
                self.count += 1
                whole += self._tail[at : at + size]
                self._tail, at = self._tail[at + size :], 0
            else:
                at += 1  # noise, or not yet whole: a frame may begin further on
        return whole


def frame_size(data: bytes) -> int:
    """The size of the frame with which `data` begin, or 0 where none does that is whole and has a good check."""
    if len(data) < _SHORTEST or data[0] != _START:
        return 0
    size = int.from_bytes(data[2:4], "little")
    if not _SHORTEST <= size <= len(data):
        return 0
    if data[4] & _USES_CRC:
        fits = binascii.crc_hqx(data[: size - 2], 0x1D0F) == int.from_bytes(data[size - 2 : size], "little")
    else:
        fits = sum(data[:size]) % 256 == 0
    return size if fits else 0
