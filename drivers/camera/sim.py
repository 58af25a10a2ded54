"""A camera without hardware.

    sim:                          the empty lane
    sim:?visitor=12               rendered visitor number 12 walking up, over and over
    sim:///srv/pictures           the pictures of a folder, by name, over and over
    sim+unix:///run/stage.sock    whoever stands on a `Stage`, in another thread or process

On the socket the host sends one byte, the number of its request. The stage answers with that number, width and height
(16 bits each) and length (32 bits, big-endian), then the picture as rows of blue, green and red. The number lets the
host skip an answer that came after it had given up, so that a picture is never older than the question. No picture is
made that nobody asked for.

Device: a camera that isn't there
Does: rendered visitors, the pictures of a folder, a stage in another process
Tried: in the process and over Unix sockets
Untried: nothing; it has no hardware
"""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from drivers.camera import _visitors as visitors
from drivers.errors import BadAnswer, DeviceLost, DeviceTimeout, UnknownDevice
from drivers.interfaces import Frame
from drivers.url import DeviceUrl

TRANSPORTS: tuple[str, ...] = ("", "unix")
OPTIONS: dict[str, str] = {
    "visitor": "number of the rendered visitor who walks up (nobody)",
    "live": "a stage whose pictures are to be taken for a sensor's, never the same twice: yes or no (no)",
}

HEAD = struct.Struct(">BHHI")
MOST_BYTES = 64 * 1024 * 1024
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})


def open(url: DeviceUrl) -> Pictures | StageCamera:
    """The camera at `url`."""
    if url.transport == "unix":
        live = url.option("live", bool, False)
        return StageCamera(Path(url.require_location("the path of the stage's socket")), live)
    if url.transport:
        raise UnknownDevice(f"{url}: the simulated camera takes no {url.transport!r}")
    if url.location:
        return Pictures(_folder(Path(url.location)))
    number = url.option("visitor", int, -1, low=0)
    return Pictures(_endless(number) if number >= 0 else itertools.repeat(visitors.empty_lane()))


def _folder(folder: Path) -> Iterator[Frame]:
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in _PICTURES)
    if not paths:
        raise DeviceLost(f"{folder}: no pictures there")
    return map(_picture, itertools.cycle(paths))


def _picture(path: Path) -> Frame:
    frame = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if frame is None:
        raise DeviceLost(f"{path}: not a picture that OpenCV can read")
    return np.asarray(frame, np.uint8)


def _endless(number: int) -> Iterator[Frame]:
    who = visitors.identity(number)
    return itertools.chain.from_iterable(visitors.walk(who, visit) for visit in itertools.count())


class Pictures:
    """A camera that shows one picture after the other, each made when it is asked for."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self._frames = frames

    def grab(self, timeout: float) -> Frame:
        """The next picture."""
        return next(self._frames).copy()

    def close(self) -> None:
        """Nothing is held."""


class StageCamera:
    """The host half: asks a `Stage` for pictures."""

    def __init__(self, path: Path, live: bool = False) -> None:
        self.live = live
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._received = bytearray()
        self._asked = 0
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise DeviceLost(f"{path}: no stage there ({error.strerror or error})") from error

    def grab(self, timeout: float) -> Frame:
        """The picture that answers this call's own request."""
        deadline = time.monotonic() + timeout
        self._asked = (self._asked + 1) % 256
        try:
            self._socket.sendall(bytes([self._asked]))
            while True:
                number, frame = self._answer(deadline)
                if number == self._asked:
                    return frame
        except OSError as error:
            if isinstance(error, DeviceLost | DeviceTimeout):
                raise
            raise DeviceLost("the stage is gone") from error

    def poll(self) -> None:
        """Show, without a picture, that the stage is still there. Raises `DeviceLost` when it isn't."""
        try:
            ready, _, _ = select.select([self._socket], [], [], 0)
            gone = bool(ready) and not self._socket.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError) as error:
            raise DeviceLost("the stage is gone") from error
        if gone:
            raise DeviceLost("the stage is gone")

    def close(self) -> None:
        """Leave the stage."""
        self._socket.close()

    def _answer(self, deadline: float) -> tuple[int, Frame]:
        """One whole answer; what has come of it stays for the next call when time runs out."""
        self._fill(HEAD.size, deadline)
        number, width, height, length = HEAD.unpack_from(self._received)
        if length != width * height * 3 or not 0 < length <= MOST_BYTES:
            raise BadAnswer(f"the stage announced {width} x {height} pixels in {length} bytes")
        self._fill(HEAD.size + length, deadline)
        pixels = np.frombuffer(bytes(self._received[HEAD.size : HEAD.size + length]), np.uint8)
        del self._received[: HEAD.size + length]
        return number, pixels.reshape(height, width, 3).copy()

    def _fill(self, size: int, deadline: float) -> None:
        while len(self._received) < size:
            ready, _, _ = select.select([self._socket], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise DeviceTimeout("the stage did not answer in time")
            chunk = self._socket.recv(1 << 18)
            if not chunk:
                raise DeviceLost("the stage is gone")
            self._received += chunk


class Stage:
    """The other end: who stands before the camera, and what can go wrong with it.

    `serve` runs in a thread or process of the caller's until `unplug`. `frames_taken` counts the pictures given;
    `silent` set to true makes the camera hang: requests are read and never answered. `background` is what is seen when
    nobody stands there.
    """

    def __init__(self, background: Frame | None = None) -> None:
        self.frames_taken = 0
        self.silent = False
        self._background = visitors.empty_lane() if background is None else background
        self._visitor: Iterator[Frame] | None = None
        self._guard = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._pulls = 0  # how often the plug was pulled

    def show(self, frames: Iterable[Frame]) -> None:
        """A visitor steps up: the next requests get `frames`, again from the first after the last.

        Made one by one when asked.
        """
        with self._guard:
            self._visitor = itertools.cycle(frames)

    def clear(self) -> None:
        """The visitor walks away."""
        with self._guard:
            self._visitor = None

    def serve(self, listener: socket.socket) -> None:
        """Answer one camera after the other on `listener`, until `unplug`."""
        pulls = self._pulls
        self._sockets.add(listener)
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self._sockets.add(connection)
                with connection, contextlib.suppress(OSError):
                    if pulls != self._pulls:  # pulled between the two lines above: nobody has hung up on this one
                        return
                    while request := connection.recv(1):
                        self._answer(connection, request[0])
                self._sockets.discard(connection)

    def unplug(self) -> None:
        """Pull the plug: the camera is lost to its host, and `serve` returns."""
        self._pulls += 1
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _answer(self, connection: socket.socket, number: int) -> None:
        if self.silent:
            return
        frame = self._next()
        height, width = frame.shape[:2]
        connection.sendall(HEAD.pack(number, width, height, frame.size) + np.ascontiguousarray(frame).tobytes())

    def _next(self) -> Frame:
        with self._guard:
            self.frames_taken += 1
            return self._background if self._visitor is None else next(self._visitor, self._background)
