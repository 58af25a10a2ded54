"""What a box without a battery remembers of the time: the last moment an authority signed, and a hardware clock.

Kept beside the ledger, whole or not at all. With the build and the last entry it is the floor under the clock: a box
that wakes up earlier than that does not know the time. Where the kernel could not set its clock by a hardware clock
whose time is possible, that one is believed.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

from gate.clock import Clock
from gate.kept import write_whole

_log = logging.getLogger("gate.clock")

KEEP_S = 600.0
"""How often the last signed time is written down, at most: a floor need not be exact, and cards wear."""


class ClockFloor:
    """The file `clock-floor` in `folder`: Unix seconds, as text."""

    def __init__(self, folder: Path, clock: Clock, root: Path = Path("/")) -> None:
        self._path, self._clock, self._root = folder / "clock-floor", clock, root
        self._kept_mono: float | None = None

    def begin(self) -> None:
        """Raise the floor to what is remembered, and look at the hardware's clock. Never raises."""
        with suppress(OSError, ValueError):
            self._clock.raise_floor(float(self._path.read_text("ascii")))
        told = rtc_time(self._root)
        if told is not None and not self._clock.trusted and self._clock.take_rtc(told):
            _log.warning("the system's clock is wrong, and the hardware's is believed")

    def tick(self) -> None:
        """Write the signed time down, if there is one and it is time to."""
        told, now = self._clock.told(), self._clock.now().mono
        if told is None or (self._kept_mono is not None and now - self._kept_mono < KEEP_S):
            return
        self._kept_mono = now
        try:
            write_whole(self._path, f"{told:.0f}\n".encode())
        except OSError as error:
            _log.error("the time can't be remembered over a restart: %s", error.strerror)


def rtc_time(root: Path) -> float | None:
    """What the first hardware clock says, Unix seconds; `None` where there is none."""
    for path in sorted((root / "sys/class/rtc").glob("rtc*/since_epoch")):
        with suppress(OSError, ValueError):
            return float(path.read_text("ascii"))
    return None
