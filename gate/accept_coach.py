"""A coach at the camera: looks at one picture after the other and says one thing at a time, what is to be done first.

`advise` is plain, so that a table can hold it. `Coach` says a thing only when two pictures in a row agree on it, and is
content after five good ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drivers.interfaces import FaceEngine, Frame
from gate.accept_height import Height, height_of
from models.face import FaceProbe, FaceProblem

DARK, BRIGHT = 30.0, 230.0
"""Mean grey levels of a whole picture in which nothing can be seen."""

BACK_LIGHT = 45.0
"""A background brighter than the face by more than this makes every camera's own exposure darken the face."""

FACE_NEEDS = 110.0
"""A face as bright as this is bright enough, whatever is behind it."""

AGREED, GOOD_LOOKS = 2, 5


class Advice(StrEnum):
    """What is to be done next, in plain words."""

    LAMP_ON = "it is dark: switch the lamp on, or open what covers the lens"
    LESS_LIGHT = "the picture is all white: turn the lamp away from the lens, or shade the lens from the sun"
    STAND_THERE = "stand where visitors stand, and look into the camera"
    ONE_ONLY = "one person only before the camera, please"
    NEARER = "the face is small: hang the camera nearer, or zoom in"
    TURN_LAMP = "turn the lamp, too bright behind: light the face, or keep the light behind it out of the picture"
    MORE_LIGHT = "more light on the face: turn the lamp towards it"
    DIM = "the face is too bright: dim the lamp, or move it away"
    UNCOVER = "take off mask, scarf or hand from the face"
    FOCUS = "the face is not sharp: stand still; wipe the lens; then turn the focus ring until it is"
    STRAIGHT = "look straight into the camera; if you do, turn the camera towards the face"
    RAISE = "raise the camera, or tilt it up: heads are at the top of its picture"
    LOWER = "lower the camera, or tilt it down: heads are at the foot of its picture"
    GOOD = "good: stay so"


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture. Grey levels are means, 0 to 255: of all of it, and of its two upper sides, where no face is."""

    grey: float
    behind: float
    probe: FaceProbe


def see(frame: Frame, engine: FaceEngine) -> Seen:
    """Look at one picture."""
    height, width = frame.shape[:2]
    side, foot = max(1, width // 6), max(1, height * 2 // 3)
    behind = (float(frame[:foot, :side].mean()) + float(frame[:foot, -side:].mean())) / 2
    return Seen(float(frame.mean()), behind, engine.probe(frame))


_BY_PROBLEM = {
    FaceProblem.SEVERAL: Advice.ONE_ONLY,
    FaceProblem.TOO_SMALL: Advice.NEARER,
    FaceProblem.TOO_DARK: Advice.MORE_LIGHT,
    FaceProblem.TOO_BRIGHT: Advice.DIM,
    FaceProblem.COVERED: Advice.UNCOVER,
    FaceProblem.BLURRED: Advice.FOCUS,
    FaceProblem.TURNED: Advice.STRAIGHT,
    FaceProblem.TURN_ASKED: Advice.STRAIGHT,
}


def advise(seen: Seen) -> Advice:
    """The first thing to be done: light before a face, a face before its place, and its height last."""
    if seen.probe.problem is FaceProblem.NO_FACE:
        if seen.grey < DARK:
            return Advice.LAMP_ON
        return Advice.LESS_LIGHT if seen.grey > BRIGHT else Advice.STAND_THERE
    problem, face = seen.probe.problem, seen.probe.quality.brightness
    if problem in (FaceProblem.SEVERAL, FaceProblem.TOO_SMALL):
        return _BY_PROBLEM[problem]
    if seen.behind - face > BACK_LIGHT and face < FACE_NEEDS:
        return Advice.TURN_LAMP
    if problem is not None:
        return _BY_PROBLEM[problem]
    return _of_height(seen.probe.eyes_at)


def _of_height(eyes_at: float | None) -> Advice:
    height = height_of(eyes_at) if eyes_at is not None else Height.GOOD
    return {Height.TOO_LOW: Advice.RAISE, Height.TOO_HIGH: Advice.LOWER}.get(height, Advice.GOOD)


class Coach:
    """Follows the pictures. `content` when enough in a row were good."""

    def __init__(self) -> None:
        self.advice: Advice | None = None
        self._last: Advice | None = None
        self._in_a_row = 0

    @property
    def content(self) -> bool:
        """Whether nothing is to be done any more."""
        return self._last is Advice.GOOD and self._in_a_row >= GOOD_LOOKS

    def look(self, seen: Seen) -> Advice | None:
        """Take one picture in. Returns what is to be said now: only what is new, and was so twice."""
        advice = advise(seen)
        self._in_a_row = self._in_a_row + 1 if advice is self._last else 1
        self._last = advice
        if self._in_a_row < AGREED or advice is self.advice:
            return None
        self.advice = advice
        return advice
