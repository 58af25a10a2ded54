"""A `FaceEngine` of a detector and a network that a card describes: what the onnx and ncnn drivers share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drivers.errors import UnknownDevice
from drivers.face import _quality
from drivers.face._chip import Points, cut
from drivers.face._pad_watch import Watch
from drivers.face._quality import Limits
from drivers.face._yunet import Detector, Seen
from drivers.interfaces import Frame
from drivers.url import DeviceUrl
from models.face import FaceProbe, FaceProblem
from models.face_card import CardRefused, FaceCard, ModelFile, Recipe, Runner, read_card

Features = Callable[[Frame], npt.NDArray[np.float32]]
"""Makes a network's numbers, (n,), of an aligned chip (BGR)."""

NOSE_SHARE = 0.65
"""The tip of the nose between the centres of the eyes moves further, when the head turns, than its base between their
outer corners, of which the limits speak: by 1.5 to 2 on 136 photographs that dlib's landmarks know too."""

SHARPNESS_RATIO = 3.2
"""How much sharper the smaller chip is than dlib's, of which the limit speaks: the median of 137 photographs."""


class Engine:
    """A `FaceEngine`: YuNet, five points to their places, and the network."""

    def __init__(
        self, card: FaceCard, detector: Detector, features: Features, limits: Limits, pad: Watch | None = None
    ) -> None:
        assert card.recipe is not None
        self.model_version = card.model_version
        self.limits, self._detector, self._features, self._pad = limits, detector, features, pad
        self._targets: Points = np.array(card.recipe.points, np.float64)
        self._size = (card.recipe.width, card.recipe.height)
        self._features(np.zeros((*self._size[::-1], 3), np.uint8))  # the first look is slow: not at a visitor's cost

    def probe(self, frame: Frame) -> FaceProbe:
        """The nearest (highest) face in `frame`. About equally high ones are `SEVERAL`: nobody is picked by chance."""
        return self._probe(frame, self.limits.min_height, self.limits.rival, self._pad)

    def enrol(self, frame: Frame) -> FaceProbe:
        """The one face of an enrolment picture: larger than in a lane, and alone (no bystander of a third)."""
        return self._probe(frame, self.limits.enrol_height, 1 / 3)

    def forget(self) -> None:
        """Nobody is to be known by what is left."""
        self.close()

    def close(self) -> None:
        """Nothing is held but what tells a living face, which is forgotten."""
        if self._pad is not None:
            self._pad.forget()

    def _probe(self, frame: Frame, min_height: float, rival: float, pad: Watch | None = None) -> FaceProbe:
        _quality.check_frame(frame)
        faces = self._detector.find(frame, min_height * max(rival, 0.5))
        if not faces:
            return FaceProbe(self.model_version, problem=FaceProblem.NO_FACE, frames=1)
        chip = cut(frame, faces[0].points, self._targets, self._size)
        quality = _quality.measure(chip, faces[0].height, _nose(faces[0]))
        quality = replace(quality, sharpness=quality.sharpness / SHARPNESS_RATIO)
        several = len(faces) > 1 and faces[1].height >= rival * faces[0].height
        problem = _quality.first_problem(
            quality, self.limits, min_height=min_height, covered=self._is_covered(chip), several=several
        )
        template = b"" if problem else _unit(self._features(chip))
        live = None if problem or pad is None else pad.score(frame, *faces[0].points[:2])
        eyes_at = float(faces[0].points[:2, 1].mean()) / frame.shape[0]
        return FaceProbe(self.model_version, template, quality, problem, live, frames=1, eyes_at=eyes_at)

    def _is_covered(self, chip: Frame) -> bool:
        """Whether nose and cheeks have another colour than the skin between the eyes."""
        right, left, nose = self._targets[:3]
        apart = float(left[0] - right[0])
        middle = (right + left) / 2
        brow = _patch(chip, middle - (0, 0.15 * apart), 0.18 * apart)
        others = [_patch(chip, nose, 0.15 * apart)]
        others += [_patch(chip, np.array([eye[0], nose[1] + 0.1 * apart]), 0.18 * apart) for eye in (right, left)]
        return _quality.tone_gap(brow, others) > self.limits.max_tone_gap


def load(url: DeviceUrl, runner: Runner) -> tuple[FaceCard, list[bytes], Detector]:
    """Card, network files and detector at `url`, each file held against its hash. Raises `UnknownDevice`."""
    path = Path(url.require_location("the card of a face model, as in /var/lib/menshen/models/sface.toml"))
    try:
        card = read_card(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise UnknownDevice(f"the face model's card {path} can't be read: {_why(error)}") from error
    except CardRefused as error:
        raise UnknownDevice(f"{path}: {error}") from error
    if card.runner is not runner or card.recipe is None:
        raise UnknownDevice(f"{path}: this model is run by {card.runner}, not by {runner}")
    recipe: Recipe = card.recipe
    return (
        card,
        [_content(path.parent, file) for file in recipe.files],
        Detector(_content(path.parent, recipe.detector)),
    )


def _content(folder: Path, file: ModelFile) -> bytes:
    """A file's bytes. They are hashed, and what is hashed is what runs."""
    try:
        content = (folder / file.name).read_bytes()
    except OSError as error:
        raise UnknownDevice(f"the face model lacks {folder / file.name}: {_why(error)}") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise UnknownDevice(
            f"{folder / file.name} ({len(content)} bytes) is not the file of {file.size} bytes that the card names by"
            " its SHA-256: install it again"
        )
    return content


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it is no UTF-8 text"


def _nose(face: Seen) -> float:
    right, left, nose = face.points[:3]
    return 0.5 + NOSE_SHARE * (_quality.nose_place(right, left, nose) - 0.5)


def _patch(chip: Frame, centre: npt.NDArray[np.float64], half: float) -> Frame:
    height, width = chip.shape[:2]
    left, top = (
        min(max(round(float(at) - half), 0), side - 1) for at, side in zip(centre, (width, height), strict=True)
    )
    side = max(round(2 * half), 1)
    return chip[top : top + side, left : left + side]


def _unit(features: npt.NDArray[np.float32]) -> bytes:
    return (features / max(float(np.linalg.norm(features)), 1e-12)).astype("<f4").tobytes()
