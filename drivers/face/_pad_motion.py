"""What gives a picture of a face away while it moves: it stays flat, and its surroundings move with it.

Points in and around the face are followed from one look to the next. A flat thing that is tilted moves as a homography
says, to a fraction of a pixel; a head that turns does not, for its nose stands out. A motion without a tilt (nearer, to
the side, turned in the picture) says nothing, and a film on a screen is no flat motion: against that this is no help.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from drivers.interfaces import Frame

Points = npt.NDArray[np.float64]
Grey = npt.NDArray[np.uint8]

APART_PX, SIDE_PX = 40.0, 288  # the eyes' distance and the side of the square in which points are followed
LEAST_POINTS, MOST_POINTS = 16, 80
FORGET_S, RENEW_S = 1.5, 0.35  # a look serves as the earlier one so long; and at least so long, for motion to add up
ASTRAY_PX = 0.6  # a point that does not come back to where it began is lost


@dataclass(frozen=True, slots=True)
class Motion:
    """Between two looks, in pixels of a face whose eyes are 40 px apart."""

    tilt: float  # what is left of the face's motion without shift, turn and size
    depth: float  # what is left without what a flat thing could do
    along: float  # part of the surroundings that moved as if they and the face were one sheet; NaN: nothing to follow
    shift: float  # how far the face moved


@dataclass(frozen=True, slots=True)
class _Earlier:
    at_s: float
    place: npt.NDArray[np.float64]  # (2, 3): frame to square
    square: Grey
    face: npt.NDArray[np.float32]
    around: npt.NDArray[np.float32]


class Follower:
    """Follows one face from look to look. Holds one small grey square, and no longer than `FORGET_S`."""

    def __init__(self) -> None:
        self._earlier: _Earlier | None = None

    def look(self, frame: Frame, eyes: Points, at_s: float) -> Motion | None:
        """How the face moved since an earlier look; `None` where there is none, or nothing to follow."""
        earlier = self._earlier
        if earlier is not None and not 0 <= at_s - earlier.at_s <= FORGET_S:
            earlier = None
        motion = None if earlier is None else _between(earlier, _square(frame, earlier.place))
        if earlier is None or motion is None or at_s - earlier.at_s >= RENEW_S:
            self._earlier = _first(frame, eyes, at_s)
        return motion

    def forget(self) -> None:
        """Another person."""
        self._earlier = None


def _first(frame: Frame, eyes: Points, at_s: float) -> _Earlier:
    scale = APART_PX / max(float(np.linalg.norm(eyes[1] - eyes[0])), 1.0)
    middle = eyes.mean(axis=0) * scale
    place = np.array([[scale, 0, SIDE_PX / 2 - middle[0]], [0, scale, SIDE_PX / 2 - middle[1]]])
    square = _square(frame, place)
    face = np.zeros_like(square)
    centre = (SIDE_PX // 2, round(SIDE_PX / 2 + 0.3 * APART_PX))
    cv2.ellipse(face, centre, (round(0.95 * APART_PX), round(1.25 * APART_PX)), 0, 0, 360, 255, -1)
    around = np.full_like(square, 255)
    cv2.ellipse(around, centre, (round(1.5 * APART_PX), round(2.0 * APART_PX)), 0, 0, 360, 0, -1)
    return _Earlier(at_s, place, square, _corners(square, face), _corners(square, around))


def _square(frame: Frame, place: npt.NDArray[np.float64]) -> Grey:
    cut = cv2.warpAffine(frame, place, (SIDE_PX, SIDE_PX), flags=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), np.uint8)


def _corners(square: Grey, mask: Grey) -> npt.NDArray[np.float32]:
    found = cv2.goodFeaturesToTrack(square, MOST_POINTS, 0.01, 5, mask=mask)
    return np.zeros((0, 2), np.float32) if found is None else np.asarray(found, np.float32).reshape(-1, 2)


def _between(earlier: _Earlier, square: Grey) -> Motion | None:
    before, after = _follow(earlier.square, square, earlier.face)
    if len(before) < LEAST_POINTS:
        return None
    similar = cv2.estimateAffinePartial2D(before, after, method=cv2.LMEDS)[0]
    homography = cv2.findHomography(before, after, cv2.LMEDS)[0]
    if similar is None or homography is None:
        return None
    flat = np.asarray(homography, np.float64)
    tilt = _left(np.vstack([np.asarray(similar, np.float64), (0, 0, 1)]), before, after)
    depth = _left(flat, before, after)
    shift = float(np.median(np.linalg.norm(after - before, axis=1)))
    return Motion(_spread(tilt), _spread(depth), _along(earlier, square, flat), shift)


def _along(earlier: _Earlier, square: Grey, flat: npt.NDArray[np.float64]) -> float:
    before, after = _follow(earlier.square, square, earlier.around)
    if len(before) < LEAST_POINTS:
        return float("nan")
    return float(np.mean(_left(flat, before, after) < 1.5))


def _follow(
    earlier: Grey, later: Grey, points: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Where the points were and are: those that lead back to where they began."""
    if not len(points):
        return points, points
    ahead, found = _flow(earlier, later, points)
    back, again = _flow(later, earlier, ahead)
    good = found & again & (np.linalg.norm(back - points, axis=1) < ASTRAY_PX)
    return points[good], ahead[good]


def _flow(
    earlier: Grey, later: Grey, points: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    ahead, found, _ = cv2.calcOpticalFlowPyrLK(earlier, later, points, points.copy(), winSize=(15, 15), maxLevel=3)
    return np.asarray(ahead, np.float32), np.asarray(found, np.bool_).ravel()


def _left(move: npt.NDArray[np.float64], before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]) -> Points:
    expected = cv2.perspectiveTransform(before[None].astype(np.float64), move)[0]
    return np.asarray(np.linalg.norm(after - expected, axis=1), np.float64)


def _spread(residuals: Points) -> float:
    """The root of the mean square without the worst tenth: a point that slid off tells nothing."""
    kept = np.sort(residuals)[: max(1, int(0.9 * len(residuals)))]
    return float(np.sqrt(np.mean(kept**2)))
