"""dlib: HOG detector, 5-point landmarks and the 128-number ResNet, all on the CPU and in one thread.

    dlib:                               the default limits, the fastest network that equals dlib's
    dlib:?min_height=60&network=dlib    other limits, dlib's own computing; see `OPTIONS`

| part | file in the package `face_recognition_models` | cost at 640x480, one core at 2.1 GHz |
|---|---|---|
| detector | compiled into dlib | 5 to 15 ms, 3 ms for a followed face, 40 ms when none is there |
| landmarks, twice | `shape_predictor_5_face_landmarks.dat` | 1 to 2 ms |
| features | `dlib_face_recognition_resnet_model_v1.dat` | 4 ms in onnxruntime, 9 ms in OpenCV, 80 ms in dlib |

The package is never imported (it wants an old setuptools): its files are read. Its 68-point landmarks come from data
that excludes commercial use and are not touched.

The network was trained on few East-Asian faces. At a distance of 0.60, the usual advice, a third of East-Asian pairs of
strangers match; bands belong to a population and are set elsewhere.

Device: face engine
Does: HOG detector that follows a face, five landmarks, 128-d network in OpenCV or onnxruntime, checked against dlib
    at every start
Tried: real photographs and drawn faces
Untried: speed on a Raspberry Pi
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from drivers.errors import MissingLibrary, UnknownDevice
from drivers.face import _dlib_features, _pad_watch, _quality
from drivers.face._dlib_search import Found, Search
from drivers.face._pad_watch import Watch
from drivers.face._quality import Limits, Point
from drivers.interfaces import Frame
from drivers.url import DeviceUrl
from models.face import FaceProbe, FaceProblem

try:
    import dlib
except ImportError as absent:
    raise MissingLibrary("the dlib face engine needs dlib: pip install dlib-bin") from absent

OPTIONS = _quality.OPTIONS | {
    "network": "who computes the features: auto (the fastest like dlib), fast (never dlib), opencv or dlib (auto)",
    "follow": "look for a face where the last frame had it; no: search every frame as if it were the first (yes)",
    "weights": "another network file of dlib's shape (the package's)",
    **_pad_watch.OPTIONS,
}
MODEL_VERSION = "dlib-resnet-v1-hog5"
USUAL_WEIGHTS = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
"""SHA-256 of the package's network file."""

CHIP_PX, CHIP_PADDING = 150, 0.25
"""The aligned chip that the network was trained on."""

BELOW, HIGH = 0.364, 1.759
"""A detector's box around a face that looks ahead, in distances of the outer eye corners: how far its middle is below
their line, and its side. Medians of 325 boxes of the photographs in ../shared/faces, in three sizes."""

BROW = np.s_[28:44, 62:88]
NOSE = np.s_[78:92, 66:84]
CHEEKS = np.s_[82:100, np.r_[28:46, 104:122]]
"""Where these stand on the chip: rows, columns."""

Find = Callable[[Any, float, float], list[Found]]
"""Faces in a grey frame, largest first, for a least height and a rival's least part of it."""


def open(url: DeviceUrl) -> Engine:
    """The engine as `url` asks for it."""
    network = url.choice("network", _dlib_features.CHOICES, "auto")
    weights = url.option("weights", Path, None)
    follow, pad = url.option("follow", bool, True), _pad_watch.from_url(url)
    return Engine(Limits.from_url(url), network=network, follow=follow, weights=weights, pad=pad)


class Engine:
    """A `FaceEngine` on dlib. `computed_by` names who computes the features."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        network: str = "auto",
        follow: bool = True,
        weights: Path | None = None,
        pad: Watch | None = None,
    ) -> None:
        self.limits, self._pad = limits or Limits(), pad
        folder = _networks()
        file = weights or folder / "dlib_face_recognition_resnet_model_v1.dat"
        self.model_version = MODEL_VERSION if weights is None else _version_of(weights)
        self._search = Search(dlib.get_frontal_face_detector())
        self._follow = follow
        self._landmarks = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        features = _dlib_features.choose(file, dlib.face_recognition_model_v1, network)
        self._network, self.computed_by = features.run, features.by

    def probe(self, frame: Frame) -> FaceProbe:
        """The nearest (largest) face in `frame`. About equally large ones are `SEVERAL`: nobody is picked by chance."""
        find = self._search.follow if self._follow else self._search.find
        return self._probe(frame, find, self.limits.min_height, self.limits.rival, self._pad)

    def enrol(self, frame: Frame) -> FaceProbe:
        """The one face of an enrolment picture: larger than in a lane, and alone (no bystander of a third)."""
        return self._probe(frame, self._search.find, self.limits.enrol_height, 1 / 3)

    def forget(self) -> None:
        """Nobody is to be known by what is left: neither the last face's place, nor its features in the network."""
        self.close()
        self._network(np.zeros((CHIP_PX, CHIP_PX, 3), np.uint8))

    def close(self) -> None:
        """Nothing is held but the last face's place, which is forgotten."""
        self._search.forget()
        if self._pad is not None:
            self._pad.forget()

    def _probe(self, frame: Frame, find: Find, min_height: float, rival: float, pad: Watch | None = None) -> FaceProbe:
        _quality.check_frame(frame)
        faces = find(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), min_height, rival)
        if not faces:
            return FaceProbe(self.model_version, problem=FaceProblem.NO_FACE, frames=1)
        chip, nose, eyes = self._align(frame, faces[0])
        quality = _quality.measure(chip, faces[0].height, nose)
        several = len(faces) > 1 and faces[1].height >= rival * faces[0].height
        covered = _quality.tone_gap(chip[BROW], [chip[NOSE], chip[CHEEKS]]) > self.limits.max_tone_gap
        problem = _quality.first_problem(quality, self.limits, min_height=min_height, covered=covered, several=several)
        template = b"" if problem else self._features(chip)
        live = None if problem or pad is None else pad.score(frame, *eyes)
        eyes_at = float(eyes[0][1] + eyes[1][1]) / 2 / frame.shape[0]
        return FaceProbe(self.model_version, template, quality, problem, live, frames=1, eyes_at=eyes_at)

    def _align(self, frame: Frame, face: Found) -> tuple[Frame, float, tuple[Point, Point]]:
        """The chip (BGR), the nose's place between the outer eye corners, and the centres of the eyes."""
        rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        first = _points(self._landmarks(rgb, _rectangle(face)))
        shape = self._landmarks(rgb, _rectangle(_steadied(face, first)))
        outer_right, inner_right, outer_left, inner_left, nose = _points(shape)
        chip = cv2.cvtColor(dlib.get_face_chip(rgb, shape, CHIP_PX, CHIP_PADDING), cv2.COLOR_RGB2BGR).astype(np.uint8)
        eyes = ((outer_right + inner_right) / 2, (outer_left + inner_left) / 2)
        return chip, _quality.nose_place(outer_left, outer_right, nose), eyes

    def _features(self, chip: Frame) -> bytes:
        return self._network(chip).astype("<f4").tobytes()


def _points(shape: Any) -> list[Point]:
    """The outer and inner corner of one eye, of the other, and the base of the nose."""
    return [np.array([shape.part(number).x, shape.part(number).y], float) for number in range(5)]


def _rectangle(face: Found) -> Any:
    right, bottom = face.left + face.width - 1, face.top + face.height - 1
    return dlib.rectangle(round(face.left), round(face.top), round(right), round(bottom))


def _steadied(face: Found, points: list[Point]) -> Found:
    """Half of `face`, half of the box that belongs to its landmarks: the detector's come in steps of a fifth."""
    across = points[0] - points[2]
    apart = float(np.linalg.norm(across))
    if apart < 1:
        return face
    eyes = (points[0] + points[1] + points[2] + points[3]) / 4
    down = np.array([-across[1], across[0]]) / apart
    centre = eyes + BELOW * apart * down * (1 if down @ (points[4] - eyes) >= 0 else -1)
    side = (face.height + HIGH * apart) / 2
    middle = (np.array([face.left + face.width / 2, face.top + face.height / 2]) + centre) / 2
    return Found(float(middle[0]) - side / 2, float(middle[1]) - side / 2, side, side)


def _version_of(weights: Path) -> str:
    """Other weights are another model, whatever their file's name."""
    try:
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        return MODEL_VERSION if digest == USUAL_WEIGHTS else f"dlib-{digest[:12]}-hog5"
    except OSError as error:
        raise UnknownDevice(f"the dlib face engine can't read its weights {weights}: {error.strerror}") from error


def _networks() -> Path:
    """The folder of the network files. Raises `MissingLibrary` when their package isn't installed."""
    spec = importlib.util.find_spec("face_recognition_models")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "models").is_dir():
            return Path(place) / "models"
    raise MissingLibrary("the dlib face engine needs its networks: pip install face_recognition_models")
