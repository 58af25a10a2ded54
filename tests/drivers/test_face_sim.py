"""The simulated engine says what the mark says, and its distances can be reckoned with."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import connect
from drivers.camera import _visitors as visitors
from drivers.errors import BadAnswer
from drivers.face import sim
from drivers.face.sim import Mark
from models.face import FaceProblem

IDENTITIES = st.integers(0, 65535)
GREY = np.full((120, 160, 3), 128, np.uint8)


def distance(one: bytes, other: bytes) -> float:
    return float(np.linalg.norm(np.frombuffer(one, "<f4") - np.frombuffer(other, "<f4")))


@given(IDENTITIES, st.integers(0, 255), st.sampled_from([None, *FaceProblem]), st.none() | st.integers(0, 254))
def test_a_mark_is_read_as_it_was_stamped(who: int, offset: int, problem: FaceProblem | None, pad: int | None) -> None:
    mark = Mark(who, offset / 100, problem, None if pad is None else pad / 254)
    assert sim.read_mark(sim.stamp(GREY, mark)) == mark


@given(IDENTITIES)
def test_a_mark_outlives_a_jpeg(who: int) -> None:
    _, data = cv2.imencode(".jpg", sim.stamp(visitors.empty_lane(), Mark(who)), [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert sim.read_mark(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)) == Mark(who)


@given(IDENTITIES, st.integers(0, 255))
def test_the_same_person_is_exactly_as_far_as_asked(who: int, offset: int) -> None:
    probe = sim.Engine().probe(sim.marked(who, offset / 100))
    assert distance(probe.template, sim.reference(who).template) == pytest.approx(offset / 100, abs=1e-6)


def test_different_people_are_about_one_apart() -> None:
    templates = [sim.template(who) for who in range(200)]
    apart = [distance(one, other) for one, other in combinations(templates, 2)]
    assert min(apart) > 0.7
    assert max(apart) < 1.3


def test_a_marked_problem_leaves_no_template() -> None:
    frame = sim.stamp(GREY, Mark(5, problem=FaceProblem.BLURRED, pad_score=0.5))
    probe = sim.Engine().probe(frame)
    assert (probe.problem, probe.template, probe.pad_score) == (FaceProblem.BLURRED, b"", 0.5)


@pytest.mark.parametrize("frame", [GREY, visitors.empty_lane(), np.zeros((120, 160, 3), np.uint8), GREY[:20, :20]])
def test_a_picture_without_a_mark_shows_nobody(frame: np.ndarray) -> None:
    assert sim.Engine().probe(frame).problem is FaceProblem.NO_FACE


def test_a_spoiled_mark_is_no_mark() -> None:
    frame = sim.marked(77)
    frame[:8, :8] = 255 - frame[:8, :8]
    assert sim.read_mark(frame) is None


@pytest.mark.parametrize("mark", [Mark(-1), Mark(65536), Mark(1, 2.6), Mark(1, -0.1)])
def test_a_mark_out_of_range_is_refused(mark: Mark) -> None:
    with pytest.raises(ValueError, match="a mark holds"):
        mark.to_bytes()


def test_what_is_no_picture_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        sim.Engine().probe(np.zeros((4, 4), np.uint8))


def test_the_url_opens_it_and_closing_twice_is_fine() -> None:
    engine = connect("face", "sim:?crash_on=7")
    assert engine.model_version == sim.MODEL_VERSION
    assert engine.probe(sim.marked(8)).problem is None
    engine.close()
    engine.close()


def test_the_person_to_crash_on_ends_the_process() -> None:
    code = "from drivers.face import sim; sim.Engine(crash_on=7).probe(sim.marked(7)); print('alive')"
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=False)
    assert result.returncode < 0
    assert b"alive" not in result.stdout
