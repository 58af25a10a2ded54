"""The invitation by which a lane becomes a device of a site: out of a QR code held before the lane's camera."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import cv2

from drivers import connect
from drivers.errors import BadAnswer, DeviceTimeout
from drivers.interfaces import Camera, Frame

SCHEME = "menshen://"
LOOK_S, GRAB_S = 60.0, 2.0


def read_code(camera_url: str, seconds: float = LOOK_S, clock: Callable[[], float] = time.monotonic) -> str | None:
    """The first invitation that the camera sees within `seconds`, or `None`. Raises the camera's errors.

    Nothing of the pictures is kept.
    """
    camera: Camera = connect("camera", camera_url)
    with closing(camera):
        return next((text for frame in _frames(camera, clock() + seconds, clock) if (text := code_in(frame))), None)


def code_in(frame: Frame) -> str:
    """The invitation in a picture, or nothing. A screen's moiré and a small code are helped by another size."""
    detector = cv2.QRCodeDetector()
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    for scale in (1.0, 2.0, 0.5):
        sized = grey if scale == 1.0 else cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        with suppress(cv2.error, UnicodeDecodeError):
            text = detector.detectAndDecode(sized)[0].strip()
            if text.startswith(SCHEME):
                return str(text)
    return ""


def _frames(camera: Camera, ends: float, clock: Callable[[], float]) -> Iterator[Frame]:
    while clock() < ends:
        with suppress(DeviceTimeout, BadAnswer):
            yield camera.grab(GRAB_S)
