"""Is it a living face? What the face engines share: an option of their URL, and one call for each good look.

    dlib:?pad=cues                              what one camera sees without a network
    dlib:?pad=/var/lib/menshen/models/minifas   the same beside the networks in this folder; see `_pad_network`

With one ordinary camera this hinders prints and pictures on a phone. It stops nobody who takes pains: a film on a good
screen, a mask, a print cut out along the face. A person in sight of the lane stays the better half of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drivers.face import _pad_network, _pad_texture
from drivers.face._pad_blink import Blinks
from drivers.face._pad_motion import FORGET_S, Follower, Motion
from drivers.face._pad_network import Box, Network
from drivers.interfaces import Frame
from drivers.url import DeviceUrl
from models.pad import PadSigns, pad_score

Points = npt.NDArray[np.float64]

OPTIONS = {"pad": "is it a living face: cues (without a network), or the folder of a liveness network (not asked)"}

LATTICE_EYES_PX = 48.0  # nearer eyes leave too little of a face for its spectrum
TILTED, FLAT, DEEP = 0.35, 0.35, 0.5  # see `_pad_motion.Motion`; films of heads 0.5 and more, sheets 0.1 to 0.4
AS_ONE = 0.8
ELSEWHERE = 1.0  # eyes that are so many of their distances from where they were are another person's


class Watch:
    """Watches whoever stands before the camera. Holds a few numbers and one small picture, for seconds at most."""

    def __init__(self, network: Network | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._network, self._clock = network, clock
        self._follower, self._blinks = Follower(), Blinks()
        self._eyes: Points | None = None
        self._seen_s = 0.0

    def score(self, frame: Frame, one_eye: Points, other_eye: Points) -> float:
        """How live the face looks, 0 to 1. The eyes are the centres of both, (2,) each, in pixels of `frame`."""
        return pad_score(self.look(frame, one_eye, other_eye))

    def look(self, frame: Frame, one_eye: Points, other_eye: Points) -> PadSigns:
        """The same as signs."""
        eyes = np.array(sorted((tuple(one_eye), tuple(other_eye))), np.float64)
        at_s = self._clock()
        self._recognise(eyes, at_s)
        texture = _pad_texture.look(frame, eyes)
        flat, as_one = _flatness(self._follower.look(frame, eyes, at_s))
        return PadSigns(
            network=None if self._network is None else self._network.live(frame, face_box(eyes)),
            lattice=texture.lattice if _apart(eyes) >= LATTICE_EYES_PX else None,
            glare=texture.glare,
            borders=texture.borders,
            flat=flat,
            with_surroundings=as_one,
            blinked=self._blinks.look(frame, eyes, at_s),
        )

    def forget(self) -> None:
        """Nobody is there, or another person."""
        self._follower.forget()
        self._blinks.forget()
        self._eyes = None

    def _recognise(self, eyes: Points, at_s: float) -> None:
        """What one face showed must not count for the next: a jump, or a gap, is another face."""
        if self._eyes is not None:
            apart, before = _apart(eyes), _apart(self._eyes)
            moved = float(np.linalg.norm(eyes.mean(axis=0) - self._eyes.mean(axis=0)))
            steady = moved <= ELSEWHERE * max(apart, before) and 2 / 3 <= apart / before <= 3 / 2
            if not steady or not 0 <= at_s - self._seen_s <= FORGET_S:
                self.forget()
        self._eyes, self._seen_s = eyes, at_s


def from_url(url: DeviceUrl) -> Watch | None:
    """The watch that `url` asks for. Raises `UnknownDevice` when its networks can't be read."""
    wanted = url.option("pad", str, "")
    if not wanted or wanted == "no":
        return None
    return Watch(None if wanted == "cues" else _pad_network.open(Path(wanted)))


def face_box(eyes: Points) -> Box:
    """Forehead to chin around `eyes`, as detectors for these networks draw it: the median over 141 photographs."""
    apart = _apart(eyes)
    centre = eyes.mean(axis=0)
    width, height = 2.17 * apart, 2.99 * apart
    return Box(float(centre[0]) - width / 2, float(centre[1]) + 0.36 * apart - height / 2, width, height)


def _apart(eyes: Points) -> float:
    return max(float(np.linalg.norm(eyes[1] - eyes[0])), 1.0)


def _flatness(motion: Motion | None) -> tuple[bool | None, bool | None]:
    """Whether it moved as a flat thing does, and as one with its surroundings; `None` where that can't be told."""
    if motion is None:
        return None, None
    as_one = None if np.isnan(motion.along) else motion.along >= AS_ONE
    if motion.tilt >= TILTED and motion.depth < FLAT and motion.depth < 0.5 * motion.tilt:
        return True, as_one
    return (False, as_one) if motion.depth >= DEEP and motion.tilt >= DEEP else (None, as_one)
