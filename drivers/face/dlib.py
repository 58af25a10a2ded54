"""dlib: HOG detector, 5-point landmarks and the 128-number ResNet, all on the CPU and in one thread.

    dlib:                               the default limits
    dlib:?min_height=60&min_nose=0.3    other limits; see `OPTIONS`

| part | file in the package `face_recognition_models` | cost at 640x480, x86-64 |
|---|---|---|
| detector | compiled into dlib | 2 to 8 ms for a near face, 30 ms when none is there |
| landmarks | `shape_predictor_5_face_landmarks.dat` | under 1 ms |
| features | `dlib_face_recognition_resnet_model_v1.dat` | 57 ms |

The package is never imported (it wants an old setuptools): its files are read. Its 68-point landmarks come from data
that excludes commercial use and are not touched.

The network was trained on few East-Asian faces. At a distance of 0.60, the usual advice, a third of East-Asian pairs of
strangers match; bands belong to a population and are set elsewhere.

Device: face engine
Does: HOG detector, five landmarks, 128-d network
Tried: real photographs and drawn faces
Untried: speed on a Raspberry Pi
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from drivers.errors import MissingLibrary
from drivers.face import _quality
from drivers.face._quality import Limits
from drivers.interfaces import Frame
from drivers.url import DeviceUrl
from models.face import FaceProbe, FaceProblem

try:
    import dlib
except ImportError as absent:
    raise MissingLibrary("the dlib face engine needs dlib: pip install dlib-bin") from absent

OPTIONS = _quality.OPTIONS
MODEL_VERSION = "dlib-resnet-v1-hog5"

WINDOW_PX = 80
"""The HOG detector looks through a window this high and finds nothing much smaller."""

CHIP_PX, CHIP_PADDING = 150, 0.25
"""The aligned chip that the network was trained on."""

BROW = np.s_[28:44, 62:88]
NOSE = np.s_[78:92, 66:84]
CHEEKS = np.s_[82:100, np.r_[28:46, 104:122]]
"""Where these stand on the chip: rows, columns."""


def open(url: DeviceUrl) -> Engine:
    """The engine with the limits that `url` asks for."""
    return Engine(Limits.from_url(url))


@dataclass(frozen=True, slots=True)
class Found:
    """A face's box, in pixels of the frame."""

    left: float
    top: float
    width: float
    height: float


class Engine:
    """A `FaceEngine` on dlib."""

    model_version = MODEL_VERSION

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        folder = _networks()
        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        self._network = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))
        self._features(np.zeros((CHIP_PX, CHIP_PX, 3), np.uint8))  # the first look is slow: not at a visitor's cost

    def probe(self, frame: Frame) -> FaceProbe:
        """The nearest (largest) face in `frame`. About equally large ones are `SEVERAL`: nobody is picked by chance."""
        return self._probe(frame, self.limits.min_height, self.limits.rival)

    def enrol(self, frame: Frame) -> FaceProbe:
        """The one face of an enrolment picture: larger than in a lane, and alone (no bystander of a third)."""
        return self._probe(frame, self.limits.enrol_height, 1 / 3)

    def close(self) -> None:
        """Nothing is held."""

    def _probe(self, frame: Frame, min_height: float, rival: float) -> FaceProbe:
        _quality.check_frame(frame)
        faces = self._find(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), min_height, rival)
        if not faces:
            return FaceProbe(MODEL_VERSION, problem=FaceProblem.NO_FACE, frames=1)
        chip, nose = self._align(frame, faces[0])
        quality = _quality.measure(chip, faces[0].height, nose)
        several = len(faces) > 1 and faces[1].height >= rival * faces[0].height
        covered = _quality.tone_gap(chip[BROW], [chip[NOSE], chip[CHEEKS]]) > self.limits.max_tone_gap
        problem = _quality.first_problem(quality, self.limits, min_height=min_height, covered=covered, several=several)
        template = b"" if problem else self._features(chip)
        return FaceProbe(MODEL_VERSION, template, quality, problem, frames=1)

    def _find(self, grey: Any, min_height: float, rival: float) -> list[Found]:
        """Faces, largest first, from coarse to fine.

        A face near the camera is found in a frame reduced to a fraction of its pixels; most visitors stand there, and
        the search costs 2 to 8 ms in place of 30. The coarse answer is believed only when the face is so large that a
        rival of about its size would have been seen too; else the next pass looks for that rival and no further down.
        The last pass enlarges the frame, since the detector's window is larger than the smallest face allowed, and
        shows faces that are a fifth too small: those are told to come nearer.
        """
        faces: list[Found] = []
        for least_px in (3 * min_height, 1.5 * min_height, min(0.8 * min_height, 0.7 * WINDOW_PX)):
            rival_px = 0.8 * rival * faces[0].height if faces else 0.0
            faces = self._look(grey, WINDOW_PX / max(least_px, rival_px))
            if faces and faces[0].height * rival >= least_px:
                break
        return faces

    def _look(self, grey: Any, scale: float) -> list[Found]:
        size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
        if min(size) < WINDOW_PX:
            return []
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        boxes = self._detector(cv2.resize(grey, size, interpolation=method), 0)
        faces = [Found(b.left() / scale, b.top() / scale, b.width() / scale, b.height() / scale) for b in boxes]
        return sorted(faces, key=lambda face: -face.height)

    def _align(self, frame: Frame, face: Found) -> tuple[Frame, float]:
        """The chip (BGR) and the nose's place between the outer eye corners."""
        rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        right, bottom = face.left + face.width - 1, face.top + face.height - 1
        box = dlib.rectangle(round(face.left), round(face.top), round(right), round(bottom))
        shape = self._landmarks(rgb, box)
        # Points 0 and 2 are the outer eye corners, 4 is the base of the nose.
        outer_right, outer_left, nose = (np.array([shape.part(i).x, shape.part(i).y], float) for i in (0, 2, 4))
        chip = dlib.get_face_chip(rgb, shape, CHIP_PX, CHIP_PADDING)
        return cv2.cvtColor(chip, cv2.COLOR_RGB2BGR).astype(np.uint8), _quality.nose_place(
            outer_left, outer_right, nose
        )

    def _features(self, chip: Frame) -> bytes:
        rgb = cv2.cvtColor(chip, cv2.COLOR_BGR2RGB)
        return np.asarray(self._network.compute_face_descriptor(rgb), "<f4").tobytes()


def _networks() -> Path:
    """The folder of the network files. Raises `MissingLibrary` when their package isn't installed."""
    spec = importlib.util.find_spec("face_recognition_models")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "models").is_dir():
            return Path(place) / "models"
    raise MissingLibrary("the dlib face engine needs its networks: pip install face_recognition_models")
