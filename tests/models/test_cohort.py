"""What a cohort must be before it counts, and which bands it brings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.cohort import LEAST_PERSONS, Cohort, problem_of, with_cohort
from models.face import FaceBands

COHORT = Cohort("m", 4, 0.01, bytes(40), 200, 20, nearest=2, level=0.4, accept=0.45, refuse=0.55)
PLAIN = FaceBands("m", "here", 0.4, 0.6)


def test_a_good_one_has_no_problem() -> None:
    assert problem_of(COHORT) == ""
    assert COHORT.count == 10


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"behind": LEAST_PERSONS - 1}, "fewer than 20 persons"),
        ({"persons": 199}, "fewer than 20 persons"),
        ({"centres": bytes(41)}, "no whole number"),
        ({"dimension": 0}, "no whole number"),
        ({"dimension": -4}, "no whole number"),
        ({"centres": bytes(36)}, "9 centres"),
        ({"centres": bytes(4 * 257), "persons": 9000}, "257 centres"),
        ({"nearest": 0}, "does not have"),
        ({"nearest": 11}, "does not have"),
        ({"step": 0.0}, "no sense"),
        ({"level": float("nan")}, "no sense"),
        ({"accept": 0.56}, "no sense"),
        ({"refuse": float("inf")}, "no sense"),
    ],
)
def test_one_that_may_not_be_used_is_told(change: dict[str, Any], told: str) -> None:
    assert told in problem_of(replace(COHORT, **change))


def test_its_bands_name_it_and_stop_half_way_to_a_plain_mismatch() -> None:
    assert COHORT.bands(PLAIN) == FaceBands("m", "here", 0.45, 0.55, COHORT.digest, 0.5)


def test_it_has_none_beside_those_of_another_model_or_cohort() -> None:
    for other in (replace(PLAIN, model_version="n"), COHORT.bands(PLAIN)):
        with pytest.raises(ValueError, match="no bands beside"):
            COHORT.bands(other)


def test_a_policy_gets_them_once_and_beside_its_model_alone() -> None:
    other = replace(PLAIN, model_version="n")
    both = with_cohort((other, PLAIN), COHORT)
    assert both == (other, PLAIN, COHORT.bands(PLAIN))
    assert with_cohort(both, COHORT) == both
    assert with_cohort((other,), COHORT) == (other,)
    assert with_cohort((PLAIN,), None) == (PLAIN,)


def test_bands_that_a_site_measured_with_it_stand() -> None:
    measured = FaceBands("m", "here", 0.3, 0.5, COHORT.digest, 0.45)
    assert with_cohort((PLAIN, measured), COHORT) == (PLAIN, measured)


def test_another_cohort_has_another_digest() -> None:
    others = [replace(COHORT, level=0.5), replace(COHORT, centres=bytes([1] * 40)), replace(COHORT, persons=300)]
    assert len({each.digest for each in (COHORT, *others)}) == 4
    assert "centres" not in repr(COHORT)
