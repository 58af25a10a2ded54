"""Signs of a picture held before the camera, seen without a network."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.camera import _visitors as visitors
from drivers.errors import UnknownDevice
from drivers.face import _pad_texture
from drivers.face._pad_blink import Blinks, blinked, openness
from drivers.face._pad_motion import FORGET_S, RENEW_S, Follower, Motion
from drivers.face._pad_watch import Watch, from_url
from drivers.face.dlib import Engine
from drivers.interfaces import Frame
from drivers.url import parse
from models.pad import PadSigns

Points = npt.NDArray[np.float64]
EYES = np.array([(280.0, 200.0), (360.0, 200.0)])


@functools.cache
def texture() -> Frame:
    """Something smooth with corners to follow, as skin and hair have them."""
    grain = np.random.default_rng(1).normal(0, 1, (480, 640, 3)).astype(np.float32)
    fine, coarse = cv2.GaussianBlur(grain, (0, 0), 2), cv2.GaussianBlur(grain, (0, 0), 12)
    return np.asarray(128 + 120 * fine + 300 * coarse).clip(0, 255).astype(np.uint8)


class _Eyes(Watch):
    """Notes where an engine sees the eyes."""

    eyes: tuple[Points, Points] | None = None

    def look(self, frame: Frame, one_eye: Points, other_eye: Points) -> PadSigns:
        self.eyes = (one_eye, other_eye)
        return super().look(frame, one_eye, other_eye)


@pytest.fixture(scope="module")
def eyes_seen() -> _Eyes:
    return _Eyes()


@pytest.fixture(scope="module")
def engine(eyes_seen: _Eyes) -> Engine:
    return Engine(pad=eyes_seen, follow=False)


VISITORS = [visitors.render(visitors.identity(seed)) for seed in visitors.CHOSEN[:3]]


# --- one frame ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pitch_px", [2.3, 2.9, 3.7, 5.2])
def test_a_screens_lattice_stands_out_of_the_spectrum(pitch_px: float) -> None:
    rows, columns = np.mgrid[:480, :640]
    lattice = 6 * np.sin(2 * np.pi * columns / pitch_px) * np.sin(2 * np.pi * rows / pitch_px)
    plain = texture()
    screen = (plain + lattice[:, :, None]).clip(0, 255).astype(np.uint8)
    assert _pad_texture.look(plain, EYES).lattice < 5
    assert _pad_texture.look(screen, EYES).lattice > 15


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_the_blocks_of_a_jpeg_are_no_lattice(quality: int) -> None:
    _, packed = cv2.imencode(".jpg", texture(), (cv2.IMWRITE_JPEG_QUALITY, quality))
    assert _pad_texture.look(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8), EYES).lattice < 8


def test_a_small_face_is_not_asked_for_a_lattice() -> None:
    assert Watch().look(texture(), np.array([300.0, 200]), np.array([330.0, 200])).lattice is None


def test_glare_is_what_is_burnt_out_in_one_piece() -> None:
    frame = texture() // 2
    assert _pad_texture.look(frame, EYES).glare == 0
    cv2.ellipse(frame, (320, 225), (24, 14), 20, 0, 360, (255, 255, 255), -1)
    assert 0.02 < _pad_texture.look(frame, EYES).glare < 0.08


@pytest.mark.parametrize("degrees", [0, 12])
def test_the_four_borders_of_a_sheet_are_seen_upright_and_askew(degrees: int) -> None:
    frame = (texture() // 8 + 100).astype(np.uint8)
    box = cv2.boxPoints(((320, 240), (260, 330), degrees))
    cv2.polylines(frame, [box.astype(np.int32)], True, (250, 250, 250), 8)
    turned = cv2.getRotationMatrix2D((320, 240), -degrees, 1)
    eyes = cv2.transform(EYES[None], turned)[0]
    assert _pad_texture.look(frame, eyes).borders >= 3


def test_a_lane_without_a_sheet_has_too_few_borders_to_count(engine: Engine, eyes_seen: _Eyes) -> None:
    for frame in VISITORS:
        engine.probe(frame)
        assert eyes_seen.eyes is not None
        assert _pad_texture.look(frame, np.array(eyes_seen.eyes)).borders < 3


# --- motion -------------------------------------------------------------------------------------------------------


def tilted(frame: Frame, eyes: Points, amount: float) -> tuple[Frame, Points]:
    """`frame` as a sheet whose right side comes nearer."""
    height, width = frame.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    push = amount * np.array([(0, 0), (0, -height), (0, height), (0, 0)], np.float32)
    place = cv2.getPerspectiveTransform(corners, corners + push)
    moved = cv2.warpPerspective(frame, place, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8), cv2.perspectiveTransform(eyes[None], place)[0]


def turned(frame: Frame, eyes: Points, amount: float) -> Frame:
    """`frame` with a head before a wall: what stands out of the face moves farther, the wall stays."""
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]].astype(np.float32)
    apart, middle = np.linalg.norm(eyes[1] - eyes[0]), eyes.mean(axis=0)
    across, down = (columns - middle[0]) / apart, (rows - middle[1] - 0.4 * apart) / apart
    out = np.exp(-3 * (across**2 + down**2)) + 0.6 * np.exp(-12 * (across**2 + (down - 0.1) ** 2))
    return np.asarray(cv2.remap(frame, (columns - amount * out).astype(np.float32), rows, cv2.INTER_CUBIC))


def moved(first: Frame, then: Frame, eyes: Points = EYES) -> Motion | None:
    follower = Follower()
    assert follower.look(first, eyes, 10.0) is None
    return follower.look(then, eyes, 10.3)


def test_a_tilted_sheet_stays_flat_and_moves_with_its_surroundings() -> None:
    motion = moved(texture(), tilted(texture(), EYES, 0.08)[0])
    assert motion is not None
    assert motion.tilt > 0.35
    assert motion.depth < 0.2
    assert motion.along > 0.8


def test_a_turned_head_is_not_flat_and_leaves_the_wall_where_it_is() -> None:
    motion = moved(texture(), turned(texture(), EYES, 8))
    assert motion is not None
    assert motion.depth > 0.5


@settings(deadline=None, max_examples=20)
@given(st.floats(-15, 15), st.floats(-15, 15), st.floats(-4, 4), st.floats(0.95, 1.05))
def test_shift_turn_and_size_tell_nothing_of_flatness(right: float, down: float, turn: float, size: float) -> None:
    place = cv2.getRotationMatrix2D((320, 240), turn, size)
    place[:, 2] += (right, down)
    signs = _signs([texture(), np.asarray(cv2.warpAffine(texture(), place, (640, 480), borderMode=cv2.BORDER_REFLECT))])
    assert signs[-1].flat is None


def test_a_still_picture_before_nothing_to_follow_is_no_motion() -> None:
    assert moved(np.full((480, 640, 3), 90, np.uint8), np.full((480, 640, 3), 90, np.uint8)) is None


def test_an_old_look_is_forgotten_and_a_young_one_kept_until_motion_adds_up() -> None:
    follower, sheet = Follower(), texture()
    follower.look(sheet, EYES, 0.0)
    assert follower.look(sheet, EYES, FORGET_S + 0.01) is None
    small = follower.look(tilted(sheet, EYES, 0.02)[0], EYES, FORGET_S + 0.1)
    large = follower.look(tilted(sheet, EYES, 0.08)[0], EYES, FORGET_S + RENEW_S)
    assert small is not None
    assert large is not None
    assert large.tilt > 2 * small.tilt


# --- blinks -------------------------------------------------------------------------------------------------------


def series(*openness: float, every_s: float = 0.1) -> list[tuple[float, float]]:
    return [(number * every_s, value) for number, value in enumerate(openness)]


@pytest.mark.parametrize(
    ("looks", "blink"),
    [
        (series(0.6, 0.6, 0.6, 0.2, 0.6, 0.6), True),
        (series(0.3, 0.3, 0.3, 0.1, 0.12, 0.3), True),
        (series(0.6, 0.6, 0.6, 0.6, 0.6), False),
        (series(0.6, 0.6, 0.6, 0.45, 0.6, 0.6), False),  # a frown
        (series(0.6, 0.6, 0.6, 0.6, 0.2, 0.2, 0.2), False),  # shut, and not opened yet
        (series(0.2, 0.6, 0.6, 0.6, 0.6), False),  # shut when first seen
        (series(0.6, 0.6, 0.6, 0.2, 0.6, 0.6, every_s=0.6), False),  # shut for too long
        (series(0.02, 0.02, 0.02, 0.0, 0.02), False),  # nothing dark to lose: glasses, or no eyes
        (series(0.6, 0.2, 0.6), False),  # too little to know what is usual
    ],
)
def test_a_blink_is_a_short_loss_of_what_is_usual(looks: list[tuple[float, float]], blink: bool) -> None:
    assert blinked(looks) is blink


def eye_pair(lid: float) -> Frame:
    """Two eyes on skin, shut as far as `lid` says, 0 to 1."""
    frame = np.full((480, 640, 3), 170, np.uint8)
    for x, y in EYES.astype(int):
        cv2.ellipse(frame, (x, y), (18, 8), 0, 0, 360, (225, 225, 225), -1)
        cv2.circle(frame, (x, y), 7, (40, 40, 40), -1)
        cv2.rectangle(frame, (x - 20, y - 9), (x + 20, y - 9 + round(18 * lid)), (165, 165, 165), -1)
        cv2.line(frame, (x - 16, y - 9 + round(18 * lid)), (x + 16, y - 9 + round(18 * lid)), (70, 70, 70), 1)
    return frame


def test_shut_eyes_are_less_dark_than_open_ones() -> None:
    assert openness(eye_pair(1.0), EYES) < 0.5 * openness(eye_pair(0.0), EYES)


def test_a_blink_is_remembered_for_some_seconds_and_no_longer() -> None:
    blinks, at_s = Blinks(), 0.0
    for lid in (0, 0, 0, 1, 0, 0):
        at_s += 0.1
        seen = blinks.look(eye_pair(lid), EYES, at_s)
    assert seen
    for _ in range(40):
        at_s += 0.1
        seen = blinks.look(eye_pair(0), EYES, at_s)
    assert not seen


# --- together -----------------------------------------------------------------------------------------------------


def _signs(frames: list[Frame], eyes: Points = EYES, every_s: float = 0.3) -> list[PadSigns]:
    times = iter(np.arange(0, 100, every_s))
    watch = Watch(clock=lambda: float(next(times)))
    return [watch.look(frame, *eyes) for frame in frames]


def test_what_one_face_showed_does_not_count_for_the_next() -> None:
    times = iter(np.arange(0, 100, 0.1))
    watch = Watch(clock=lambda: float(next(times)))
    for lid in (0, 0, 0, 1, 0):
        signs = watch.look(eye_pair(lid), *EYES)
    assert signs.blinked
    assert not watch.look(np.roll(eye_pair(0), 130, axis=1), *(EYES + np.array([130, 0]))).blinked


def test_which_eye_is_named_first_makes_no_difference() -> None:
    one, other = EYES
    assert Watch().look(eye_pair(0), one, other) == Watch().look(eye_pair(0), other, one)


def test_an_engine_tells_how_live_a_good_face_looks(engine: Engine) -> None:
    score = engine.probe(VISITORS[0]).pad_score
    assert score is not None
    assert score > 0.5


def test_a_face_with_a_problem_and_a_portrait_have_no_score(engine: Engine) -> None:
    assert engine.probe(visitors.empty_lane()).pad_score is None
    enrolled = engine.enrol(visitors.portrait(visitors.identity(visitors.CHOSEN[2])))
    assert (enrolled.problem, enrolled.pad_score) == (None, None)


@pytest.mark.parametrize(("option", "asked"), [("", False), ("?pad=no", False), ("?pad=cues", True)])
def test_the_address_says_whether_life_is_asked_for(option: str, asked: bool) -> None:
    assert (from_url(parse(f"dlib:{option}")) is not None) is asked


def test_networks_that_are_not_there_are_told_when_the_engine_is_opened(tmp_path: object) -> None:
    with pytest.raises(UnknownDevice, match=r"config\.json"):
        from_url(parse(f"dlib:?pad={tmp_path}"))
