"""The best face model that is installed on this machine, and dlib where none is.

    best:                         of /var/lib/menshen/models
    best:///srv/models            of another folder
    best:?min_height=60           with other limits

Of the known models with measured bands, the one that tells people apart best is taken (`models.face_models`). Once
it is installed it is meant: a file that was changed or a library that is missing is an error, and nothing falls back to
another model, whose templates would match nobody's. So gates and whoever enrols for them install the same one.

Device: face engine
Does: opens the best installed model by its own driver, or dlib
Tried: with MobileFaceNet installed, with a damaged file, with none
Untried: nothing; it has no hardware
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from drivers.face import _quality
from drivers.interfaces import FaceEngine
from drivers.url import DeviceUrl
from models.face_models import BEST_FIRST

FOLDER = "/var/lib/menshen/models"
OPTIONS = _quality.OPTIONS


def chosen(url: DeviceUrl) -> DeviceUrl:
    """The address of the best model in the folder that `url` names."""
    folder = Path(url.location or FOLDER)
    for card in BEST_FIRST:
        path = folder / f"{card.name}.toml"
        if card.files and path.exists():
            return replace(url, driver=str(card.runner), location=str(path))
    return replace(url, driver="dlib", location="")


def open(url: DeviceUrl) -> FaceEngine:
    """The engine of the best model. Raises what its driver raises."""
    from drivers import load

    found = chosen(url)
    engine: Any = load("face", found.driver)
    opened: FaceEngine = engine.open(found)
    return opened
