"""Figures as Prometheus reads them: the text exposition format, version 0.0.4.

    families = [Family("menshen_inside", Kind.GAUGE, "People inside.", (Sample(12),))]
    render(families)    # '# HELP menshen_inside People inside.\\n# TYPE menshen_inside gauge\\nmenshen_inside 12\\n'

Nothing in a label may name a person: labels are device names, reasons, phases.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

STEP_BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 2.0, 5.0)
"""Where what is promised lies: 60, 150, 200 and 350 ms on a fast machine, 700 ms on a small one."""


class Kind(StrEnum):
    """What may be done with the figures of a family."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure. `suffix` is a histogram's own: `_bucket`, `_sum`, `_count`."""

    value: float
    labels: dict[str, str] = field(default_factory=dict)
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Figures of one name."""

    name: str
    kind: Kind
    about: str
    samples: tuple[Sample, ...] = ()


class Histogram:
    """Counts of durations by their size, for one set of labels after the other."""

    def __init__(self, name: str, about: str, bounds_s: tuple[float, ...] = STEP_BOUNDS_S) -> None:
        self._name, self._about, self._bounds = name, about, bounds_s
        self._counts: dict[tuple[tuple[str, str], ...], list[int]] = {}
        self._sums: dict[tuple[tuple[str, str], ...], float] = {}

    def observe(self, seconds: float, **labels: str) -> None:
        """One more."""
        key = tuple(labels.items())
        counts = self._counts.setdefault(key, [0] * (len(self._bounds) + 1))
        counts[bisect_left(self._bounds, seconds)] += 1
        self._sums[key] = self._sums.get(key, 0.0) + seconds

    def family(self) -> Family:
        """As it stands."""
        return Family(self._name, Kind.HISTOGRAM, self._about, tuple(self._samples()))

    def _samples(self) -> Iterator[Sample]:
        for key, counts in self._counts.items():
            labels, total = dict(key), 0
            for bound, count in zip((*self._bounds, math.inf), counts, strict=True):
                total += count
                yield Sample(total, labels | {"le": number(bound)}, "_bucket")
            yield Sample(round(self._sums[key], 6), labels, "_sum")
            yield Sample(total, labels, "_count")


def gauge(name: str, about: str, value: float | None, **labels: str) -> Family:
    """A family of one figure, or of none where it is not known."""
    return Family(name, Kind.GAUGE, about, () if value is None else (Sample(value, labels),))


def by_label(name: str, kind: Kind, about: str, label: str, figures: Iterable[tuple[str, float]]) -> Family:
    """A family with one figure for each value of one label."""
    return Family(name, kind, about, tuple(Sample(value, {label: word}) for word, value in figures))


def one_of(name: str, about: str, label: str, words: Iterable[str], now: str) -> Family:
    """1 for the state that holds, 0 for the others."""
    return by_label(name, Kind.GAUGE, about, label, ((word, float(word == now)) for word in words))


def render(families: Iterable[Family]) -> str:
    """The text. Families without a figure are left out."""
    return "".join(line for family in families if family.samples for line in _lines(family))


def number(value: float) -> str:
    """As the format writes it."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _lines(family: Family) -> Iterator[str]:
    about = family.about.replace("\\", "\\\\").replace("\n", "\\n")
    yield f"# HELP {family.name} {about}\n# TYPE {family.name} {family.kind}\n"
    for sample in family.samples:
        labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in sample.labels.items())
        yield f"{family.name}{sample.suffix}{f'{{{labels}}}' if labels else ''} {number(sample.value)}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
