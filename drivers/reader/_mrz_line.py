"""A machine that reads print (OCR) on a serial line, and gives the machine readable zone of a page shown to it.

Such machines send two lines of 44 or 36 characters or three of 30, ended by CR, LF or both, or all of it in one go;
some frame it with control characters. A whole zone counts at the end of its last line, anything else when the line
falls silent. A few stray characters are no page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.reader._mrz_shown import read_shown
from models.mrz import Secret

GAP_S = 0.25  # a whole page takes 0.1 s at 9600 baud
MOST_BYTES = 1024
FEWEST_CHARACTERS = 20  # what is shorter is noise, or the machine's word that it saw nothing
_SHAPES = ([44, 44], [36, 36], [30, 30, 30], [88], [72], [90])


class Stream(Protocol):
    """The line: see `drivers.transport.Transport`."""

    def read(self, timeout: float) -> bytes:
        """What has arrived."""

    def close(self) -> None:
        """Give the line back."""


@dataclass(slots=True)
class Stats:
    """What the line was like since connecting."""

    pages: int = 0
    misread: int = 0
    strays: int = 0


class Misread(ValueError):
    """A page was shown and could not be read. Says what was wrong with it, not what stood there."""


class MrzLine:
    """The host's half."""

    def __init__(self, stream: Stream, clock: Callable[[], float]) -> None:
        self._stream, self._clock = stream, clock
        self._heard = b""
        self._heard_at = clock()
        self.stats = Stats()

    def read(self, timeout: float) -> Secret | None:
        """The next page, `None` when none came within `timeout` seconds. Raises `Misread`, and what the stream raises.

        Returns after the first bytes, whole page or not: the next call goes on.
        """
        data = self._stream.read(timeout)
        now = self._clock()
        if data:
            self._heard, self._heard_at = self._heard + data, now
        quiet = not data and now - self._heard_at >= GAP_S
        if not self._heard or not (quiet or _is_whole(self._heard) or len(self._heard) > MOST_BYTES):
            return None
        heard, self._heard = self._heard, b""
        return self._judge("".join(_lines(heard)))

    def close(self) -> None:
        """Give the line back."""
        self._heard = b""
        self._stream.close()

    def _judge(self, text: str) -> Secret | None:
        if len(text) < FEWEST_CHARACTERS:
            self.stats.strays += 1
            return None
        try:
            page = read_shown(text)
        except ValueError as error:
            self.stats.misread += 1
            raise Misread(str(error)) from None
        self.stats.pages += 1
        return page


def _lines(heard: bytes) -> list[str]:
    """The lines without what frames them."""
    text = heard.decode("ascii", "replace")
    return [line.strip() for line in re.split(r"[\x00-\x1f\x7f]+", text) if line.strip()]


def _is_whole(heard: bytes) -> bool:
    return heard[-1] < 0x20 and [len(line) for line in _lines(heard)] in _SHAPES
