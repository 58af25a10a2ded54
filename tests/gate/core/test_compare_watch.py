"""Distances between templates, and the search of a list, against plain arithmetic."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.compare import compare
from gate.core.watch import document_hit, index, search
from models.face import FaceProbe, FaceReference
from models.watch import HitMeans, WatchAction, WatchEntry
from tests.examples import examples

thorough = settings(max_examples=examples(500), deadline=None)

VALUES = st.floats(-1.0, 1.0, width=32)
Vector = Sequence[float]


def vectors(size: int) -> st.SearchStrategy[list[float]]:
    """Templates of `size` values."""
    return st.lists(VALUES, min_size=size, max_size=size)


def pairs() -> st.SearchStrategy[tuple[list[float], list[float]]]:
    """Two templates of one size."""
    return st.integers(1, 8).flatmap(lambda size: st.tuples(vectors(size), vectors(size)))


def packed(values: Vector) -> bytes:
    """A template's bytes."""
    return struct.pack(f"<{len(values)}f", *values)


def distance(a: Vector, b: Vector) -> float:
    """The distance of two templates as `compare` says it."""
    return compare(FaceProbe("m", packed(a)), FaceReference("m", packed(b))).distance


def listed(number: int, values: Vector | None) -> WatchEntry:
    """An entry with or without a template."""
    template = b"" if values is None else packed(values)
    return WatchEntry(
        f"W{number}", "security", "search", WatchAction.REVIEW, 0.0, 1.0, template=template, model_version="m"
    )


@thorough
@given(pairs())
def test_the_distance_is_euclid_s_the_same_both_ways_and_nothing_to_itself(pair: tuple[Vector, Vector]) -> None:
    a, b = pair
    assert distance(a, b) == distance(b, a)
    assert distance(a, b) == pytest.approx(math.dist(a, b), rel=1e-5, abs=1e-6)
    assert distance(a, a) == 0.0


def test_a_comparison_names_its_model() -> None:
    assert compare(FaceProbe("m", packed([1.0])), FaceReference("m", packed([0.0]))).model_version == "m"


@pytest.mark.parametrize(
    ("probe", "reference", "says"),
    [
        (FaceProbe("m", packed([1.0])), FaceReference("n", packed([1.0])), "a probe of m can't be compared with n"),
        (FaceProbe("m"), FaceReference("m", packed([1.0])), "0 and 1 values"),
        (FaceProbe("m"), FaceReference("m", b""), "0 and 0 values"),
        (FaceProbe("m", packed([1.0])), FaceReference("m", packed([1.0, 2.0])), "1 and 2 values"),
        (FaceProbe("m", b"abc"), FaceReference("m", packed([1.0])), "multiple of element size"),
    ],
    ids=["another model", "no probe", "neither", "another size", "broken bytes"],
)
def test_what_can_not_be_compared_is_said(probe: FaceProbe, reference: FaceReference, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        compare(probe, reference)


@thorough
@given(st.lists(st.none() | vectors(4), max_size=6), vectors(4), st.floats(0.0, 2.0))
def test_a_search_finds_whom_plain_arithmetic_finds(people: list[Vector | None], probe: Vector, limit: float) -> None:
    entries = tuple(listed(number, values) for number, values in enumerate(people))
    expected = {f"W{n}": math.dist(probe, values) for n, values in enumerate(people) if values is not None}
    hits = search(index(entries), FaceProbe("m", packed(probe)), limit)
    assert all(hit.means is HitMeans.FACE for hit in hits)
    assert [hit.distance for hit in hits] == sorted(hit.distance for hit in hits)
    for name, apart in expected.items():
        if abs(apart - limit) > 1e-5:  # float32 may see an edge from the other side
            assert (name in {hit.entry for hit in hits}) is (apart <= limit)
    for hit in hits:
        assert hit.distance == pytest.approx(expected[hit.entry], rel=1e-4, abs=1e-5)


def test_far_from_the_origin_two_alike_are_still_found() -> None:
    """Squares of large values lose digits; the true distances of the nearest decide."""
    near, far = [20.0] * 128, [20.0] * 127 + [20.5]
    hits = search(index((listed(1, far), listed(2, near))), FaceProbe("m", packed(near)), 0.4)
    assert [(hit.entry, hit.distance) for hit in hits] == [("W2", 0.0)]


@pytest.mark.parametrize(
    "probe",
    [FaceProbe("m"), FaceProbe("m", packed([1.0])), FaceProbe("n", packed([1.0, 0.0]))],
    ids=["none", "another size", "another model"],
)
def test_a_template_of_another_kind_finds_nobody(probe: FaceProbe) -> None:
    assert search(index((listed(1, [1.0, 0.0]),)), probe, 9.0) == ()


def test_one_list_may_hold_templates_of_several_kinds() -> None:
    broken = replace(listed(3, None), template=b"abc")
    entries = (listed(1, [1.0]), listed(2, [1.0, 0.0]), broken, replace(listed(4, [1.0]), model_version="n"))
    hits = search(index(entries), FaceProbe("n", packed([1.0])), 0.5)
    assert [hit.entry for hit in hits] == ["W4"]


def test_a_list_without_templates_finds_nobody_by_face() -> None:
    assert search(index(()), FaceProbe("m", packed([1.0])), 9.0) == ()
    assert search(index((listed(1, None),)), FaceProbe("m", packed([1.0])), 9.0) == ()


def test_a_hit_carries_what_staff_and_rules_need_of_its_entry() -> None:
    hit = document_hit(listed(1, None))
    assert (hit.entry, hit.owner, hit.purpose, hit.action) == ("W1", "security", "search", WatchAction.REVIEW)
    assert (hit.means, hit.distance, hit.valid_from, hit.valid_to) == (HitMeans.DOCUMENT, 0.0, 0.0, 1.0)
