"""A face is followed at a small price, and nobody who steps up beside it is overlooked."""

from __future__ import annotations

import functools
from typing import Any

import cv2
import dlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.camera import _visitors as visitors
from drivers.face._dlib_search import FULL_EVERY, PAUSE_S, Found, Search

WHO, OTHER = (visitors.identity(visitors.CHOSEN[number]) for number in (1, 4))
LIMITS = (70.0, 0.75)


def grey(*people: tuple[visitors.Identity, float]) -> Any:
    """People side by side, each at a distance, in places that are always the same three."""
    places = [visitors.render(who, distance=far, size=(240, 320)) for who, far in people]
    nobody = [visitors.empty_lane(size=(240, 320))] * (3 - len(places))
    return cv2.cvtColor(np.hstack([*places, *nobody]), cv2.COLOR_BGR2GRAY)


ALONE = grey((WHO, 1.0))
SCENES = {
    "alone": ALONE,
    "farther": grey((WHO, 1.5)),
    "nobody": grey(),
    "two": grey((WHO, 1.0), (OTHER, 1.05)),
    "two, the other nearer": grey((WHO, 1.3), (OTHER, 0.9)),
    "behind": grey((WHO, 1.0), (OTHER, 2.4)),
}


class Counting:
    """dlib's detector, counting the pixels that it is shown."""

    def __init__(self) -> None:
        self.detector, self.pixels = dlib.get_frontal_face_detector(), 0

    def __call__(self, picture: Any, enlarge: int) -> Any:
        self.pixels += picture.size
        return self.detector(picture, enlarge)


@pytest.fixture
def eye() -> Counting:
    return Counting()


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def search(eye: Counting, now: list[float]) -> Search:
    return Search(eye, clock=lambda: now[0])


def pixels(search: Search, eye: Counting, frame: Any) -> int:
    before = eye.pixels
    search.follow(frame, *LIMITS)
    return eye.pixels - before


def same(one: Found, other: Found) -> bool:
    """The same face: its middles lie within a quarter of its height, and its sizes within a quarter."""
    apart = max(
        abs(one.left + one.width / 2 - other.left - other.width / 2),
        abs(one.top + one.height / 2 - other.top - other.height / 2),
        abs(one.height - other.height),
    )
    return apart < other.height / 4


def test_a_followed_face_costs_less_and_is_the_same_face(search: Search, eye: Counting) -> None:
    frame = SCENES["farther"]
    whole = pixels(search, eye, frame)
    assert pixels(search, eye, frame) < whole / 2
    assert same(search.follow(frame, *LIMITS)[0], search.find(frame, *LIMITS)[0])


@pytest.mark.parametrize("far", [0.6, 0.8])
def test_one_look_at_less_than_half_of_the_pixels_shows_a_near_face_and_who_stands_beside_it(
    search: Search, eye: Counting, far: float
) -> None:
    both = grey((WHO, far), (OTHER, far))
    for frame, rival in ((grey((WHO, far)), False), (both, True)):
        eye.pixels = 0
        assert several(search.find(frame, *LIMITS)) == rival
        assert eye.pixels < 0.45 * frame.size


def test_the_whole_frame_is_searched_at_intervals_and_after_a_pause(
    search: Search, eye: Counting, now: list[float]
) -> None:
    costs = [pixels(search, eye, ALONE) for _ in range(2 * FULL_EVERY)]
    whole = costs[0]
    assert [number for number, cost in enumerate(costs) if cost == whole] == [0, FULL_EVERY]
    now[0] += PAUSE_S + 0.1
    assert pixels(search, eye, ALONE) == whole


def test_an_empty_lane_is_not_searched_again_until_something_changes(search: Search, eye: Counting) -> None:
    costs = [pixels(search, eye, SCENES["nobody"]) for _ in range(FULL_EVERY + 1)]
    assert [bool(cost) for cost in costs] == [True, *[False] * (FULL_EVERY - 1), True]
    assert len(search.follow(grey((WHO, 2.0)), *LIMITS)) == 1


def test_a_small_face_in_a_large_frame_does_not_come_unseen(search: Search) -> None:
    empty, there = (
        cv2.copyMakeBorder(SCENES[name], 0, 760, 0, 960, cv2.BORDER_REPLICATE) for name in ("nobody", "farther")
    )
    assert not search.follow(empty, *LIMITS)
    assert search.follow(there, *LIMITS)


def test_what_is_forgotten_is_not_followed(search: Search, eye: Counting) -> None:
    whole = pixels(search, eye, ALONE)
    search.forget()
    assert pixels(search, eye, ALONE) == whole


def test_who_steps_up_beside_a_followed_face_is_seen_in_that_very_frame(search: Search) -> None:
    for _ in range(2):
        assert len(search.follow(ALONE, *LIMITS)) == 1
    assert len(search.follow(SCENES["two"], *LIMITS)) == 2


def test_of_two_who_are_equally_near_none_is_followed(search: Search, eye: Counting) -> None:
    assert len({pixels(search, eye, SCENES["two"]) for _ in range(3)}) == 1
    assert len(search.follow(SCENES["two"], *LIMITS)) == 2


def test_a_frame_of_another_size_is_another_scene(search: Search) -> None:
    search.follow(ALONE, *LIMITS)
    small = cv2.resize(ALONE, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    assert same(search.follow(small, *LIMITS)[0], Search(dlib.get_frontal_face_detector()).find(small, *LIMITS)[0])


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(st.lists(st.sampled_from(sorted(SCENES)), min_size=2, max_size=5))
def test_whatever_was_before_the_same_people_are_found_as_by_searching_all_of_the_frame(names: list[str]) -> None:
    search = Search(dlib.get_frontal_face_detector(), clock=lambda: 0.0)
    for name in names:
        followed = search.follow(SCENES[name], *LIMITS)
        found = whole(name)
        assert bool(followed) == bool(found), f"{name} in {names}"
        assert not found or same(followed[0], found[0]), f"{name} in {names}"
        assert several(followed) == several(found), f"{name} in {names}"


@functools.cache
def whole(name: str) -> list[Found]:
    """The faces of a scene when all of it is searched."""
    return Search(dlib.get_frontal_face_detector()).find(SCENES[name], *LIMITS)


def several(faces: list[Found]) -> bool:
    return len(faces) > 1 and faces[1].height >= LIMITS[1] * faces[0].height
