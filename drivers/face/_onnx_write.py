"""ONNX models written as bytes: just enough of its protobuf for a network of convolutions.

The schema is `onnx/onnx.proto` of the ONNX project; the field numbers below are its own. The wire is protobuf's: a key
(field number × 8 + wire type) and a varint, or a key, a length and that many bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

IR_VERSION, OPSET = 7, 11
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_VARINT, _BYTES, _FIXED32 = 0, 2, 5

Value = int | float | Sequence[int]
"""An attribute of a node."""


@dataclass(slots=True)
class Graph:
    """Nodes in the order in which they compute, and the constants that they use."""

    nodes: list[bytes] = field(default_factory=list)
    constants: list[tuple[bytes, memoryview]] = field(default_factory=list)

    def add(self, kind: str, inputs: Iterable[str], output: str = "", **attributes: Value) -> str:
        """Add a node of the operator `kind`; returns the name of its one output, its own where none is given."""
        output = output or f"v{len(self.nodes)}"
        named = [_text(1, name) for name in inputs]
        written = [_message(5, _attribute(name, value)) for name, value in attributes.items()]
        self.nodes.append(b"".join([*named, _text(2, output), _text(3, output), _text(4, kind), *written]))
        return output

    def constant(self, array: npt.NDArray[np.float32] | npt.NDArray[np.int64]) -> str:
        """Add a constant; returns its name."""
        name = f"c{len(self.constants)}"
        kind, order = (_INT64, "<i8") if array.dtype == np.int64 else (_FLOAT, "<f4")
        dims = b"".join(_number(1, size) for size in array.shape)
        raw = np.ascontiguousarray(array, order).reshape(-1).view(np.uint8).data
        head = dims + _number(2, kind) + _text(8, name) + _key(9, _BYTES) + _varint(len(raw))
        self.constants.append((head, raw))
        return name

    def model(self, source: tuple[str, Sequence[int]], result: tuple[str, Sequence[int]]) -> bytes:
        """The model's file. `source` and `result` are names and shapes of the graph's input and output."""
        parts: list[bytes | memoryview] = [*(_message(1, node) for node in self.nodes), _text(2, "menshen")]
        for head, raw in self.constants:
            parts += [_key(5, _BYTES) + _varint(len(head) + len(raw)), head, raw]
        parts += [_message(11, _value_info(*source)), _message(12, _value_info(*result))]
        begin = _number(1, IR_VERSION) + _text(2, "menshen") + _key(7, _BYTES) + _varint(sum(map(len, parts)))
        # Joined once: the constants are large.
        return b"".join([begin, *parts, _message(8, _number(2, OPSET))])


def _attribute(name: str, value: Value) -> bytes:
    """AttributeProto: f 2 (float), i 3, ints 8, and the type's number in 20."""
    if isinstance(value, float):
        return _text(1, name) + _key(2, _FIXED32) + np.array(value, "<f4").tobytes() + _number(20, 1)
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    return _text(1, name) + b"".join(_number(8, each) for each in value) + _number(20, 7)


def _value_info(name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_message(1, _number(1, size)) for size in shape)
    return _text(1, name) + _message(2, _message(1, _number(1, _FLOAT) + _message(2, dims)))


def _number(number: int, value: int) -> bytes:
    return _key(number, _VARINT) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _message(number: int, payload: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(payload)) + payload


def _key(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
