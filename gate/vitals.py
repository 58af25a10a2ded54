"""How a device fares, how long to wait before it is tried again, and how to tell of a crash but not of people."""

from __future__ import annotations

import random
import time
import traceback
from dataclasses import replace

from gate.messages import DeviceHealth

STEADY_S = 2.0
"""A device that lived this long was well: the next loss starts with the shortest wait."""


class Vitals:
    """One device's health. Written by the device's thread alone; `health` may be read from any thread."""

    def __init__(self, name: str) -> None:
        now = time.monotonic()
        self.health = DeviceHealth(name, why="not connected yet", since_mono=now, beat_mono=now)
        self._known = False  # whether anything was told yet
        self._was_up = False

    def rise(self) -> bool:
        """The device works. Returns whether that is news."""
        if self.health.up:
            return False
        now = time.monotonic()
        back = self.health.reconnects + (1 if self._was_up else 0)
        self.health = replace(self.health, up=True, since_mono=now, beat_mono=now, reconnects=back)
        self._known = self._was_up = True
        return True

    def fall(self, why: str) -> bool:
        """The device is gone. Returns whether that is news; the newest reason is kept in any case."""
        now = time.monotonic()
        news = self.health.up or not self._known
        since = now if news else self.health.since_mono
        self.health = replace(self.health, up=False, why=why, since_mono=since, beat_mono=now)
        self._known = True
        return news

    def beat(self) -> None:
        """A sign of life."""
        self.health = replace(self.health, beat_mono=time.monotonic())

    def count_bad(self) -> None:
        """The device spoke nonsense, refused, or was silent when it should have spoken."""
        self.health = replace(self.health, bad_answers=self.health.bad_answers + 1)

    def count_use(self) -> None:
        """The device did what it is there for, which wears it."""
        self.health = replace(self.health, uses=self.health.uses + 1)

    def steady(self) -> bool:
        """Whether the device has been up for a while."""
        return self.health.up and time.monotonic() - self.health.since_mono >= STEADY_S


class Backoff:
    """Waits that double from `first_s` to `most_s`, each cut by up to a half so that devices don't move in step.

    With `eager` the first try after a reset comes at once.
    """

    def __init__(self, first_s: float = 0.2, most_s: float = 5.0, *, eager: bool = False) -> None:
        self._first_s, self._most_s, self._eager = first_s, most_s, eager
        self._tries = 0

    def next_s(self) -> float:
        """Seconds to wait before the next try."""
        doublings = self._tries - (1 if self._eager else 0)
        self._tries += 1
        if doublings < 0:
            return 0.0
        full_s = min(self._most_s, self._first_s * float(2 ** min(doublings, 30)))
        return full_s * random.uniform(0.5, 1.0)  # noqa: S311 - nothing secret hangs on it

    def reset(self) -> None:
        """All went well: start from the shortest wait again."""
        self._tries = 0


def bare_trace(error: BaseException) -> str:
    """Type and places of `error` without its message, which may quote what stood on a card."""
    places = (
        f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    )
    return "\n".join((type(error).__name__, *places))
