"""Distances normalised against a cohort, against plain arithmetic; and what such bands admit."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.compare import centres_of, compare
from gate.core.decide import decide
from models.cohort import Cohort
from models.decision import Reason
from models.face import Band, Comparison, FaceBands, FaceProbe
from models.profiles import DLIB_BANDS
from tests.cohorts import MODEL, PLAIN, Population, cohort_from, reference
from tests.examples import examples
from tests.gate.core import strategies as tonight

thorough = settings(max_examples=examples(300), deadline=None)

COHORT = cohort_from(Population(400).look())
BANDS = COHORT.bands(PLAIN)
DISTANCES = st.floats(0.0, 2.0)


def normalised(seen: np.ndarray, enrolled: np.ndarray, cohort: Cohort = COHORT) -> Comparison:
    """What the gate makes of two templates."""
    return compare(FaceProbe(MODEL, seen.astype("<f4").tobytes()), reference(enrolled), cohort)


def by_hand(seen: np.ndarray, enrolled: np.ndarray) -> float:
    """The same in plain words."""
    shares = []
    for template in (seen, enrolled):
        apart = sorted(math.dist(template, centre) for centre in centres_of(COHORT))
        shares.append(sum(apart[: COHORT.nearest]) / COHORT.nearest)
    return math.dist(seen, enrolled) - sum(shares) / 2 + COHORT.level


@thorough
@given(st.integers(0, 10_000))
def test_it_is_the_distance_less_what_both_have_in_common_with_the_cohort(seed: int) -> None:
    a, b = np.random.default_rng(seed).normal(size=(2, COHORT.dimension)) * 0.2
    found = normalised(a, b)
    assert found.distance == pytest.approx(by_hand(a, b), abs=1e-5)
    assert found.plain == pytest.approx(math.dist(a, b), abs=1e-5)
    assert found.distance == pytest.approx(normalised(b, a).distance, abs=1e-9)


def test_the_order_of_the_centres_does_not_matter() -> None:
    a, b = Population(2, seed=4).look()
    turned = centres_of(COHORT)[::-1] / COHORT.step
    other = replace(COHORT, centres=np.rint(turned).astype(np.int8).tobytes())
    assert normalised(a, b, other).distance == pytest.approx(normalised(a, b).distance, abs=1e-12)


def test_at_the_same_distance_those_who_look_like_everybody_are_further_apart() -> None:
    middle, step = centres_of(COHORT).mean(axis=0), np.zeros(COHORT.dimension)
    step[0] = 0.2
    aside = middle + 1.0 / math.sqrt(COHORT.dimension)
    usual, unusual = normalised(middle, middle + step), normalised(aside, aside + step)
    assert usual.plain == pytest.approx(unusual.plain, abs=1e-6)
    assert usual.distance > unusual.distance + 0.5


def test_more_holders_are_known_and_no_more_strangers() -> None:
    crowd = Population(600, groups=6)
    enrolled, seen = crowd.look(), crowd.look()
    cohort = cohort_from(enrolled)
    plain = np.array([[np.linalg.norm(a - b) for b in enrolled[:120]] for a in seen[:120]])
    moved = np.array([[normalised(a, b, cohort).distance for b in enrolled[:120]] for a in seen[:120]])
    known = []
    for distances in (plain, moved):
        strangers = np.sort(distances[~np.eye(120, dtype=bool)])
        known.append((np.diag(distances) < strangers[len(strangers) // 1000]).mean())
    assert known[1] > known[0] + 0.2


def test_a_cohort_of_another_model_or_size_is_refused() -> None:
    a, b = Population(2).look()
    with pytest.raises(ValueError, match="a cohort of n says nothing of m"):
        normalised(a, b, replace(COHORT, model_version="n"))
    with pytest.raises(ValueError, match=f"templates of {COHORT.dimension // 2}"):
        normalised(a[::2], b[::2])


def test_bands_of_another_kind_of_distance_are_refused() -> None:
    a, b = Population(2).look()
    for bands in (PLAIN, replace(BANDS, cohort="another"), replace(BANDS, model_version="n")):
        with pytest.raises(ValueError, match="say nothing of"):
            bands.place(normalised(a, b))
    with pytest.raises(ValueError, match="say nothing of"):
        BANDS.place(Comparison(0.1, MODEL))


@thorough
@given(DISTANCES, DISTANCES, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_worse_frame_never_turns_refer_into_accept(
    distance: float, plain: float, further: float, plainly: float
) -> None:
    bands = FaceBands(MODEL, "any", 0.5, 0.7, "c", ceiling=0.5)
    before = Comparison(distance, MODEL, "c", plain)
    after = Comparison(distance + further, MODEL, "c", plain + plainly)
    if bands.place(before) is not Band.ACCEPT:
        assert bands.place(after) is not Band.ACCEPT


@thorough
@given(st.floats(allow_nan=True), st.one_of(st.none(), st.floats(allow_nan=True)))
def test_whatever_the_cohort_gives_back_there_is_a_plain_distance_beyond_which_nobody_is_admitted(
    distance: float, plain: float | None
) -> None:
    bands = FaceBands(MODEL, "any", 0.5, 0.7, "c", ceiling=0.5)
    accepted = bands.place(Comparison(distance, MODEL, "c", plain)) is Band.ACCEPT
    assert accepted == (distance <= 0.5 and plain is not None and plain <= 0.5)


@pytest.mark.parametrize(
    ("comparison", "reason"),
    [
        (Comparison(0.45, tonight.MODEL, "c", 0.48), Reason.OK),
        (Comparison(0.45, tonight.MODEL, "c", 0.51), Reason.FACE_UNCERTAIN),
        (Comparison(0.51, tonight.MODEL, "c", 0.3), Reason.FACE_UNCERTAIN),
        (Comparison(0.71, tonight.MODEL, "c", 0.3), Reason.FACE_MISMATCH),
        (Comparison(0.1, tonight.MODEL, "d", 0.1), Reason.MODEL_MISMATCH),
        (Comparison(0.1, "n", "c", 0.1), Reason.MODEL_MISMATCH),
        (Comparison(0.40, tonight.MODEL), Reason.OK),
        (Comparison(0.41, tonight.MODEL), Reason.FACE_UNCERTAIN),
    ],
)
def test_the_core_takes_the_bands_of_this_kind_of_distance(comparison: Comparison, reason: Reason) -> None:
    bands = (DLIB_BANDS, FaceBands(tonight.MODEL, "any", 0.5, 0.7, "c", ceiling=0.5))
    facts = tonight.good_facts(face=replace(tonight.face(), comparison=comparison))
    assert decide(facts, tonight.policy(bands=bands), tonight.NOW).reason is reason
