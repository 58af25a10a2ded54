"""A face engine without a network, for tests and benches: it reads who is there from a mark in the picture.

    sim:                        reads marks
    sim:?crash_on=7             the process dies when person 7 comes (as a fault in native code would)
    sim:?hang_on=8              `probe` never returns when person 8 comes

`stamp` draws the mark and `Engine.probe` reads it back: 56 black or white squares in the upper left corner, which
outlive a JPEG encoder. Distances are what the test asks for: the same person is exactly `offset` from the reference,
different people are about 1 apart (0.7 to 1.3).

Device: a face engine that isn't there
Does: reads who is there from a mark in the picture; dies or hangs on demand
Tried: pictures straight and through JPEG
Untried: nothing; it has no hardware
"""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.face._quality import check_frame
from drivers.interfaces import Frame
from drivers.url import DeviceUrl
from models.face import FaceProbe, FaceProblem, FaceQuality, FaceReference

MODEL_VERSION = "sim-1"
OPTIONS: dict[str, str] = {
    "crash_on": "identity at whose sight the process dies",
    "hang_on": "identity at whose sight the engine hangs",
    "eyes_at": "how far down the picture the eyes of everybody are, 0 to 1 (0.4)",
}

CELL_PX = 8
COLUMNS, ROWS = 8, 7
_SIZE = 128
_PROBLEMS = (None, *FaceProblem)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a marked picture says.

    `identity` is 0 to 65535; `offset` the distance from the reference, 0 to 2.55 in hundredths; `pad_score` 0 to 1 in
    254 steps, or `None` for not measured.
    """

    identity: int
    offset: float = 0.0
    problem: FaceProblem | None = None
    pad_score: float | None = None

    def to_bytes(self) -> bytes:
        """Five bytes and two of check. Raises `ValueError` for an identity or offset out of range."""
        if not 0 <= self.identity <= 0xFFFF or not 0 <= self.offset <= 2.55:
            raise ValueError(
                f"a mark holds identities 0 to 65535 and offsets 0 to 2.55, not {self.identity}, {self.offset}"
            )
        pad = 255 if self.pad_score is None else round(self.pad_score * 254)
        body = self.identity.to_bytes(2, "big") + bytes([round(self.offset * 100), _PROBLEMS.index(self.problem), pad])
        return body + _check(body)

    @classmethod
    def from_bytes(cls, data: bytes) -> Mark | None:
        """The mark in `data`, or `None` when the check fails."""
        body, check = data[:5], data[5:]
        if check != _check(body) or body[3] >= len(_PROBLEMS):
            return None
        pad = None if body[4] == 255 else body[4] / 254
        return cls(int.from_bytes(body[:2], "big"), body[2] / 100, _PROBLEMS[body[3]], pad)


def _check(body: bytes) -> bytes:
    return (zlib.crc32(body) & 0xFFFF).to_bytes(2, "big")


def stamp(frame: Frame, mark: Mark) -> Frame:
    """A copy of `frame` (at least 64 x 56 pixels) that says `mark`."""
    bits = np.unpackbits(np.frombuffer(mark.to_bytes(), np.uint8)).reshape(ROWS, COLUMNS) * np.uint8(255)
    cells = np.kron(bits, np.ones((CELL_PX, CELL_PX), np.uint8))
    marked = frame.copy()
    marked[: cells.shape[0], : cells.shape[1]] = cells[:, :, None]
    return marked


def marked(identity: int, offset: float = 0.0, problem: FaceProblem | None = None) -> Frame:
    """A small grey test picture of a person: all that a gate's test needs of a camera."""
    return stamp(np.full((120, 160, 3), 128, np.uint8), Mark(identity, offset, problem))


def read_mark(frame: Frame) -> Mark | None:
    """The mark in `frame`'s corner, or `None` where there is none."""
    if frame.shape[0] < ROWS * CELL_PX or frame.shape[1] < COLUMNS * CELL_PX:
        return None
    corner = frame[: ROWS * CELL_PX, : COLUMNS * CELL_PX].mean(axis=2)
    cells = corner.reshape(ROWS, CELL_PX, COLUMNS, CELL_PX).mean(axis=(1, 3))
    if np.any((cells > 80) & (cells < 175)):
        return None  # grey: no mark
    return Mark.from_bytes(np.packbits(cells > 128).tobytes())


def template(identity: int, offset: float = 0.0) -> bytes:
    """The template of a person, `offset` away from their reference."""
    features = np.empty(_SIZE, np.float32)
    direction = np.fromiter(_normal(identity), np.float64, _SIZE - 1)
    features[:-1] = direction / np.linalg.norm(direction) / np.sqrt(2)
    features[-1] = offset  # an axis that no person's own direction uses
    return features.astype("<f4").tobytes()


def reference(identity: int) -> FaceReference:
    """What is enrolled for a person."""
    return FaceReference(MODEL_VERSION, template(identity), legal_basis="test")


def _normal(identity: int) -> Iterator[float]:
    """Numbers of mean 0 drawn from the identity: sums of four hashed bytes, alike on every machine and version."""
    stream: npt.NDArray[np.uint8] = np.frombuffer(
        hashlib.shake_256(identity.to_bytes(2, "big")).digest(4 * (_SIZE - 1)), np.uint8
    )
    yield from (stream.reshape(-1, 4).astype(np.float64).sum(axis=1) - 510.0).tolist()


class Engine:
    """A `FaceEngine` that reads marks."""

    model_version = MODEL_VERSION

    def __init__(self, crash_on: int = -1, hang_on: int = -1, eyes_at: float = 0.4) -> None:
        self._crash_on, self._hang_on, self._eyes_at = crash_on, hang_on, eyes_at

    def probe(self, frame: Frame) -> FaceProbe:
        """Who the mark says; a picture without one shows nobody."""
        check_frame(frame)
        mark = read_mark(frame)
        if mark is None:
            return FaceProbe(MODEL_VERSION, problem=FaceProblem.NO_FACE, frames=1)
        if mark.identity == self._crash_on:
            os.abort()
        if mark.identity == self._hang_on:
            threading.Event().wait()
        if mark.problem:
            seen = FaceQuality(nose=0.3 if mark.problem is FaceProblem.TURNED else 0.5)
            return FaceProbe(MODEL_VERSION, b"", seen, mark.problem, mark.pad_score, frames=1, eyes_at=self._eyes_at)
        quality = FaceQuality(height_px=160.0, sharpness=200.0, brightness=128.0)
        features = template(mark.identity, mark.offset)
        live = mark.pad_score
        return FaceProbe(MODEL_VERSION, features, quality, pad_score=live, frames=1, eyes_at=self._eyes_at)

    def enrol(self, frame: Frame) -> FaceProbe:
        """The same as `probe`."""
        return self.probe(frame)

    def close(self) -> None:
        """Nothing is held."""


def open(url: DeviceUrl) -> Engine:
    """The engine that `url` asks for."""
    on = url.option("crash_on", int, -1), url.option("hang_on", int, -1)
    return Engine(*on, url.option("eyes_at", float, 0.4, low=0.0))
