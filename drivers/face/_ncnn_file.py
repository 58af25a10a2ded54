"""Networks in ncnn's files, handed on as ONNX models: so that OpenCV runs them where ncnn isn't installed.

A `.param` file is text: a magic number, two counts, then a layer a line (kind, name, how many inputs and outputs, their
names, `number=value` settings). A `.bin` file holds the weights in the order of the layers, a tag before each matrix.
The settings' numbers are those of ncnn's own layer table.

Read are the layers of small convolutional networks. `BatchNorm` and `Scale` are multiplied into the convolution before
them, and mean nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.errors import BadAnswer
from drivers.face._onnx_write import Graph

MAGIC = "7767517"
_FLOAT32, _FLOAT16 = 0, 0x01306B47  # the tags before a matrix
_FROM_INPUT = -233  # a `Scale` whose factors are its second input
_MOST_LAYERS = 10_000
_SIGNS = ("Add", "Sub", "Mul", "Div")  # of a `BinaryOp`

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Line:
    """One layer as its line tells it."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: dict[int, float]

    def whole(self, number: int, usual: int = 0) -> int:
        """A setting that is a whole number."""
        return int(self.settings.get(number, usual))


def onnx_of(param: str, weights: bytes, size: tuple[int, int]) -> bytes:
    """The network as an ONNX model: input (1, 3, rows, columns) of `size`, output as its last layer gives it.

    Raises `BadAnswer` for files that are none of ncnn's, don't belong together, or hold layers not known here.
    """
    writer = _Writer(_lines(param), _Weights(weights))
    try:
        return writer.model(size)
    except BadAnswer:
        raise
    except (ValueError, OverflowError, LookupError) as error:
        raise BadAnswer(f"an ncnn network whose layers don't fit each other: {type(error).__name__}") from error


def _lines(param: str) -> list[_Line]:
    first, *rows = param.split("\n")
    if first.strip() != MAGIC:
        raise BadAnswer(f"this is no ncnn .param file: it begins with {first[:20]!r} instead of {MAGIC}")
    lines = [_line(row) for row in rows[1 : _MOST_LAYERS + 1] if row.strip()]
    if not lines or lines[0].kind != "Input":
        raise BadAnswer("an ncnn network must begin with its input")
    return lines


def _line(row: str) -> _Line:
    try:
        kind, _, inputs, outputs, *rest = row.split()
        names, settings = rest[: int(inputs) + int(outputs)], rest[int(inputs) + int(outputs) :]
        pairs = (setting.split("=") for setting in settings)
        known = {int(number): float(value.split(",")[0]) for number, value in pairs}
        return _Line(kind, tuple(names[: int(inputs)]), tuple(names[int(inputs) :]), known)
    except ValueError as error:
        raise BadAnswer(f"an ncnn .param file with a line that is no layer: {row[:60]!r}") from error


class _Weights:
    """The `.bin` file, read from its beginning to its end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def matrix(self, count: int) -> Array:
        """`count` numbers after their tag."""
        tag = int(np.frombuffer(self._take(4), "<u4")[0])
        if tag == _FLOAT32:
            return self.plain(count)
        if tag == _FLOAT16:
            return np.frombuffer(self._take(-(-count * 2 // 4) * 4), "<f2")[:count].astype(np.float32)
        raise BadAnswer(f"ncnn weights packed in a way not read here (tag {tag:#x}): give them as float32 or float16")

    def plain(self, count: int) -> Array:
        """`count` numbers without a tag."""
        return np.frombuffer(self._take(4 * count), "<f4").astype(np.float32)

    def finish(self) -> None:
        """All must have been used."""
        if self._at != len(self._data):
            raise BadAnswer(f"an ncnn .bin file with {len(self._data) - self._at} bytes left over: not this network's")

    def _take(self, size: int) -> bytes:
        if size < 0 or self._at + size > len(self._data):
            raise BadAnswer("an ncnn .bin file that ends too soon: not this network's, or cut off")
        self._at += size
        return self._data[self._at - size : self._at]


class _Writer:
    """Writes layer after layer; `_names` tells what an ncnn blob is called in the graph."""

    def __init__(self, lines: list[_Line], weights: _Weights) -> None:
        self._lines, self._weights, self._graph = lines, weights, Graph()
        self._names: dict[str, str] = {}
        self._channels: dict[str, int] = {}
        self._at = 0

    def model(self, size: tuple[int, int]) -> bytes:
        """The whole file."""
        source = self._lines[0].outputs[0]
        self._names[source], self._channels[source] = "source", 3
        self._at = 1
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            self._write(line)
        self._weights.finish()
        last = self._lines[-1].outputs[0]
        return self._graph.model(("source", (1, 3, *size)), (self._names[last], (1, self._channels[last])))

    def _write(self, line: _Line) -> None:
        writers: dict[str, Callable[[_Line], str]] = {
            "Convolution": self._convolution,
            "ConvolutionDepthWise": self._convolution,
            "InnerProduct": self._full,
            "PReLU": self._slopes,
            "Pooling": self._pool,
            "Scale": self._scale_by_input,
            "Eltwise": self._add,
            "BinaryOp": self._reckon,
            "ReLU": lambda line: self._graph.add("Relu", self._inputs(line)),
            "Sigmoid": lambda line: self._graph.add("Sigmoid", self._inputs(line)),
            "Flatten": lambda line: self._graph.add("Flatten", self._inputs(line), axis=1),
            "Softmax": lambda line: self._graph.add("Softmax", self._inputs(line), axis=1),
            "Split": lambda line: self._inputs(line)[0],
            "Dropout": lambda line: self._inputs(line)[0],
        }
        if line.kind not in writers:
            raise BadAnswer(f"an ncnn network with a layer {line.kind!r}, which is not read here")
        channels = self._channels.get(line.inputs[0], 0)
        name = writers[line.kind](line)
        if line.kind in ("Convolution", "ConvolutionDepthWise", "InnerProduct"):
            channels = line.whole(0)
        for output in (*line.outputs, self._lines[self._at - 1].outputs[0]):  # what was folded in may end elsewhere
            self._names[output], self._channels[output] = name, channels

    def _inputs(self, line: _Line) -> list[str]:
        try:
            return [self._names[each] for each in line.inputs]
        except KeyError as error:
            raise BadAnswer(f"an ncnn layer {line.kind!r} whose input {error} comes from nowhere") from error

    def _convolution(self, line: _Line) -> str:
        out, across = line.whole(0), line.whole(1)
        down, groups = line.whole(11, across), line.whole(7, 1)
        stride, pad, apart = line.whole(3, 1), line.whole(4), line.whole(2, 1)
        inner = self._channels[line.inputs[0]] // max(groups, 1)
        if inner * out * across * down != line.whole(6) or pad < 0:
            raise BadAnswer(f"an ncnn convolution of {line.whole(6)} weights where {inner * out * across * down} fit")
        weight = self._weights.matrix(line.whole(6)).reshape(out, inner, down, across)
        weight, bias = self._folded(line, weight)
        constants = [self._graph.constant(each) for each in (weight, bias)]
        return self._graph.add(
            "Conv",
            [*self._inputs(line), *constants],
            kernel_shape=(down, across),
            strides=(stride, line.whole(13, stride)),
            pads=(line.whole(14, pad), pad) * 2,
            dilations=(apart, apart),
            group=groups,
        )

    def _full(self, line: _Line) -> str:
        out = line.whole(0)
        weight, bias = self._folded(line, self._weights.matrix(line.whole(2)).reshape(out, -1), with_bias=1)
        constants = [self._graph.constant(each) for each in (np.ascontiguousarray(weight.T), bias)]
        flat = self._graph.add("Flatten", self._inputs(line), axis=1)
        return self._graph.add("Gemm", [flat, *constants], alpha=1.0, beta=1.0)

    def _folded(self, line: _Line, weight: Array, with_bias: int = 5) -> tuple[Array, Array]:
        """Weights and biases with the `BatchNorm` and `Scale` layers after `line` in them."""
        out = weight.shape[0]
        bias = self._weights.plain(out) if line.whole(with_bias) else np.zeros(out, np.float32)
        tip = line.outputs[0]
        while self._at < len(self._lines) and _is_folded(self._lines[self._at], tip):
            factor, addend = self._affine(self._lines[self._at])
            weight, bias = weight * factor.reshape(-1, *[1] * (weight.ndim - 1)), bias * factor + addend
            tip = self._lines[self._at].outputs[0]
            self._at += 1
        return weight.astype(np.float32), bias.astype(np.float32)

    def _affine(self, line: _Line) -> tuple[Array, Array]:
        size = line.whole(0)
        if line.kind == "Scale":
            factor = self._weights.plain(size)
            return factor, self._weights.plain(size) if line.whole(1) else np.zeros(size, np.float32)
        slope, mean, variance, bias = (self._weights.plain(size) for _ in range(4))
        factor = slope / np.sqrt(variance + np.float32(line.settings.get(1, 0.0)))
        return factor, bias - mean * factor

    def _slopes(self, line: _Line) -> str:
        slopes = self._weights.plain(line.whole(0)).reshape(-1, 1, 1)
        return self._graph.add("PRelu", [*self._inputs(line), self._graph.constant(slopes)])

    def _pool(self, line: _Line) -> str:
        window, stride, pad = line.whole(1), line.whole(2, 1), line.whole(3)
        kind = "AveragePool" if line.whole(0) else "MaxPool"
        if line.whole(4):
            return self._graph.add(f"Global{kind}", self._inputs(line))
        return self._graph.add(
            kind, self._inputs(line), kernel_shape=(window,) * 2, strides=(stride,) * 2, pads=(pad,) * 4
        )

    def _scale_by_input(self, line: _Line) -> str:
        if line.whole(0) != _FROM_INPUT or len(line.inputs) != 2:
            raise BadAnswer("an ncnn Scale that follows no convolution, which is not read here")
        value, factors = self._inputs(line)
        shape = self._graph.constant(np.array([1, -1, 1, 1], np.int64))
        return self._graph.add("Mul", [value, self._graph.add("Reshape", [factors, shape])])

    def _add(self, line: _Line) -> str:
        if line.whole(0) != 1 or len(line.inputs) != 2:
            raise BadAnswer("an ncnn Eltwise that is no sum of two, which is not read here")
        return self._graph.add("Add", self._inputs(line))

    def _reckon(self, line: _Line) -> str:
        """Two tensors, or a tensor and a number."""
        if line.whole(0) not in range(len(_SIGNS)):
            raise BadAnswer(f"an ncnn BinaryOp {line.whole(0)}, which is not read here")
        number = [self._graph.constant(np.full((1, 1, 1, 1), line.settings.get(2, 0.0), np.float32))]
        return self._graph.add(_SIGNS[line.whole(0)], [*self._inputs(line), *(number if line.whole(1) else [])])


def _is_folded(line: _Line, tip: str) -> bool:
    affine = line.kind == "BatchNorm" or (line.kind == "Scale" and line.whole(0) != _FROM_INPUT)
    return affine and line.inputs == (tip,)
