"""A stranger's picture: its size is known before it is unfolded, and whatever is wrong with it is told in one word."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.face import sim
from gate.portrait import MOST_BYTES, PortraitUnusable, is_open, size_px
from gate.portrait_face import read_picture, reference_of
from models.face import FaceProblem
from tests.examples import examples

FORMATS = (".jpg", ".png", ".bmp", ".jp2")


def encoded(form: str, width: int = 160, height: int = 120) -> bytes:
    """The marked picture of person 7 in a format."""
    picture = np.full((height, width, 3), 128, np.uint8)
    if width >= 64 and height >= 56:
        picture = sim.stamp(picture, sim.Mark(7))
    return cv2.imencode(form, picture)[1].tobytes()


def why(picture: bytes) -> str:
    with pytest.raises(PortraitUnusable) as caught:
        reference_of(picture, sim.Engine())
    return caught.value.why


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("size", [(160, 120), (102, 126), (64, 64), (333, 70)])
def test_the_header_tells_the_size_that_the_decoder_finds(form: str, size: tuple[int, int]) -> None:
    picture = encoded(form, *size)
    assert is_open(picture)
    assert size_px(picture) == size
    assert read_picture(picture).shape == (size[1], size[0], 3)


def test_a_bare_codestream_and_a_bmp_from_the_top_are_read_too() -> None:
    jp2 = encoded(".jp2")
    assert size_px(jp2[jp2.index(b"\xff\x4f\xff\x51") :]) == (160, 120)
    bmp = bytearray(encoded(".bmp"))
    bmp[22:26] = struct.pack("<i", -120)
    assert size_px(bytes(bmp)) == (160, 120)


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_becomes_the_persons_reference(form: str) -> None:
    reference = reference_of(encoded(form), sim.Engine())
    assert reference.model_version == sim.MODEL_VERSION
    assert reference.template == sim.template(7)
    assert reference.legal_basis


def test_a_picture_without_a_usable_face_says_so() -> None:
    assert why(cv2.imencode(".png", np.full((120, 160, 3), 128, np.uint8))[1].tobytes()) == "no_face"
    turned = cv2.imencode(".png", sim.marked(7, problem=FaceProblem.TURNED))[1].tobytes()
    assert why(turned) == "turned"


def png_bomb(side: int) -> bytes:
    """A sound PNG of `side` x `side` pixels in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_bomb_is_refused_by_its_header() -> None:
    bomb = png_bomb(20_000)
    assert len(bomb) < MOST_BYTES
    assert size_px(bomb) == (20_000, 20_000)
    assert why(bomb) == "too_large"


def swollen(form: str) -> bytes:
    """A small picture that says it is one of 60,000 by 60,000."""
    picture, side = bytearray(encoded(form)), 60_000
    if form == ".jpg":
        at = picture.index(b"\xff\xc0") + 5
        picture[at : at + 4] = struct.pack(">HH", side, side)
    elif form == ".bmp":
        picture[18:26] = struct.pack("<ii", side, side)
    else:
        at = picture.index(b"\xff\x4f\xff\x51") + 8
        picture[at : at + 8] = struct.pack(">II", side, side)
    return bytes(picture)


@pytest.mark.parametrize("form", [".jpg", ".bmp", ".jp2"])
def test_a_header_that_boasts_is_refused(form: str) -> None:
    assert why(swollen(form)) == "too_large"


def test_a_codestream_of_countless_tiles_is_refused() -> None:
    jp2 = bytearray(encoded(".jp2"))
    at = jp2.index(b"\xff\x4f\xff\x51") + 24
    jp2[at : at + 8] = struct.pack(">II", 1, 1)
    assert why(bytes(jp2)) == "too_large"


def test_more_bytes_than_a_chip_holds_are_refused() -> None:
    assert why(encoded(".jpg") + bytes(MOST_BYTES)) == "too_large"


@pytest.mark.parametrize("picture", [b"", b"WLf\x01" * 256, b"BM", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", bytes(1024)])
def test_what_is_no_picture_is_unreadable(picture: bytes) -> None:
    assert why(picture) == "unreadable"


def outcome(picture: bytes) -> str:
    try:
        read_picture(picture)
    except PortraitUnusable as unusable:
        return unusable.why
    return "opened"


@pytest.mark.parametrize("form", FORMATS)
def test_half_a_picture_is_no_crash(form: str) -> None:
    half = encoded(form)[:200]
    assert outcome(half) in ("opened", "unreadable")


@settings(max_examples=examples(300), deadline=None)
@given(st.sampled_from([encoded(form) for form in FORMATS]), st.data())
def test_whatever_is_bent_in_it_there_is_a_picture_or_one_word(picture: bytes, data: st.DataObject) -> None:
    bent = bytearray(picture[: data.draw(st.integers(0, len(picture)))])
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=5)):
        if at < len(bent):
            bent[at] = value
    assert outcome(bytes(bent)) in ("opened", "unreadable", "too_large")
