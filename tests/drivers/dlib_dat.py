"""Small network files as dlib writes them, for tests of what reads them: one residual block that halves its input."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


def whole(value: int) -> bytes:
    """An integer."""
    size = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def text(value: str) -> bytes:
    return whole(len(value)) + value.encode()


def real(value: float) -> bytes:
    """Mantissa of 24 bits and exponent."""
    mantissa, exponent = math.frexp(value)
    return whole(round(mantissa * 2**24)) + whole(exponent - 24)


def tensor(*shape: int, values: Array | None = None) -> bytes:
    numbers = b"" if values is None else values.astype("<f4").tobytes()
    return whole(2) + b"".join(map(whole, shape)) + numbers


def shape(*sizes: int) -> bytes:
    return whole(1) + b"".join(map(whole, sizes))


NO_TENSOR = tensor(0, 0, 0, 0)
END = b"110" + 3 * NO_TENSOR
RATES = 4 * real(1.0)


@dataclass
class Tiny:
    """14 x 14 RGB pixels; 4 filters of 3 x 3 and a pooling by 2, then a block to 6 filters, then 5 features."""

    seed: int = 1
    numbers: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = np.random.default_rng(self.seed)
        self.weights: list[Array] = []

    def file(self) -> bytes:
        """The whole of it."""
        # From the outermost on: fc, avg_pool, relu, add_prev, avg_pool, skip, tag, affine, con, relu, affine, con, tag,
        # max_pool, relu, affine and con; tags and skips are 1.
        versions = [2, 2, 2, 2, 2, 1, 1, 2, 2, 2, 2, 2, 1, 2, 2, 2, 3]
        head = [whole(1), text("loss_metric_2"), real(0.04), real(0.6), *map(whole, versions)]
        image = [text("input_rgb_image_sized"), *map(real, (122.0, 117.0, 104.0)), whole(14), whole(14)]
        stem = [self.con(4, 3, 3, 1), whole(1), self.affine(4), text("relu_") + END, self.pool("max_pool_2", 2)]
        block = [self.con(6, 4, 3, 2), self.affine(6), text("relu_") + END, self.con(6, 6, 3, 1), self.affine(6)]
        rest = [self.pool("avg_pool_2", 2), text("add_prev_") + END, text("relu_") + END]
        last = [self.pool("avg_pool_2", 0), self.fc(6, 5)]
        return b"".join([*head, *image, *stem, *block, *rest, *last])

    def con(self, filters: int, channels: int, side: int, stride: int) -> bytes:
        weight = self._some(filters, channels, side, side)
        bias = self._some(1, filters, 1, 1)
        padding = 1 if stride == 1 and channels != 3 else 0
        parameters = np.concatenate([weight.ravel(), bias.ravel()])
        places = map(whole, (filters, side, side, stride, stride, padding, padding))
        return b"".join(
            [
                text("con_4") + tensor(parameters.size, 1, 1, 1, values=parameters),
                *places,
                shape(*weight.shape) + shape(*bias.shape) + RATES + END,
            ]
        )

    def pool(self, name: str, side: int) -> bytes:
        """A side of 0 covers everything."""
        return text(name) + b"".join(map(whole, (side, side, side or 1, side or 1, 0, 0))) + END

    def affine(self, channels: int) -> bytes:
        both = np.concatenate([self._some(channels), self._some(channels)])
        views = 2 * shape(1, channels, 1, 1)
        return text("affine_") + tensor(both.size, 1, 1, 1, values=both) + views + whole(0) + END

    def fc(self, inputs: int, outputs: int) -> bytes:
        weight = self._some(inputs, outputs)
        views = shape(inputs, outputs, 1, 1) + shape(0, 0, 0, 0)
        sizes = text("fc_2") + whole(outputs) + whole(inputs)
        return sizes + tensor(inputs, outputs, 1, 1, values=weight) + views + whole(1) + RATES + END

    def _some(self, *sizes: int) -> Array:
        made = self.numbers.normal(size=sizes).astype(np.float32)
        self.weights.append(made)
        return made
