"""Ready mode's part of the vision child's turn: a look at the lane now and then, while nobody has asked for one."""

from __future__ import annotations

import time
from collections.abc import Callable

from drivers.errors import DriverError
from drivers.interfaces import FaceEngine
from gate.held_faces import HeldFaces
from gate.sight import Sight
from gate.vision_link import VisionLimits, Watch

EVERY_S = 0.15


class LookAhead:
    """Looks, and has `held` remember what it must. `beat` tells the gate that the child is alive."""

    def __init__(self, sight: Sight, limits: VisionLimits, beat: Callable[[], object]) -> None:
        self.held = HeldFaces()
        self._sight, self._limits, self._beat = sight, limits, beat
        self._due_mono = 0.0

    def want(self, ask: Watch, model_version: str) -> None:
        """How the policy wants faces looked at, from now on."""
        self.held.want(ask.seconds, ask.frames, ask.apart.get(model_version, 0.0))

    def rest(self) -> None:
        """Somebody was just looked at: the gate may be about to say that the lane is no longer at rest."""
        self._due_mono = time.monotonic() + EVERY_S

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
        if not self.held.wanted or now < self._due_mono or not self._sight.up:
            return False
        self._due_mono = now + EVERY_S
        try:
            shot = self._sight.look(self._limits.grab_s, now)
            self._beat()
            self.held.see(engine.probe(shot.frame), shot.began_mono, time.monotonic())
        except DriverError:
            self.held.drop()
            raise
        return True
