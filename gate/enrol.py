"""Photographs become references through a face engine; the pictures themselves go nowhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from drivers.errors import BadAnswer, DeviceRefused
from drivers.interfaces import FaceEngine
from models.face import FaceReference
from models.words import FACE_PROBLEMS


def enroller(engine: FaceEngine) -> Callable[[Path], FaceReference | str]:
    """A function that gives a picture's reference, or says in plain words what is wrong with the picture."""

    def enrol(path: Path) -> FaceReference | str:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            return "a file that holds no picture"
        try:
            probe = engine.enrol(np.asarray(picture, np.uint8))
        except (BadAnswer, DeviceRefused) as error:
            return f"a picture that the engine does not take: {error}"
        if probe.problem is not None:
            return f"a picture where {FACE_PROBLEMS[probe.problem]}"
        return FaceReference(probe.model_version, probe.template)

    return enrol
