"""A camera that stands still is noticed, and nothing else is taken for one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from drivers.camera.v4l2 import Picture
from drivers.camera.v4l2 import open as open_camera
from drivers.errors import DeviceLost
from drivers.interfaces import Frame
from drivers.url import parse
from gate.sight import STILL, Sight
from gate.stillness import LEAST_PICTURES, Stillness, digest_of

SCENE: npt.NDArray[np.uint8] = np.random.default_rng(5).integers(0, 255, (480, 640, 3), np.uint8)


def noisy(seed: int) -> Frame:
    """The same scene once more, as a sensor gives it: a level more or less here and there."""
    return SCENE ^ np.random.default_rng(seed).integers(0, 2, SCENE.shape, np.uint8)


def test_the_same_picture_for_half_a_minute_is_one_too_many() -> None:
    stillness = Stillness(30.0)
    assert not any(stillness.see(SCENE.copy(), now) for now in range(30))
    assert stillness.see(SCENE.copy(), 30.0)
    assert not stillness.see(noisy(1), 31.0)
    assert not stillness.see(SCENE.copy(), 32.0)


def test_a_scene_where_nothing_moves_is_none() -> None:
    stillness = Stillness(30.0)
    assert not any(stillness.see(noisy(seed), seed * 10.0) for seed in range(20))


def test_few_pictures_far_apart_prove_nothing() -> None:
    stillness = Stillness(30.0)
    assert not any(stillness.see(SCENE, number * 600.0) for number in range(LEAST_PICTURES - 1))
    assert stillness.see(SCENE, 6000.0)


@pytest.mark.parametrize("level", [0, 16, 255])
def test_darkness_and_glare_are_not_judged(level: int) -> None:
    stillness = Stillness(0.0)
    plain = np.full((480, 640, 3), level, np.uint8)
    assert digest_of(plain) is None
    assert not any(stillness.see(plain, float(now)) for now in range(60))


def test_only_32_bits_of_a_picture_are_remembered() -> None:
    digest = digest_of(SCENE)
    assert digest is not None
    assert 0 <= digest < 2**32


class Stuck:
    """A camera that gives one picture; `live`: it has a sensor."""

    def __init__(self, live: bool) -> None:
        self.live, self.frame = live, SCENE

    def grab(self, timeout: float) -> Frame:
        return self.frame.copy()

    def close(self) -> None:
        """Nothing is held."""


def looks(sight: Sight, times: int) -> None:
    for _ in range(times):
        sight.look(1.0, sight.fence())


def test_a_stuck_camera_stays_lost_until_its_picture_changes() -> None:
    sight, camera = Sight(still_s=0.0), Stuck(live=True)
    sight.open(camera)
    sight.recheck(1.0)
    looks(sight, LEAST_PICTURES - 1)
    with pytest.raises(DeviceLost, match=STILL):
        looks(sight, 1)
    sight.close()
    sight.open(camera)
    with pytest.raises(DeviceLost, match=STILL):
        sight.recheck(1.0)
    camera.frame = noisy(3)
    sight.recheck(1.0)
    assert not sight.stuck
    looks(sight, 1)


def test_a_picture_that_is_meant_to_stand_still_may() -> None:
    sight = Sight(still_s=0.0)
    sight.open(Stuck(live=False))
    looks(sight, 3 * LEAST_PICTURES)


def test_a_film_is_no_sensor(tmp_path_factory: pytest.TempPathFactory) -> None:
    import cv2

    path = tmp_path_factory.mktemp("film") / "one.png"
    cv2.imwrite(str(path), SCENE)
    camera = open_camera(parse(f"v4l2+file://{path}"))
    assert isinstance(camera._source, Picture)
    assert not camera.live
