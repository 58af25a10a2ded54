"""dlib's face network, run by something faster than dlib.

dlib's wheel multiplies its matrices without a BLAS. The same numbers, read from the same file and handed on as an ONNX
model made in memory, run several times as fast in onnxruntime, where that is installed, or in OpenCV's DNN module.

What differs from a network made elsewhere:

- a sum of two tensors of different size takes zeros for what the smaller one lacks, in channels, rows and columns;
- poolings and convolutions with a stride have no padding and leave the last row and column where they don't fit.

Factors and addends of the `affine` layers, and the input's mean and scale, are multiplied into the convolutions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from drivers.errors import BadAnswer
from drivers.face._dlib_dat import Array, Layer, Network
from drivers.face._onnx_write import Graph
from drivers.face._ort import runtime
from drivers.interfaces import Frame

Run = Callable[[Frame], Array]
"""Makes 128 numbers of an aligned chip (BGR)."""

_SOURCE, _RESULT = "chip", "features"


@dataclass(frozen=True, slots=True)
class _Value:
    """A tensor on its way: its name in the graph, channels, rows and columns."""

    name: str
    shape: tuple[int, int, int]


def runners(network: Network) -> dict[str, Callable[[], Run]]:
    """What may run `network`, the fastest first. A call opens it; where it can't be, that raises."""
    return {
        "onnxruntime": lambda: _on_onnxruntime(network),
        "OpenCV": lambda: _on_opencv(network),
    }


def onnx_of(network: Network) -> bytes:
    """`network` as an ONNX model: input (1, 3, rows, columns) BGR from 0 to 255, output (1, 128).

    Raises `BadAnswer` where its layers follow each other in a way that dlib's face networks don't.
    """
    return _Builder(network).model()


class _Builder:
    """Layers one after the other; `_entry` is where the residual block under way began, `_branch` what it computed."""

    def __init__(self, network: Network) -> None:
        self._network, self._graph = network, Graph()
        self._value = self._entry = _Value(_SOURCE, (3, network.rows, network.columns))
        self._branch: _Value | None = None

    def model(self) -> bytes:
        """The whole file."""
        layers, at = _normalised(self._network), 0
        while at < len(layers):
            pair = [layer.kind for layer in layers[at : at + 2]] == ["con", "affine"]
            layer = _folded(layers[at], layers[at + 1]) if pair else layers[at]
            self._add(layer)
            at += 1 + pair
            if layer.kind == "max_pool" or (layer.kind == "relu" and layers[at - 2].kind == "add_prev"):
                self._entry = self._value
        size = self._value.shape[0]
        return self._graph.model((_SOURCE, (1, 3, self._network.rows, self._network.columns)), (_RESULT, (1, size)))

    def _add(self, layer: Layer) -> None:
        match layer.kind:
            case "con":
                self._value = self._convolve(layer)
            case "relu":
                self._value = _Value(self._graph.add("Relu", [self._value.name]), self._value.shape)
            case "max_pool":
                self._value = self._pool("MaxPool", self._value, layer)
            case "avg_pool" if layer.window == (0, 0):
                self._value = _Value(
                    self._graph.add("GlobalAveragePool", [self._value.name]), (self._value.shape[0], 1, 1)
                )
            case "avg_pool":  # the way past the block
                self._branch, self._value = self._value, self._pool("AveragePool", self._entry, layer)
            case "add_prev":
                self._value = self._sum(self._value, self._branch or self._entry)
                self._branch = None
            case "fc":
                self._value = self._finish(layer)
            case _:
                raise BadAnswer(f"a network of dlib's with {layer.kind} on its own is no face network")

    def _convolve(self, layer: Layer) -> _Value:
        if layer.weight.shape[1] != self._value.shape[0]:
            raise BadAnswer(f"a convolution of {layer.weight.shape[1]} channels after {self._value.shape[0]}")
        constants = (self._graph.constant(layer.weight), self._graph.constant(layer.bias))
        name = self._graph.add("Conv", [self._value.name, *constants], **_place(layer), group=1, dilations=(1, 1))
        return _Value(name, (layer.weight.shape[0], *_size(self._value.shape, layer)))

    def _pool(self, kind: str, value: _Value, layer: Layer) -> _Value:
        name = self._graph.add(kind, [value.name], **_place(layer))
        return _Value(name, (value.shape[0], *_size(value.shape, layer)))

    def _sum(self, one: _Value, other: _Value) -> _Value:
        shape = tuple(max(pair) for pair in zip(one.shape, other.shape, strict=True))
        grown = [self._grow(value, shape) for value in (one, other)]
        return _Value(self._graph.add("Add", grown), (shape[0], shape[1], shape[2]))

    def _grow(self, value: _Value, shape: tuple[int, ...]) -> str:
        """The name of `value` with zeros after its last channel, row and column."""
        if value.shape == shape:
            return value.name
        missing = [0, *(most - has for most, has in zip(shape, value.shape, strict=True))]
        pads = self._graph.constant(np.array([0, 0, 0, 0, *missing], np.int64))
        return self._graph.add("Pad", [value.name, pads, self._graph.constant(np.zeros((), np.float32))])

    def _finish(self, layer: Layer) -> _Value:
        flat = self._graph.add("Flatten", [self._value.name], axis=1)
        if layer.weight.shape[0] != self._value.shape[0]:
            raise BadAnswer(f"a full layer of {layer.weight.shape[0]} inputs after {self._value.shape[0]}")
        outputs = layer.weight.shape[1]
        addend = layer.bias if layer.bias.size else np.zeros(outputs, np.float32)
        constants = (self._graph.constant(layer.weight), self._graph.constant(addend))
        name = self._graph.add("Gemm", [flat, *constants], alpha=1.0, beta=1.0, output=_RESULT)
        return _Value(name, (outputs, 1, 1))


def _place(layer: Layer) -> dict[str, Any]:
    """Window, stride and padding, as ONNX names them."""
    return {"kernel_shape": layer.window, "strides": layer.stride, "pads": (*layer.padding, *layer.padding)}


def _size(shape: tuple[int, int, int], layer: Layer) -> tuple[int, int]:
    """Rows and columns after a convolution or a pooling."""
    sizes = [
        (size + 2 * padding - window) // stride + 1
        for size, window, stride, padding in zip(shape[1:], layer.window, layer.stride, layer.padding, strict=True)
    ]
    if min(sizes) < 1:
        raise BadAnswer(f"a window of {layer.window} in a picture of {shape[1:]}")
    return sizes[0], sizes[1]


def _folded(con: Layer, affine: Layer) -> Layer:
    """A convolution and the factor and addend of each of its channels, in one."""
    if affine.weight.size != con.bias.size:
        raise BadAnswer(f"{affine.weight.size} factors after a convolution of {con.bias.size} filters")
    weight = con.weight * affine.weight[:, None, None, None]
    return replace(con, weight=weight, bias=con.bias * affine.weight + affine.bias)


def _normalised(network: Network) -> list[Layer]:
    """The layers, the first of which takes BGR bytes: it has no padding, so that the mean goes into its bias."""
    first, *others = network.layers
    if first.kind != "con" or first.weight.shape[1] != 3 or first.padding != (0, 0):
        raise BadAnswer(
            "a network of dlib's that does not begin with a convolution of three colours is no face network"
        )
    weight = first.weight / np.float32(256)
    shift = np.einsum("fcij,c->f", weight.astype(np.float64), np.array(network.mean))
    return [replace(first, weight=weight[:, ::-1], bias=(first.bias - shift).astype(np.float32)), *others]


def _on_opencv(network: Network) -> Run:
    net = cv2.dnn.readNetFromONNX(np.frombuffer(onnx_of(network), np.uint8))

    def run(chip: Frame) -> Array:
        net.setInput(cv2.dnn.blobFromImage(chip))
        return np.asarray(net.forward(), np.float32).ravel()

    return run


def _on_onnxruntime(network: Network) -> Run:
    module = runtime()
    options = module.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = module.InferenceSession(onnx_of(network), options, providers=["CPUExecutionProvider"])

    def run(chip: Frame) -> Array:
        return np.asarray(session.run(None, {_SOURCE: cv2.dnn.blobFromImage(chip)})[0], np.float32).ravel()

    return run
