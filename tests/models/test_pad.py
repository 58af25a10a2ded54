"""Signs of a living face, put together."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pad import USUAL_ACCEPT, USUAL_DOUBT, PadBand, PadSigns, pad_band, pad_score, share

SHARES = st.floats(0, 1)
SIGNS = st.builds(
    PadSigns,
    network=st.none() | SHARES,
    lattice=st.none() | st.floats(0, 300),
    glare=st.none() | SHARES,
    borders=st.none() | st.integers(0, 4),
    flat=st.none() | st.booleans(),
    with_surroundings=st.none() | st.booleans(),
    blinked=st.booleans(),
)


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (1.0, PadBand.LIVE),
        (0.8, PadBand.LIVE),
        (0.79, PadBand.DOUBTFUL),
        (0.3, PadBand.DOUBTFUL),
        (0.29, PadBand.ATTACK),
        (None, PadBand.DOUBTFUL),
        (math.nan, PadBand.ATTACK),
    ],
)
def test_a_score_falls_into_a_band_and_what_makes_no_sense_to_the_careful_side(
    score: float | None, band: PadBand
) -> None:
    assert pad_band(score, USUAL_ACCEPT, USUAL_DOUBT) is band


def test_a_face_that_nothing_speaks_against_is_live_without_a_network() -> None:
    assert pad_band(pad_score(PadSigns()), USUAL_ACCEPT, USUAL_DOUBT) is PadBand.LIVE


@pytest.mark.parametrize(
    "sign", [{"lattice": 20.0}, {"glare": 0.08}, {"borders": 4}, {"flat": True}, {"flat": True, "borders": 3}]
)
def test_one_plain_sign_of_a_picture_is_enough_not_to_be_live(sign: dict[str, float]) -> None:
    assert pad_band(pad_score(replace(PadSigns(), **sign)), USUAL_ACCEPT, USUAL_DOUBT) is not PadBand.LIVE


def test_a_network_that_is_sure_is_still_outweighed_by_a_screens_lattice_on_a_flat_thing() -> None:
    seen = PadSigns(network=1.0, lattice=30.0, flat=True, with_surroundings=True)
    assert pad_band(pad_score(seen), USUAL_ACCEPT, USUAL_DOUBT) is PadBand.ATTACK


@given(SIGNS)
def test_the_score_is_a_share(signs: PadSigns) -> None:
    assert 0 <= pad_score(signs) <= 1


@given(SIGNS, SHARES, SHARES)
def test_a_network_that_finds_it_livelier_never_lowers_the_score(signs: PadSigns, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert pad_score(replace(signs, network=low)) <= pad_score(replace(signs, network=high))


@given(SIGNS, st.sampled_from(["lattice", "glare", "borders"]), st.integers(0, 4), st.integers(0, 4))
def test_more_of_what_a_picture_shows_never_raises_the_score(signs: PadSigns, name: str, one: int, other: int) -> None:
    less, more = sorted((one, other))
    scale = {"lattice": 4.0, "glare": 0.02, "borders": 1}[name]
    few, many = (replace(signs, **{name: amount * scale}) for amount in (less, more))
    assert pad_score(many) <= pad_score(few)


@given(SIGNS)
def test_flat_is_never_livelier_than_unknown_and_a_blink_never_less_alive(signs: PadSigns) -> None:
    assert pad_score(replace(signs, flat=True)) <= pad_score(replace(signs, flat=None))
    assert pad_score(replace(signs, blinked=True)) >= pad_score(replace(signs, blinked=False))


@given(SIGNS, st.floats(0.01, 1), SHARES)
def test_a_stricter_policy_never_makes_anybody_live(signs: PadSigns, accept: float, part: float) -> None:
    order = [PadBand.ATTACK, PadBand.DOUBTFUL, PadBand.LIVE]
    loose = pad_band(pad_score(signs), accept * part, accept * part * part)
    strict = pad_band(pad_score(signs), accept, accept * part)
    assert order.index(strict) <= order.index(loose)


@given(st.lists(st.floats(-50, 50), max_size=8).flatmap(lambda odds: st.tuples(st.just(odds), st.permutations(odds))))
def test_the_order_of_signs_does_not_matter(pair: tuple[list[float], list[float]]) -> None:
    assert share(pair[0]) == share(pair[1])


@pytest.mark.parametrize("signs", [PadSigns(network=math.nan), PadSigns(lattice=math.nan), PadSigns(glare=math.nan)])
def test_a_measurement_without_sense_is_not_live(signs: PadSigns) -> None:
    assert pad_score(signs) == 0.0
