"""One capture of the vision child: what was asked for, what has been seen so far, and the portrait beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from gate.core.life import Turn
from gate.held_faces import HeldFaces
from gate.portrait import is_open
from gate.portrait_decoder import Decoding
from gate.portrait_face import Opening
from gate.vision_link import Decoder
from models.face import FaceProbe, FaceProblem, FaceReference


@dataclass(slots=True)
class Job:
    """One capture under way."""

    attempt: int
    since_mono: float  # the next picture is to be taken after this
    ends_mono: float
    last: FaceProbe | None = None
    frames: int = 0
    usable: list[FaceProbe] = field(default_factory=list)  # of one person, as far as can be told
    opening: Opening | None = None  # the portrait, while no reference has come of it
    reference: FaceReference | None = None
    seen: FaceProbe | None = None  # the answer, while it waits for the reference
    turn: Turn | None = None  # the head is to turn first
    held_s: float | None = None  # how old the features are that were held before anybody asked
    ms: dict[str, float] = field(default_factory=lambda: {"grab": 0.0, "probe": 0.0})

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the milliseconds that the block takes to `step`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.ms[step] = self.ms.get(step, 0.0) + (time.perf_counter() - began) * 1000.0

    def open(self, portrait: bytes, decoder: Decoder) -> None:
        """Begin to make a reference of `portrait`. Raises `PortraitUnusable`."""
        decoding = None if is_open(portrait) else Decoding(decoder.command, portrait, decoder.seconds)
        self.opening = Opening(portrait, decoding)

    def judge(self, probe: FaceProbe) -> FaceProbe:
        """The probe as it counts: no answer as long as a turn of the head is awaited."""
        if self.turn is None:
            return probe
        if self.turn.look(probe):
            return replace(probe, turned=True)
        awaited = probe.problem in (None, FaceProblem.TURNED)
        return replace(probe, template=b"", problem=FaceProblem.TURN_ASKED) if awaited else probe

    def use(self, held: HeldFaces, now: float) -> None:
        """Answer with what was held, where enough of it is good enough. It is held no longer."""
        taken = held.take(now)
        if taken is not None and self.turn is None:
            self.seen, self.held_s = taken

    def stop(self) -> None:
        """Nobody waits for it any more."""
        if self.opening is not None:
            self.opening.stop()
