"""The right face, with the real engine: this lane's, the nearest one in it, and nobody where two are equally near."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.camera import _visitors as visitors
from drivers.face.dlib import Engine
from drivers.interfaces import Frame
from gate.region import WHOLE, Region
from gate.sight import Sight, cut
from models.face import FaceProbe, FaceProblem

MINE: Region = (0.25, 0.0, 0.75, 1.0)
NEAR, BEHIND = 1.0, 1.7


def person(number: int, distance: float = NEAR) -> Frame:
    """A column of the lane with one person, 320 x 480."""
    return visitors.render(visitors.identity(visitors.CHOSEN[number]), distance=distance)[:, 160:480]


def side_by_side(*columns: Frame) -> Frame:
    return np.hstack(columns)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(follow=False)


def looked(engine: Engine, frame: Frame, region: Region = WHOLE) -> FaceProbe:
    return engine.probe(cut(frame, region))


def distance(one: FaceProbe, two: FaceProbe) -> float:
    return float(np.linalg.norm(np.frombuffer(one.template, "<f4") - np.frombuffer(two.template, "<f4")))


def test_neighbours_on_both_sides_are_not_looked_at(engine: Engine) -> None:
    half = person(1)[:, 80:240], person(2)[:, 80:240]
    frame = side_by_side(half[0], person(0), half[1])
    assert looked(engine, frame).problem is FaceProblem.SEVERAL
    mine = looked(engine, frame, MINE)
    assert mine.problem is None
    assert distance(mine, looked(engine, person(0))) < 0.1


def test_who_stands_behind_is_passed_over(engine: Engine) -> None:
    frame = side_by_side(person(0), person(1, BEHIND))
    seen = looked(engine, frame)
    assert seen.problem is None
    assert distance(seen, looked(engine, person(0))) < 0.1


def test_of_two_equally_near_none_is_picked(engine: Engine) -> None:
    seen = looked(engine, side_by_side(person(0), person(1)))
    assert (seen.problem, seen.template) == (FaceProblem.SEVERAL, b"")


@pytest.mark.parametrize(
    ("region", "shape"), [(WHOLE, (48, 64)), ((0.5, 0.25, 1.0, 0.75), (24, 32)), ((0.999, 0.999, 1.0, 1.0), (1, 1))]
)
def test_a_region_is_a_part_of_the_picture_and_never_nothing(region: Region, shape: tuple[int, int]) -> None:
    frame = np.arange(48 * 64 * 3, dtype=np.uint32).astype(np.uint8).reshape(48, 64, 3)
    part = cut(frame, region)
    assert part.shape == (*shape, 3)
    assert part.flags["C_CONTIGUOUS"]
    assert (part[-1, -1] == frame[round(region[3] * 48) - 1, round(region[2] * 64) - 1]).all()


class Still:
    """A camera with one picture."""

    def grab(self, timeout: float) -> Frame:
        return person(0)

    def close(self) -> None:
        pass


def test_what_lies_outside_is_not_shown_either() -> None:
    sight = Sight(MINE)
    sight.open(Still())
    assert sight.look(1.0, 0.0).frame.shape == (480, 160, 3)
