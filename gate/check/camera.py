"""The camera's picture: is there light, and which way up are the faces in it?

Which way up it hangs can only be told of a person who stands before it: dlib's detector looks for upright faces, so a
face that it finds in one turn of the picture alone tells how the camera hangs. Many faces it finds on their head as
well; of those nothing is said, and another picture is taken. Of 91 photographs 57 told the right way, 33 none, and one
a wrong one, so a turn is told only when two pictures agree. Of an empty lane, of a mirrored picture, of focus and of
height it can say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from drivers import connect
from drivers.errors import DriverError
from drivers.interfaces import Frame
from drivers.url import parse
from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from gate.sight import cut
from models.face import FaceProbe, FaceProblem

DARK, BRIGHT = 30.0, 230.0
"""Mean grey levels beyond which no face can be compared."""

GRAB_S, LOOKS = 3.0, 4
TURNS = (180, 90, 270)


class Engine(Protocol):
    """What finds faces."""

    def probe(self, frame: Frame) -> FaceProbe:
        """The face in it, or the problem."""


@dataclass(frozen=True, slots=True)
class Facts:
    """`brightness` is the mean grey level. `turned`: clockwise degrees that bring faces upright; `None`: not known."""

    brightness: float
    turned: int | None = None


def gather(around: Around) -> Facts | None:
    """Take up to three pictures. Nothing of them is kept; a running gate has the camera for itself."""
    config = around.config
    if config is None or not config.devices.camera or around.gate_at_work or not around.probe:
        return None
    marks = parse(config.devices.face).driver == "sim"
    with suppress(DriverError):  # told by the devices' own concern
        camera: Any = connect("camera", config.devices.camera)
        with closing(camera):
            engine: Any = connect("face", "sim:" if marks else "dlib:")
            with closing(engine):
                return agreed(look(cut(camera.grab(GRAB_S), config.vision.region), engine) for _ in range(LOOKS))
    return None


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with it."""
    if not DARK <= facts.brightness <= BRIGHT:
        yield Finding(Code.DARK, "camera", f"mean grey level {facts.brightness:.0f} of 255")
    if facts.turned is None:
        yield Finding(Code.NOBODY_THERE, "camera")
    elif facts.turned:
        yield Finding(Code.TURNED, "camera", f"faces stand upright after {facts.turned} degrees clockwise")


def agreed(looks: Iterable[Facts]) -> Facts | None:
    """The first that says upright, or that says a turn which one before it said; else the last, without a turn."""
    said: set[int] = set()
    last = None
    for last in looks:
        if last.turned == 0 or last.turned in said:
            return last
        said |= {last.turned} if last.turned is not None else set()
    return replace(last, turned=None) if last else None


def look(frame: Frame, engine: Engine) -> Facts:
    """One picture, as it is and turned."""
    ways = [turn for turn in (0, *TURNS) if engine.probe(turned(frame, turn)).problem is not FaceProblem.NO_FACE]
    return Facts(float(frame.mean()), ways[0] if len(ways) == 1 else None)


def turned(frame: Frame, degrees: int) -> Frame:
    """`frame`, turned clockwise."""
    return np.ascontiguousarray(np.rot90(frame, -degrees // 90))
