"""The dlib engine finds the nearest face, measures it, and says what is wrong with it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers import available, connect
from drivers.camera import _visitors as visitors
from drivers.errors import BadAnswer, MissingLibrary, UnknownDevice
from drivers.face import _quality, dlib
from drivers.face.dlib import Engine
from drivers.interfaces import Frame
from models.face import FaceProbe, FaceProblem

WHO = visitors.identity(visitors.CHOSEN[1])
OTHER = visitors.identity(visitors.CHOSEN[4])


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def lane(*people: tuple[visitors.Identity, float]) -> Frame:
    """People side by side, each at a distance."""
    return np.hstack([visitors.render(who, distance=distance, size=(400, 480)) for who, distance in people])


def distance(one: FaceProbe, other: FaceProbe) -> float:
    return float(np.linalg.norm(np.frombuffer(one.template, "<f4") - np.frombuffer(other.template, "<f4")))


def test_a_good_face_gives_128_numbers_and_its_measures(engine: Engine) -> None:
    probe = engine.probe(visitors.render(WHO))
    assert (probe.problem, probe.frames, probe.model_version) == (None, 1, "dlib-resnet-v1-hog5")
    assert len(probe.template) == 128 * 4
    assert 120 < probe.quality.height_px < 200
    assert 0.45 < probe.quality.nose < 0.55


def test_the_same_frame_gives_the_same_template_where_no_face_is_followed() -> None:
    frame, engine = visitors.render(WHO), connect("face", "dlib:?follow=no")
    assert engine.probe(frame).template == engine.probe(frame).template


def test_following_a_face_hardly_moves_its_template(engine: Engine) -> None:
    frames = [visitors.render(WHO, distance=1.0 + step / 50) for step in range(6)]
    followed = [engine.probe(frame) for frame in frames]
    assert all(distance(probe, engine.enrol(frame)) < 0.15 for probe, frame in zip(followed, frames, strict=True))


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (visitors.empty_lane(), FaceProblem.NO_FACE),
        (np.zeros((20, 20, 3), np.uint8), FaceProblem.NO_FACE),
        (visitors.render(WHO, distance=2.8), FaceProblem.TOO_SMALL),
        (visitors.render(WHO, light=(0.0, -0.4, 0.25)), FaceProblem.TOO_DARK),
        (cv2.add(visitors.render(visitors.identity(75)), np.full((480, 640, 3), 78, np.uint8)), FaceProblem.TOO_BRIGHT),
        (cv2.GaussianBlur(visitors.render(WHO), (0, 0), 5), FaceProblem.BLURRED),
        (visitors.render(WHO, pose=(34.0, 0.0, 0.0)), FaceProblem.TURNED),
        (lane((WHO, 1.2), (OTHER, 1.2)), FaceProblem.SEVERAL),
    ],
    ids=["lane", "tiny", "small", "dark", "bright", "blurred", "turned", "several"],
)
def test_each_problem_is_named_and_leaves_no_template(engine: Engine, frame: Frame, problem: FaceProblem) -> None:
    probe = engine.probe(frame)
    assert probe.problem is problem
    assert probe.template == b""


@pytest.mark.parametrize("near", [0.8, 1.0, 1.2])
def test_the_nearest_of_two_wins(engine: Engine, near: float) -> None:
    alone = engine.probe(visitors.render(WHO, distance=near, size=(400, 480)))
    both = engine.probe(lane((OTHER, near * 1.8), (WHO, near)))
    assert both.problem is None
    assert distance(alone, both) < 0.2


def test_a_face_is_found_at_every_distance_down_to_the_limit(engine: Engine) -> None:
    for far in np.linspace(0.6, 2.2, 17):
        probe = engine.probe(visitors.render(WHO, distance=float(far)))
        assert probe.problem is None, f"at distance {far:.1f}: {probe.problem}"


def test_enrolment_is_stricter_than_the_lane(engine: Engine) -> None:
    far = visitors.render(WHO, distance=2.0)
    assert engine.probe(far).problem is None
    assert engine.enrol(far).problem is FaceProblem.TOO_SMALL
    bystander = lane((WHO, 0.9), (OTHER, 1.8))
    assert engine.probe(bystander).problem is None
    assert engine.enrol(bystander).problem is FaceProblem.SEVERAL


def test_limits_are_options_of_the_url() -> None:
    engine = connect("face", "dlib:?min_height=400")
    assert engine.probe(visitors.render(WHO)).problem is FaceProblem.TOO_SMALL
    engine.close()
    engine.close()


@pytest.mark.parametrize("url", ["dlib:?min_heigth=3", "dlib:?min_height=tall", "dlib:?rival=-1", "dlib:?network=gpu"])
def test_a_wrong_option_is_refused(url: str) -> None:
    with pytest.raises(UnknownDevice, match=r"min_height|rival|network"):
        connect("face", url)


@pytest.mark.parametrize(
    "frame", [np.zeros((4, 4), np.uint8), np.zeros((9, 9, 3), np.float32), np.zeros((0, 9, 3), np.uint8)]
)
def test_what_is_no_picture_is_a_bad_answer(engine: Engine, frame: Frame) -> None:
    with pytest.raises(BadAnswer, match="a frame must be"):
        engine.probe(frame)


def test_missing_networks_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibrary, match="pip install face_recognition_models"):
        Engine()


def test_a_missing_dlib_says_what_to_install() -> None:
    code = "import sys; sys.modules['dlib'] = None; from drivers import connect; connect('face', 'dlib:')"
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "MissingLibrary" in result.stderr
    assert "pip install dlib-bin" in result.stderr


def test_drivers_are_listed_without_the_parts_they_share() -> None:
    assert {"dlib", "sim"} <= set(available("face"))
    assert not any(name.startswith("_") for name in available("face"))


def test_every_limit_is_an_option_and_every_other_option_the_engines_own() -> None:
    own = {"network", "follow", "weights", "pad"}
    assert set(dlib.OPTIONS) == set(_quality.Limits.__dataclass_fields__) | own
