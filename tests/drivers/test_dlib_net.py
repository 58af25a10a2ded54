"""dlib's network file is read without dlib, and what runs the network elsewhere gives dlib's numbers."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import connect
from drivers.camera import _visitors as visitors
from drivers.errors import BadAnswer, DeviceRefused, UnknownDevice
from drivers.face import _dlib_dat, _dlib_features, _dlib_net
from drivers.face.dlib import MODEL_VERSION, Engine, _networks
from drivers.interfaces import Frame
from tests.drivers.dlib_dat import Tiny, real, text, whole

FACES = Path(__file__).resolve().parents[3] / "shared" / "faces"
FILE = _networks() / "dlib_face_recognition_resnet_model_v1.dat"
TINY = Tiny().file()


@pytest.fixture(scope="module")
def engines() -> tuple[Engine, Engine]:
    """The fast one and dlib's own."""
    return Engine(network="fast"), Engine(network="dlib")


def apart(one: Any, other: Any) -> float:
    return float(np.linalg.norm(np.asarray(one) - np.asarray(other)))


def features(engine: Engine, chip: Frame) -> Any:
    return np.frombuffer(engine._features(chip), "<f4")


def chip_of(engine: Engine, picture: Frame) -> Frame | None:
    faces = engine._search.find(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), 70, 0.75)
    return engine._align(picture, faces[0])[0] if faces else None


def test_the_file_of_dlibs_face_network_is_read_to_its_last_byte() -> None:
    network = _dlib_dat.read(FILE.read_bytes())
    assert (network.rows, network.columns) == (150, 150)
    assert network.mean == pytest.approx((122.782, 117.001, 104.298), abs=1e-4)
    kinds = Counter(layer.kind for layer in network.layers)
    assert kinds == {"con": 29, "affine": 29, "relu": 29, "add_prev": 14, "avg_pool": 5, "max_pool": 1, "fc": 1}


def test_a_file_is_read_as_it_was_written() -> None:
    tiny = Tiny()
    network = _dlib_dat.read(tiny.file())
    assert network.mean == (122.0, 117.0, 104.0)
    first, last = network.layers[0], network.layers[-1]
    assert first.weight.shape == (4, 3, 3, 3)
    assert np.array_equal(first.weight, tiny.weights[0])
    assert np.array_equal(last.weight, tiny.weights[-1])
    assert [layer.kind for layer in network.layers[4:10]] == ["con", "affine", "relu", "con", "affine", "avg_pool"]


@given(st.integers(-(2**63), 2**63))
def test_any_whole_number_is_read_back(value: int) -> None:
    assert _dlib_dat._Reader(whole(value)).integer() == value


@given(st.floats(-1e6, 1e6, width=32))
def test_any_real_number_is_read_back(value: float) -> None:
    assert _dlib_dat._Reader(real(value)).real() == value


@given(st.integers(0, len(TINY) - 1))
def test_a_file_cut_short_anywhere_is_no_network(length: int) -> None:
    with pytest.raises(BadAnswer, match="no network of dlib"):
        _dlib_dat.read(TINY[:length])


@given(st.integers(0, len(TINY) - 1), st.integers(0, 255))
def test_a_damaged_file_is_refused_or_read_and_nothing_else(at: int, value: int) -> None:
    damaged = bytearray(TINY)
    damaged[at] = value
    with contextlib.suppress(BadAnswer):
        assert _dlib_net.onnx_of(_dlib_dat.read(bytes(damaged)))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (text("con_4"), text("con_9"), "a layer 'con_9' that no face network of dlib has"),
        (text("loss_metric_2"), text("loss_softmax2"), "no network with a metric loss"),
        (text("input_rgb_image_sized"), text("input_rgb_image_odd.."), "an input other than an RGB image"),
        (b"", b"x", "byte 0x78, which begins no number"),
    ],
)
def test_another_file_is_refused_in_words(old: bytes, new: bytes, told: str) -> None:
    with pytest.raises(BadAnswer, match=told):
        _dlib_dat.read(TINY.replace(old, new, 1))


def test_layers_in_another_order_are_no_face_network() -> None:
    network = _dlib_dat.read(TINY)
    headless = _dlib_dat.Network(14, 14, network.mean, network.layers[1:])
    with pytest.raises(BadAnswer, match="does not begin with a convolution"):
        _dlib_net.onnx_of(headless)


def test_a_block_of_another_size_is_added_with_zeros_for_what_it_lacks() -> None:
    """The tiny network reckoned by hand in float64, step by step."""
    tiny = Tiny(seed=3)
    run = _dlib_net.runners(_dlib_dat.read(tiny.file()))["OpenCV"]()
    chip = np.random.default_rng(5).integers(0, 256, (14, 14, 3), np.uint8)
    assert apart(run(chip), by_hand(tiny, chip)) < 1e-4


def by_hand(tiny: Tiny, chip: Frame) -> Any:
    w1, b1, g1, a1, w2, b2, g2, a2, w3, b3, g3, a3, last = (each.astype(float) for each in tiny.weights)
    image = (chip[:, :, ::-1].transpose(2, 0, 1) - np.array([122.0, 117.0, 104.0])[:, None, None]) / 256
    stem = np.maximum(scaled(convolved(image, w1, b1, 1), g1, a1), 0)  # 4 x 12 x 12
    stem = stem.reshape(4, 6, 2, 6, 2).max((2, 4))
    inner = np.maximum(scaled(convolved(stem, w2, b2, 2), g2, a2), 0)  # 6 x 2 x 2
    block = scaled(convolved(np.pad(inner, ((0, 0), (1, 1), (1, 1))), w3, b3, 1), g3, a3)
    total = np.zeros((6, 3, 3))
    total[:, :2, :2] += block
    total[:4] += stem.reshape(4, 3, 2, 3, 2).mean((2, 4))
    return np.maximum(total, 0).mean((1, 2)) @ last


def convolved(image: Any, weight: Any, bias: Any, stride: int) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(image, weight.shape[2:], (1, 2))[:, ::stride, ::stride]
    return np.einsum("cyxij,fcij->fyx", windows, weight) + bias.reshape(-1, 1, 1)


def scaled(image: Any, factor: Any, addend: Any) -> Any:
    return image * factor[:, None, None] + addend[:, None, None]


def test_drawn_faces_get_dlibs_features(engines: tuple[Engine, Engine]) -> None:
    fast, slow = engines
    assert (fast.computed_by != "dlib", slow.computed_by) == (True, "dlib")
    for seed in visitors.CHOSEN[:5]:
        chip = chip_of(fast, visitors.render(visitors.identity(seed)))
        assert chip is not None
        assert apart(features(fast, chip), features(slow, chip)) < 1e-5


def test_noise_gets_dlibs_features(engines: tuple[Engine, Engine]) -> None:
    chips = np.random.default_rng(7).integers(0, 256, (3, 150, 150, 3), np.uint8)
    assert all(apart(*(features(engine, chip) for engine in engines)) < 1e-5 for chip in chips)


@pytest.mark.faces
@pytest.mark.slow
@pytest.mark.skipif(not (FACES / "provenance.csv").is_file(), reason="the folder of real photographs is not here")
def test_real_faces_get_dlibs_features(engines: tuple[Engine, Engine]) -> None:
    fast, _ = engines
    with (FACES / "provenance.csv").open(encoding="utf-8", newline="") as lines:
        files = [row["file"] for row in csv.DictReader(lines) if row["kind"] == "face"][::4]
    pictures = [cv2.imread(str(FACES / file), cv2.IMREAD_COLOR) for file in files]
    chips = [chip_of(fast, np.asarray(picture, np.uint8)) for picture in pictures if picture is not None]
    distances = [apart(*(features(engine, chip) for engine in engines)) for chip in chips if chip is not None]
    assert len(distances) > 20
    assert max(distances) < 1e-5


def test_a_network_that_differs_is_passed_over_and_told(monkeypatch: Any, caplog: Any) -> None:
    twisted = {"skewed": lambda: lambda chip: np.zeros(128, np.float32)}
    monkeypatch.setattr(_dlib_net, "runners", lambda network: twisted)
    with caplog.at_level(logging.WARNING, "drivers.dlib"):
        chosen = _dlib_features.choose(FILE, dlib.face_recognition_model_v1)
    assert chosen.by == "dlib"
    assert "skewed: its features lie" in chosen.passed_over[0]
    assert "slowly; skewed" in caplog.text
    with pytest.raises(DeviceRefused, match="no fast network equals dlib's: skewed"):
        _dlib_features.choose(FILE, dlib.face_recognition_model_v1, "fast")


def test_the_usual_weights_by_path_are_the_usual_model_and_others_are_another(tmp_path: Path) -> None:
    assert connect("face", f"dlib:?weights={FILE}").model_version == MODEL_VERSION
    changed = bytearray(FILE.read_bytes())
    changed[5000:5004] = np.array(0.01, "<f4").tobytes()
    other = tmp_path / "other.dat"
    other.write_bytes(changed)
    engine = connect("face", f"dlib:?weights={other}&network=fast")
    assert engine.model_version != MODEL_VERSION
    assert engine.probe(visitors.render(visitors.identity(visitors.CHOSEN[0]))).model_version == engine.model_version


def test_weights_that_are_none_are_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownDevice, match="can't read its weights"):
        connect("face", f"dlib:?weights={tmp_path / 'none.dat'}")
    torn = tmp_path / "torn.dat"
    torn.write_bytes(TINY[:50])
    with pytest.raises(BadAnswer, match="one of dlib's face networks"):
        connect("face", f"dlib:?weights={torn}")


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed")
def test_onnxruntime_is_taken_where_it_is_there() -> None:
    assert Engine().computed_by == "onnxruntime"
