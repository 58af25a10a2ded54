"""Made-up populations whose faces lie where they lie, and cohorts of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.cohort import Cohort
from models.face import FaceBands, FaceReference
from sync.cohort import make_cohort

MODEL = "m"
PLAIN = FaceBands(MODEL, "any", 0.4, 0.6)
VALUES = 32
Array = npt.NDArray[np.float64]


class Population:
    """`count` persons, of `groups` that are each alike. Some look like everybody, others like nobody."""

    def __init__(self, count: int, groups: int = 3, seed: int = 1) -> None:
        self._chance = chance = np.random.default_rng(seed)
        middles = chance.normal(size=(groups, VALUES)) * 0.06
        self._spread = np.exp(0.35 * chance.normal(size=(count, 1)))
        own = chance.normal(size=(count, VALUES)) * 0.08
        self._persons = middles[chance.integers(groups, size=count)] + own * self._spread

    def look(self) -> Array:
        """One picture's template of each."""
        noise = self._chance.normal(size=self._persons.shape) * 0.05
        return self._persons + noise * self._spread**0.7


def reference(values: Array, model: str = MODEL) -> FaceReference:
    """A template of these values."""
    return FaceReference(model, values.astype("<f4").tobytes(), "consent")


def cohort_from(templates: Array, model: str = MODEL, draw: int = 1) -> Cohort:
    """Their cohort. There have to be enough."""
    made = make_cohort([reference(row, model) for row in templates], draw)
    assert made is not None
    return made
