"""Ready mode's part of the vision child's turn: a look at the lane now and then, while nobody has asked for one.

Between two looks the child listens, so that a card seldom comes while it is busy. A lane that looks as empty as it was
costs a picture and no search for a face.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from drivers.errors import DriverError
from drivers.interfaces import FaceEngine, Frame
from gate.held_faces import HeldFaces
from gate.sight import Shot, Sight
from gate.vision_link import VisionLimits, Watch
from models.face import FaceProblem

EVERY_S = 0.2
"""From one look's end to the next."""

SEARCH_S = 1.0
"""So often a face is looked for in a lane that seems as empty as before."""

MOSAIC, CHANGED = (32, 24), 8
"""Columns and rows; a lane has changed where the mean grey of a place differs by more than so many levels of 256."""

Mosaic: TypeAlias = npt.NDArray[np.int16]


class LookAhead:
    """Looks, and has `held` remember what it must. `beat` tells the gate that the child is alive."""

    def __init__(self, sight: Sight, limits: VisionLimits, beat: Callable[[], object]) -> None:
        self.held = HeldFaces()
        self._sight, self._limits, self._beat = sight, limits, beat
        self._due_mono = self._search_mono = 0.0
        self._known = False  # whether the engine may still hold somebody's features
        self._empty: Mosaic | None = None  # the lane without anybody, while there is nobody

    def want(self, ask: Watch, model_version: str) -> None:
        """How the policy wants faces looked at, from now on."""
        self.held.want(ask.seconds, ask.frames, ask.apart.get(model_version, 0.0))
        self._empty = None

    def rest(self) -> None:
        """Somebody was just looked at: the gate may be about to say that the lane is no longer at rest."""
        self._due_mono = time.monotonic() + EVERY_S
        self._known = True

    def forget(self, engine: FaceEngine) -> None:
        """Where nothing is held, have the engine's own memory of the last face overwritten, if it can do that."""
        if self._known and not len(self.held) and time.monotonic() >= self._due_mono:
            getattr(engine, "forget", lambda: None)()
            self._known = False

    def patience_s(self) -> float:
        """How long nothing is to be looked at or dropped."""
        if not self.held.wanted or not self._sight.up:
            return self._limits.beat_s
        now = time.monotonic()
        return max(0.0, min(self._limits.beat_s, self._due_mono - now, self.held.left_s(now)))

    def turn(self, engine: FaceEngine) -> bool:
        """See who stands there, if it is time. Returns whether a frame was taken. Raises `DriverError`.

        What would be too old after a camera and an engine that hang until the child is killed is dropped before.
        """
        now = time.monotonic()
        self.held.expire(now + self._limits.silence_s)
        self.forget(engine)
        if not self.held.wanted or now < self._due_mono or not self._sight.up:
            return False
        try:
            shot = self._sight.look(self._limits.grab_s, now)
            self._beat()
            if not self._is_empty_still(shot.frame, now):
                self._search(engine, shot, now)
        except DriverError:
            self.held.drop()
            raise
        finally:
            self._due_mono = time.monotonic() + EVERY_S
        return True

    def _search(self, engine: FaceEngine, shot: Shot, now: float) -> None:
        probe = engine.probe(shot.frame)
        self.held.see(probe, shot.began_mono, time.monotonic())
        self._empty = _mosaic(shot.frame) if probe.problem is FaceProblem.NO_FACE else None
        self._search_mono = now + SEARCH_S
        self._known = self._known or bool(probe.template)

    def _is_empty_still(self, frame: Frame, now: float) -> bool:
        if self._empty is None or now >= self._search_mono:
            return False
        return bool(np.abs(_mosaic(frame) - self._empty).max() <= CHANGED)


def _mosaic(frame: Frame) -> Mosaic:
    """The picture as few means of grey: nobody can be told by it."""
    return cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), MOSAIC, interpolation=cv2.INTER_AREA).astype(np.int16)
