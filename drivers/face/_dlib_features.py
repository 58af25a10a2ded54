"""Who computes the features: a fast network that was just seen to equal dlib's, or dlib itself.

dlib is the reference. Whatever else runs its network has to give its numbers first, on a drawn face and on that face's
mirror image: within `TOLERANCE`, where two pictures of one person are 0.2 to 0.4 apart. What fails is passed over
and told in the log, and in `Features.passed_over`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from drivers.camera import _visitors as visitors
from drivers.errors import BadAnswer, DeviceRefused
from drivers.face import _dlib_dat, _dlib_net
from drivers.face._dlib_dat import Array
from drivers.interfaces import Frame

CHOICES = ("auto", "fast", "opencv", "dlib")
"""The fastest that equals dlib, else dlib; the same, or an error; OpenCV, or an error; dlib."""

TOLERANCE = 1e-3

_log = logging.getLogger("drivers.dlib")


@dataclass(frozen=True, slots=True)
class Features:
    """`run` makes a chip's features, `by` names who does; `passed_over`: why faster ones do not."""

    run: Callable[[Frame], Array]
    by: str
    passed_over: tuple[str, ...] = ()


def choose(file: Path, load: Callable[[str], Any], choice: str = "auto") -> Features:
    """The features of the network in `file`, which `load` opens with dlib. `choice` is one of `CHOICES`.

    Raises `DeviceRefused` when a fast one was asked for and none equals dlib, `BadAnswer` when dlib can't read `file`.
    """
    try:
        reference = partial(_describe, load(str(file)))
    except RuntimeError as error:
        raise BadAnswer(
            f"dlib can't read the network in {file}: is it one of dlib's face networks, and whole?"
        ) from error
    chips = _chips()
    wanted = [reference(chip) for chip in chips]  # the first look is slow, too: not at a visitor's cost
    failed: list[str] = []
    for by, make in _runners(file, failed).items() if choice != "dlib" else ():
        if choice == "opencv" and by != "OpenCV":
            continue
        try:
            run = make()
            _compare([run(chip) for chip in chips], wanted)
        except ImportError:
            continue
        except (BadAnswer, cv2.error, RuntimeError) as error:
            failed.append(f"{by}: {str(error).splitlines()[0]}")
        else:
            return Features(run, by, tuple(failed))
    if choice in ("fast", "opencv"):
        raise DeviceRefused("no fast network equals dlib's: " + ("; ".join(failed) or "none is there"))
    for reason in failed:
        _log.warning("dlib computes the features itself, slowly; %s", reason)
    return Features(reference, "dlib", tuple(failed))


def _runners(file: Path, failed: list[str]) -> dict[str, Callable[[], _dlib_net.Run]]:
    try:
        return _dlib_net.runners(_dlib_dat.read(file.read_bytes()))
    except BadAnswer as error:
        failed.append(str(error))
        return {}


def _compare(found: list[Array], wanted: list[Array]) -> None:
    for one, other in zip(found, wanted, strict=True):
        distance = float(np.linalg.norm(one - other)) if one.shape == other.shape else np.inf
        if not distance < TOLERANCE:  # so that a NaN is no equal
            raise BadAnswer(f"its features lie {distance:.2g} from dlib's, {TOLERANCE:g} are allowed")


def _describe(network: Any, chip: Frame) -> Array:
    return np.asarray(network.compute_face_descriptor(cv2.cvtColor(chip, cv2.COLOR_BGR2RGB)), np.float32)


def _chips() -> list[Frame]:
    face = visitors.render(visitors.identity(visitors.CHOSEN[0]), size=(300, 300))[75:225, 75:225]
    return [np.ascontiguousarray(face), np.ascontiguousarray(face[:, ::-1])]
