"""Cameras and films that OpenCV can open.

    v4l2:///dev/gate-camera?width=1280&height=720&fps=30     a camera of this machine (Video4Linux)
    v4l2+rtsp://10.0.0.20/stream1?login=/run/credentials/cam a network camera; the file holds user:password
    v4l2+http://10.0.0.21:8080/video.mjpg                    the same over HTTP (Motion JPEG)
    v4l2+file:///srv/lane.mp4                                a film or a picture, over and over

A question mark within a network camera's own path is written `%3F`.

How long can a call block? OpenCV's reads cannot be interrupted. Network sources get `open_s` and `read_s` as OpenCV's
own limits, so `grab` returns within its timeout plus `read_s`. A local camera that stops delivering without being
unplugged holds `grab` for the 10 seconds of OpenCV's select: whoever needs less runs the camera in a process of its own
and ends that from outside.

Device: camera
Does: any OpenCV source: device, file, RTSP, HTTP
Tried: files, MJPEG over HTTP
Untried: a real V4L2 device, RTSP
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from drivers.errors import DeviceLost, DeviceTimeout, UnknownDevice
from drivers.interfaces import Frame
from drivers.url import DeviceUrl

NETWORK = ("rtsp", "http", "https")
TRANSPORTS: tuple[str, ...] = ("", "file", *NETWORK)
OPTIONS: dict[str, str] = {
    "width": "width to ask the camera for, pixels",
    "height": "height to ask the camera for, pixels",
    "fps": "frames per second to ask the camera for",
    "fourcc": "pixel format to ask the camera for, such as MJPG",
    "exposure": "exposure time, in the camera's own units (Linux: 0.1 ms); auto: the camera's own choice (unchanged)",
    "gain": "amplification, in the camera's own units (unchanged)",
    "rotate": "turn the picture clockwise: 0, 90, 180 or 270 degrees (0)",
    "mirror": "swap left and right: yes or no (no)",
    "login": "file with user:password of a network camera",
    "open_s": "longest time to open a network camera, seconds (5)",
    "read_s": "longest wait for one frame of a network camera, seconds (2)",
}

_TURNS = {"90": cv2.ROTATE_90_CLOCKWISE, "180": cv2.ROTATE_180, "270": cv2.ROTATE_90_COUNTERCLOCKWISE}
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_USUAL_FPS = 25.0
_BY_HAND, _AUTOMATIC = 1.0, 3.0
"""Of `V4L2_CID_EXPOSURE_AUTO`: manual, and aperture priority (videodev2.h)."""


def open(url: DeviceUrl) -> Camera:
    """The camera at `url`.

    Raises `DeviceLost` when nothing is there, `UnknownDevice` for options that make no sense.
    """
    turn = url.choice("rotate", ("0", *_TURNS), "0")
    mirror = url.option("mirror", bool, False)
    node = None if url.transport in NETWORK else Path(url.location)
    return Camera(_source(url), node, turn, mirror)


class Source(Protocol):
    """Where frames come from."""

    def read(self, timeout: float) -> Frame:
        """One frame taken after this call began."""

    def follow(self, timeout: float) -> Frame:
        """The next frame, which may have been on its way when this call began."""

    def close(self) -> None:
        """Give the device back."""


class Camera:
    """A source, seen the right way up. `live`: it has a sensor, so no two pictures are the same bit for bit."""

    def __init__(self, source: Source, node: Path | None = None, turn: str = "0", mirror: bool = False) -> None:
        self._source, self._node, self._turn, self._mirror = source, node, _TURNS.get(turn), mirror
        self.live = isinstance(source, Live)

    def grab(self, timeout: float) -> Frame:
        """One picture taken after this call began."""
        return self._upright(self._source.read(timeout))

    def follow(self, timeout: float) -> Frame:
        """The next picture, for who looks all the time: twice as often as `grab`, and perhaps begun before the call."""
        return self._upright(self._source.follow(timeout))

    def _upright(self, frame: Frame) -> Frame:
        if self._turn is not None:
            frame = np.asarray(cv2.rotate(frame, self._turn), np.uint8)
        return np.ascontiguousarray(frame[:, ::-1]) if self._mirror else frame

    def poll(self) -> None:
        """Show, without a picture, that the device or file is still there. Raises `DeviceLost` when it isn't."""
        if self._node is not None and not self._node.exists():
            raise DeviceLost(f"{self._node}: unplugged")

    def close(self) -> None:
        """Give the device back."""
        self._source.close()


def _source(url: DeviceUrl) -> Source:
    place = url.require_location("a device, a file or an address")
    if url.transport in NETWORK:
        return Live(_open_stream(url, place), _without_query(url))
    path = Path(place)
    if not path.exists():
        raise DeviceLost(f"{path}: no such camera or file; is it plugged in?")
    if path.is_char_device() and url.transport == "":
        return Live(_open_device(url, path), str(path))
    if path.suffix.lower() in _PICTURES:
        return Picture(path)
    return Film(path)


class Picture:
    """A picture file: the same frame each time."""

    def __init__(self, path: Path) -> None:
        frame = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if frame is None:
            raise DeviceLost(f"{path}: not a picture that OpenCV can read")
        self._frame = np.asarray(frame, np.uint8)

    def read(self, timeout: float) -> Frame:
        """A copy of the picture."""
        return self._frame.copy()

    follow = read

    def close(self) -> None:
        """Nothing is held."""


class Film:
    """A video file, one frame a call, from the start again after its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise DeviceLost(f"{path}: not a film that OpenCV can read")

    def read(self, timeout: float) -> Frame:
        """The next frame."""
        got, frame = self._capture.read()
        if not got:
            self._capture.release()
            self._capture = cv2.VideoCapture(str(self._path))
            got, frame = self._capture.read()
        if not got:
            raise DeviceLost(f"{self._path}: no frame in it")
        return np.asarray(frame, np.uint8)

    follow = read

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class Live:
    """A camera that goes on whether anybody looks or not, and so has old frames waiting.

    A frame that was waiting comes at once; one that had to be waited for was delivered after the call. The first of
    these may have been exposed before it, so the second is taken. A source that never lets us wait is believed after
    half of the time.
    """

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture, self._name = capture, name
        fps = capture.get(cv2.CAP_PROP_FPS)
        self._wait_s = 0.5 / (fps if 1 <= fps <= 120 else _USUAL_FPS)

    def read(self, timeout: float) -> Frame:
        """A frame taken after this call began."""
        began = time.monotonic()
        waited = 0
        while waited < 2 and (waited or time.monotonic() - began < timeout / 2):
            waited += self._advance(began, timeout) >= self._wait_s
        return self._frame()

    def follow(self, timeout: float) -> Frame:
        """The next frame."""
        self._advance(time.monotonic(), timeout)
        return self._frame()

    def _frame(self) -> Frame:
        got, frame = self._capture.retrieve()
        if not got or frame is None:
            raise DeviceLost(f"{self._name}: a frame came that cannot be read")
        return np.asarray(frame, np.uint8)

    def _advance(self, began: float, timeout: float) -> float:
        """Take the next frame and tell how long it let us wait, in seconds."""
        start = time.monotonic()
        if start - began > timeout:
            raise DeviceTimeout(f"{self._name}: no new frame within {timeout:g} s")
        got = self._capture.grab()
        now = time.monotonic()
        if got:
            return now - start
        if now - began >= timeout:
            raise DeviceTimeout(f"{self._name}: no frame within {timeout:g} s")
        raise DeviceLost(f"{self._name}: the camera is gone")

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()


def _open_device(url: DeviceUrl, path: Path) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
    if not capture.isOpened():
        raise DeviceLost(f"{path}: no camera answers there, or another program has it")
    fourcc = url.option("fourcc", str, "")
    if fourcc and len(fourcc) != 4:
        raise UnknownDevice(f"fourcc={fourcc!r}: expected four letters, such as MJPG")
    for prop, wish in _wishes(url, fourcc).items():
        capture.set(prop, wish)
    return capture


def _wishes(url: DeviceUrl, fourcc: str) -> dict[int, float]:
    """What to ask the camera for, by OpenCV's property; the automatic exposure before a time of one's own."""
    wishes = {
        cv2.CAP_PROP_BUFFERSIZE: 1,
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*fourcc) if fourcc else 0,
        cv2.CAP_PROP_FRAME_WIDTH: url.option("width", int, 0, low=0, high=16384),
        cv2.CAP_PROP_FRAME_HEIGHT: url.option("height", int, 0, low=0, high=16384),
        cv2.CAP_PROP_FPS: url.option("fps", float, 0.0, low=0.0, high=1000.0),
    }
    wished: dict[int, float] = {prop: wish for prop, wish in wishes.items() if wish}
    exposure = url.option("exposure", str, "")
    if exposure:
        wished[cv2.CAP_PROP_AUTO_EXPOSURE] = _AUTOMATIC if exposure == "auto" else _BY_HAND
    if exposure not in ("", "auto"):
        wished[cv2.CAP_PROP_EXPOSURE] = url.option("exposure", float, 0.0, low=0.0, high=1e6)
    gain = url.option("gain", float, -1.0, low=0.0, high=1e6)
    return wished if gain < 0 else {**wished, cv2.CAP_PROP_GAIN: gain}


def _open_stream(url: DeviceUrl, place: str) -> cv2.VideoCapture:
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        int(1000 * url.option("open_s", float, 5.0, low=0.1, high=60.0)),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        int(1000 * url.option("read_s", float, 2.0, low=0.1, high=60.0)),
    ]
    capture = cv2.VideoCapture(f"{url.transport}://{_login(url)}{place}", cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        raise DeviceLost(f"{_without_query(url)}: no camera answers there")
    return capture


def _login(url: DeviceUrl) -> str:
    path = url.option("login", Path, None)
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip() + "@"
    except OSError as error:
        raise UnknownDevice(
            f"login={path}: cannot be read ({error.strerror}); expected a file with user:password"
        ) from error


def _without_query(url: DeviceUrl) -> str:
    """The address for messages: a query may hold what nobody should read in a log."""
    return f"{url.transport}://{url.location.partition('?')[0]}"
