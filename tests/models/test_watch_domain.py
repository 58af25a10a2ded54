"""A list's domain: what it keeps of a template, and what it hides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ids import DocumentType
from models.watch_domain import person_key, turn, turning
from tests.examples import examples

ONE, OTHER = b"1" * 32, b"2" * 32


def _template(seed: int, size: int = 128) -> bytes:
    return np.random.default_rng(seed).normal(size=size).astype("<f4").tobytes()


def _vector(template: bytes) -> np.ndarray:
    return np.frombuffer(template, dtype="<f4")


@settings(max_examples=examples(60), deadline=None)
@given(
    st.binary(min_size=32, max_size=32), st.integers(0, 2**32), st.integers(0, 2**32), st.sampled_from([3, 128, 512])
)
def test_turning_keeps_every_distance(secret: bytes, one: int, other: int, size: int) -> None:
    a, b = _template(one, size), _template(other, size)
    before = np.linalg.norm(_vector(a) - _vector(b))
    after = np.linalg.norm(_vector(turn(secret, a)) - _vector(turn(secret, b)))
    assert after == pytest.approx(before, abs=1e-4 * size**0.5)


def test_two_copies_of_a_template_are_no_more_alike_than_strangers() -> None:
    here = np.array([_vector(turn(ONE, _template(n))) for n in range(40)])
    there = np.array([_vector(turn(OTHER, _template(n))) for n in range(40)])
    distances = np.linalg.norm(here[:, None] - there[None], axis=2)
    same, strangers = np.diag(distances), distances[~np.eye(40, dtype=bool)]
    assert abs(same.mean() - strangers.mean()) < strangers.std()


def test_a_turning_is_the_same_wherever_it_is_made() -> None:
    """Gate and hub each make it from the secret alone; these figures were printed by a run."""
    assert turning(ONE, 3)[0] == pytest.approx([-0.8723319, -0.4225070, -0.2460179], abs=1e-6)
    assert np.allclose(turning(ONE, 128) @ turning(ONE, 128).T, np.eye(128), atol=1e-5)


def test_the_same_document_has_another_key_in_another_domain() -> None:
    number = "11010519491231002X"
    mine = person_key(ONE, DocumentType.RESIDENT_ID, number)
    assert mine == person_key(ONE, DocumentType.RESIDENT_ID, number.lower())
    assert mine != person_key(OTHER, DocumentType.RESIDENT_ID, number)


def test_half_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="buffer size"):
        turn(ONE, b"\0" * 5)
