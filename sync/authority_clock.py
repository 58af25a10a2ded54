"""The authority's clock, as a device goes by it from the moment it was told the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sync.contract import Standing
from sync.signing import time_is_signed


class AuthorityClock:
    """`wall` and `mono` are this machine's own clocks."""

    def __init__(self, device: str, wall: Callable[[], float], mono: Callable[[], float]) -> None:
        self._device, self._wall, self._mono = device, wall, mono
        self._told: tuple[float, float] | None = None  # the authority's clock, and the monotonic moment

    def now(self) -> float:
        """Unix seconds: by the authority's clock once it has told the time."""
        return self._wall() if self._told is None else self._told[0] + self._mono() - self._told[1]

    def told(self) -> float | None:
        """The authority's time; `None` while it has not been told."""
        return None if self._told is None else self.now()

    def take(self, standing: Standing, number: int, keys: Iterable[bytes]) -> bool:
        """Believe the time in the answer to request `number`, if one of the raw `keys` signed it."""
        good = time_is_signed(standing.time_signature, keys, self._device, number, standing.time)
        if good:
            self._told = standing.time, self._mono()
        return good
