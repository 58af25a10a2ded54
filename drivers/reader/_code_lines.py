"""Cuts what a scanner sends into codes. A scanner's line has no lengths and no checks: there are ends, and silence.

Most scanners end a code with CR, or CR LF, some with TAB, some with nothing. With `auto`, each of these ends one and an
idle gap does so too; once an end was seen, the gap must be ten times as long, for then half a code is only late.
With a set end nothing else ends a code, and half a code that stays half is thrown away. A late byte is never cut off
while there are bytes to read: the clock counts only when the line is quiet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

MOST_BYTES = 7089  # the digits of the largest QR code (ISO/IEC 18004, version 40-L)
PATIENT = 10  # times the gap, where the gap is not how codes end here


class End(StrEnum):
    """What ends a code."""

    AUTO = "auto"
    CR = "cr"
    LF = "lf"
    CRLF = "crlf"
    TAB = "tab"
    NONE = "none"


_ENDS = {
    End.AUTO: (b"\r", b"\n", b"\t"),
    End.CR: (b"\r",),
    End.LF: (b"\n",),
    End.CRLF: (b"\r\n",),
    End.TAB: (b"\t",),
    End.NONE: (),
}


@dataclass(slots=True)
class Stats:
    """What the line was like since connecting."""

    codes: int = 0
    too_long: int = 0
    unfinished: int = 0
    replies: int = 0


@dataclass(frozen=True, slots=True)
class TooLong:
    """More bytes than any code has; thrown away up to the next end or gap."""


Piece: TypeAlias = bytes | TooLong


class CodeCutter:
    """A scanner's bytes in, codes out. `replies` are what a scanner says to commands: taken out wherever they stand.

    `heard` is told each reply that was taken out.
    """

    def __init__(
        self,
        end: End = End.AUTO,
        gap_s: float = 0.04,
        replies: tuple[bytes, ...] = (),
        heard: Callable[[bytes], None] = lambda reply: None,
    ) -> None:
        self.stats = Stats()
        self._end, self._ends, self._gap_s = end, _ENDS[end], gap_s
        self._replies, self._heard = replies, heard
        self._saw_end = False
        self._flooded = False
        self._rest = bytearray()
        self._last = 0.0

    @property
    def due(self) -> float | None:
        """When the silence is long enough to mean something; `None` where nothing is held."""
        if not self._rest and not self._flooded:
            return None
        gap_is_end = self._end is End.NONE or (self._end is End.AUTO and not self._saw_end)
        return self._last + self._gap_s * (1 if gap_is_end else PATIENT)

    def feed(self, data: bytes, now: float) -> list[Piece]:
        """The codes that `data` completes, the same however the bytes are dealt; `now` is monotonic seconds."""
        out: list[Piece] = []
        for byte in data:
            self._rest.append(byte)
            self._take_out_reply()
            ended = next((end for end in self._ends if self._rest.endswith(end)), None)
            if ended is not None:
                out += self._cut(len(ended))
            elif len(self._rest) > MOST_BYTES:
                self._flooded = True
                del self._rest[:-8]  # an end, or a reply, may have begun
        if data:
            self._last = now
        return out

    def quiet(self, now: float) -> list[Piece]:
        """What the silence completes; to be asked only when there was nothing to read."""
        due = self.due
        if due is None or now < due:
            return []
        if self._end in (End.AUTO, End.NONE):
            return self._deliver(bytes(self._rest))
        if self._flooded:
            return self._deliver(b"")
        self._rest.clear()
        self.stats.unfinished += 1
        return []

    def _take_out_reply(self) -> None:
        for reply in self._replies:
            if self._rest.endswith(reply):
                del self._rest[-len(reply) :]
                self.stats.replies += 1
                self._heard(reply)
                return

    def _cut(self, size_of_end: int) -> list[Piece]:
        self._saw_end = True
        code = bytes(self._rest[:-size_of_end])
        if not code and not self._flooded and self._end is End.AUTO:
            self._rest.clear()  # the LF of CR LF
            return []
        return self._deliver(code)

    def _deliver(self, code: bytes) -> list[Piece]:
        flooded, self._flooded = self._flooded, False
        self._rest.clear()
        if flooded:
            self.stats.too_long += 1
            return [TooLong()]
        self.stats.codes += 1
        return [code]
