"""Films, pictures and network cameras through OpenCV, with a server on loopback for the other end of the wire."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers import connect
from drivers.camera import v4l2
from drivers.errors import DeviceLost, DeviceTimeout, UnknownDevice
from drivers.interfaces import Camera, Frame
from drivers.url import parse

WIDTH, HEIGHT = 160, 120
LEVELS = (40, 120, 200)


def plain(grey: int) -> Frame:
    return np.full((HEIGHT, WIDTH, 3), grey, np.uint8)


def jpeg(frame: Frame) -> bytes:
    return cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


@pytest.fixture(scope="module", params=[("mp4", "mp4v"), ("avi", "MJPG")], ids=["mp4", "mjpg"])
def film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    suffix, fourcc = request.param
    path = tmp_path_factory.mktemp("film") / f"lane.{suffix}"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), 10.0, (WIDTH, HEIGHT))
    for level in LEVELS:
        writer.write(plain(level))
    writer.release()
    return path


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Dark on the left, bright on the right, and a white upper edge."""
    frame = plain(40)
    frame[:, WIDTH // 2 :] = 160
    frame[:20] = 255
    path = tmp_path / "one.png"
    path.write_bytes(cv2.imencode(".png", frame)[1].tobytes())
    return path


def test_a_film_begins_again_after_its_end(film: Path) -> None:
    camera = connect("camera", f"v4l2+file://{film}")
    seen = [float(camera.grab(1.0).mean()) for _ in range(7)]
    assert seen == pytest.approx([LEVELS[i % 3] for i in range(7)], abs=8)
    camera.close()
    camera.close()


@pytest.mark.parametrize("form", ["v4l2://{}", "v4l2+file://{}"])
def test_a_picture_is_a_camera_too(picture: Path, form: str) -> None:
    camera = connect("camera", form.format(picture))
    assert camera.grab(1.0).shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(camera.grab(1.0), camera.grab(1.0))


@pytest.mark.parametrize(
    ("options", "shape", "corner_level"),
    [
        ("mirror=1", (HEIGHT, WIDTH), (160, 40)),
        ("rotate=180", (HEIGHT, WIDTH), (255, 255)),
        ("rotate=90", (WIDTH, HEIGHT), (160, 255)),
        ("rotate=270", (WIDTH, HEIGHT), (255, 40)),
    ],
)
def test_the_picture_is_turned_and_mirrored(
    picture: Path, options: str, shape: tuple[int, int], corner_level: tuple[int, int]
) -> None:
    frame = connect("camera", f"v4l2+file://{picture}?{options}").grab(1.0)
    assert frame.shape[:2] == shape
    assert (frame[-1, 0, 0], frame[-1, -1, 0]) == corner_level
    assert frame.flags.c_contiguous


def test_nothing_there_is_lost_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceLost, match="no such camera or file; is it plugged in"):
        connect("camera", f"v4l2://{tmp_path}/gate-camera")


def test_a_device_that_vanishes_is_noticed_without_a_picture(picture: Path) -> None:
    camera = v4l2.open(parse(f"v4l2://{picture}"))
    camera.poll()
    picture.unlink()
    with pytest.raises(DeviceLost, match="unplugged"):
        camera.poll()


@pytest.mark.parametrize("name", ["film.mp4", "picture.jpg"])
def test_a_file_of_something_else_is_lost_and_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"neither film nor picture")
    with pytest.raises(DeviceLost, match="not a"):
        connect("camera", f"v4l2+file://{tmp_path}/{name}")


def test_a_device_that_is_no_camera_is_lost() -> None:
    with pytest.raises(DeviceLost, match="no camera answers there"):
        connect("camera", "v4l2:///dev/null")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("v4l2:", "give a device, a file or an address"),
        ("v4l2:///dev/video0?widht=3", "did you mean 'width'"),
        ("v4l2:///dev/video0?rotate=45", "one of 0, 90, 180, 270"),
        ("v4l2+ftp://host/x", "does not take 'ftp'"),
        ("v4l2+http://127.0.0.1/x?login=/no/such/file", "expected a file with user:password"),
    ],
)
def test_a_wrong_address_is_refused_and_says_why(url: str, words: str) -> None:
    with pytest.raises(UnknownDevice, match=words):
        connect("camera", url)


class Broadcast:
    """A network camera: sends numbered Motion JPEG frames, whether or not anybody reads them, until told to stop.

    The number is written as the grey level of the frame's blocks, so that a test can tell which one it got.
    """

    BOUNDARY = b"--lane\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"

    def __init__(self, fps: float) -> None:
        self.sent = 0
        self.needs_login = False
        self.mute, self.stopped = threading.Event(), threading.Event()
        self._pause_s = 1 / fps
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection:
                try:
                    self._send(connection)
                except OSError:
                    continue

    def _send(self, connection: socket.socket) -> None:
        request = connection.recv(4096)
        if self.needs_login and b"Authorization: Basic Z2F0ZTpzZXNhbWU=" not in request:  # gate:sesame
            connection.sendall(b'HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="lane"\r\n\r\n')
            return
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=lane\r\n\r\n")
        while not self.stopped.wait(self._pause_s):
            if not self.mute.is_set():
                data = jpeg(numbered(self.sent))
                self.sent += 1
                connection.sendall(self.BOUNDARY % len(data) + data + b"\r\n")

    def stop(self) -> None:
        self.stopped.set()
        self._thread.join(5)
        self._listener.close()


def numbered(number: int) -> Frame:
    """A frame that shows `number` as sixteen black or white columns."""
    bits = np.array([number >> i & 1 for i in range(16)], np.uint8) * 255
    return np.ascontiguousarray(np.broadcast_to(np.repeat(bits, WIDTH // 16)[None, :, None], (HEIGHT, WIDTH, 3)))


def number_of(frame: Frame) -> int:
    middle = frame[HEIGHT // 2, WIDTH // 32 :: WIDTH // 16, 1]
    return sum(1 << i for i, level in enumerate(middle[:16]) if level > 127)


def grab_many(camera: Camera, timeout: float) -> None:
    """Twenty pictures; OpenCV may hold some that came before the fault."""
    for _ in range(20):
        camera.grab(timeout)


@pytest.fixture
def broadcast() -> Iterator[Broadcast]:
    broadcast = Broadcast(fps=25)
    yield broadcast
    broadcast.stop()


def test_a_network_camera_gives_a_picture_taken_after_the_question(broadcast: Broadcast) -> None:
    camera = connect("camera", f"v4l2+http://{broadcast.address}/video.mjpg")
    camera.grab(3.0)
    for _ in range(2):
        before = broadcast.sent
        while broadcast.sent < before + 12:  # nobody reads, old frames pile up
            broadcast.stopped.wait(0.02)
        asked_at = broadcast.sent
        assert number_of(camera.grab(3.0)) >= asked_at
    camera.close()


def test_who_follows_misses_no_picture(broadcast: Broadcast) -> None:
    camera = connect("camera", f"v4l2+http://{broadcast.address}/video.mjpg")
    assert isinstance(camera, v4l2.Camera)
    first = number_of(camera.grab(3.0))
    assert [number_of(camera.follow(3.0)) for _ in range(10)] == list(range(first + 1, first + 11))
    before = broadcast.sent
    while broadcast.sent < before + 12:
        broadcast.stopped.wait(0.02)
    asked_at = broadcast.sent
    assert number_of(camera.grab(3.0)) >= asked_at, "a question is still answered by a picture taken after it"
    camera.close()


def test_a_network_camera_that_dies_is_lost(broadcast: Broadcast) -> None:
    camera = connect("camera", f"v4l2+http://{broadcast.address}/video.mjpg")
    camera.grab(3.0)
    broadcast.stop()
    with pytest.raises(DeviceLost, match="the camera is gone"):
        grab_many(camera, 2.0)
    camera.close()


def test_a_network_camera_that_falls_silent_times_out_within_its_limits(broadcast: Broadcast) -> None:
    camera = connect("camera", f"v4l2+http://{broadcast.address}/video.mjpg?read_s=0.5")
    camera.grab(3.0)
    broadcast.mute.set()
    began = time.monotonic()
    with pytest.raises(DeviceTimeout):
        grab_many(camera, 0.3)
    assert time.monotonic() - began < 3.0
    camera.close()


def test_nobody_at_the_address_is_lost_and_the_query_is_not_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(DeviceLost, match="no camera answers there") as lost:
        connect("camera", f"v4l2+http://127.0.0.1:{port}/x%3Fpin=1234")
    assert "1234" not in str(lost.value)


def test_the_login_comes_from_a_file(broadcast: Broadcast, tmp_path: Path) -> None:
    broadcast.needs_login = True
    (tmp_path / "login").write_text("gate:sesame\n")
    with pytest.raises(DeviceLost):
        connect("camera", f"v4l2+http://{broadcast.address}/v.mjpg")
    camera = connect("camera", f"v4l2+http://{broadcast.address}/v.mjpg?login={tmp_path}/login")
    assert camera.grab(3.0).shape == (HEIGHT, WIDTH, 3)
    camera.close()


def test_closing_leaves_no_file_and_no_socket_open(broadcast: Broadcast, film: Path) -> None:
    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    connect("camera", f"v4l2+file://{film}").close()
    before = opened()
    for url in (f"v4l2+file://{film}", f"v4l2+http://{broadcast.address}/video.mjpg"):
        camera = connect("camera", url)
        camera.grab(3.0)
        camera.close()
    time_out = time.monotonic() + 2
    while opened() > before and time.monotonic() < time_out:
        broadcast.stopped.wait(0.02)  # the server notices only upon its next frame
    assert opened() <= before


@pytest.mark.parametrize(
    ("options", "wished"),
    [
        ("", {}),
        ("?exposure=auto", {cv2.CAP_PROP_AUTO_EXPOSURE: 3.0}),
        (
            "?exposure=157&gain=0",
            {cv2.CAP_PROP_AUTO_EXPOSURE: 1.0, cv2.CAP_PROP_EXPOSURE: 157.0, cv2.CAP_PROP_GAIN: 0.0},
        ),
    ],
)
def test_exposure_and_gain_are_left_alone_unless_somebody_says_so(options: str, wished: dict[int, float]) -> None:
    asked = v4l2._wishes(parse(f"v4l2:///dev/gate-camera{options}"), "")
    assert {prop: wish for prop, wish in asked.items() if prop != cv2.CAP_PROP_BUFFERSIZE} == wished


def test_an_exposure_that_is_no_time_is_named() -> None:
    with pytest.raises(UnknownDevice, match="exposure"):
        v4l2._wishes(parse("v4l2:///dev/gate-camera?exposure=bright"), "")
