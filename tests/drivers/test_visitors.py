"""Rendered visitors look alike to the engine when they are the same person, and only then."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.camera import _visitors as visitors
from drivers.face.dlib import Engine
from drivers.interfaces import Template
from models.face import FaceProblem

ACCEPT = 0.40


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def features(template: bytes) -> Template:
    return np.frombuffer(template, "<f4")


def test_a_seed_gives_the_same_person_each_time_and_another_seed_another() -> None:
    assert visitors.identity(7) == visitors.identity(7)
    assert visitors.identity(7) != visitors.identity(8)


def test_a_picture_repeats_with_its_seed_and_differs_with_another() -> None:
    who = visitors.identity(0)
    first, again, other = (visitors.render(who, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_pictures_have_the_size_asked_for() -> None:
    who = visitors.identity(0)
    assert visitors.render(who, size=(320, 240)).shape == (240, 320, 3)
    assert visitors.render(who).dtype == np.uint8


@pytest.mark.parametrize("wrong", [{"expression": "rage"}, {"occlusion": "beard"}])
def test_what_cannot_be_drawn_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected one of"):
        visitors.render(visitors.identity(0), **wrong)  # type: ignore[arg-type]


def test_a_walk_draws_no_frame_before_it_is_asked() -> None:
    walk = visitors.walk(visitors.identity(0), 1)
    assert np.array_equal(next(walk), visitors.visit(visitors.identity(0), 1)[0])
    assert len(list(walk)) == 5


def test_nobody_stands_in_the_empty_lane(engine: Engine) -> None:
    assert engine.probe(visitors.empty_lane()).problem is FaceProblem.NO_FACE


def test_a_chosen_visitor_is_taken_for_themselves_and_not_for_the_next(engine: Engine) -> None:
    one, other = (visitors.identity(seed) for seed in visitors.CHOSEN[:2])
    portrait, lane, stranger = (
        features(probe.template)
        for probe in (
            engine.enrol(visitors.portrait(one)),
            engine.probe(visitors.visit(one, 3)[2]),
            engine.probe(visitors.visit(other, 3)[2]),
        )
    )
    assert np.linalg.norm(portrait - lane) < ACCEPT - 0.07
    assert np.linalg.norm(portrait - stranger) > ACCEPT + 0.03


@pytest.mark.long
def test_all_chosen_visitors_are_well_apart(engine: Engine) -> None:
    portraits = [engine.enrol(visitors.portrait(visitors.identity(seed))) for seed in visitors.CHOSEN]
    assert [probe.problem for probe in portraits] == [None] * len(visitors.CHOSEN)
    templates = np.stack([features(probe.template) for probe in portraits])
    apart = np.linalg.norm(templates[:, None] - templates[None], axis=2)
    assert len(visitors.CHOSEN) >= 24
    assert apart[np.triu_indices(len(templates), 1)].min() > 0.45
    for i, seed in enumerate(visitors.CHOSEN):
        for frame in visitors.visit(visitors.identity(seed), 7)[::3]:
            distances = np.linalg.norm(templates - features(engine.probe(frame).template), axis=1)
            assert distances[i] <= 0.33
            assert np.delete(distances, i).min() > ACCEPT + 0.02


@pytest.mark.slow
@pytest.mark.parametrize("cover", ["hand", "mask", "scarf"])
def test_a_covered_face_gives_no_template(engine: Engine, cover: str) -> None:
    for seed in visitors.CHOSEN[::3]:
        probe = engine.probe(visitors.render(visitors.identity(seed), occlusion=cover))
        assert probe.problem in (FaceProblem.NO_FACE, FaceProblem.COVERED)
        assert probe.template == b""
