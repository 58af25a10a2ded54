"""A cohort is made of persons, tells of none of them, and brings bands that hold for others like them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gate.core.compare import centres_of, compare
from models.cohort import LEAST_PERSONS, problem_of
from models.face import FaceProbe
from models.ids import DocumentType
from models.ticket import Entitlement, Ticket, Validity
from sync.cohort import cohort_of, make_cohort
from sync.holding import Document, Holding
from tests.cohorts import MODEL, Population, cohort_from, reference

TEMPLATES = Population(400).look()


def holding(number: int, template: np.ndarray, model: str = MODEL, document: str = "") -> Holding:
    """A ticket of its own with this face."""
    ticket = Ticket(f"T{number}", Entitlement("gala"), Validity(1.0, 2.0), reference=reference(template, model))
    return Holding(ticket, (Document(DocumentType.PASSPORT, document or f"E{number}"),))


@pytest.mark.parametrize("count", [223, 400, 1000])
def test_twenty_persons_stand_behind_every_centre(count: int) -> None:
    cohort = cohort_from(Population(count).look())
    assert problem_of(cohort) == ""
    assert cohort.behind >= LEAST_PERSONS
    assert cohort.persons < count, "not even their number tells who was drawn"


def test_too_few_persons_make_none() -> None:
    assert make_cohort([reference(row) for row in TEMPLATES[:222]]) is None
    assert make_cohort([]) is None


def test_tickets_of_one_person_count_once() -> None:
    bought_often = [holding(number, row, document=f"P{number % 150}") for number, row in enumerate(TEMPLATES)]
    same_face = [holding(number, TEMPLATES[number % 150]) for number in range(400)]
    assert cohort_of(bought_often, [MODEL]) is None
    assert cohort_of(same_face, [MODEL]) is None
    assert cohort_of([holding(number, row) for number, row in enumerate(TEMPLATES)], [MODEL]) is not None


def test_templates_of_two_models_never_meet_in_one() -> None:
    few = [holding(number, row, "n") for number, row in enumerate(Population(150, seed=2).look())]
    many = [holding(number + 500, row) for number, row in enumerate(TEMPLATES)]
    cohort = cohort_of(few + many, [MODEL, "n"])
    assert cohort is not None
    assert (cohort.model_version, cohort.persons) == (MODEL, 360)
    assert cohort_of(few + many, ["n"]) is None
    assert cohort_of(many, []) is None


def test_each_making_draws_others() -> None:
    references = [reference(row) for row in TEMPLATES]
    digests = {made.digest for made in (make_cohort(references) for _ in range(4)) if made is not None}
    assert len(digests) == 4


def test_one_person_more_hardly_shows_beside_the_chance_of_the_drawing() -> None:
    """What two makings differ by is no template: with the newcomer or without, the centres move as far."""
    references = [reference(row) for row in TEMPLATES]
    before, again, after = (
        centres_of(made)
        for made in (
            make_cohort(references[:390], 1),
            make_cohort(references[:390], 2),
            make_cohort(references[:391], 3),
        )
        if made is not None
    )
    by_chance, by_newcomer = (np.linalg.norm(other - before) for other in (again, after))
    assert by_newcomer < 1.5 * by_chance
    assert by_chance > np.linalg.norm(TEMPLATES[390]) / LEAST_PERSONS


def test_no_centre_is_near_to_one_face() -> None:
    cohort = cohort_from(TEMPLATES)
    nearest = [np.linalg.norm(TEMPLATES - centre, axis=1).min() for centre in centres_of(cohort)]
    own = np.linalg.norm(Population(400).look() - TEMPLATES, axis=1)
    assert min(nearest) > 0.2 * float(np.median(own))


def test_its_bands_hold_for_other_strangers_of_the_population() -> None:
    crowd = Population(1200)
    enrolled, seen = crowd.look(), crowd.look()
    cohort = cohort_from(enrolled[:800])
    fresh = slice(800, 920)
    distances = [
        compare(FaceProbe(MODEL, probe.astype("<f4").tobytes()), reference(other), cohort).distance
        for number, probe in enumerate(seen[fresh])
        for rank, other in enumerate(enrolled[fresh])
        if number != rank
    ]
    assert np.mean(np.array(distances) <= cohort.accept) < 3e-3
    assert cohort.false_matches / cohort.strangers <= 1e-3


def test_what_is_no_template_is_left_out() -> None:
    spoilt = [reference(row) for row in TEMPLATES]
    spoilt[3:6] = [replace(spoilt[3], template=b"abc"), replace(spoilt[4], template=b""), reference(TEMPLATES[5][:8])]
    spoilt[6] = reference(np.full(TEMPLATES.shape[1], np.nan))
    cohort = make_cohort(spoilt, 1)
    assert cohort is not None
    assert cohort.persons == int(0.9 * 396)


def test_faces_that_are_all_the_same_make_none() -> None:
    assert make_cohort([reference(TEMPLATES[0])] * 400) is None
