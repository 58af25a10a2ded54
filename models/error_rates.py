"""Error rates of comparisons, in the words of ISO/IEC 19795-1: false matches among strangers, false non-matches among
holders, each with the interval that its number of trials carries.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

Z = 1.96  # 95 %


@dataclass(frozen=True, slots=True)
class Rate:
    """Errors among trials."""

    errors: int
    trials: int

    @property
    def value(self) -> float:
        """The rate itself; not a number when nothing was tried."""
        return self.errors / self.trials if self.trials else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """95 %: 3/n without an error, else Wilson's."""
        n, rate = self.trials, self.value
        if n == 0:
            return (0.0, 1.0)
        if self.errors == 0:
            return (0.0, min(1.0, 3 / n))
        middle = (rate + Z * Z / (2 * n)) / (1 + Z * Z / n)
        reach = Z / (1 + Z * Z / n) * math.sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n))
        return (max(0.0, middle - reach), min(1.0, middle + reach))

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.errors}/{self.trials} = {self.value:.2%} [{low:.2%}, {high:.2%}]" if self.trials else "no pairs"


@dataclass(frozen=True, slots=True)
class Scores:
    """Distances of pairs of one person (`genuine`) and of strangers (`impostor`), each from small to large."""

    genuine: Sequence[float] = field(repr=False)
    impostor: Sequence[float] = field(repr=False)

    def fmr(self, distance: float) -> Rate:
        """Strangers at most `distance` apart."""
        return Rate(bisect_right(self.impostor, distance), len(self.impostor))

    def fnmr(self, distance: float) -> Rate:
        """Holders more than `distance` from themselves."""
        return Rate(len(self.genuine) - bisect_right(self.genuine, distance), len(self.genuine))

    def threshold(self, wanted: float) -> float | None:
        """The greatest distance at which no more than `wanted` of the strangers match; `None` where no such number is
        carried: fewer than 3 / `wanted` pairs of strangers can't show it even without an error.
        """
        if len(self.impostor) * wanted < 3:
            return None
        allowed = math.floor(wanted * len(self.impostor))
        first_too_many = self.impostor[min(allowed, len(self.impostor) - 1)]
        return math.nextafter(float(first_too_many), -math.inf)

    def equal_error(self) -> tuple[float, float]:
        """The rate at which as many strangers match as holders do not, and its distance. Not numbers without pairs."""
        if not (len(self.genuine) and len(self.impostor)):
            return math.nan, math.nan
        low, high = 0, len(self.genuine) - 1
        while low < high:  # the first holder at whose distance as many strangers match as holders are missed
            middle = (low + high) // 2
            low, high = (low, middle) if self._gap(middle) >= 0 else (middle + 1, high)
        candidates = [float(self.genuine[place]) for place in {low, max(low - 1, 0)}]
        return min((max(self.fmr(at).value, self.fnmr(at).value), at) for at in candidates)

    def _gap(self, place: int) -> float:
        at = float(self.genuine[place])
        return self.fmr(at).value - self.fnmr(at).value
