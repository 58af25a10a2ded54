"""From a document's portrait to a face reference. Runs in the vision child: a decoder that crashes fells it alone.

Chips hold small pictures: a resident card's has 102 x 126 pixels and a face of some 55 from brow to chin. One in which
an engine finds too small a face is enlarged to `HEIGHT_PX` lines and shown again; so enlarged, the engine's own limit
for enrolment asks for a face of a third of the picture's height. Measured with dlib at 102 x 126 through JPEG:

| | own, at most 0.40 | own, median | others under 0.40 |
|---|---|---|---|
| 32 rendered people | all (0.25 at most) | 0.18 | none of 992 |
| 15 photographed people, another picture each time | 47 % of 104 (full size: 54 %) | 0.41 (0.39) | none of 1,702 |

So half of the true holders are referred to a person by dlib's bands; a better network is what a venue installs.
"""

from __future__ import annotations

import cv2
import numpy as np

from drivers.errors import DriverError
from drivers.interfaces import FaceEngine, Frame
from gate.portrait import UNREADABLE, PortraitUnusable, check_size
from gate.portrait_decoder import Decoding
from models.face import FaceProblem, FaceReference

HEIGHT_PX = 400
LEAST_HEIGHT_PX = 100
"""Smaller pictures are not tried: errors triple at faces of 25 lines."""

LEGAL_BASIS = "presented document"


class Opening:
    """One portrait on its way to a reference; by way of `decoding` where its format is no open one."""

    def __init__(self, portrait: bytes, decoding: Decoding | None) -> None:
        self._picture = portrait
        self._decoding = decoding

    def poll(self, engine: FaceEngine) -> FaceReference | None:
        """The reference, or `None` while the customer's decoder works. Raises `PortraitUnusable`."""
        if self._decoding is not None:
            decoded = self._decoding.poll()
            if decoded is None:
                return None
            self._picture = decoded
        return reference_of(self._picture, engine)

    def stop(self) -> None:
        """Nobody waits for it any more. May be called twice."""
        if self._decoding is not None:
            self._decoding.stop()


def reference_of(picture: bytes, engine: FaceEngine) -> FaceReference:
    """The template of the one face in `picture` (JPEG, JPEG 2000, BMP or PNG). Raises `PortraitUnusable`."""
    frame = read_picture(picture)
    try:
        probe = engine.enrol(frame)
        small = frame.shape[0] < HEIGHT_PX and probe.problem in (FaceProblem.TOO_SMALL, FaceProblem.NO_FACE)
        if small and frame.shape[0] >= LEAST_HEIGHT_PX:
            scale = HEIGHT_PX / frame.shape[0]
            larger = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            probe = engine.enrol(np.asarray(larger, np.uint8))
    except DriverError as error:
        raise PortraitUnusable(UNREADABLE, str(error)) from error
    if probe.problem is not None:
        raise PortraitUnusable(probe.problem.value)
    return FaceReference(probe.model_version, probe.template, LEGAL_BASIS)


def read_picture(picture: bytes) -> Frame:
    """The picture's pixels. Raises `PortraitUnusable`, before any are unfolded where there are too many."""
    check_size(picture)
    try:
        frame = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PortraitUnusable(UNREADABLE) from error
    if frame is None:
        raise PortraitUnusable(UNREADABLE)
    return np.asarray(frame, np.uint8)
