"""Rates with intervals, thresholds for a wanted rate, and the equal error, against counting by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.error_rates import Rate, Scores
from tests.examples import examples

DISTANCES = st.lists(st.floats(0.0, 2.0), min_size=1, max_size=60).map(sorted)
thorough = settings(max_examples=examples(300), deadline=None)


@thorough
@given(DISTANCES, DISTANCES, st.floats(-0.1, 2.1))
def test_rates_are_counted(genuine: list[float], impostor: list[float], at: float) -> None:
    scores = Scores(genuine, impostor)
    assert scores.fmr(at) == Rate(sum(each <= at for each in impostor), len(impostor))
    assert scores.fnmr(at) == Rate(sum(each > at for each in genuine), len(genuine))


@thorough
@given(DISTANCES, DISTANCES)
def test_the_equal_error_is_the_least_at_which_neither_is_greater(genuine: list[float], impostor: list[float]) -> None:
    scores = Scores(genuine, impostor)
    found, at = scores.equal_error()
    best = min(
        max(scores.fmr(each).value, scores.fnmr(each).value)
        for distance in (*genuine, *impostor)
        for each in (distance, math.nextafter(distance, -math.inf))
    )
    assert found == pytest.approx(best)
    assert max(scores.fmr(at).value, scores.fnmr(at).value) == pytest.approx(best)


@thorough
@given(st.lists(st.floats(0.0, 2.0), min_size=30, max_size=200).map(sorted), st.sampled_from([0.1, 0.2, 0.5, 1.0]))
def test_a_threshold_keeps_to_the_wanted_rate_and_wastes_nothing(impostor: list[float], wanted: float) -> None:
    scores = Scores([], impostor)
    at = scores.threshold(wanted)
    assert at is not None
    assert scores.fmr(at).value <= wanted
    assert wanted == 1.0 or scores.fmr(math.nextafter(at, math.inf)).value > wanted


def test_a_rate_that_so_few_pairs_can_not_show_has_no_threshold() -> None:
    assert Scores([], [0.5] * 2999).threshold(1e-3) is None
    assert Scores([], [0.5] * 3000).threshold(1e-3) is not None
    assert Scores([], []).threshold(0.5) is None


@pytest.mark.parametrize(
    ("rate", "low", "high"),
    [(Rate(0, 300), 0.0, 0.01), (Rate(5, 100), 0.0215, 0.1118), (Rate(100, 100), 0.963, 1.0), (Rate(0, 0), 0.0, 1.0)],
)
def test_an_interval_is_wilsons_and_three_over_n_without_an_error(rate: Rate, low: float, high: float) -> None:
    assert rate.interval == pytest.approx((low, high), abs=2e-3)


def test_nothing_tried_is_said_so() -> None:
    assert str(Rate(0, 0)) == "no pairs"
    assert all(math.isnan(each) for each in Scores([], [0.3]).equal_error())
