"""Is a face good enough to compare? The same questions for every engine.

The limits are those measured in practice: error rates hardly move down to a face 50 px high and triple at 25 px; motion
blur of 13 px and darkness quadruple them. A picture that fails is asked for again, never stretched: gain on a dark
picture makes it worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt

from drivers.errors import BadAnswer
from drivers.interfaces import Frame
from drivers.url import DeviceUrl
from models.face import FaceProblem, FaceQuality

Point = npt.NDArray[np.float64]
"""(2,): x to the right and y down, in pixels."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a face must reach. Every field is an option of the engine's URL by the same name."""

    min_height: float = 70.0
    enrol_height: float = 140.0
    min_nose: float = 0.35
    max_nose: float = 0.65
    min_brightness: float = 40.0
    max_brightness: float = 215.0
    min_sharpness: float = 15.0
    max_tone_gap: float = 12.0
    rival: float = 0.75

    @classmethod
    def from_url(cls, url: DeviceUrl) -> Limits:
        """The defaults, with those changed that `url` names. Raises `UnknownDevice` for what is no number."""
        usual = cls()
        names = (one.name for one in fields(cls))
        return cls(**{name: url.option(name, float, float(getattr(usual, name)), low=0.0) for name in names})


OPTIONS: dict[str, str] = {
    "min_height": "least height of a face in the lane, pixels (70)",
    "enrol_height": "least height of a face in an enrolment picture, pixels (140)",
    "min_nose": "leftmost place of the nose between the outer eye corners, 0 to 1 (0.35)",
    "max_nose": "rightmost place of the nose between the outer eye corners, 0 to 1 (0.65)",
    "min_brightness": "least mean grey level of the aligned face, 0 to 255 (40)",
    "max_brightness": "greatest mean grey level of the aligned face, 0 to 255 (215)",
    "min_sharpness": "least variance of the Laplacian of the aligned face (15)",
    "max_tone_gap": "greatest difference in colour between brow and nose or cheeks; beyond it the face is covered (12)",
    "rival": "a second face of at least this part of the largest one's height makes it several (0.75)",
}


def nose_place(outer_left: Point, outer_right: Point, nose: Point) -> float:
    """Where the nose stands between the outer eye corners: 0 and 1 are the corners, 0.5 is frontal."""
    line = outer_right - outer_left
    return float(np.dot(nose - outer_left, line) / max(float(np.dot(line, line)), 1e-9))


def measure(chip: Frame, height_px: float, nose: float) -> FaceQuality:
    """The quality of an aligned `chip` whose face was `height_px` high in its frame."""
    grey = cv2.cvtColor(chip, cv2.COLOR_BGR2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    return FaceQuality(height_px=height_px, sharpness=sharpness, brightness=float(grey.mean()), nose=nose)


def tone_gap(brow: Frame, others: Sequence[Frame]) -> float:
    """How far the skin between the brows differs in colour (Lab, without lightness) from the likest of `others`.

    Measured on 141 photographs: 7.6 at most; under white, blue and dark masks mostly above 14. Cloth in the colour of
    skin and black-and-white light get past it: it saves the visitor a bad comparison, and is no proof of anything.
    """
    return min(float(np.linalg.norm(_tone(other) - _tone(brow))) for other in others)


def _tone(patch: Frame) -> npt.NDArray[np.float64]:
    lab = cv2.cvtColor(np.ascontiguousarray(patch), cv2.COLOR_BGR2LAB).reshape(-1, 3)
    return np.asarray(np.median(lab, axis=0)[1:], np.float64)


def first_problem(
    quality: FaceQuality, limits: Limits, *, min_height: float, covered: bool, several: bool
) -> FaceProblem | None:
    """The first problem that applies, in the order in which a visitor can mend them; `None` when the face is good.

    There may be a head and no face to compare: it is covered.
    """
    checks = (
        (quality.height_px < min_height, FaceProblem.TOO_SMALL),
        (quality.brightness < limits.min_brightness, FaceProblem.TOO_DARK),
        (quality.brightness > limits.max_brightness, FaceProblem.TOO_BRIGHT),
        (covered, FaceProblem.COVERED),
        (quality.sharpness < limits.min_sharpness, FaceProblem.BLURRED),
        (not limits.min_nose <= quality.nose <= limits.max_nose, FaceProblem.TURNED),
        (several, FaceProblem.SEVERAL),
    )
    return next((problem for applies, problem in checks if applies), None)


def check_frame(frame: Frame) -> None:
    """Raise `BadAnswer` unless `frame` is a picture as `Frame` says."""
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or 0 in frame.shape:
        raise BadAnswer(f"a frame must be (height, width, 3) bytes, this one is {frame.shape} of {frame.dtype}")
