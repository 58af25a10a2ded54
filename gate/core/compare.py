"""One probe against one reference, and which references a model may be compared with."""

from __future__ import annotations

import numpy as np

from models.face import Comparison, FaceProbe, FaceReference


def compare(probe: FaceProbe, reference: FaceReference) -> Comparison:
    """The Euclidean distance of two templates of one model (float32, little-endian, equal length).

    Raises `ValueError` when the models differ or a template is empty or of the wrong size.
    """
    if probe.model_version != reference.model_version:
        raise ValueError(f"a probe of {probe.model_version} can't be compared with {reference.model_version}")
    seen = np.frombuffer(probe.template, dtype="<f4")
    enrolled = np.frombuffer(reference.template, dtype="<f4")
    if not seen.size or seen.shape != enrolled.shape:
        raise ValueError(f"templates of {seen.size} and {enrolled.size} values can't be compared")
    return Comparison(float(np.linalg.norm(seen - enrolled)), probe.model_version)
