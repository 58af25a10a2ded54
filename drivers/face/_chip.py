"""A face turned, scaled and moved to where a network expects it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from drivers.interfaces import Frame

Points = npt.NDArray[np.float64]
"""(n, 2): x to the right and y down, in pixels."""


def similarity(points: Points, targets: Points) -> npt.NDArray[np.float64]:
    """The turn, scale and shift, (2, 3), that brings `points` nearest to `targets` by least squares; never a mirror.

    Read as complex numbers, such a map is z -> a z + b, so that `a` is the slope of a line.
    """
    z, w = (each[:, 0] + 1j * each[:, 1] for each in (points, targets))
    from_middle = z - z.mean()
    a = np.vdot(from_middle, w - w.mean()) / max(float(np.vdot(from_middle, from_middle).real), 1e-12)
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def cut(frame: Frame, points: Points, targets: Points, size: tuple[int, int]) -> Frame:
    """The chip of `size` (width, height) whose `points` lie at `targets`. A much larger face is reduced first: a warp
    looks at four pixels for each of its own, and would skip most of it.
    """
    matrix = similarity(points, targets)
    enlarged = float(np.hypot(*matrix[:, 0]))
    if enlarged < 0.5:
        reduced = cv2.resize(frame, None, fx=2 * enlarged, fy=2 * enlarged, interpolation=cv2.INTER_AREA)
        ratio = np.array([reduced.shape[1] / frame.shape[1], reduced.shape[0] / frame.shape[0]])
        frame, matrix = np.asarray(reduced, np.uint8), similarity(points * ratio, targets)
    return np.asarray(cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)
