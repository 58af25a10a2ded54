"""Makes an event's cohort of its enrolled references, at the issuer: anonymous centres, and bands measured with them.

Persons count, not tickets: whoever holds several is there once. A part of them is drawn, differently each time, and
divided across the direction in which they differ most, as long as each heap keeps twenty; each heap gives its mean,
rounded. So no centre tells of one person, and two cohorts of almost the same people differ by chance rather than by the
one who came.

The bands need nobody in front of a camera: all who enrolled are strangers to each other. They are compared within
quarters of those most alike, for who borrows a ticket looks for one of somebody like himself. What they can't tell is
how a lane's camera differs from the photographs: `gatectl calibrate` measures that.
"""

from __future__ import annotations

import math
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from models.cohort import LEAST_CENTRES, LEAST_PERSONS, MOST_CENTRES, Cohort, problem_of
from models.face import FaceReference
from sync.holding import Holding

Array = npt.NDArray[np.float64]

FALSE_MATCH_RATE, REFUSE_RATE = 1e-3, 0.1
"""Strangers among those alike at `accept`, as is customary at unattended border gates; and at `refuse`."""

DRAWN = 0.9
MOST_PERSONS, MOST_COMPARED = 8000, 3000
NEAREST, NEAREST_PART = 20, 0.2
"""How many centres count for one template: that many, but no more than this part of them."""

_STEPS = 31  # the largest value in steps: as coarse as a twentieth of one person's share in a mean
_QUARTERS = 4


def cohort_of(holdings: Iterable[Holding], models: Sequence[str], draw: int | None = None) -> Cohort | None:
    """The cohort of the persons who enrolled a face by the commonest of `models`; `None` where they are too few.

    `draw` makes the drawing repeatable, in tests; without it nobody can repeat it.
    """
    persons = list(_persons(holdings))
    common = Counter(reference.model_version for reference in persons if reference.model_version in models)
    if not common:
        return None
    model = common.most_common(1)[0][0]
    return make_cohort([each for each in persons if each.model_version == model], draw)


def make_cohort(references: Sequence[FaceReference], draw: int | None = None) -> Cohort | None:
    """The cohort of `references`, one a person and all of one model; `None` where they are too few or all alike."""
    templates = _templates(references)
    chance = np.random.default_rng(secrets.randbits(128) if draw is None else draw)
    drawn = min(MOST_PERSONS, math.floor(DRAWN * len(templates)))
    if drawn < LEAST_CENTRES * LEAST_PERSONS:
        return None
    templates = templates[chance.permutation(len(templates))[:drawn]]
    heaps = list(_heaps(templates, np.arange(drawn), min(MOST_CENTRES, drawn // LEAST_PERSONS)))
    means = np.stack([templates[heap].mean(axis=0) for heap in heaps])
    step = float(np.abs(means).max()) / _STEPS or 1.0
    centres = np.rint(means / step).astype(np.int8)
    nearest = min(NEAREST, max(1, round(NEAREST_PART * len(heaps))))
    level, strangers = _strangers(templates, heaps, np.multiply(centres, step, dtype=np.float64), nearest)
    accept, false_matches = _below(strangers, FALSE_MATCH_RATE)
    refuse, _ = _below(strangers, REFUSE_RATE)
    cohort = Cohort(
        model_version=references[0].model_version,
        dimension=templates.shape[1],
        step=step,
        centres=centres.tobytes(),
        persons=drawn,
        behind=min(len(heap) for heap in heaps),
        nearest=nearest,
        level=level,
        accept=accept,
        refuse=refuse,
        false_matches=false_matches,
        strangers=len(strangers),
    )
    return None if problem_of(cohort) or accept <= 0 else cohort


def _persons(holdings: Iterable[Holding]) -> Iterator[FaceReference]:
    """One reference a person. Tickets that have a document in common belong to one."""
    seen: set[tuple[str, str]] = set()
    faces: set[bytes] = set()
    for holding in holdings:
        reference = holding.ticket.reference
        if reference is None:
            continue
        documents = {(str(document.kind), document.number) for document in holding.documents}
        known = bool(documents & seen) or reference.template in faces
        seen |= documents
        faces.add(reference.template)
        if not known:
            yield reference


def _templates(references: Sequence[FaceReference]) -> Array:
    """One a row. What is no template, or of another length than most, is left out."""
    values = [np.frombuffer(each.template, "<f4") for each in references if len(each.template) % 4 == 0]
    sizes = Counter(len(value) for value in values if len(value) and np.isfinite(value).all())
    if not sizes:
        return np.empty((0, 1))
    size = sizes.most_common(1)[0][0]
    return np.array([value for value in values if len(value) == size and np.isfinite(value).all()], float)


def _heaps(templates: Array, members: npt.NDArray[np.intp], count: int) -> Iterator[npt.NDArray[np.intp]]:
    """`members` in `count` heaps of almost equal size, neighbours next to each other."""
    if count == 1:
        yield members
        return
    around = templates[members] - templates[members].mean(axis=0)
    direction = np.linalg.eigh(around.T @ around)[1][:, -1]
    order = members[np.argsort(around @ direction, kind="stable")]
    here = count // 2
    cut = len(order) * here // count
    yield from _heaps(templates, order[:cut], here)
    yield from _heaps(templates, order[cut:], count - here)


def _strangers(
    templates: Array, heaps: list[npt.NDArray[np.intp]], centres: Array, nearest: int
) -> tuple[float, npt.NDArray[np.float64]]:
    """The mean share of the cohort in a distance, and the normalised distances of strangers, from small to large."""
    order = np.concatenate(heaps)
    order = order[:: math.ceil(len(order) / MOST_COMPARED)]
    shares = np.sort(_apart(templates[order], centres), axis=1)[:, :nearest].mean(axis=1)
    level = float(shares.mean())
    found = []
    for quarter in np.array_split(np.arange(len(order)), _QUARTERS):
        own = shares[quarter]
        apart = _apart(templates[order[quarter]], templates[order[quarter]])
        moved = apart - (own[:, None] + own[None, :]) / 2 + level
        found.append(moved[np.triu_indices(len(quarter), 1)])
    return level, np.sort(np.concatenate(found))


def _apart(some: Array, others: Array) -> Array:
    squares = (some**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None, :] - 2 * some @ others.T
    distances: Array = np.sqrt(np.maximum(squares, 0.0))
    return distances


def _below(ordered: npt.NDArray[np.float64], rate: float) -> tuple[float, int]:
    """A distance that at most `rate` of the `ordered` ones reach, and how many do."""
    allowed = math.floor(rate * len(ordered))
    distance = float(np.nextafter(ordered[allowed], -np.inf))
    return distance, int(np.searchsorted(ordered, distance, side="right"))
