"""A signal without a wire: it remembers what it was told."""

from __future__ import annotations

from drivers.url import DeviceUrl
from models.cue import Cue


class SimSignal:
    """Keeps the cues in the order in which they came; nothing is heard or seen."""

    def __init__(self) -> None:
        self.shown: list[Cue] = []

    def show(self, cue: Cue) -> None:
        """Remember `cue`."""
        self.shown.append(cue)

    def poll(self) -> None:
        """It is always there."""

    def close(self) -> None:
        """Nothing to give back."""


def open(url: DeviceUrl) -> SimSignal:
    """A new one, which remembers nothing yet."""
    return SimSignal()
