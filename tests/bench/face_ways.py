"""Ways to look at a face: ours, and those of others, each ready to be timed with the same frames.

Each ends with a distance from one person's own reference:

- ours: `Engine.probe`, quality checks included, and the core's `compare`; where onnxruntime is installed, also without;
- `face_recognition`: `face_locations`, `face_encodings` and `face_distance`, with their defaults;
- plain dlib: HOG detector without enlarging, 5-point landmarks, ResNet, and numpy's norm;
- YuNet, which sees the frame 320 pixels wide, and MobileFaceNet on its five points, in ncnn.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import dlib
import numpy as np

from drivers.camera import _visitors as visitors
from drivers.face.dlib import Engine, _networks
from drivers.interfaces import Frame
from gate.core.compare import compare
from models.face import FaceProblem, FaceReference

MODELS = Path(__file__).resolve().parents[2].parent / "shared" / "models"
PACKAGE, PLAIN, SMALL = "face_recognition", "plain dlib", "small networks"
IN_OPENCV = "ours without onnxruntime"
SMALL_WIDTH = 320
TEMPLATE_112 = np.array([(38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20)], np.float32)
"""Where the five points of a face belong on MobileFaceNet's chip of 112 x 112 pixels."""

Look = Callable[[Frame], str]
"""Looks at a frame, and says how that ended: `compared`, `refused` for its quality, or `nobody` found."""


def all_of_them(threads: int) -> dict[str, Look]:
    """Ours first; the others where they are installed. `threads` as those can use that have any."""
    cv2.setNumThreads(threads)
    portrait = visitors.portrait(visitors.identity(visitors.CHOSEN[0]))
    package = _package()
    ways = {"ours": ours(portrait, Engine(follow=False)), PLAIN: _plain(portrait)}
    if Engine().computed_by != "OpenCV":
        ways[IN_OPENCV] = ours(portrait, Engine(follow=False, network="opencv"))
    small = _small(portrait, threads)
    return ways | ({PACKAGE: _theirs(package, portrait)} if package else {}) | ({SMALL: small} if small else {})


def ours(portrait: Frame, engine: Engine) -> Look:
    """Our engine's, and the comparison."""
    enrolled = engine.enrol(portrait)
    reference = FaceReference(enrolled.model_version, enrolled.template)

    def look(frame: Frame) -> str:
        probe = engine.probe(frame)
        if probe.problem is not None:
            return "nobody" if probe.problem is FaceProblem.NO_FACE else "refused"
        compare(probe, reference)
        return "compared"

    return look


def _plain(portrait: Frame) -> Look:
    folder = _networks()
    detector = dlib.get_frontal_face_detector()
    landmarks = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))

    def describe(frame: Frame) -> Any:
        rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        boxes = detector(rgb, 0)
        if not boxes:
            return None
        largest = max(boxes, key=lambda box: int(box.area()))
        return np.asarray(network.compute_face_descriptor(rgb, landmarks(rgb, largest)))

    reference = describe(portrait)

    def look(frame: Frame) -> str:
        described = describe(frame)
        if described is None:
            return "nobody"
        np.linalg.norm(described - reference)
        return "compared"

    return look


def _package() -> ModuleType | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its networks' package uses a setuptools module that is on its way out
        try:
            return importlib.import_module(PACKAGE)
        except (ImportError, SystemExit):  # it ends the program where its networks are missing
            return None


def _theirs(package: ModuleType, portrait: Frame) -> Look:
    reference = package.face_encodings(np.ascontiguousarray(portrait[:, :, ::-1]))[0]

    def look(frame: Frame) -> str:
        rgb = np.ascontiguousarray(frame[:, :, ::-1])
        encodings = package.face_encodings(rgb, package.face_locations(rgb))
        return "compared" if len(package.face_distance(encodings, reference)) else "nobody"

    return look


def _small(portrait: Frame, threads: int) -> Look | None:
    """Two small networks; `None` without their files or without ncnn."""
    found = MODELS / "yunet" / "yunet_n_640_640.onnx"
    features = MODELS / "mobilefacenet" / "mobilefacenet.param"
    try:
        ncnn = importlib.import_module("ncnn")
    except ImportError:
        return None
    if not found.is_file() or not features.is_file():
        return None
    detector = cv2.FaceDetectorYN.create(str(found), "", (SMALL_WIDTH, SMALL_WIDTH), 0.7)
    network = ncnn.Net()
    network.opt.num_threads = threads
    network.load_param(str(features))
    network.load_model(str(features.with_suffix(".bin")))

    def describe(frame: Frame) -> Any:
        scale = SMALL_WIDTH / frame.shape[1]
        reduced = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        detector.setInputSize((reduced.shape[1], reduced.shape[0]))
        faces = detector.detect(reduced)[1]
        if faces is None:
            return None
        largest = max(faces, key=lambda face: float(face[3]))
        turn, _ = cv2.estimateAffinePartial2D(largest[4:14].reshape(5, 2) / scale, TEMPLATE_112, method=cv2.LMEDS)
        chip = cv2.warpAffine(frame, turn, (112, 112))
        run = network.create_extractor()
        run.input("data", ncnn.Mat.from_pixels(chip, ncnn.Mat.PixelType.PIXEL_BGR2RGB, 112, 112))
        vector = np.array(run.extract("fc1")[1])
        return vector / np.linalg.norm(vector)

    reference = describe(portrait)

    def look(frame: Frame) -> str:
        described = describe(frame)
        if described is None:
            return "nobody"
        np.linalg.norm(described - reference)
        return "compared"

    return look
