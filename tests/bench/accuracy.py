"""How well strangers are told apart: error rates on a folder of photographs, through camera, engine and comparison.

    python tests/bench/accuracy.py --faces ../shared/faces [--engine dlib:] [--engine onnx:///opt/face/mobilefacenet.toml]
    python tests/bench/accuracy.py --faces lfw [--pairs pairs.txt] [--cohort event] [--scores out.csv]

The folder holds a list `provenance.csv` (columns file, identity, source, kind and tags), or a folder of pictures for
each identity. Without `--pairs` everybody is compared with everybody. A pairs file is LFW's (`name i j` for one person,
`name i name j` for two, pictures `name/name_0001.jpg`) or has two paths and 1 or 0 a line.

`--cohort event` normalises as an event's manifest does: `sync.cohort` makes it of one picture of each identity, and it
takes 223 of them. `--cohort others` is for fewer: every pair is normalised against the single faces of all others. That
is what the idea can do, not what ships, for no such cohort is anonymous. `auto` is the first that there are enough for.

Words and figures after ISO/IEC 19795-1: false match rate (FMR) and false non-match rate (FNMR) at a distance, failure
to acquire (FTA), equal error rate (EER), each with a 95 % interval; no error in n trials bounds the rate at 3/n.
Photographs of one person are compared with each other many times, so that pairs are not independent and the true
intervals are wider than the printed ones.
"""

from __future__ import annotations

import csv
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from drivers import connect
from models.error_rates import Rate, Scores
from models.face import FaceProbe
from models.face_models import SHIPPED_BANDS
from tests.bench.pairing import (
    COHORTS,
    Normal,
    Pairs,
    Picture,
    all_pairs,
    as_scores,
    normaliser,
    read_folder,
    read_pairs,
)

WANTED = (1e-2, 1e-3, 1e-4, 1e-5)


@dataclass(frozen=True, slots=True)
class Photograph(Picture):
    """A picture, and what the engine made of it."""

    probe: FaceProbe = field(default_factory=lambda: FaceProbe(""))


@dataclass(frozen=True, slots=True)
class Figures:
    """What a group of photographs shows. Rates are keyed by the distance they were taken at."""

    name: str
    photographs: int
    failures: Rate
    problems: dict[str, int]
    scores: Scores = field(repr=False)
    lost: int = 0  # pairs of a list that could not be compared

    def fmr(self, distance: float) -> Rate:
        """Pairs of different people at most `distance` apart."""
        return self.scores.fmr(distance)

    def fnmr(self, distance: float) -> Rate:
        """Pairs of the same person more than `distance` apart."""
        return self.scores.fnmr(distance)


def look(folder: Path, engine_url: str = "dlib:") -> tuple[list[Photograph], float]:
    """Every face photograph of the folder through camera and engine; also the mean milliseconds of a probe."""
    engine = connect("face", engine_url)
    seen, spent_s = [], 0.0
    pictures = read_folder(folder)
    for picture in pictures:
        camera = connect("camera", "v4l2+file://" + quote(str((folder / picture.file).resolve())))
        frame = camera.grab(1.0)
        camera.close()
        start = time.perf_counter()
        probe = engine.probe(frame)
        spent_s += time.perf_counter() - start
        seen.append(Photograph(picture.file, picture.identity, picture.source, picture.tags, probe))
    engine.close()
    return seen, 1000 * spent_s / max(len(pictures), 1)


def weigh(name: str, photographs: Iterable[Photograph], pairs: Pairs | None = None, normal: Normal = None) -> Figures:
    """Compare all pairs of `photographs` that gave a template, or those of a list."""
    group = list(photographs)
    good = [photograph for photograph in group if photograph.probe.problem is None]
    templates = np.array([np.frombuffer(each.probe.template, "<f4") for each in good], np.float32)
    problems = Counter(str(each.probe.problem) for each in group if each.probe.problem)
    failures = Rate(len(group) - len(good), len(group))
    genuine, impostor, lost = all_pairs(good, templates, pairs, normal)
    return Figures(name, len(group), failures, dict(problems), Scores(as_scores(genuine), as_scores(impostor)), lost)


def measure(folder: Path, engine_url: str = "dlib:") -> dict[str, Figures]:
    """The figures of each source, of some groups across them, and of all."""
    photographs, _ = look(folder, engine_url)
    return groups(photographs)


def groups(photographs: list[Photograph], normal: Normal = None) -> dict[str, Figures]:
    """The same for photographs already looked at."""
    chosen: dict[str, Callable[[Photograph], bool]] = {
        source: lambda each, source=source: each.source == source  # type: ignore[misc]
        for source in dict.fromkeys(each.source for each in photographs)
        if source
    }
    chosen["cctwelve, frontal"] = lambda each: each.source == "cctwelve" and "front" in each.tags
    chosen["east asian, frontal"] = lambda each: "asian" in ";".join(each.tags) and not each.tags & {"left", "right"}
    chosen["all"] = lambda each: True
    found = {name: weigh(name, filter(wanted, photographs), None, normal) for name, wanted in chosen.items()}
    return {name: figures for name, figures in found.items() if figures.photographs}


def report(figures: dict[str, Figures], accept: float | None, refuse: float | None) -> str:
    """The figures in words, a paragraph for each group. Without bands, the curve alone."""
    lines = []
    for each in figures.values():
        lines.append(
            f"{each.name}: {each.photographs} photographs; failure to acquire {each.failures} {each.problems or ''}"
        )
        if each.lost:
            lines.append(f"  {each.lost} pairs of the list had a picture without a template")
        for name, distance in (("accept", accept), ("refuse", refuse)):
            if distance is not None:
                lines.append(f"  at {name} {distance:.2f}:  FMR {each.fmr(distance)}   FNMR {each.fnmr(distance)}")
        if len(each.scores.genuine) and len(each.scores.impostor):
            lines += _curve(each)
    return "\n".join(lines)


def _curve(figures: Figures) -> list[str]:
    scores = figures.scores
    rate, at = scores.equal_error()
    lines = [f"  same person up to {scores.genuine[-1]:.3f}, different from {scores.impostor[0]:.3f}"]
    lines.append(
        f"  EER {rate:.2%} at {at:.3f}, {len(scores.genuine)} genuine and {len(scores.impostor)} impostor pairs"
    )
    for wanted in WANTED:
        distance = scores.threshold(wanted)
        if distance is not None:
            missed = scores.fnmr(distance)
            known = Rate(missed.trials - missed.errors, missed.trials)
            lines.append(f"  FMR {wanted:g} at {distance:.3f}: TAR {known}")
    return lines


def keep_scores(out: Path, plain: Figures) -> None:
    """Distances and nothing else, for `gatectl calibrate scores`."""
    with out.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["distance", "same"])
        rows.writerows([f"{distance:.5f}", 1] for distance in plain.scores.genuine)
        rows.writerows([f"{distance:.5f}", 0] for distance in plain.scores.impostor)


@click.command()
@click.option("--faces", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--pairs", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="a list of pairs")
@click.option(
    "--engine", "engines", default=["dlib:"], multiple=True, show_default=True, help="a face engine's address"
)
@click.option("--cohort", type=click.Choice(COHORTS), default="auto", show_default=True)
@click.option("--accept", type=float, help="the model's shipped bands, if it has any")
@click.option("--refuse", type=float)
@click.option("--scores", type=click.Path(dir_okay=False, path_type=Path), help="write the plain distances here")
def main(
    faces: Path,
    pairs: Path | None,
    engines: tuple[str, ...],
    cohort: str,
    accept: float | None,
    refuse: float | None,
    scores: Path | None,
) -> None:
    """Measure and print, for each engine: plain distances, then normalised ones."""
    listed = read_pairs(pairs, faces) if pairs else None
    for engine in engines:
        photographs, probe_ms = look(faces, engine)
        good = [each for each in photographs if each.probe.problem is None]
        model = good[0].probe.model_version if good else engine
        shipped = next((each for each in SHIPPED_BANDS if each.model_version == model), None)
        limits = (accept or (shipped.accept if shipped else None), refuse or (shipped.refuse if shipped else None))

        def tell(normal: Normal, photographs: list[Photograph] = photographs) -> dict[str, Figures]:
            return {"pairs": weigh("pairs", photographs, listed, normal)} if listed else groups(photographs, normal)

        plain = tell(None)
        click.echo(f"== {model}, plain distances; {probe_ms:.0f} ms a probe\n{report(plain, *limits)}")
        if scores:
            keep_scores(scores, plain["pairs" if listed else "all"])
        normal = normaliser(cohort, good, shipped)
        if normal:
            own = (normal.bands.accept, normal.bands.refuse) if normal.bands else limits
            click.echo(f"== {model}, {normal.words}\n{report(tell(normal), *own)}")


if __name__ == "__main__":
    main()
