"""Ready mode: the features of who stands in the lane, held for a few seconds before the card.

It is the policy's choice (`face_ready_s`); without it nobody is looked at before a valid card. What is held is the work
of the last few frames of one person: templates, no pictures, in this process's memory alone. It is dropped

- when it is older than the policy's seconds, card or no card;
- as soon as a frame shows nobody, two people equally near, or somebody else: who comes next starts from nothing;
- when it has been used, and when the lane is no longer at rest.

Time is handed in. A template that is dropped is overwritten, and so are the copies that were made on the way to it: the
child's allocator fills what is freed (`gate.vision_process`), and what numpy keeps of it is filled here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from gate.core.agreement import agree, best_first, joined
from models.face import FaceProbe, FaceProblem

MOST_S = 10.0
"""No policy can have features held for longer."""
MOST_HELD = 8
FRESH_S = 0.6
"""Whoever holds the card was seen so recently, or is looked at anew."""

GOES = (FaceProblem.NO_FACE, FaceProblem.SEVERAL)
"""After a frame like these it is unknown who stands there."""


@dataclass(slots=True)
class _Held:
    """One usable frame's features. `template` is ours to overwrite."""

    probe: FaceProbe  # without its template
    template: bytearray
    at_mono: float

    def wipe(self) -> None:
        self.template[:] = bytes(len(self.template))


class HeldFaces:
    """At most `MOST_HELD` frames' features of one person, none older than `seconds`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.frames = 1
        self.apart = 0.0
        self._held: deque[_Held] = deque()
        self._template_bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def wanted(self) -> bool:
        """Whether anything is to be held at all."""
        return self.seconds > 0.0

    def want(self, seconds: float, frames: int, apart: float) -> None:
        """From now on hold features for so long, 0: none. `frames` of one person make an answer; templates farther
        than `apart` from each other are of two."""
        self.seconds, self.frames, self.apart = max(0.0, min(MOST_S, seconds)), max(1, min(MOST_HELD, frames)), apart
        self.drop()

    def drop(self) -> None:
        """Hold nothing."""
        while self._held:
            self._held.popleft().wipe()
        overwrite_freed(self._template_bytes)

    def expire(self, now: float) -> None:
        """Drop what is too old at `now` (monotonic seconds)."""
        if not self._held or now - self._held[0].at_mono < self.seconds:
            return
        while self._held and now - self._held[0].at_mono >= self.seconds:
            self._held.popleft().wipe()
        overwrite_freed(self._template_bytes)

    def oldest_s(self, now: float) -> float:
        """How old the oldest is; 0 where nothing is held."""
        return now - self._held[0].at_mono if self._held else 0.0

    def left_s(self, now: float) -> float:
        """How long nothing has to be dropped."""
        return self.seconds - self.oldest_s(now)

    def see(self, probe: FaceProbe, taken_mono: float, now: float) -> None:
        """The lane as a frame shows it that was taken at `taken_mono`."""
        self._template_bytes = len(probe.template) or self._template_bytes
        self.expire(now)
        if probe.problem in GOES:
            self.drop()
        if probe.problem is not None or not self.wanted or now - taken_mono >= self.seconds:
            return
        if self._held and not agree(probe.template, bytes(self._held[-1].template), self.apart):
            self.drop()
        if len(self._held) >= MOST_HELD:
            self._held.popleft().wipe()
        self._held.append(_Held(replace(probe, template=b""), bytearray(probe.template), taken_mono))

    def take(self, now: float) -> tuple[FaceProbe, float] | None:
        """The answer, and how old its oldest part is; `None` where too little is held. Nothing is held after that."""
        self.expire(now)
        answer = None
        if len(self._held) >= self.frames and now - self._held[-1].at_mono <= FRESH_S:
            probes = [(replace(one.probe, template=bytes(one.template)), one.at_mono) for one in self._held]
            chosen = best_first(probe for probe, _ in probes)[: self.frames]
            oldest = min(at for probe, at in probes if any(probe is one for one in chosen))
            answer = joined(chosen, frames=len(probes)), now - oldest
        self.drop()
        return answer


def overwrite_freed(template_bytes: int) -> None:
    """Have the next arrays of a template's size made where the last ones were, and fill them.

    numpy hands freed arrays of less than 1024 bytes out again, up to seven of each size, and does not clear them.
    """
    for size in (template_bytes, 2 * template_bytes):  # as float32, and as float64
        filled = [np.full(size, 0xAA, np.uint8) for _ in range(8)]
        del filled
