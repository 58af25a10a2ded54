"""One camera for two: no picture of the one before, none older than the question, and never two questions at once."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from drivers.errors import DeviceLost, DeviceTimeout
from drivers.interfaces import Frame
from gate.sight import Sight


class Numbered:
    """A camera that can be held while it takes a picture, and tells how it was asked."""

    def __init__(self) -> None:
        self.taken = 0
        self.calls: list[str] = []
        self.closed = False
        self.let_go = threading.Event()
        self.let_go.set()
        self.busy = threading.Event()

    def grab(self, timeout: float) -> Frame:
        return self._take("grab", timeout)

    def follow(self, timeout: float) -> Frame:
        return self._take("follow", timeout)

    def close(self) -> None:
        self.closed = True

    def _take(self, how: str, timeout: float) -> Frame:
        self.calls.append(how)
        self.busy.set()
        assert self.let_go.wait(10.0)
        self.taken += 1
        return np.full((1, 1, 3), self.taken, np.uint8)


@pytest.fixture
def camera() -> Numbered:
    return Numbered()


@pytest.fixture
def sight(camera: Numbered) -> Sight:
    made = Sight()
    made.open(camera)
    return made


def test_who_asks_again_gets_a_new_picture_and_who_asks_beside_gets_the_same(sight: Sight, camera: Numbered) -> None:
    began = sight.fence()
    first = sight.look(1.0, began)
    assert first.began_mono > began
    assert sight.look(1.0, began) is first
    assert sight.look(1.0, first.began_mono).began_mono > first.began_mono
    assert camera.taken == 2


def test_a_question_during_another_is_answered_by_its_picture_if_that_is_new_enough(
    sight: Sight, camera: Numbered
) -> None:
    camera.let_go.clear()
    began = sight.fence()
    given: list[object] = []
    asking = threading.Thread(target=lambda: given.append(sight.look(10.0, began)))
    asking.start()
    assert camera.busy.wait(10.0)
    threading.Timer(0.05, camera.let_go.set).start()
    mine = sight.look(10.0, began)
    asking.join(10.0)
    assert given == [mine]
    assert camera.taken == 1


def test_after_a_fence_a_picture_that_was_on_its_way_is_nobodys(sight: Sight, camera: Numbered) -> None:
    """The screens follow one person, and the next one's card is read while a picture is being taken."""
    sight.look(1.0, sight.fence())
    camera.let_go.clear()
    camera.busy.clear()
    following = threading.Thread(target=lambda: sight.look(10.0, time.monotonic(), follow=True))
    following.start()
    assert camera.busy.wait(10.0)
    began = sight.fence()
    camera.let_go.set()
    following.join(10.0)
    camera.calls.clear()
    assert sight.look(1.0, began, follow=True).began_mono > began
    assert camera.calls == ["grab"], "what waits in the camera may be of the one before"
    sight.look(1.0, time.monotonic(), follow=True)
    assert camera.calls == ["grab", "follow"]


def test_the_engine_never_follows(sight: Sight, camera: Numbered) -> None:
    for _ in range(3):
        sight.look(1.0, time.monotonic())
    assert camera.calls == ["grab"] * 3


def test_without_a_camera_or_while_it_hangs_the_words_say_so(sight: Sight, camera: Numbered) -> None:
    with pytest.raises(DeviceLost, match="not connected"):
        Sight().look(0.1, 0.0)
    camera.let_go.clear()
    hanging = threading.Thread(target=lambda: sight.look(10.0, time.monotonic()))
    hanging.start()
    assert camera.busy.wait(10.0)
    with pytest.raises(DeviceTimeout, match="busy"):
        sight.look(0.02, time.monotonic())
    sight.poll()
    camera.let_go.set()
    hanging.join(10.0)
    sight.close()
    assert camera.closed
    assert not sight.up
