"""A stranger's photograph: the picture stays, all else goes, and no bytes break the walk."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.server.photograph import LONGEST_SIDE, plain_picture
from sync.server.problems import Refused

WHERE = b"Exif\0\0 GPS 31.2304N 121.4737E made with a phone"


def _picture(kind: str, progressive: bool = False) -> tuple[bytes, np.ndarray]:
    rng = np.random.default_rng(7)
    pixels = cv2.resize(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8), (320, 240))
    how = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 4] if progressive else []
    return cv2.imencode(kind, pixels, how)[1].tobytes(), pixels


def _seen(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_loses_where_it_was_taken_and_not_a_pixel(progressive: bool) -> None:
    data, _ = _picture(".jpg", progressive)
    told = b"\xff\xe1" + struct.pack(">H", len(WHERE) + 2) + WHERE + b"\xff\xfe" + struct.pack(">H", 7) + b"Zhang"
    kind, plain = plain_picture(data[:2] + told + data[2:] + b"a second picture " + WHERE)
    assert kind == "image/jpeg"
    assert b"GPS" not in plain
    assert b"Zhang" not in plain
    assert np.array_equal(_seen(plain), _seen(data))


def test_a_png_loses_its_words_and_not_a_pixel() -> None:
    data, pixels = _picture(".png")
    words = b"tEXt" + b"Location\0Shanghai"
    chunk = struct.pack(">I", len(words) - 4) + words + struct.pack(">I", zlib.crc32(words))
    kind, plain = plain_picture(data[:33] + chunk + data[33:] + WHERE)
    assert kind == "image/png"
    assert b"Shanghai" not in plain
    assert b"GPS" not in plain
    assert np.array_equal(_seen(plain), pixels)


@pytest.mark.parametrize("data", [b"", b"<svg onload=alert(1)>", b"GIF89a", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"RIFF"])
def test_what_is_no_photograph_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="JPEG or PNG"):
        plain_picture(data)


def test_a_picture_that_unpacks_to_gigabytes_is_refused() -> None:
    data = bytearray(_picture(".png")[0])
    data[16:24] = struct.pack(">II", LONGEST_SIDE + 1, 1)
    with pytest.raises(Refused, match="pixels"):
        plain_picture(bytes(data))


@given(st.sampled_from([".jpg", ".png"]), st.integers(0, 40_000), st.integers(0, 255))
def test_a_changed_byte_gives_a_picture_or_a_refusal(kind: str, at: int, value: int) -> None:
    data = bytearray(_picture(kind)[0])
    data[at % len(data)] = value
    for some in (bytes(data), bytes(data[: at % len(data)])):
        with suppress(Refused):
            assert len(plain_picture(some)[1]) <= len(some)
