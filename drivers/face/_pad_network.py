"""A network that tells a face from a picture of one, given as a folder: MiniFASNet and its like.

    FOLDER/config.json      a list of {"name", "scale", "height", "width"}
    FOLDER/NAME.param       with NAME.bin: ncnn's files; or NAME.onnx

Each network sees a piece of the frame, `scale` times as large as the face, as BGR bytes, and gives three shares: a flat
picture, a live face, something on a screen. The live share is the mean of all. A box that is a few pixels off may turn
such a network's word about, so it is asked for several boxes beside each other, and for more where these don't agree.
Their mean counts. Told apart by 0.5 to 0.9, a word about 92 drawn pictures and photographs was turned about by a box up
to 4 % off in 0.8 % of the cases; with nine boxes that lie closer to each other, in 1.6 %.

The networks that exist were trained on a few cameras and attacks. What they say is a hint.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from drivers.errors import BadAnswer, UnknownDevice
from drivers.face import _ncnn_file
from drivers.interfaces import Frame

CLASSES, LIVE = 3, 1
LARGEST_SCALE, LARGEST_SIDE_PX = 10.0, 512

FIRST = ((0.0, 0.0, 1.0), (-0.06, -0.03, 1.05), (0.06, 0.03, 0.95))
"""How the boxes differ: to the right and down, in parts of the box, and larger."""

AGREE = 0.05
"""The first boxes are enough where their shares lie no farther apart: three times out of four."""


def _around(count: int = 12, reach: float = 0.08, larger: float = 0.05) -> tuple[tuple[float, float, float], ...]:
    """Boxes spread evenly over a disc as a sunflower's seeds are, in three sizes by turns."""
    seeds = [(reach * math.sqrt((each + 0.5) / count), 2.39996 * (each + 0.5), each % 3 - 1) for each in range(count)]
    return tuple((away * math.cos(turn), away * math.sin(turn), 1 + larger * size) for away, turn, size in seeds)


FURTHER = _around()

MEMBERS_MOST = 8


@dataclass(frozen=True, slots=True)
class Box:
    """A face in a frame, forehead to chin, in pixels."""

    left: float
    top: float
    width: float
    height: float

    def moved(self, right: float, down: float, larger: float) -> Box:
        """Another box: shifted by parts of its size, and `larger` times as large around its centre."""
        width, height = self.width * larger, self.height * larger
        centre_x, centre_y = self.left + self.width * (0.5 + right), self.top + self.height * (0.5 + down)
        return Box(centre_x - width / 2, centre_y - height / 2, width, height)


class _Member:
    """One network and the piece of the frame that it looks at."""

    def __init__(self, net: cv2.dnn.Net, scale: float, size: tuple[int, int]) -> None:
        self._net, self._scale, self._size = net, scale, size

    def live(self, frame: Frame, box: Box) -> float:
        """The live share, 0 to 1."""
        self._net.setInput(cv2.dnn.blobFromImage(piece(frame, box, self._scale, self._size)))
        shares = np.asarray(self._net.forward(), np.float64).ravel()
        if shares.size != CLASSES or not np.all(np.isfinite(shares)):
            raise BadAnswer(f"a liveness network gave {shares.size} shares, expected {CLASSES} numbers")
        return float(np.clip(shares[LIVE], 0.0, 1.0))


class Network:
    """All networks of a folder."""

    def __init__(self, members: Sequence[_Member]) -> None:
        self._members = members

    def live(self, frame: Frame, box: Box) -> float:
        """How live the face in `box` looks, 0 to 1: the mean over boxes beside it."""
        shares = [self.once(frame, box.moved(*each)) for each in FIRST]
        if max(shares) - min(shares) > AGREE:
            shares = [self.once(frame, box.moved(*each)) for each in FURTHER]
        return float(np.mean(shares))

    def once(self, frame: Frame, box: Box) -> float:
        """The same for one box alone: the mean over the networks."""
        return float(np.mean([member.live(frame, box) for member in self._members]))


def piece(frame: Frame, box: Box, scale: float, size: tuple[int, int]) -> Frame:
    """What lies around `box`, `scale` times as large, moved into the frame where it hangs over; (rows, columns)."""
    rows, columns = frame.shape[:2]
    scale = min(scale, (columns - 1) / max(box.width, 1.0), (rows - 1) / max(box.height, 1.0))
    width, height = box.width * scale, box.height * scale
    left = min(max(box.left + box.width / 2 - width / 2, 0.0), columns - 1 - width)
    top = min(max(box.top + box.height / 2 - height / 2, 0.0), rows - 1 - height)
    across, down = slice(int(left), int(left + width) + 1), slice(int(top), int(top + height) + 1)
    return np.asarray(cv2.resize(np.ascontiguousarray(frame[down, across]), size[::-1]), np.uint8)


def open(folder: Path) -> Network:
    """The networks in `folder`. Raises `UnknownDevice` saying which file is missing or unfit."""
    try:
        listed = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        rows = [(str(row["name"]), float(row["scale"]), int(row["height"]), int(row["width"])) for row in listed]
    except OSError as error:
        raise UnknownDevice(
            f"the liveness networks in {folder} can't be read: config.json: {error.strerror}"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnknownDevice(f"{folder / 'config.json'}: expected a list of name, scale, height and width") from error
    if not 1 <= len(rows) <= MEMBERS_MOST:
        raise UnknownDevice(f"{folder / 'config.json'} names {len(rows)} networks, expected 1 to {MEMBERS_MOST}")
    return Network([_member(folder, *row) for row in rows])


def _member(folder: Path, name: str, scale: float, height: int, width: int) -> _Member:
    fits = 0 < scale <= LARGEST_SCALE and 0 < height <= LARGEST_SIDE_PX and 0 < width <= LARGEST_SIDE_PX
    if not fits or Path(name).name != name:
        raise UnknownDevice(f"{folder / 'config.json'}: {name!r} has a name, scale or size that does not fit")
    try:
        net = cv2.dnn.readNetFromONNX(np.frombuffer(_onnx(folder, name, (height, width)), np.uint8))
        member = _Member(net, scale, (height, width))
        member.live(np.zeros((height, width, 3), np.uint8), Box(0, 0, width, height))  # the first look is slow
    except OSError as error:
        raise UnknownDevice(f"the liveness network {name} in {folder} can't be read: {error.strerror}") from error
    except (BadAnswer, UnicodeError, cv2.error) as error:
        raise UnknownDevice(f"the liveness network {name} in {folder}: {_first_line(error)}") from error
    return member


def _onnx(folder: Path, name: str, size: tuple[int, int]) -> bytes:
    if (folder / f"{name}.onnx").is_file():
        return (folder / f"{name}.onnx").read_bytes()
    param = (folder / f"{name}.param").read_text(encoding="utf-8")
    return _ncnn_file.onnx_of(param, (folder / f"{name}.bin").read_bytes(), size)


def _first_line(error: Any) -> str:
    return str(error).strip().splitlines()[0]
