"""ncnn's files, read without ncnn."""

from __future__ import annotations

import contextlib
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadAnswer
from drivers.face._ncnn_file import MAGIC, onnx_of

NETWORKS = Path(__file__).resolve().parents[2].parent / "shared" / "models"
SIZE = (4, 6)

Array = npt.NDArray[np.float32]

SMALL = """7767517
9 9
Input            data  0 1 data 0=6 1=4 2=3
Convolution      conv  1 1 data a 0=4 1=1 5=1 6=12
BatchNorm        norm  1 1 a b 0=4 1=0.001
Scale            scale 1 1 b c 0=4 1=1
PReLU            slope 1 1 c d 0=4
Split            split 1 2 d e f
ConvolutionDepthWise deep 1 1 e g 0=4 1=3 3=1 4=1 5=0 6=36 7=4
Eltwise          sum   2 1 g f h 0=1 -23301=0
InnerProduct     full  1 1 h i 0=2 1=1 2=192
"""


def weights(seed: int = 1, half: bool = False) -> tuple[bytes, dict[str, Array]]:
    """A `.bin` file for `SMALL`, and its parts. `half`: the matrices as float16."""
    rng = np.random.default_rng(seed)
    shapes = {"conv": (4, 3), "bias": (4,), "slope": (4,), "mean": (4,), "variance": (4,), "shift": (4,)}
    shapes |= {"factor": (4,), "addend": (4,), "prelu": (4,), "deep": (4, 3, 3), "full": (2, 96), "last": (2,)}
    parts = {name: rng.uniform(0.1, 1.0, shape).astype("<f4") for name, shape in shapes.items()}
    for name in ("conv", "deep", "full") if half else ():
        parts[name] = parts[name].astype("<f2").astype("<f4")
    return b"".join(_packed(name, part, half) for name, part in parts.items()), parts


def _packed(name: str, part: Array, half: bool) -> bytes:
    if name not in ("conv", "deep", "full"):
        return part.tobytes()
    if not half:
        return bytes(4) + part.tobytes()
    body = part.astype("<f2").tobytes()
    return 0x01306B47.to_bytes(4, "little") + body + bytes(-len(body) % 4)


def by_hand(picture: Array, w: dict[str, Array]) -> Array:
    """What `SMALL` computes of a picture (3, rows, columns)."""
    a = np.einsum("fc,cij->fij", w["conv"], picture) + w["bias"][:, None, None]
    column = {name: each[:, None, None] for name, each in w.items() if each.shape == (4,)}
    b = (a - column["mean"]) / np.sqrt(column["variance"] + 0.001) * column["slope"] + column["shift"]
    c = b * column["factor"] + column["addend"]
    d = np.where(c > 0, c, c * column["prelu"])
    padded = np.pad(d, ((0, 0), (1, 1), (1, 1)))
    rows, columns = d.shape[1:]
    g = sum(
        padded[:, i : i + rows, j : j + columns] * w["deep"][:, i, j][:, None, None] for i in range(3) for j in range(3)
    )
    return np.asarray(w["full"] @ (g + d).ravel() + w["last"], np.float32)


def run(model: bytes, picture: Array) -> Array:
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    net.setInput(picture[None])
    return np.asarray(net.forward(), np.float32).ravel()


@pytest.mark.parametrize("half", [False, True])
def test_a_network_computes_what_its_layers_say(half: bool) -> None:
    data, parts = weights(half=half)
    picture = np.random.default_rng(2).uniform(-1, 1, (3, *SIZE)).astype(np.float32)
    assert run(onnx_of(SMALL, data, SIZE), picture) == pytest.approx(by_hand(picture, parts), rel=1e-4)


def test_a_picture_may_be_normalised_by_numbers_in_the_network() -> None:
    param = f"{MAGIC}\n3 3\nInput i 0 1 a\nBinaryOp s 1 1 a b 0=1 1=1 2=127.5\nBinaryOp m 1 1 b c 0=2 1=1 2=0.5\n"
    picture = np.full((3, *SIZE), 129.5, np.float32)
    assert run(onnx_of(param, b"", SIZE), picture) == pytest.approx(np.ones(3 * 24))


@pytest.mark.parametrize(
    ("param", "words"),
    [
        ("", "no ncnn .param"),
        ("7767516\n1 1\nInput i 0 1 a\n", "no ncnn .param"),
        (f"{MAGIC}\n1 1\nSplit s 1 1 a b\n", "begin with its input"),
        (SMALL.replace("Split ", "LSTM "), "'LSTM'"),
        (SMALL.replace("0=4 1=1 5=1 6=12", "0=4 1=1 5=1 6=13"), "13 weights where 12 fit"),
        (SMALL.replace("g f h", "g z h"), "'z' comes from nowhere"),
        (SMALL.replace("h 0=1 -23301=0", "h 0=2"), "no sum of two"),
        (SMALL.replace("0=4 1=1 5=1 6=12", "0=four"), "no layer"),
        (f"{MAGIC}\n2 2\nInput i 0 1 a\nScale s 1 1 a b 0=3\n", "follows no convolution"),
    ],
)
def test_what_is_no_network_of_ncnn_is_told_by_what_is_wrong(param: str, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        onnx_of(param, weights()[0], SIZE)


def test_weights_of_another_network_are_refused() -> None:
    data, _ = weights()
    with pytest.raises(BadAnswer, match="ends too soon"):
        onnx_of(SMALL, data[:-1], SIZE)
    with pytest.raises(BadAnswer, match="left over"):
        onnx_of(SMALL, data + bytes(4), SIZE)
    with pytest.raises(BadAnswer, match="packed in a way"):
        onnx_of(SMALL, b"\x01\0\0\0" + data[4:], SIZE)


@given(st.data())
def test_a_damaged_file_is_refused_or_read_and_nothing_else(data: st.DataObject) -> None:
    text = list(SMALL)
    for _ in range(data.draw(st.integers(1, 6))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from("0123456789=- \nabcS"))
    with contextlib.suppress(BadAnswer):
        onnx_of("".join(text), weights()[0], SIZE)


@pytest.mark.skipif(not (NETWORKS / "minifasnet").is_dir(), reason="the networks for tests are not here")
@pytest.mark.parametrize(
    ("name", "size", "most"), [("minifasnet/model_1", 80, 1e-3), ("mobilefacenet/mobilefacenet", 112, 1e-2)]
)
def test_real_networks_give_ncnns_own_numbers(name: str, size: int, most: float) -> None:
    ncnn = pytest.importorskip("ncnn")
    path = NETWORKS / name
    picture = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (size, size, 3)).astype(np.uint8), (0, 0), 5)
    net = ncnn.Net()
    net.opt.use_fp16_arithmetic = False
    net.load_param(f"{path}.param")
    net.load_model(f"{path}.bin")
    with net.create_extractor() as extractor:
        extractor.input("data", ncnn.Mat.from_pixels(picture, ncnn.Mat.PixelType.PIXEL_BGR, size, size))
        _, theirs = extractor.extract(path.with_suffix(".param").read_text().split("\n")[-2].split()[5])
    model = onnx_of(path.with_suffix(".param").read_text(), path.with_suffix(".bin").read_bytes(), (size, size))
    ours = run(model, np.asarray(picture, np.float32).transpose(2, 0, 1))
    assert ours == pytest.approx(np.array(theirs), abs=most)
