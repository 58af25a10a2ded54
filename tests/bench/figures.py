"""What a bench found: figures with their number of trials, targets and peers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Peer:
    """The same thing done by somebody else's program, in the figure's own unit."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, or the median and the 99th percentile of many.

    `n` trials stand behind it; `at_most`, `at_least` and `p99_at_most` are the targets, where there are any.
    """

    name: str
    value: float
    unit: str
    n: int
    at_most: float | None = None
    p99: float | None = None
    p99_at_most: float | None = None
    peers: tuple[Peer, ...] = ()
    note: str = ""
    at_least: float | None = None

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or nothing where there is no target."""
        aims = [(self.value, self.at_most), (self.p99, self.p99_at_most)]
        held = [value <= most for value, most in aims if value is not None and most is not None]
        if self.at_least is not None:
            held.append(self.value >= self.at_least)
        if not held:
            return ""
        return "met" if all(held) else "missed"


@dataclass(slots=True)
class Section:
    """All figures of one bench, and what must be known to read them."""

    name: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, *figures: Figure) -> None:
        """More figures."""
        self.figures.extend(figures)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, the verdicts among them."""
        return {
            "figures": [asdict(figure) | {"verdict": figure.verdict} for figure in self.figures],
            "notes": self.notes,
            "seconds": round(self.seconds, 1),
        }


def quantile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least `part` of all values do not exceed; not a number for none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else math.nan


def spread(
    name: str, values: Sequence[float], unit: str, targets: tuple[float | None, float | None] = (None, None)
) -> Figure:
    """Median and 99th percentile, with a target for each."""
    p50, p99 = (round(quantile(values, part), 3) for part in (0.5, 0.99))
    return Figure(name, p50, unit, len(values), targets[0], p99, targets[1])
