"""dlib's network files (`.dat`), read without dlib.

A file is the network as dlib's `serialize` writes it: first one version a layer, from the outermost to the input; then
the input layer, and then every layer from the input outwards. After each layer stand three flags and three tensors of
its training, mostly empty; after the first layer also an integer, 1.

    integer  a byte: bit 7 the sign, bits 0 to 3 the count of the bytes that follow, least significant first
    real     two integers, mantissa and binary exponent
    tensor   version 2, four integers (samples, channels, rows, columns), then little-endian float32
    text     its length as an integer, then the bytes

Only layers that dlib's face networks are made of are known; another one is an error that names it. Nothing in a file
can make the reader take more memory than the file is long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from drivers.errors import BadAnswer

Array: TypeAlias = npt.NDArray[np.float32]

_LONGEST_NAME, _MOST_LAYERS, _LONGEST_SIDE, _LARGEST_EXPONENT = 64, 1000, 4096, 900


@dataclass(frozen=True, slots=True)
class Layer:
    """One computing layer. `kind`: `con`, `fc`, `affine`, `relu`, `add_prev`, `max_pool` or `avg_pool`.

    `con`: `weight` (filters, channels, rows, columns) and `bias`; `fc`: `weight` (inputs, outputs) and `bias`, which
    may be empty; `affine`: `weight` is the factor and `bias` the addend of each channel. `window`, `stride` and
    `padding` are (rows, columns); a window of 0 covers everything.
    """

    kind: str
    weight: Array = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)
    bias: Array = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)
    window: tuple[int, int] = (0, 0)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Network:
    """`layers` from the input outwards; the input is RGB, (value − `mean`) / 256, `rows` × `columns` pixels."""

    rows: int
    columns: int
    mean: tuple[float, float, float]
    layers: tuple[Layer, ...]


def read(data: bytes) -> Network:
    """The network in the file `data`. Raises `BadAnswer` saying at which byte it is no such file."""
    return _Reader(data).network()


class _Reader:
    """A place in the file, and what can stand there."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = memoryview(data), 0

    def network(self) -> Network:
        """The whole file."""
        depth = self._versions()
        mean = (self.real(), self.real(), self.real())
        rows, columns = self.integer(), self.integer()
        if not (0 < rows <= _LONGEST_SIDE and 0 < columns <= _LONGEST_SIDE):
            raise self._wrong("an input without a sensible size")
        first = self._layer()
        self.integer()  # how many samples an image becomes: one
        layers = (first, *(self._layer() for _ in range(depth - 1)))
        if self._at != len(self._data):
            raise self._wrong(f"{len(self._data) - self._at} bytes too many")
        return Network(rows, columns, mean, layers)

    def _versions(self) -> int:
        """Read up to the input's mean; returns how many computing layers there are."""
        if self.integer() != 1 or not self.name().startswith("loss_metric"):
            raise self._wrong("no network with a metric loss")
        _ = self.real(), self.real()  # margin and distance of its training
        depth = 1
        for _ in range(_MOST_LAYERS):
            version = self.integer()
            if version == 3:  # the layer upon the input
                break
            if version not in (1, 2):  # 1: a tag or a skip, which computes nothing
                raise self._wrong(f"layer version {version}")
            depth += version == 2
        if self.name() != "input_rgb_image_sized":
            raise self._wrong("an input other than an RGB image of one size")
        return depth

    def _layer(self) -> Layer:
        name = self.name()
        match name:
            case "con_4":
                layer = self._con()
            case "fc_2":
                layer = self._fc()
            case "affine_":
                parameters = self.tensor()
                factor, addend = self._split(parameters, self._shape(), self._shape())
                self.integer()  # for convolutions or for vectors: the same here
                layer = Layer("affine", factor.ravel(), addend.ravel())
            case "max_pool_2" | "avg_pool_2":
                layer = Layer(name[:-2], window=self._pair(), stride=self._steps(), padding=self._pair())
            case "relu_" | "add_prev_":
                layer = Layer(name[:-1])
            case _:
                raise self._wrong(f"a layer {name!r} that no face network of dlib has")
        self._skip_training()
        return layer

    def _con(self) -> Layer:
        parameters = self.tensor()
        filters, window, stride, padding = self.integer(), self._pair(), self._steps(), self._pair()
        weight, bias = self._split(parameters, self._shape(), self._shape())
        self._skip_rates()
        if weight.shape[0] != filters or weight.shape[2:] != window or bias.size != filters:
            raise self._wrong("a convolution whose weights have another shape than it says")
        return Layer("con", weight, bias.ravel(), window, stride, padding)

    def _fc(self) -> Layer:
        outputs, inputs = self.integer(), self.integer()
        parameters = self.tensor()
        weight, bias = self._split(parameters, self._shape(), self._shape())
        self.integer()  # with or without bias: its size says that too
        self._skip_rates()
        if weight.shape != (inputs, outputs, 1, 1) or bias.size not in (0, outputs):
            raise self._wrong("a full layer whose weights have another shape than it says")
        return Layer("fc", weight[:, :, 0, 0], bias.ravel())

    def _skip_rates(self) -> None:
        """Learning rate and weight decay, of weights and of biases."""
        for _ in range(4):
            self.real()

    def _skip_training(self) -> None:
        if not set(self._take(3)) <= set(b"01"):
            raise self._wrong("something other than a layer's end")
        for _ in range(3):
            self.tensor()

    def _steps(self) -> tuple[int, int]:
        stride = self._pair()
        if 0 in stride:
            raise self._wrong("a stride of nothing")
        return stride

    def _split(self, parameters: Array, *shapes: tuple[int, ...]) -> list[Array]:
        """`parameters` in pieces of these shapes, one after the other."""
        sizes = [math.prod(shape) for shape in shapes]
        if sum(sizes) != parameters.size:
            raise self._wrong(f"{parameters.size} parameters where the layer has {sum(sizes)}")
        pieces = np.split(parameters.ravel(), np.cumsum(sizes)[:-1])
        return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def tensor(self) -> Array:
        """Its numbers, as they stand in the file: they live as long as it does."""
        if self.integer() != 2:
            raise self._wrong("no tensor")
        shape = tuple(self._length() for _ in range(4))
        return np.frombuffer(self._take(4 * math.prod(shape)), "<f4").astype(np.float32, copy=False).reshape(shape)

    def _shape(self) -> tuple[int, ...]:
        """The shape of a view into a layer's parameters."""
        if self.integer() != 1:
            raise self._wrong("no shape")
        return tuple(self._length() for _ in range(4))

    def _pair(self) -> tuple[int, int]:
        return self._length(), self._length()

    def _length(self) -> int:
        length = self.integer()
        if length < 0:
            raise self._wrong(f"a length of {length}")
        return length

    def name(self) -> str:
        """A text: the name of a layer."""
        length = self._length()
        if length > _LONGEST_NAME:
            raise self._wrong(f"a name of {length} letters")
        return bytes(self._take(length)).decode("ascii", "replace")

    def real(self) -> float:
        """A number that is not whole."""
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) > _LARGEST_EXPONENT:
            raise self._wrong("a number too large")
        return math.ldexp(mantissa, exponent)

    def integer(self) -> int:
        """A whole number of up to eight bytes."""
        (control,) = self._take(1)
        if control & 0x70 or not 0 < (size := control & 0x0F) <= 8:
            raise self._wrong(f"byte {control:#04x}, which begins no number")
        value = int.from_bytes(self._take(size), "little")
        return -value if control & 0x80 else value

    def _take(self, count: int) -> memoryview:
        if count > len(self._data) - self._at:
            raise self._wrong(f"an end where {count} more bytes must follow")
        self._at += count
        return self._data[self._at - count : self._at]

    def _wrong(self, what: str) -> BadAnswer:
        return BadAnswer(f"no network of dlib: before byte {self._at} of {len(self._data)} stands {what}")
