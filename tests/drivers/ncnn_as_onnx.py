"""An ncnn network written out as ONNX: the same weights for both engines, and a network of the ArcFace shape for tests.

Only the layers of MobileFaceNet are known. ncnn's weights follow each other in the order of the layers: a convolution's
and a full layer's after four bytes that say "plain floats", all others bare.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.face._onnx_write import Graph

Array = npt.NDArray[np.float32]


@dataclass
class Layer:
    kind: str
    inputs: list[str]
    outputs: list[str]
    options: dict[int, str]

    def number(self, key: int, default: int = 0) -> int:
        return int(self.options.get(key, default))


class Weights:
    """What is left of the file."""

    def __init__(self, content: bytes) -> None:
        self._rest = content

    def take(self, count: int, *, tagged: bool = False) -> Array:
        if tagged:
            assert self._rest[:4] == bytes(4), "not plain floats"
            self._rest = self._rest[4:]
        taken, self._rest = self._rest[: 4 * count], self._rest[4 * count :]
        return np.frombuffer(taken, "<f4").astype(np.float32)

    def end(self) -> None:
        assert not self._rest, f"{len(self._rest)} bytes are left"


def layers_of(param: str) -> list[Layer]:
    found = []
    for line in param.splitlines()[2:]:
        kind, _, n, m, *rest = line.split()
        inputs, outputs = rest[: int(n)], rest[int(n) : int(n) + int(m)]
        pairs = (option.split("=") for option in rest[int(n) + int(m) :])
        found.append(Layer(kind, inputs, outputs, {int(key): value for key, value in pairs}))
    return found


def as_onnx(param: str, content: bytes, size: int = 112) -> bytes:
    """Input `data` (1, 3, size, size) RGB from 0 to 255, output `fc1` (1, 128)."""
    graph, weights, names = Graph(), Weights(content), {"data": "data"}
    for layer in layers_of(param)[1:]:
        inputs = [names[name] for name in layer.inputs]
        result = "fc1" if layer.outputs == ["fc1"] else ""
        for name in layer.outputs:
            names[name] = inputs[0]
        if layer.kind != "Split":
            names[layer.outputs[0]] = _add(graph, weights, layer, inputs, result)
    weights.end()
    return graph.model(("data", (1, 3, size, size)), ("fc1", (1, 128)))


def _add(graph: Graph, weights: Weights, layer: Layer, inputs: list[str], result: str) -> str:
    match layer.kind:
        case "BinaryOp" if layer.number(1):
            scalar = graph.constant(np.full((1, 1, 1, 1), float(layer.options[2]), np.float32))
            return graph.add({1: "Sub", 2: "Mul"}[layer.number(0)], [*inputs, scalar])
        case "BinaryOp":
            assert layer.number(0) == 0
            return graph.add("Add", inputs)
        case "Convolution" | "ConvolutionDepthWise":
            return _convolve(graph, weights, layer, inputs)
        case "PReLU":
            return graph.add("PRelu", [*inputs, graph.constant(weights.take(layer.number(0)).reshape(-1, 1, 1))])
        case "BatchNorm":
            slope, mean, variance, bias = (weights.take(layer.number(0)) for _ in range(4))
            factor = slope / np.sqrt(variance + float(layer.options.get(1, 0)))
            shape = (1, -1) if result else (1, -1, 1, 1)
            scaled = graph.add("Mul", [*inputs, graph.constant(factor.reshape(shape).astype(np.float32))])
            addend = graph.constant((bias - mean * factor).reshape(shape).astype(np.float32))
            return graph.add("Add", [scaled, addend], output=result)
        case "InnerProduct":
            outputs, count = layer.number(0), layer.number(2)
            matrix = graph.constant(weights.take(count, tagged=True).reshape(outputs, -1).T.copy())
            bias = graph.constant(weights.take(outputs) if layer.number(1) else np.zeros(outputs, np.float32))
            return graph.add("Gemm", [graph.add("Flatten", inputs, axis=1), matrix, bias], alpha=1.0, beta=1.0)
    raise AssertionError(f"no layer of MobileFaceNet: {layer.kind}")


def _convolve(graph: Graph, weights: Weights, layer: Layer, inputs: list[str]) -> str:
    filters, kernel, groups = layer.number(0), layer.number(1), layer.number(7, 1)
    window, stride, pad = (kernel, kernel), (layer.number(3, 1),) * 2, (layer.number(4),) * 4
    weight = weights.take(layer.number(6), tagged=True).reshape(filters, -1, *window)
    given = [*inputs, graph.constant(weight)]
    if layer.number(5):
        given.append(graph.constant(weights.take(filters)))
    return graph.add("Conv", given, kernel_shape=window, strides=stride, pads=pad, group=groups, dilations=(1, 1))
