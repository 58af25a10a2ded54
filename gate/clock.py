"""The time, and whether it may be believed.

A box without a battery wakes up in 1970, or where it was last switched off. The floor only rises: nothing that was
signed or written down can lie in the future.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from models.decision import Now

BUILD_FLOOR = 1_780_000_000.0
"""No installation of this program is older than this (2026-05-28)."""

SLACK_S = 60.0
"""Clocks of issuer and gate may differ by this much."""


class Clock:
    """Wall and monotonic time, with a floor under the wall."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        mono: Callable[[], float] = time.monotonic,
        floor: float = BUILD_FLOOR,
    ) -> None:
        self._wall, self._mono, self._floor = wall, mono, floor
        self._told: tuple[float, float] | None = None  # the authority's time, and the monotonic moment
        self._rtc: tuple[float, float] | None = None  # the hardware clock's, where ours was impossible

    def now(self) -> Now:
        """The present moment."""
        return Now(self.wall(), self._mono())

    def wall(self) -> float:
        """Unix seconds: this machine's, or where those are wrong, the authority's."""
        known = self._told or self._rtc
        if known is None:
            return self._wall()
        at, mono = known
        ours, theirs = self._wall(), at + self._mono() - mono
        return ours if abs(ours - theirs) <= SLACK_S else theirs

    def raise_floor(self, at: float) -> None:
        """Something genuine was made at `at`: it can't be earlier now."""
        self._floor = max(self._floor, at)

    def learn(self, at: float) -> None:
        """The authority says, signed, that it is `at` now. From here on the time is known.

        One that lives before this program was made is not believed: what was told before that still holds. The floor
        that our own lines raised doesn't count here, for they may have been written by a clock that ran ahead.
        """
        if at >= BUILD_FLOOR - SLACK_S:
            self._told = (at, self._mono())

    def told(self) -> float | None:
        """The authority's time; `None` while it has not said it."""
        return None if self._told is None else self._told[0] + self._mono() - self._told[1]

    def take_rtc(self, at: float) -> bool:
        """Believe a hardware clock, if its time is possible; the authority's word goes before it."""
        if at < self._floor - SLACK_S:
            return False
        self._rtc = (at, self._mono())
        return True

    @property
    def trusted(self) -> bool:
        """Whether the wall clock stands where it can stand."""
        return self._told is not None or self._rtc is not None or self._wall() >= self._floor - SLACK_S
