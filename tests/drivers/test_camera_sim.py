"""The simulated camera shows pictures only when asked, and fails as a real one does."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers import connect
from drivers.camera.sim import HEAD, Stage, StageCamera
from drivers.errors import BadAnswer, DeviceLost, DeviceTimeout, UnknownDevice
from drivers.interfaces import Camera, Frame


def plain(grey: int) -> Frame:
    return np.full((48, 64, 3), grey, np.uint8)


class Theatre:
    """A stage on a socket of its own, served by a thread."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "stage.sock"
        self.stage = Stage(background=plain(0))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.stage.serve, args=(self.listener,))
        self.thread.start()

    def camera(self) -> Camera:
        return connect("camera", f"sim+unix://{self.path}")

    def close(self) -> None:
        self.stage.unplug()
        self.thread.join(5)
        assert not self.thread.is_alive()


@pytest.fixture
def theatre(tmp_path: Path) -> Iterator[Theatre]:
    theatre = Theatre(tmp_path)
    yield theatre
    theatre.close()


def test_an_empty_stage_shows_its_background(theatre: Theatre) -> None:
    camera = theatre.camera()
    assert np.array_equal(camera.grab(2.0), plain(0))
    camera.close()
    camera.close()


def test_a_visitor_is_shown_frame_by_frame_and_again_from_the_first(theatre: Theatre) -> None:
    camera = theatre.camera()
    theatre.stage.show([plain(10), plain(20)])
    assert [int(camera.grab(2.0)[0, 0, 0]) for _ in range(3)] == [10, 20, 10]
    theatre.stage.clear()
    assert camera.grab(2.0).max() == 0
    assert theatre.stage.frames_taken == 4
    camera.close()


def test_nobody_is_photographed_who_was_not_asked_for(theatre: Theatre) -> None:
    drawn = []

    def frames() -> Iterator[Frame]:
        for grey in (10, 20, 30):
            drawn.append(grey)
            yield plain(grey)

    camera = theatre.camera()
    theatre.stage.show(frames())
    assert (theatre.stage.frames_taken, drawn) == (0, [])
    camera.grab(2.0)
    assert (theatre.stage.frames_taken, drawn) == (1, [10])
    camera.close()


def test_a_silent_camera_times_out_and_no_late_picture_is_shown(theatre: Theatre) -> None:
    camera = theatre.camera()
    theatre.stage.silent = True
    with pytest.raises(DeviceTimeout):
        camera.grab(0.05)
    theatre.stage.silent = False
    theatre.stage.show([plain(40)])
    assert camera.grab(2.0).max() == 40
    camera.close()


def test_an_unplugged_camera_is_lost(theatre: Theatre) -> None:
    camera = theatre.camera()
    camera.grab(2.0)
    theatre.stage.unplug()
    with pytest.raises(DeviceLost):
        camera.grab(2.0)
    camera.close()


def test_an_idle_camera_notices_the_unplugging_without_a_picture(theatre: Theatre) -> None:
    camera = StageCamera(theatre.path)
    camera.grab(2.0)
    camera.poll()
    theatre.stage.unplug()
    with pytest.raises(DeviceLost):
        camera.poll()
    assert theatre.stage.frames_taken == 1
    camera.close()


def test_a_second_camera_is_served_after_the_first_has_gone(theatre: Theatre) -> None:
    for _ in range(3):
        camera = theatre.camera()
        assert camera.grab(2.0).max() == 0
        camera.close()


def test_a_stage_that_is_not_there_is_lost(tmp_path: Path) -> None:
    with pytest.raises(DeviceLost, match="no stage there"):
        connect("camera", f"sim+unix://{tmp_path}/none.sock")


def peer(tmp_path: Path, *answers: bytes) -> tuple[Camera, threading.Thread]:
    """A camera whose other end sends `answers`, each upon a request."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "peer.sock"))
    listener.listen(1)

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            for answer in answers:
                connection.recv(1)
                for at in range(0, len(answer), 1000):
                    connection.sendall(answer[at : at + 1000])
            connection.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    return connect("camera", f"sim+unix://{tmp_path}/peer.sock"), thread


def answer(number: int, grey: int) -> bytes:
    return HEAD.pack(number, 64, 48, 64 * 48 * 3) + plain(grey).tobytes()


def test_an_answer_to_an_older_request_is_skipped(tmp_path: Path) -> None:
    late = answer(1, 10)
    camera, thread = peer(tmp_path, late[:500], late[500:] + answer(2, 20))
    with pytest.raises(DeviceTimeout):
        camera.grab(0.05)
    assert camera.grab(2.0).max() == 20
    camera.close()
    thread.join(5)


@pytest.mark.parametrize(
    "head", [HEAD.pack(1, 64, 48, 5), HEAD.pack(1, 0, 0, 0), struct.pack(">BHHI", 1, 65535, 65535, 2**31)]
)
def test_a_wrong_length_is_a_bad_answer(tmp_path: Path, head: bytes) -> None:
    camera, thread = peer(tmp_path, head)
    with pytest.raises(BadAnswer, match="announced"):
        camera.grab(2.0)
    camera.close()
    thread.join(5)


def test_a_folder_is_shown_by_name_over_and_over(tmp_path: Path) -> None:
    for name, grey in (("b.png", 20), ("a.png", 10), ("notes.txt", 0)):
        (tmp_path / name).write_bytes(cv2.imencode(".png", plain(grey))[1].tobytes())
    camera = connect("camera", f"sim://{tmp_path}")
    assert [int(camera.grab(1.0)[0, 0, 0]) for _ in range(3)] == [10, 20, 10]
    camera.close()


def test_a_folder_without_pictures_is_lost(tmp_path: Path) -> None:
    with pytest.raises(DeviceLost, match="no pictures"):
        connect("camera", f"sim://{tmp_path}")


def test_without_an_address_the_lane_is_empty_or_a_visitor_walks_up() -> None:
    empty, visitor = connect("camera", "sim:"), connect("camera", "sim:?visitor=54")
    assert np.array_equal(empty.grab(1.0), empty.grab(1.0))
    assert not np.array_equal(empty.grab(1.0), visitor.grab(1.0))


def test_a_wrong_option_is_refused() -> None:
    with pytest.raises(UnknownDevice, match="visitor"):
        connect("camera", "sim:?visiter=3")
