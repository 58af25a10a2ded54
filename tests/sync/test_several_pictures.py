"""Several pictures of one person make one reference, and those of two persons make none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.face import FaceBands, FaceReference
from sync.sources.several_pictures import reference_of
from tests.cohorts import PLAIN, Population, reference
from tests.examples import examples

SELF = np.full(32, 0.2)


def look(seed: int, reach: float = 0.03) -> np.ndarray:
    """A picture of one person."""
    return SELF + np.random.default_rng(seed).normal(size=32) * reach


def values(made: FaceReference | str) -> np.ndarray:
    assert isinstance(made, FaceReference), made
    return np.frombuffer(made.template, "<f4")


def test_one_picture_stays_as_it_is() -> None:
    only = reference(look(1))
    assert reference_of([only], ()) is only


@settings(max_examples=examples(100), deadline=None)
@given(st.permutations(range(4)))
def test_the_order_of_the_pictures_does_not_matter(order: list[int]) -> None:
    made = values(reference_of([reference(look(seed)) for seed in order], [PLAIN]))
    np.testing.assert_allclose(made, values(reference_of([reference(look(seed)) for seed in range(4)], [PLAIN])))


def test_it_is_nearer_to_the_next_picture_than_most_single_ones_and_as_long_as_they_are() -> None:
    enrolled = [look(seed) for seed in range(5)]
    made = values(reference_of([reference(each) for each in enrolled], [PLAIN]))
    fresh = [look(seed) for seed in range(100, 120)]
    single = np.median([np.linalg.norm(one - other) for one in enrolled for other in fresh])
    assert np.median([np.linalg.norm(made - each) for each in fresh]) < 0.85 * single
    assert np.linalg.norm(made) == pytest.approx(np.mean([np.linalg.norm(each) for each in enrolled]), rel=1e-5)


def test_pictures_of_two_persons_are_refused_wherever_the_stranger_stands() -> None:
    stranger = reference(Population(1, seed=5).look()[0])
    for place in range(3):
        pictures = [reference(look(1)), reference(look(2))]
        pictures.insert(place, stranger)
        assert reference_of(pictures, [PLAIN]) == "photographs that do not look like one person"


def test_a_model_without_bands_takes_one_picture() -> None:
    other = FaceBands("other", "any", 0.4, 0.6)
    for bands in ([], [other], [replace(PLAIN, cohort="c")]):
        assert "without bands" in str(reference_of([reference(look(1)), reference(look(2))], bands))
