"""One look at one face: our engine beside the `face_recognition` package and beside dlib's plain pieces.

The same frames go through all of them, one frame after the other in turns, so that whatever else the machine does
falls on all alike. Each way ends with a distance from the person's own reference:

- ours: `Engine.probe`, quality checks included, and the core's `compare`;
- `face_recognition`: `face_locations`, `face_encodings` and `face_distance`, with their defaults;
- plain dlib: HOG detector without enlarging, 5-point landmarks, ResNet, and numpy's norm.
"""

from __future__ import annotations

import csv
import importlib
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
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
from tests.bench.figures import Figure, Peer, Section, quantile

PHOTOGRAPHS = Path(__file__).resolve().parents[2].parent / "shared" / "faces"
LANE_SIZE = (640, 480)
PACKAGE, PLAIN = "face_recognition", "plain dlib"

Look = Callable[[Frame], str]
"""Looks at a frame, and says how that ended: `compared`, `refused` for its quality, or `nobody` found."""


def measure(rendered: int = 60, photographs: int = 60) -> Section:
    """Rendered lane frames, and photographs where there are any."""
    section = Section("face", notes=["one thread; frames in turns; times of those frames that all compared"])
    section.notes.append(
        "refused: a face too small, turned, blurred, dark, covered or not alone; only ours judges that"
    )
    cv2.setNumThreads(1)
    ways = _ways()
    if PACKAGE not in ways:
        section.notes.append("face_recognition is not installed: `make bench` fetches it")
    _compete(section, "rendered 640x480", _rendered(rendered), ways)
    found = _photographs(photographs)
    if found:
        _compete(section, "photographs in 640x480", found, ways)
    else:
        section.notes.append("no photographs in ../shared/faces")
    return section


def _compete(section: Section, what: str, frames: list[Frame], ways: dict[str, Look]) -> None:
    for look in ways.values():
        look(frames[0])
    trials = [_trial(frame, ways) for frame in frames]
    fair = [trial for trial in trials if all(end == "compared" for _, end in trial.values())]
    times = {name: [trial[name][0] for trial in fair] for name in ways}
    ends = {name: Counter(trial[name][1] for trial in trials) for name in ways}
    p50, p99 = ({name: round(quantile(each, part), 1) for name, each in times.items()} for part in (0.5, 0.99))
    ratio = {name: round(value / p50["ours"], 2) for name, value in p50.items()}
    section.add(
        _beside(f"{what}: p50", p50, "ms", len(fair)),
        _beside(f"{what}: p99", p99, "ms", len(fair)),
        _beside(f"{what}: times our p50", ratio, "x", len(fair)),
        *(
            _beside(f"{what}: {end}", {name: each[end] for name, each in ends.items()}, "frames", len(frames))
            for end in ("compared", "refused", "nobody")
        ),
    )


def _trial(frame: Frame, ways: dict[str, Look]) -> dict[str, tuple[float, str]]:
    """Milliseconds and end of each way with one frame."""
    trial = {}
    for name, look in ways.items():
        began = time.perf_counter()
        end = look(frame)
        trial[name] = ((time.perf_counter() - began) * 1000, end)
    return trial


def _beside(name: str, values: Mapping[str, float], unit: str, n: int) -> Figure:
    peers = tuple(Peer(other, value) for other, value in values.items() if other != "ours")
    return Figure(name, values["ours"], unit, n, peers=peers)


def _ways() -> dict[str, Look]:
    """Ours first; the package where it is installed."""
    portrait = visitors.portrait(visitors.identity(visitors.CHOSEN[0]))
    package = _package()
    ways = {"ours": _ours(portrait), PLAIN: _plain(portrait)}
    return ways | ({PACKAGE: _theirs(package, portrait)} if package else {})


def _ours(portrait: Frame) -> Look:
    engine = Engine()
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


def _rendered(count: int) -> list[Frame]:
    """Lane frames of as many people as there are, from far to near by turns."""
    seeds = visitors.CHOSEN
    walks = [visitors.visit(visitors.identity(seed), 2) for seed in seeds[: min(count, len(seeds))]]
    return [walks[number % len(walks)][number // len(walks) * 2 % 6] for number in range(count)]


def _photographs(count: int) -> list[Frame]:
    """Real faces in a picture of the lane's size, evenly chosen from the list; empty without the folder."""
    listed = PHOTOGRAPHS / "provenance.csv"
    if not count or not listed.is_file():
        return []
    with listed.open(encoding="utf-8", newline="") as lines:
        files = [row["file"] for row in csv.DictReader(lines) if row["kind"] == "face"]
    chosen = files[:: max(1, len(files) // count)][:count]
    pictures = [cv2.imread(str(PHOTOGRAPHS / file), cv2.IMREAD_COLOR) for file in chosen]
    return [_in_lane_size(np.asarray(picture, np.uint8)) for picture in pictures if picture is not None]


def _in_lane_size(picture: Frame) -> Frame:
    """Scaled to fit, in the middle of grey."""
    width, height = LANE_SIZE
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    frame = np.full((height, width, 3), 128, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    frame[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size)
    return frame
