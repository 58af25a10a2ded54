"""Does the camera hang at the right height? Told by where the eyes of several visitors are in its picture.

One tall visitor says nothing of the camera; the middle of several does. Nothing is kept of anybody but this one number,
and of it no more than the last few.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from statistics import median

ENOUGH, MOST = 3, 50
HIGHEST, LOWEST = 0.22, 0.60
"""Where the middle visitor's eyes may be, 0 at the picture's top: so that a man of two metres and a child or somebody
in a wheelchair are both in it. Chosen, and not measured at a venue."""


class Height(StrEnum):
    """How the camera hangs."""

    UNKNOWN = "unknown"
    GOOD = "good"
    TOO_LOW = "too_low"  # heads are at the picture's top
    TOO_HIGH = "too_high"  # heads are at its foot


class Heights:
    """Takes one number a visitor."""

    def __init__(self) -> None:
        self._eyes: deque[float] = deque(maxlen=MOST)

    def add(self, eyes_at: float | None) -> None:
        """A visitor's eyes were here; engines that can't tell say nothing."""
        if eyes_at is not None:
            self._eyes.append(eyes_at)

    @property
    def count(self) -> int:
        """How many visitors were seen."""
        return len(self._eyes)

    @property
    def middle(self) -> float:
        """The middle visitor's eyes."""
        return median(self._eyes)

    @property
    def height(self) -> Height:
        """What that says of the camera."""
        return height_of(self.middle) if self.count >= ENOUGH else Height.UNKNOWN


def height_of(eyes_at: float) -> Height:
    """Of one place of eyes."""
    if eyes_at < HIGHEST:
        return Height.TOO_LOW
    return Height.TOO_HIGH if eyes_at > LOWEST else Height.GOOD
