"""Notices a camera that gives the same picture for ever: one that hangs, or a picture that was put in its place.

A sensor has noise, so no two of its pictures are the same bit for bit. What is remembered of a picture is 32 bits.
A network camera may repeat a picture of a lane where nothing moves until its next whole one, so half a minute is given.
A picture of one colour is not judged: in the dark many sensors give nothing but black.
"""

from __future__ import annotations

import zlib

import numpy as np

from drivers.interfaces import Frame

LEAST_PICTURES = 8
"""Fewer prove nothing, however long they took."""

EACH = 8
"""Every eighth row and column is looked at: 0.1 ms for 1280 x 720 pixels on a PC."""


class Stillness:
    """Belongs to who takes the pictures. `after_s`: so long it must be the same one."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._digest, self._pictures, self._since_mono = 0, 0, 0.0
        self.stuck = False

    def see(self, frame: Frame, now: float) -> bool:
        """Whether the camera stands still, this picture included, taken at `now` (monotonic seconds)."""
        digest = digest_of(frame)
        if digest is None or digest != self._digest:
            self._digest, self._pictures, self._since_mono = digest or 0, 0, now
        self._pictures += digest is not None
        self.stuck = self._pictures >= LEAST_PICTURES and now - self._since_mono >= self._after_s
        return self.stuck


def digest_of(frame: Frame) -> int | None:
    """32 bits of it; `None` where it is of one colour."""
    some = np.ascontiguousarray(frame[::EACH, ::EACH])
    return zlib.crc32(some.data) if some.min() != some.max() else None
