"""One probe against one reference, and which references a model may be compared with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.cohort import Cohort
from models.face import Comparison, FaceProbe, FaceReference

Array = npt.NDArray[np.float64]


def compare(probe: FaceProbe, reference: FaceReference, cohort: Cohort | None = None) -> Comparison:
    """The Euclidean distance of two templates of one model (float32, little-endian, equal length).

    With a `cohort` it is normalised: d - (a(probe) + a(reference)) / 2 + level, where a is a template's mean distance
    from the centres nearest to it (adaptive score normalisation; Matejka et al., Interspeech 2017). Who lies where
    everybody lies has to come nearer, and the same plain distance counts for more where nobody else is near.

    Raises `ValueError` when the models differ, the cohort's among them, or a template is empty or of the wrong size.
    """
    if probe.model_version != reference.model_version:
        raise ValueError(f"a probe of {probe.model_version} can't be compared with {reference.model_version}")
    seen = np.frombuffer(probe.template, dtype="<f4")
    enrolled = np.frombuffer(reference.template, dtype="<f4")
    if not seen.size or seen.shape != enrolled.shape:
        raise ValueError(f"templates of {seen.size} and {enrolled.size} values can't be compared")
    plain = float(np.linalg.norm(seen - enrolled))
    if cohort is None:
        return Comparison(plain, probe.model_version)
    _refuse_foreign(cohort, probe.model_version, seen.size)
    apart = _apart(np.stack([seen, enrolled]).astype(float), centres_of(cohort), cohort.nearest)
    return Comparison(plain - float(apart.mean()) + cohort.level, probe.model_version, cohort.digest, plain)


def centres_of(cohort: Cohort) -> Array:
    """The centres as numbers, one a row."""
    steps = np.frombuffer(cohort.centres, np.int8).reshape(-1, cohort.dimension)
    return np.multiply(steps, cohort.step, dtype=np.float64)


def _refuse_foreign(cohort: Cohort, model_version: str, size: int) -> None:
    if cohort.model_version != model_version:
        raise ValueError(f"a cohort of {cohort.model_version} says nothing of {model_version}")
    if cohort.dimension != size:
        raise ValueError(f"a cohort of {cohort.dimension} values says nothing of templates of {size}")


def _apart(templates: Array, centres: Array, nearest: int) -> Array:
    """The mean distance of each template from the `nearest` of `centres`."""
    distances = np.linalg.norm(templates[:, None, :] - centres[None, :, :], axis=2)
    mean: Array = np.sort(distances, axis=1)[:, :nearest].mean(axis=1)
    return mean
