"""A cohort: what the faces of one event have in common, without any one of them.

A network that saw few faces like those in the lane finds them all alike. How near a template lies to the faces of its
own population tells how much of a small distance is this person, and how much is only that everybody is near. So a
distance is moved by what both templates have in common with the cohort, `gate.core.compare`.

A cohort holds centres, each the mean of at least `LEAST_PERSONS` persons, and rounded so coarsely that one of them more
or less hardly shows. It is made of enrolled references and measured on them, by one model, for one event, and travels
sealed in the signed bundle. A normalised distance is on the scale of the plain one, but means something else: its
bands carry the cohort's digest, and neither serves for the other.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field

from models.face import FaceBands
from models.wire import to_json

LEAST_PERSONS = 20
"""Behind each centre. A cohort with fewer is refused wherever it comes from."""
LEAST_CENTRES, MOST_CENTRES = 10, 256
MOST_DIMENSIONS = 4096


@dataclass(frozen=True, slots=True)
class Cohort:
    """`centres` is one signed byte a value, centre after centre of `dimension` values, in units of `step`.

    `level` is the cohort's mean share in a distance, which a normalised distance gets back, so that it stays on the
    scale of plain ones. Up to `accept` no more strangers among the enrolled were taken for the holder than was asked
    for: `false_matches` of `strangers` pairs. Beyond `refuse` a steward reads "mismatch".
    """

    model_version: str
    dimension: int
    step: float
    centres: bytes = field(repr=False)
    persons: int  # whose references it is made of
    behind: int  # persons behind the smallest centre
    nearest: int  # centres that count for one template
    level: float
    accept: float
    refuse: float
    false_matches: int = 0
    strangers: int = 0

    @property
    def count(self) -> int:
        """How many centres there are."""
        return len(self.centres) // self.dimension

    @property
    def digest(self) -> str:
        """By which bands and comparisons name it: 16 hexadecimal digits."""
        return hashlib.sha256(to_json(self)).hexdigest()[:16]

    def bands(self, plain: FaceBands) -> FaceBands:
        """Bands for distances normalised against this cohort, beside the `plain` ones of the same model.

        However much the cohort gives back, nobody is admitted whose plain distance lies nearer to "mismatch" than to
        what the plain bands accept. Raises `ValueError` for bands of another model, or of a cohort.
        """
        if plain.model_version != self.model_version or plain.cohort:
            raise ValueError(f"a cohort of {self.model_version} has no bands beside those of {plain.model_version}")
        ceiling = (plain.accept + plain.refuse) / 2
        return FaceBands(self.model_version, plain.population, self.accept, self.refuse, self.digest, ceiling)


def problem_of(cohort: Cohort) -> str:
    """Why `cohort` may not be used; empty when it may."""
    if not 0 < cohort.dimension <= MOST_DIMENSIONS or len(cohort.centres) % cohort.dimension:
        return "its centres are no whole number of templates"
    if not LEAST_CENTRES <= cohort.count <= MOST_CENTRES:
        return f"it has {cohort.count} centres, not {LEAST_CENTRES} to {MOST_CENTRES}"
    if cohort.behind < LEAST_PERSONS or cohort.persons < cohort.count * cohort.behind:
        return f"fewer than {LEAST_PERSONS} persons stand behind a centre"
    if not 0 < cohort.nearest <= cohort.count:
        return "it counts centres that it does not have"
    numbers = (cohort.step, cohort.level, cohort.accept, cohort.refuse)
    if not all(math.isfinite(number) for number in numbers) or cohort.step <= 0 or cohort.accept > cohort.refuse:
        return "its numbers make no sense"
    return ""


def with_cohort(bands: tuple[FaceBands, ...], cohort: Cohort | None) -> tuple[FaceBands, ...]:
    """`bands` and, where they say nothing of `cohort`, its own beside the plain ones of its model."""
    if cohort is None or any(each.cohort == cohort.digest for each in bands):
        return bands
    plain = [each for each in bands if each.model_version == cohort.model_version and not each.cohort]
    return (*bands, *(cohort.bands(each) for each in plain[:1]))
