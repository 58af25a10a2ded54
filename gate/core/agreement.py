"""Several frames of one person: do they agree, and which of them are the best.

A policy may ask for more than one usable frame (`face_frames`). All of them are compared with the reference and the
farthest counts, so that one frame more can only make the answer more careful, in whatever order they came.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gate.core.compare import compare
from models.cohort import Cohort
from models.face import Comparison, FaceProbe, FaceReference


def agree(template: bytes, other: bytes, apart: float) -> bool:
    """Whether two templates of one model may be of one person: no farther from each other than `apart`."""
    if len(template) != len(other):
        return False
    return math.dist(memoryview(template).cast("f"), memoryview(other).cast("f")) <= apart


def best_first(probes: Iterable[FaceProbe]) -> list[FaceProbe]:
    """Usable probes, the sharpest of a large face first, in whatever order they came."""
    return sorted(probes, key=lambda probe: (-_merit(probe), probe.template))


def joined(probes: Sequence[FaceProbe], frames: int) -> FaceProbe:
    """One answer of `probes`, best first; `frames` were looked at for it. The doubt about life is the greatest."""
    scores = [probe.pad_score for probe in probes if probe.pad_score is not None]
    further = tuple(probe.template for probe in probes[1:])
    return replace(probes[0], further=further, frames=frames, pad_score=min(scores) if scores else None)


def farthest(probe: FaceProbe, reference: FaceReference, cohort: Cohort | None = None) -> Comparison:
    """The comparison of all of the probe's frames: of each measure the greatest. Raises as `compare` does."""
    frames = (replace(probe, template=template) for template in (probe.template, *probe.further))
    found = [compare(frame, reference, cohort) for frame in frames]
    worst = max(found, key=lambda one: (math.isnan(one.distance), one.distance))
    plain = [one.plain for one in found if one.plain is not None]
    return replace(worst, plain=max(plain) if plain else None)


def _merit(probe: FaceProbe) -> float:
    """Size times sharpness, each up to where more of it no longer helps; less for a head that is turned."""
    seen = probe.quality
    frontal = 1.0 - min(1.0, 2.0 * abs(seen.nose - 0.5))
    return min(seen.height_px, 160.0) * min(seen.sharpness, 200.0) * frontal
