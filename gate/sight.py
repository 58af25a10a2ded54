"""The one camera, for two who look through it: the face engine, and the live picture for the screens."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from drivers.errors import DeviceLost, DeviceTimeout
from drivers.interfaces import Camera, Frame
from gate.region import WHOLE, Region
from gate.stillness import Stillness

STILL = "it gives the same picture again and again"
STILL_S = 30.0
FOLLOW_S = 0.5  # within that a camera's pictures follow one another; a driver may give them faster then


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture, and when its taking began (monotonic seconds)."""

    began_mono: float
    frame: Frame


class Sight:
    """The camera behind a lock. Who asks while the other waits for a picture gets that one, if it is new enough.

    What lies outside the lane's `region` is cut off at once: neighbours are neither looked at nor shown.
    """

    def __init__(self, region: Region = WHOLE, still_s: float = STILL_S) -> None:
        self._region, self._stillness = region, Stillness(still_s)
        self._lock = threading.Lock()
        self._camera: Camera | None = None
        self._last: Shot | None = None
        self._fence_mono = 0.0

    @property
    def up(self) -> bool:
        """Whether there is a camera."""
        return self._camera is not None

    @property
    def stuck(self) -> bool:
        """Whether the last pictures were all the same."""
        return self._stillness.stuck

    def open(self, camera: Camera) -> None:
        """Look through this one from now on."""
        self._camera = camera

    def recheck(self, timeout_s: float) -> None:
        """Where the pictures stood still: is the next one another? It is not kept. Raises what `look` raises."""
        if self.stuck:
            self.look(timeout_s, self.fence())
            self.fence()

    def close(self) -> None:
        """Give the camera back, once nobody waits for a picture."""
        with self._lock:
            camera, self._camera, self._last = self._camera, None, None
            if camera is not None:
                camera.close()

    def fence(self) -> float:
        """Somebody else comes, or nobody: no picture from before is kept or given. Returns the time (monotonic)."""
        self._last, self._fence_mono = None, time.monotonic()
        return self._fence_mono

    def look(self, timeout_s: float, since_mono: float, *, follow: bool = False) -> Shot:
        """A picture whose taking began after `since_mono`. Raises what the camera raises.

        With `follow` it may have been on its way already, where it follows one that was not: never from before a fence.
        """
        ends = time.monotonic() + timeout_s
        if not self._lock.acquire(timeout=timeout_s):
            raise DeviceTimeout("the camera is still busy with another picture")
        try:
            if self._last is not None and self._last.began_mono > since_mono:
                return self._last
            if self._camera is None:
                raise DeviceLost("the camera is not connected")
            began = time.monotonic()
            follows = follow and self._last is not None and self._last.began_mono > self._last_allowed(began)
            take = getattr(self._camera, "follow", self._camera.grab) if follows else self._camera.grab
            frame = cut(take(max(0.0, ends - began)), self._region)
            if getattr(self._camera, "live", False) and self._stillness.see(frame, began):
                raise DeviceLost(STILL)
            self._last = Shot(began, frame)
            return self._last
        finally:
            self._lock.release()

    def _last_allowed(self, now: float) -> float:
        return max(self._fence_mono, now - FOLLOW_S)

    def poll(self) -> None:
        """Notice, without a picture, that the camera is gone, where its driver can. Raises `DeviceLost`."""
        poll: Any = getattr(self._camera, "poll", None)
        if poll is None or not self._lock.acquire(blocking=False):  # who takes a picture notices soon enough
            return
        try:
            poll()
        finally:
            self._lock.release()


def cut(frame: Frame, region: Region) -> Frame:
    """The part of `frame` that is the lane; never less than one pixel."""
    if region == WHOLE:
        return frame
    height, width = frame.shape[:2]
    left, top = min(width - 1, round(region[0] * width)), min(height - 1, round(region[1] * height))
    right, bottom = max(left + 1, round(region[2] * width)), max(top + 1, round(region[3] * height))
    return np.ascontiguousarray(frame[top:bottom, left:right])
