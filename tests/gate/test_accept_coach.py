"""The coach's one thing at a time, heads' heights, and a report that can't be changed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import connect
from drivers.interfaces import Frame
from gate.accept import Item, NotGenuine, Report, Result, sign, verify
from gate.accept_coach import Advice, Coach, Seen, advise, see
from gate.accept_height import Height, Heights
from models.face import FaceProbe, FaceProblem, FaceQuality
from tests.examples import examples

FACES = Path(__file__).resolve().parents[3] / "shared/faces"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
REPORT = Report(
    "G1", 1_790_000_000.5, "Li, 王", "0.1.0", (Item("lamp", Result.PASSED, facts={"signals": 1}),), {"a": "b"}
)


def seen(problem: FaceProblem | None = None, face: float = 120.0, behind: float = 100.0, **more: float) -> Seen:
    quality = FaceQuality(160.0, 200.0, face)
    return Seen(
        more.get("grey", 100.0), behind, FaceProbe("m", b"t", quality, problem, eyes_at=more.get("eyes_at", 0.4))
    )


NO_FACE, DARK, BLUR = FaceProblem.NO_FACE, FaceProblem.TOO_DARK, FaceProblem.BLURRED


@pytest.mark.parametrize(
    ("picture", "advice"),
    [
        (seen(NO_FACE, grey=12.0), Advice.LAMP_ON),
        (seen(NO_FACE, grey=250.0), Advice.LESS_LIGHT),
        (seen(NO_FACE), Advice.STAND_THERE),
        (seen(FaceProblem.SEVERAL, face=60.0, behind=200.0), Advice.ONE_ONLY),
        (seen(FaceProblem.TOO_SMALL), Advice.NEARER),
        (seen(DARK, face=35.0, behind=180.0), Advice.TURN_LAMP),
        (seen(face=80.0, behind=170.0), Advice.TURN_LAMP),
        (seen(face=130.0, behind=230.0), Advice.GOOD),
        (seen(DARK, face=35.0, behind=40.0), Advice.MORE_LIGHT),
        (seen(FaceProblem.TOO_BRIGHT, face=230.0), Advice.DIM),
        (seen(BLUR), Advice.FOCUS),
        (seen(FaceProblem.COVERED), Advice.UNCOVER),
        (seen(FaceProblem.TURNED), Advice.STRAIGHT),
        (seen(eyes_at=0.1), Advice.RAISE),
        (seen(eyes_at=0.8), Advice.LOWER),
        (seen(BLUR, eyes_at=0.1), Advice.FOCUS),
        (seen(), Advice.GOOD),
    ],
)
def test_one_thing_is_said_the_first_that_is_to_be_done(picture: Seen, advice: Advice) -> None:
    assert advise(picture) is advice


def test_every_problem_of_a_face_has_its_advice() -> None:
    assert all(advise(seen(problem)) is not Advice.GOOD for problem in FaceProblem)


def test_a_thing_is_said_once_and_only_when_two_pictures_agree() -> None:
    coach = Coach()
    assert [coach.look(one) for one in (seen(BLUR), seen(DARK), seen(BLUR), seen(BLUR), seen(BLUR))] == [
        *(None, None, None, Advice.FOCUS, None)
    ]


def test_the_coach_is_content_after_five_good_pictures_in_a_row() -> None:
    coach = Coach()
    for picture in (*[seen()] * 4, seen(BLUR), *[seen()] * 4):
        coach.look(picture)
        assert not coach.content
    coach.look(seen())
    assert coach.content


def test_one_tall_visitor_says_nothing_of_the_camera_and_several_do() -> None:
    assert judged() == judged(0.05, None, 0.1) == Height.UNKNOWN
    assert judged(0.05, 0.4, 0.45) == Height.GOOD
    assert judged(0.05, 0.4, 0.45, 0.1, 0.15, 0.12) == Height.TOO_LOW
    assert judged(0.05, 0.4, *[0.7] * 9) == Height.TOO_HIGH
    assert judged(*[0.9] * 60, *[0.4] * 50) == Height.GOOD, "what was before the camera was moved is forgotten"


def judged(*eyes: float | None) -> Height:
    heights = Heights()
    for eyes_at in eyes:
        heights.add(eyes_at)
    return heights.height


@pytest.mark.slow
@pytest.mark.faces
@pytest.mark.skipif(not FACES.is_dir(), reason="the folder of real photographs is not here")
def test_a_real_face_is_coached_by_its_light_and_place() -> None:
    """A real photograph, then the same one darkened before a bright wall, and at the picture's top and foot."""
    engine = connect("face", "dlib:")
    found = (_read(path) for path in sorted(FACES.rglob("*.jpg")))
    frame = next(one for one in found if advise(see(one, engine)) is Advice.GOOD)
    height, width = frame.shape[:2]
    eyes = see(frame, engine).probe.eyes_at
    assert eyes is not None
    assert 0.2 < eyes < 0.65
    tall = np.full((height * 2, width, 3), 128, np.uint8)
    tall[height:] = frame
    assert advise(see(tall, engine)) is Advice.LOWER
    cut = frame[int(height * (eyes - 0.15)) :] if eyes > 0.2 else frame
    padded = np.full((cut.shape[0] * 2, width, 3), 128, np.uint8)
    padded[: cut.shape[0]] = cut
    assert advise(see(padded, engine)) in (Advice.RAISE, Advice.STAND_THERE)
    lit = np.full((height, width + 2 * (width // 2), 3), 250, np.uint8)
    lit[:, width // 2 : width // 2 + width] = (frame * 0.45).astype(np.uint8)
    assert advise(see(lit, engine)) is Advice.TURN_LAMP


def _read(path: Path) -> Frame:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def test_a_report_is_read_back_as_it_was_signed() -> None:
    signed = verify(sign(REPORT, KEY))
    assert signed.report == REPORT
    assert bytes.fromhex(signed.key) == KEY.public_key().public_bytes_raw()


def test_nothing_stands_twice_in_a_report() -> None:
    text = sign(REPORT, KEY).decode().replace('"gate": "G1"', '"gate": "G9",\n "gate": "G1"')
    with pytest.raises(NotGenuine):
        verify(text.encode())


@settings(max_examples=examples(200), deadline=None)
@given(st.data())
def test_a_changed_report_is_never_genuine(data: st.DataObject) -> None:
    content = sign(REPORT, KEY)
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255))
    spoilt = content[:place] + bytes([byte]) + content[place + 1 :]
    try:
        signed = verify(spoilt)
    except NotGenuine:
        return
    assert signed.report == REPORT, "a letter of the signature in capitals is the same number"
