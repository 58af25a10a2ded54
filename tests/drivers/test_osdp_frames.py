"""Frames of OSDP: two as they were captured, and what noise does to them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.reader._osdp_frames import LONGEST, Frames, frame_size

ASK_ID = bytes.fromhex("53650900046100D97A")
ID = bytes.fromhex("53E514000445BEBAFE0101AFBEADDEADDEAD07FD")
WITH_SUM = bytes.fromhex("53000700006046")


def test_captured_frames_are_whole():
    assert frame_size(ASK_ID) == len(ASK_ID) == 9
    assert frame_size(ID + b"more") == len(ID) == 20
    assert frame_size(WITH_SUM) == 7


@given(st.lists(st.sampled_from([ASK_ID, ID, WITH_SUM]), max_size=5), st.data())
def test_frames_come_out_whole_however_they_are_cut(frames, data):
    stream = b"\xff".join(frames)
    frames_in = Frames()
    came, at = b"", 0
    while at < len(stream):
        size = data.draw(st.integers(1, 12))
        came += frames_in.take(stream[at : at + size])
        at += size
    assert came == b"".join(frames)
    assert frames_in.count == len(frames)


@given(st.integers(0, 19), st.integers(0, 7))
def test_a_frame_with_a_flipped_bit_is_none_and_the_next_is_read(at, bit):
    spoilt = bytearray(ID)
    spoilt[at] ^= 1 << bit
    assert Frames().take(bytes(spoilt) + ASK_ID) == ASK_ID


@given(st.binary(max_size=200))
def test_noise_hides_no_frame(noise):
    assert Frames().take(noise + ID).endswith(ID)


def test_noise_is_not_kept_without_end():
    frames = Frames()
    for _ in range(10):
        assert frames.take(b"\x53\xff" * LONGEST) == b""
    assert frames.take(ID) == ID
