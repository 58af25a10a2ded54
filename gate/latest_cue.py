"""The cue that holds now, handed from the lane's thread to a device's: a slow device skips, and never lags behind."""

from __future__ import annotations

import threading
from collections.abc import Callable

from models.cue import Cue


class LatestCue:
    """One place for one cue. `put` from any thread; all else belongs to the device's thread."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._latest: tuple[int, Cue] | None = None  # numbered, so that a cue that came anew counts as new
        self._shown = 0

    def put(self, cue: Cue) -> None:
        """This holds now. The same cue again is nothing new."""
        number, before = self._latest or (0, None)
        if cue is not before:
            self._latest = (number + 1, cue)  # one assignment: the other thread sees the old pair or the new one
            self.asked.set()

    def show(self, by: Callable[[Cue], None]) -> bool:
        """Show the latest if it has not been shown yet. Returns whether it had to be; raises what `by` raises."""
        if self._latest is None or self._latest[0] == self._shown:
            return False
        number, cue = self._latest
        by(cue)
        self._shown = number
        return True

    def forget_shown(self) -> None:
        """A fresh device shows nothing yet."""
        self._shown = 0
