"""Scores of a folder of photographs, or of volunteers before the site's own camera: `identity/*.jpg`, or in groups.

The pictures stay where they are, and templates in memory; what is kept are distances.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from urllib.parse import quote

from drivers import connect
from drivers.interfaces import FaceEngine
from gate.calibration import Score, ScoresRefused
from gate.core.compare import compare
from models.face import FaceProbe, FaceReference

SUFFIXES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What an engine made of a folder. `problems` counts the pictures without a template, by what was wrong."""

    model_version: str
    pictures: int
    problems: dict[str, int]
    scores: list[Score] = field(repr=False)


def look(folder: Path, engine: FaceEngine) -> Seen:
    """Compare everybody in `folder` with everybody. Raises `ScoresRefused` when nobody is there, `DriverError`."""
    probes = [(each.parent, _probe(each, engine)) for each in _pictures(folder)]
    if not probes:
        raise ScoresRefused(f"{folder} has no folders of pictures, one a person (or one a group, with those in it)")
    good = [(person, probe) for person, probe in probes if probe.problem is None]
    problems = Counter(str(probe.problem) for _, probe in probes if probe.problem)
    return Seen(engine.model_version, len(probes), dict(problems), list(_scores(folder, good)))


def _pictures(folder: Path) -> Iterator[Path]:
    for depth in ("*/*", "*/*/*"):
        yield from sorted(each for each in folder.glob(depth) if each.suffix.lower() in SUFFIXES)


def _probe(picture: Path, engine: FaceEngine) -> FaceProbe:
    camera = connect("camera", "v4l2+file://" + quote(str(picture.resolve())))
    try:
        return engine.probe(camera.grab(1.0))
    finally:
        camera.close()


def _scores(folder: Path, good: list[tuple[Path, FaceProbe]]) -> Iterator[Score]:
    for (person, probe), (other, second) in combinations(good, 2):
        mine, theirs = _group(person, folder), _group(other, folder)
        distance = compare(probe, FaceReference(second.model_version, second.template)).distance
        yield Score(distance, person == other, mine if mine == theirs else "")


def _group(person: Path, folder: Path) -> str:
    parts = person.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else ""
