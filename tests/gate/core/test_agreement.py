"""Several frames of one person: more of them can only make the answer more careful."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.agreement import agree, best_first, farthest, joined
from models.face import Band, FaceBands, FaceProbe, FaceQuality, FaceReference

BANDS = FaceBands("m", "any", accept=0.4, refuse=0.6)
REFERENCE = FaceReference("m", struct.pack("<2f", 0.0, 0.0))
ORDER = [Band.ACCEPT, Band.REFER, Band.REFUSE]


def frame(distance: float, sharpness: float = 100.0, pad_score: float | None = None) -> FaceProbe:
    quality = FaceQuality(150.0, sharpness, 120.0)
    return FaceProbe("m", struct.pack("<2f", distance, 0.0), quality, pad_score=pad_score, frames=1)


def band(frames: list[FaceProbe]) -> Band:
    return BANDS.place(farthest(joined(best_first(frames), len(frames)), REFERENCE))


distances = st.lists(st.floats(0.0, 2.0), min_size=1, max_size=6)


@given(distances, st.floats(0.0, 2.0))
def test_one_frame_more_never_turns_refer_into_accept(many: list[float], more: float) -> None:
    before = [frame(one) for one in many]
    assert ORDER.index(band([*before, frame(more, sharpness=1.0)])) >= ORDER.index(band(before))


@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.floats(0.0, 300.0)), min_size=1, max_size=6), st.randoms())
def test_the_order_of_the_frames_does_not_matter(many: list[tuple[float, float]], chance: random.Random) -> None:
    frames = [frame(*one) for one in many]
    shuffled = chance.sample(frames, len(frames))
    one, other = joined(best_first(shuffled), 3), joined(best_first(frames), 3)
    assert (one.template, one.further) == (other.template, other.further)


def test_one_frame_is_compared_as_ever() -> None:
    assert farthest(frame(0.25), REFERENCE).distance == 0.25


def test_a_distance_that_is_no_number_is_the_greatest() -> None:
    told = farthest(joined([frame(0.1), frame(float("nan"))], 2), REFERENCE)
    assert BANDS.place(told) is Band.REFUSE


def test_the_greatest_doubt_about_life_counts() -> None:
    scores = (0.9, None, 0.2)
    assert joined([frame(0.1, pad_score=score) for score in scores], 3).pad_score == 0.2
    assert joined([frame(0.1)], 1).pad_score is None


@pytest.mark.parametrize(("apart", "same"), [(0.5, True), (0.49, False), (0.0, False)])
def test_two_frames_are_of_one_person_up_to_a_distance(apart: float, same: bool) -> None:
    assert agree(frame(0.25).template, frame(0.75).template, apart) is same


def test_templates_of_two_sizes_are_not_of_one_person() -> None:
    assert not agree(b"\0" * 8, b"\0" * 4, 9.0)
