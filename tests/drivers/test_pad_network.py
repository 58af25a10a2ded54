"""A liveness network given as a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import UnknownDevice
from drivers.face import _pad_network
from drivers.face._onnx_write import Graph
from drivers.face._pad_network import Box, Network, piece
from drivers.face._pad_watch import face_box
from drivers.interfaces import Frame

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SAMPLES, MINIFASNET = SHARED / "faces" / "pad" / "samples", SHARED / "models" / "minifasnet"
real = pytest.mark.skipif(not (SAMPLES.is_dir() and MINIFASNET.is_dir()), reason="networks and photographs not here")

BOX = Box(100, 80, 90, 120)


def brightness_network(classes: int = 3) -> bytes:
    """A network that finds what is bright alive: its share is a half at grey 128."""
    graph = Graph()
    flat = graph.add("Flatten", [graph.add("GlobalAveragePool", ["source"])], axis=1)
    weight, bias = np.zeros((3, classes), np.float32), np.zeros(classes, np.float32)
    weight[:, 1], bias[1], bias[2:] = 0.1, -38.4, -50
    constants = [graph.constant(weight), graph.constant(bias)]
    shares = graph.add("Softmax", [graph.add("Gemm", [flat, *constants], alpha=1.0, beta=1.0)], axis=1)
    return graph.model(("source", (1, 3, 8, 8)), (shares, (1, classes)))


def folder_of(folder: Path, *rows: dict[str, object], network: bytes | None = None) -> Path:
    (folder / "config.json").write_text(json.dumps(rows))
    for row in rows:
        (folder / f"{row['name']}.onnx").write_bytes(brightness_network() if network is None else network)
    return folder


def row(name: str = "one", scale: float = 1.0) -> dict[str, object]:
    return {"name": name, "scale": scale, "height": 8, "width": 8}


def test_the_live_share_is_the_mean_of_the_networks(tmp_path: Path) -> None:
    network = _pad_network.open(folder_of(tmp_path, row("near", 1.0), row("wide", 4.0)))
    frame = np.zeros((480, 640, 3), np.uint8)
    frame[80:200, 100:190] = 255
    assert network.once(frame, BOX) == pytest.approx(0.5, abs=0.02)  # near: alive; wide: mostly dark


class Edge:
    """A network whose word changes at once where the box comes too far to the right."""

    def __init__(self, left: float) -> None:
        self.left, self.asked = left, 0

    def live(self, _: Frame, box: Box) -> float:
        self.asked += 1
        return 0.9 if box.left < self.left else 0.1


@pytest.mark.parametrize(("left", "asked", "live"), [(999.0, 3, 0.9), (0.0, 3, 0.1), (BOX.left + 0.5, 15, 0.5)])
def test_three_boxes_are_enough_where_they_agree_and_where_they_do_not_the_word_is_the_mean_of_twelve(
    left: float, asked: int, live: float
) -> None:
    edge = Edge(left)
    network = Network(cast("Any", [edge]))
    assert network.live(np.zeros((9, 9, 3), np.uint8), BOX) == pytest.approx(live, abs=0.1)
    assert edge.asked == asked


@given(
    st.tuples(st.floats(-300, 900), st.floats(-300, 700), st.floats(1, 900), st.floats(1, 900)),
    st.floats(0.5, 6),
    st.tuples(st.integers(2, 90), st.integers(2, 90)),
)
def test_a_piece_lies_in_the_frame_wherever_the_box_lies(
    box: tuple[float, float, float, float], scale: float, size: tuple[int, int]
) -> None:
    frame = np.full((60, 80, 3), 7, np.uint8)
    cut = piece(frame, Box(*box), scale, size)
    assert cut.shape == (*size, 3)
    assert np.all(cut == 7)


def test_a_piece_is_as_much_larger_than_the_face_as_its_scale() -> None:
    frame = np.zeros((400, 400, 3), np.uint8)
    frame[100:300, 100:300] = 255
    assert piece(frame, Box(150, 150, 100, 100), 2.0, (50, 50)).mean() > 250
    assert piece(frame, Box(150, 150, 100, 100), 4.0, (50, 50)).mean() == pytest.approx(255 / 4, abs=4)


def _damaged(folder: Path) -> Iterator[tuple[Path, str]]:
    for name, text in {"no": "{", "form": '{"name": 1}', "none": "[]"}.items():
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(text)
    yield folder / "missing", "can't be read"
    yield folder / "no", "expected a list"
    yield folder / "form", "expected a list"
    yield folder / "none", "names 0 networks"


def test_a_folder_that_holds_no_network_is_told_by_what_is_missing(tmp_path: Path) -> None:
    for folder, words in _damaged(tmp_path):
        with pytest.raises(UnknownDevice, match=words):
            _pad_network.open(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scale": 0}, "does not fit"),
        ({"height": 100_000}, "does not fit"),
        ({"name": "../one"}, "does not fit"),
        ({"name": "two"}, "can't be read"),
    ],
)
def test_an_unfit_line_is_refused(tmp_path: Path, change: dict[str, object], words: str) -> None:
    folder_of(tmp_path, row())
    (tmp_path / "config.json").write_text(json.dumps([row() | change]))
    with pytest.raises(UnknownDevice, match=words):
        _pad_network.open(tmp_path)


@pytest.mark.parametrize("network", [b"", b"nothing", brightness_network(classes=2)])
def test_another_network_is_refused(tmp_path: Path, network: bytes) -> None:
    with pytest.raises(UnknownDevice, match="liveness network one"):
        _pad_network.open(folder_of(tmp_path, row(), network=network))


# Where the eyes are in the samples, by eye.
EYES = {
    "image_T1.jpg": ((173, 213), (249, 222)),
    "image_F1.jpg": ((226, 196), (293, 222)),
    "image_F2.jpg": ((176, 320), (285, 335)),
    "rgb_fake.jpg": ((340, 332), (447, 347)),
}


@pytest.fixture(scope="module")
def minifasnet() -> Network:
    return _pad_network.open(MINIFASNET)


@real
@pytest.mark.parametrize(
    ("name", "low", "high"), [("image_T1.jpg", 0.8, 1.0), ("image_F1.jpg", 0.0, 0.5), ("image_F2.jpg", 0.0, 0.3)]
)
def test_minifasnet_tells_its_own_samples_apart(minifasnet: Network, name: str, low: float, high: float) -> None:
    frame = cv2.imread(str(SAMPLES / name))
    assert low <= minifasnet.live(frame, face_box(np.array(EYES[name], float))) <= high


@real
@pytest.mark.parametrize("name", ["image_T1.jpg", "image_F1.jpg", "image_F2.jpg"])
def test_a_shifted_box_does_not_turn_its_word_about(minifasnet: Network, name: str) -> None:
    frame, box, rng = cv2.imread(str(SAMPLES / name)), face_box(np.array(EYES[name], float)), np.random.default_rng(1)
    words = {minifasnet.live(frame, box.moved(*rng.uniform(-0.05, 0.05, 2), 1.0)) >= 0.8 for _ in range(20)}
    assert len(words) == 1
