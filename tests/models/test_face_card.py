"""A card of a face model says how a template is made, and its version changes with everything that decides it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.face_card import (
    ANYBODY,
    CardRefused,
    Colour,
    CurvePoint,
    FaceCard,
    Measured,
    ModelFile,
    Recipe,
    Runner,
    read_card,
    write_card,
)
from tests.examples import examples

POINTS = ((38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20))
NETWORK, DETECTOR = ModelFile("net.onnx", 4_000_000, "a" * 64), ModelFile("yunet.onnx", 232_589, "b" * 64)
RECIPE = Recipe((NETWORK,), DETECTOR, POINTS, mean=127.5, scale=1 / 127.5)
CARD = FaceCard("net", Runner.ONNX, "MIT", "a maker", RECIPE, (Measured(ANYBODY, 0.9, 1.1), Measured("here", 0.8, 1.0)))

NUMBERS = st.floats(0, 200, allow_nan=False)
FILES = st.builds(
    ModelFile,
    st.from_regex(r"[a-z][a-z0-9_.]{0,12}", fullmatch=True),
    st.integers(1, 2**40),
    st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
)
RECIPES = st.builds(
    Recipe,
    files=st.lists(FILES, min_size=1, max_size=2).map(tuple),
    detector=FILES,
    points=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=5, max_size=5).map(tuple),
    colour=st.sampled_from(Colour),
    mean=NUMBERS,
    scale=NUMBERS,
    source=st.text(max_size=5),
)
COUNTS = st.integers(0, 10**9)
CURVES = st.lists(st.builds(CurvePoint, NUMBERS, COUNTS, COUNTS, COUNTS, COUNTS), max_size=3).map(tuple)
MEASURED = st.builds(
    lambda population, bands, on, curve, watch: Measured(
        population, min(bands), max(bands), on, curve, watch and min(watch, *bands)
    ),
    st.text(max_size=9),
    st.tuples(NUMBERS, NUMBERS),
    st.text(max_size=9),
    CURVES,
    st.none() | NUMBERS,
)
CARDS = st.builds(
    FaceCard,
    name=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,9}", fullmatch=True),
    runner=st.sampled_from([Runner.ONNX, Runner.NCNN]),
    licence=st.text(max_size=9),
    origin=st.text(max_size=9),
    recipe=RECIPES,
    measured=st.lists(MEASURED, max_size=2).map(tuple),
    warning=st.text(max_size=9),
)


@settings(max_examples=examples(40), deadline=None)
@given(CARDS)
def test_a_card_reads_back_as_it_was_written(card: FaceCard) -> None:
    assert read_card(write_card(card)) == card


@pytest.mark.parametrize(
    "change",
    [
        {"files": (replace(NETWORK, sha256="c" * 64),)},
        {"detector": replace(DETECTOR, sha256="c" * 64)},
        {"colour": Colour.BGR},
        {"mean": 0.0},
        {"scale": 1.0},
        {"points": (*POINTS[:4], (70.0, 92.0))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_decides_a_template_makes_another_version(change: dict[str, object]) -> None:
    assert replace(CARD, recipe=replace(RECIPE, **change)).model_version != CARD.model_version


def test_what_was_measured_and_told_does_not() -> None:
    assert replace(CARD, measured=(), licence="none", warning="careful").model_version == CARD.model_version
    assert FaceCard("dlib-5", Runner.DLIB, "CC0", "dlib").model_version == "dlib-5"


def test_bands_are_those_of_the_population_or_of_anybody() -> None:
    here, elsewhere, none = CARD.bands("here"), CARD.bands("elsewhere"), replace(CARD, measured=()).bands()
    assert here is not None
    assert elsewhere is not None
    assert (here.population, here.accept, here.model_version) == ("here", 0.8, CARD.model_version)
    assert (elsewhere.population, elsewhere.accept, none) == (ANYBODY, 0.9, None)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "net"', 'name = "../net"', "its name is of"),
        ('"net.onnx"', '"../net.onnx"', "without a folder"),
        ('"net.onnx"', '".."', "without a folder"),
        ("a" * 64, "A" * 64, "64 hexadecimal"),
        ("mean", "maen", "unknown key 'maen'"),
        ("licence", "license", "licence"),
        ("accept = 0.9", "accept = 1.2", "accept is at most refuse"),
        ("accept = 0.9", "accept = nan", "accept is at most refuse"),
        ('runner = "onnx"', 'runner = "gpu"', "runner"),
        ("width = 112", "width = 0", "0 x 112"),
        ("[73.53, 51.5],", "", "five points are aligned, not 4"),
        ("mean = 127.5", "mean = inf", "finite"),
        ("[recipe]", "[recipe", "no card of a face model"),
    ],
)
def test_a_wrong_card_is_refused_with_the_reason(old: str, new: str, told: str) -> None:
    text = write_card(CARD)
    assert old in text
    with pytest.raises(CardRefused, match=told):
        read_card(text.replace(old, new, 1))


def test_a_model_of_a_network_needs_a_recipe() -> None:
    with pytest.raises(CardRefused, match="has a recipe"):
        read_card(write_card(replace(CARD, recipe=None)))
