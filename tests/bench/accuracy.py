"""How well strangers are told apart: error rates on a folder of photographs, through camera, engine and comparison.

    python tests/bench/accuracy.py --faces ../shared/faces [--engine dlib:] [--accept 0.40] [--refuse 0.60]

Words and figures after ISO/IEC 19795-1: false match rate (FMR) and false non-match rate (FNMR) at a distance, failure
to acquire (FTA), each with a 95 % interval; no error in n trials bounds the rate at 3/n. Photographs of one person are
compared with each other many times, so that pairs are not independent and the true intervals are wider than the printed
ones.

The folder holds `provenance.csv` with the columns file, identity, source, kind and tags.
"""

from __future__ import annotations

import csv
import itertools
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drivers import connect
from models.face import FaceProbe


@dataclass(frozen=True, slots=True)
class Photograph:
    """One line of the list, and what the engine made of the picture."""

    file: str
    identity: str
    source: str
    tags: frozenset[str]
    probe: FaceProbe


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
        n, rate, z = self.trials, self.value, 1.96
        if n == 0:
            return (0.0, 1.0)
        if self.errors == 0:
            return (0.0, min(1.0, 3 / n))
        middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
        return (max(0.0, middle - reach), min(1.0, middle + reach))

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.errors}/{self.trials} = {self.value:.2%} [{low:.2%}, {high:.2%}]" if self.trials else "no pairs"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a group of photographs shows. Rates are keyed by the distance they were taken at."""

    name: str
    photographs: int
    failures: Rate
    problems: dict[str, int]
    genuine: list[float] = field(repr=False)
    impostor: list[float] = field(repr=False)

    def fmr(self, distance: float) -> Rate:
        """Pairs of different people at most `distance` apart."""
        return Rate(sum(d <= distance for d in self.impostor), len(self.impostor))

    def fnmr(self, distance: float) -> Rate:
        """Pairs of the same person more than `distance` apart."""
        return Rate(sum(d > distance for d in self.genuine), len(self.genuine))


def look(folder: Path, engine_url: str = "dlib:") -> tuple[list[Photograph], float]:
    """Every face photograph of the list through camera and engine; also the mean milliseconds of a probe."""
    engine = connect("face", engine_url)
    seen, spent_s = [], 0.0
    with (folder / "provenance.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["kind"] == "face"]
    for row in rows:
        camera = connect("camera", "v4l2+file://" + quote(str((folder / row["file"]).resolve())))
        frame = camera.grab(1.0)
        camera.close()
        start = time.perf_counter()
        probe = engine.probe(frame)
        spent_s += time.perf_counter() - start
        seen.append(Photograph(row["file"], row["identity"], row["source"], frozenset(row["tags"].split(";")), probe))
    engine.close()
    return seen, 1000 * spent_s / max(len(rows), 1)


def weigh(name: str, photographs: Iterable[Photograph]) -> Figures:
    """Compare all pairs of `photographs` that gave a template."""
    group = list(photographs)
    good = [photograph for photograph in group if photograph.probe.problem is None]
    genuine: list[float] = []
    impostor: list[float] = []
    templates: list[npt.NDArray[np.float32]] = [np.frombuffer(each.probe.template, "<f4") for each in good]
    for (one, mine), (other, theirs) in itertools.combinations(zip(good, templates, strict=True), 2):
        (genuine if one.identity == other.identity else impostor).append(float(np.linalg.norm(mine - theirs)))
    problems = Counter(str(each.probe.problem) for each in group if each.probe.problem)
    return Figures(name, len(group), Rate(len(group) - len(good), len(group)), dict(problems), genuine, impostor)


def measure(folder: Path, engine_url: str = "dlib:") -> dict[str, Figures]:
    """The figures of each source, of some groups across them, and of all."""
    photographs, _ = look(folder, engine_url)
    return groups(photographs)


def groups(photographs: list[Photograph]) -> dict[str, Figures]:
    """The same for photographs already looked at."""
    chosen: dict[str, Callable[[Photograph], bool]] = {
        source: lambda each, source=source: each.source == source  # type: ignore[misc]
        for source in dict.fromkeys(each.source for each in photographs)
    }
    chosen["cctwelve, frontal"] = lambda each: each.source == "cctwelve" and "front" in each.tags
    chosen["east asian, frontal"] = lambda each: "asian" in ";".join(each.tags) and not each.tags & {"left", "right"}
    chosen["all"] = lambda each: True
    return {name: weigh(name, filter(wanted, photographs)) for name, wanted in chosen.items()}


def report(figures: dict[str, Figures], accept: float, refuse: float) -> str:
    """The figures in words, a paragraph for each group."""
    lines = []
    for each in figures.values():
        lines.append(
            f"{each.name}: {each.photographs} photographs; failure to acquire {each.failures} {each.problems or ''}"
        )
        for name, distance in (("accept", accept), ("refuse", refuse)):
            lines.append(f"  at {name} {distance:.2f}:  FMR {each.fmr(distance)}   FNMR {each.fnmr(distance)}")
        if each.genuine and each.impostor:
            lines.append(f"  same person up to {max(each.genuine):.3f}, different from {min(each.impostor):.3f}")
    return "\n".join(lines)


@click.command()
@click.option("--faces", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--engine", default="dlib:", show_default=True, help="the face engine's address")
@click.option("--accept", default=0.40, show_default=True)
@click.option("--refuse", default=0.60, show_default=True)
def main(faces: Path, engine: str, accept: float, refuse: float) -> dict[str, Any]:
    """Measure and print."""
    photographs, probe_ms = look(faces, engine)
    figures = groups(photographs)
    click.echo(report(figures, accept, refuse))
    click.echo(f"{probe_ms:.0f} ms a probe")
    return {**figures}


if __name__ == "__main__":
    main()
