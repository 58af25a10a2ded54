"""A blink: both eyes lose their dark middle for a moment, and have it again.

How dark an eye is differs between people, lids and lights; so each look is held against the person's own median of the
last seconds, and two thirds of that are shut: of three people who closed their eyes for a photograph, two fell under
it, and none who frowned or smiled. Narrowed eyes stay narrow and are no blink. A photograph doesn't blink; a film
does, and so does who looks through a hole in a print. A blink takes a quarter of a second: whoever did not blink while
he was seen is nothing worse for it.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from drivers.interfaces import Frame

Points = npt.NDArray[np.float64]

REMEMBER_S = 3.0
SHUT_S = 0.5  # eyes shut for longer have not blinked
LEAST_OPEN, LEAST_LOOKS = 0.10, 4
SHUT, OPEN = 0.66, 0.80  # parts of the usual
_WIDE, _HIGH = 41, 15


class Blinks:
    """Watches one person's eyes. Holds a number for each look of the last seconds."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, float]] = deque(maxlen=120)

    def look(self, frame: Frame, eyes: Points, at_s: float) -> bool:
        """Whether she blinked in the last seconds."""
        self._looks.append((at_s, openness(frame, eyes)))
        while self._looks and not 0 <= at_s - self._looks[0][0] <= REMEMBER_S:
            self._looks.popleft()
        return blinked(list(self._looks))

    def forget(self) -> None:
        """Another person."""
        self._looks.clear()


def blinked(looks: list[tuple[float, float]]) -> bool:
    """Whether there is a blink in `looks`: (seconds, openness), in order."""
    if len(looks) < LEAST_LOOKS:
        return False
    usual = float(np.median([openness for _, openness in looks]))
    if usual < LEAST_OPEN:
        return False
    shut_at: float | None = None
    was_open = False
    for at_s, openness in looks:
        if openness < SHUT * usual:
            shut_at = at_s if was_open and shut_at is None else shut_at
        elif openness > OPEN * usual:
            if shut_at is not None and at_s - shut_at <= SHUT_S:
                return True
            was_open, shut_at = True, None
    return False


def openness(frame: Frame, eyes: Points) -> float:
    """How much darker the middle of the eyes is than the skin around them, 0 to 1; of two eyes the more open one."""
    return max(_dark(frame, eyes, which) for which in (0, 1))


def _dark(frame: Frame, eyes: Points, which: int) -> float:
    across = eyes[1] - eyes[0]
    apart = max(float(np.linalg.norm(across)), 1.0)
    scale = _WIDE / (0.5 * apart)
    turn = cv2.getRotationMatrix2D(
        (float(eyes[which][0]), float(eyes[which][1])), float(np.degrees(np.arctan2(across[1], across[0]))), scale
    )
    turn[:, 2] += np.array([_WIDE, _HIGH]) / 2 - eyes[which]
    patch = cv2.cvtColor(
        cv2.warpAffine(frame, turn, (_WIDE, _HIGH), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE),
        cv2.COLOR_BGR2GRAY,
    ).astype(np.float64)
    skin = float(np.percentile(patch, 80))
    # A lid's line is dark and thin: what is dark over a height is the iris.
    thick = cv2.dilate(patch, np.ones((6, 3), np.uint8))
    return float(np.clip((skin - np.percentile(thick, 2)) / max(skin, 20.0), 0.0, 1.0))
