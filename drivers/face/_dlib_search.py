"""Where the faces are: dlib's HOG detector, led so that it looks at few pixels.

A face near the camera is found in a frame reduced to a fraction of its pixels, and a face that was just there is found
by looking around its place. Cost at 640x480 on one core: 5 ms for a face at half a metre to a metre, 15 ms farther
away, 40 ms where nobody is, or only somebody far; 3 ms for a face that is followed, near or far. A lane in which
nobody was and nothing has changed since is not searched again.

To follow, the place of the last face and a mosaic of the frame (means of grey, 32 x 24 at 640x480) are held until the
next frame; no decision is carried from one to the next. The whole frame is searched again at intervals, after a pause,
and as soon as anything changes outside the region that is looked at: a second person who steps up is seen at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

WINDOW_PX, BOX_PX = 80, 73
"""The HOG detector looks through a window this high; the least box that it draws around a face."""

PASSES, FARTHEST_PX = (1.7, 1.3), 51
"""Least faces of the first looks, as multiples of the least height allowed; the last look goes down to this at most."""

SOUND, SURELY = 0.88, 0.95
"""A face under the least box is still found if it reaches this part of it; a look for rivals goes so far below them."""

FULL_EVERY, PAUSE_S = 8, 1.0
"""Every so many frames, and after so long a pause, the whole frame is searched."""

REACH, LEAST = 0.5, 0.62
"""A followed face is looked for up to so many of its heights beside and above it, and down to this part of its size."""

CELL_PX, CHANGED = 20, 8
"""Side of a mosaic's cell, a third of the least face; it has changed when its mean differs by more levels of 256."""


@dataclass(frozen=True, slots=True)
class Found:
    """A face's box, in pixels of the frame."""

    left: float
    top: float
    width: float
    height: float


@dataclass(slots=True)
class _Trail:
    """A face to follow, or `None` where nobody was; and the frame as it was when all of it was last searched."""

    face: Found | None
    mosaic: npt.NDArray[np.int16]
    size: tuple[int, ...]  # of the frame
    seen_mono: float
    frames: int = 0  # followed since that search


class Search:
    """`detector` is dlib's. `clock` gives seconds that never go back."""

    def __init__(self, detector: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._detector, self._clock = detector, clock
        self._trail: _Trail | None = None

    def forget(self) -> None:
        """Search the whole of the next frame."""
        self._trail = None

    def find(self, grey: Any, min_height: float, rival: float) -> list[Found]:
        """Faces, largest first, from coarse to fine.

        What is found is believed when it is so large that a rival of about its size would have been seen too; else one
        more look is for that rival. dlib's boxes come in steps of a fifth, so a rival that is a little under a look's
        least box shows in it as well (`SOUND`). The last look enlarges the frame, since the detector's window is larger
        than the smallest face allowed, and shows faces that are too small by a quarter: those are told to come nearer.
        """
        smallest_px = min(0.73 * min_height, FARTHEST_PX)
        for least_px in (*(each * min_height for each in PASSES), smallest_px):
            faces = self._look(grey, least_px)
            if faces:
                break
        if faces and rival * faces[0].height < SOUND * least_px and least_px > smallest_px:
            return self._look(grey, max(SURELY * rival * faces[0].height, smallest_px)) or faces
        return faces

    def follow(self, grey: Any, min_height: float, rival: float) -> list[Found]:
        """As `find`, beginning where the last frame's face was."""
        mosaic = _mosaic(grey)
        trail, self._trail = self._trail, None
        if trail is not None and self._leads_on(trail, grey, mosaic):
            faces = self._look_around(grey, trail.face) if trail.face else []
            if not trail.face or (faces and _alone(faces, rival, trail.face)):
                face = faces[0] if faces else None
                self._trail = _Trail(face, trail.mosaic, trail.size, self._clock(), trail.frames + 1)
                return faces
        faces = self.find(grey, min_height, rival)
        if not _rivals(faces):
            self._trail = _Trail(faces[0] if faces else None, mosaic, grey.shape, self._clock())
        return faces

    def _leads_on(self, trail: _Trail, grey: Any, mosaic: npt.NDArray[np.int16]) -> bool:
        """Is this frame the next of the same scene, with nothing new beside the face?"""
        if trail.size != grey.shape or trail.frames + 1 >= FULL_EVERY or self._clock() - trail.seen_mono > PAUSE_S:
            return False
        changed = np.abs(mosaic - trail.mosaic) > CHANGED
        if changed.mean() > 0.5:  # another scene altogether
            return False
        if trail.face:
            left, top, right, bottom = _region(trail.face, grey.shape)
            down, across = (cells / pixels for cells, pixels in zip(mosaic.shape, grey.shape, strict=True))
            rows = slice(int(top * down), int(np.ceil(bottom * down)))
            changed[rows, int(left * across) : int(np.ceil(right * across))] = False
            # Half as wide as a rival: shoulders and hair that move change cells too, but only along their edges.
            side = max(1, round(LEAST * trail.face.height / CELL_PX / 2))
            return not cv2.erode(changed.astype(np.uint8), np.ones((side, side), np.uint8), borderValue=0).any()
        return not changed.any()

    def _look_around(self, grey: Any, face: Found) -> list[Found]:
        left, top, right, bottom = _region(face, grey.shape)
        near = self._look(grey[top:bottom, left:right], LEAST * face.height)
        return [Found(one.left + left, one.top + top, one.width, one.height) for one in near]

    def _look(self, grey: Any, least_px: float) -> list[Found]:
        """Faces whose box is at least about `least_px` high."""
        scale = BOX_PX / least_px
        size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
        if min(size) < WINDOW_PX:
            return []
        boxes = self._detector(_reduced(grey, size), 0)
        faces = [Found(b.left() / scale, b.top() / scale, b.width() / scale, b.height() / scale) for b in boxes]
        return sorted(faces, key=lambda face: -face.height)


def _reduced(grey: Any, size: tuple[int, int]) -> Any:
    """Halves as often as that goes, since means of four pixels cost a tenth of a resampling by areas."""
    while grey.shape[1] >= 2 * size[0] and grey.shape[0] >= 2 * size[1]:
        grey = cv2.resize(grey, (grey.shape[1] // 2, grey.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR)


def _alone(faces: list[Found], rival: float, followed: Found) -> bool:
    """Is nobody beside the largest face, and would a rival of its size have been seen?"""
    return faces[0].height * rival >= SOUND * LEAST * followed.height and not _rivals(faces)


def _rivals(faces: list[Found]) -> bool:
    """Somebody else is there whose size comes near: one of them alone is not followed."""
    return len(faces) > 1 and faces[1].height >= 0.5 * faces[0].height


def _mosaic(grey: Any) -> npt.NDArray[np.int16]:
    columns, rows = (-(-side // CELL_PX) for side in (grey.shape[1], grey.shape[0]))
    return np.asarray(cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA), np.int16)


def _region(face: Found, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom: where `face` may be in the next frame of `shape`."""
    reach = REACH * face.height
    return (
        max(0, int(face.left - reach)),
        max(0, int(face.top - reach)),
        min(shape[1], int(face.left + face.width + reach)),
        min(shape[0], int(face.top + face.height + reach)),
    )
