"""YuNet, a small network that finds faces with five points each, in OpenCV's DNN module.

It looks at a reduced frame: what matters are faces that reach the limits, and it finds 99 of 100 from 30 px. Its answer
is one guess for every cell of three grids (8, 16 and 32 px wide), to be decoded here:

| tensor | shape | what |
|---|---|---|
| `cls_8`, `obj_8` | (1, cells, 1) | how sure it is of a face, and that one is centred here |
| `bbox_8` | (1, cells, 4) | centre from the cell's corner, in cells; logarithm of width and height in cells |
| `kps_8` | (1, cells, 10) | five points from the cell's corner, in cells |
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from drivers.errors import BadAnswer, UnknownDevice
from drivers.interfaces import Frame

STRIDES = (8, 16, 32)
LEAST_PX, LARGEST_SIDE_PX = 30.0, 1280
"""Least height of a face in the reduced frame, and its greatest side: an enrolment picture may be huge."""

HOG_RATIO = 1.28
"""YuNet's box reaches from hairline to chin, a HOG box from brow to chin: the median over 136 photographs that both
found. Heights are told in the latter's pixels, so that limits mean the same for every engine."""

SURE, OVERLAP = 0.6, 0.3

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """A face in pixels of the frame. `points` (5, 2): right eye, left eye, nose, right and left corner of the mouth."""

    height: float
    points: npt.NDArray[np.float64]
    sure: float


class Detector:
    """Finds faces."""

    def __init__(self, network: bytes) -> None:
        """Raises `UnknownDevice` where `network` (ONNX) is none or another one."""
        try:
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(network, np.uint8))
            self._names = list(self._net.getUnconnectedOutLayersNames())
        except cv2.error:
            raise UnknownDevice("the face detector's file is no ONNX network that OpenCV can read") from None
        missing = {f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES} - {*self._names}
        if missing:
            raise UnknownDevice(f"the face detector is no YuNet: it gives no {', '.join(sorted(missing))}")

    def find(self, frame: Frame, least_px: float) -> list[Seen]:
        """Faces of about `least_px` and more, the highest first."""
        scale = min(1.0, LEAST_PX / max(least_px * HOG_RATIO, 1.0), LARGEST_SIDE_PX / max(frame.shape[:2]))
        height, width = (max(round(side * scale), 1) for side in frame.shape[:2])
        small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) if scale < 1 else frame
        rows, columns = (math.ceil(side / 32) * 32 for side in (height, width))
        padded = cv2.copyMakeBorder(small, 0, rows - height, 0, columns - width, cv2.BORDER_CONSTANT)
        found = _decoded(self._run(np.asarray(padded, np.uint8)), columns)
        there = [seen for seen in found if np.all(seen[:2] + seen[2:4] / 2 < (width, height))]
        return sorted((_seen(row, scale) for row in there), key=lambda seen: -seen.height)

    def _run(self, picture: Frame) -> dict[str, Array]:
        self._net.setInput(cv2.dnn.blobFromImage(picture))
        try:
            answers = self._net.forward(self._names)
        except cv2.error:
            raise BadAnswer(f"the face detector can't look at {picture.shape[1]} x {picture.shape[0]} pixels") from None
        return dict(zip(self._names, (np.asarray(each, np.float32) for each in answers), strict=True))


def _decoded(answers: dict[str, Array], columns: int) -> list[Array]:
    """Rows of left, top, width, height, ten numbers of points and how sure; overlapping guesses only once."""
    rows = np.concatenate([_of_grid(answers, stride, columns // stride) for stride in STRIDES])
    rows = rows[rows[:, 14] >= SURE]
    kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), SURE, OVERLAP)
    return [rows[int(index)] for index in np.asarray(kept, int).ravel()]


def _of_grid(answers: dict[str, Array], stride: int, columns: int) -> Array:
    sure, centred, box, points = (answers[f"{kind}_{stride}"][0] for kind in ("cls", "obj", "bbox", "kps"))
    cell = np.arange(len(box))
    corner = np.stack([cell % columns, cell // columns], axis=1).astype(np.float32)
    size = np.exp(np.minimum(box[:, 2:], 10.0)) * stride
    left_top = (corner + box[:, :2]) * stride - size / 2
    places = (np.tile(corner, 5) + points) * stride
    score = np.sqrt(np.clip(sure, 0, 1) * np.clip(centred, 0, 1))
    return np.concatenate([left_top, size, places, score], axis=1).astype(np.float32)


def _seen(row: Array, scale: float) -> Seen:
    points = row[4:14].reshape(5, 2).astype(np.float64) / scale
    return Seen(float(row[3]) / scale / HOG_RATIO, points, float(row[14]))
