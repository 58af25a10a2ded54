"""GPIO lines, asked for and given back: what `relay/gpio`, `signal/gpio` and `sensor/gpio` stand on.

    gpio:///dev/gpiochip0?line=17            the kernel's chip, through libgpiod 2 (the `gpiod` package)
    gpio+serial:///dev/pts/4?line=17         a bench chip at the end of a wire: see `_gpio_board`

A line goes by its number on the chip or by its name, as `gpioinfo` lists them; it is always the text of the URL here.
Levels are logical: with `active_low` a `True` is a low voltage. Each line belongs to one program at a time.

What a line does when its program ends is the chip's affair. The kernel promises the level only until the file
descriptor closes; then "the state of the line becomes uncontrolled … and may revert to its default state" (Linux,
GPIO_V2_GET_LINE_IOCTL). A bcm2835 to bcm2711 (Raspberry Pi up to 4) under a plain kernel makes it an input again, so
that a pull resistor decides. Raspberry Pi's own kernel **leaves it driven as it was**, unless `dtparam=strict_gpiod`
is set in `config.txt`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

from drivers.url import DeviceUrl

__all__ = ["BIASES", "CONSUMER", "TRANSPORTS", "Bias", "Edge", "Inputs", "Outputs", "open_inputs", "open_outputs"]

TRANSPORTS: tuple[str, ...] = ("", "serial", "tcp", "unix")
CONSUMER = "menshen"
"""What `gpioinfo` shows beside our lines."""

Bias: TypeAlias = Literal["as_is", "off", "up", "down"]
BIASES: tuple[Bias, ...] = ("as_is", "off", "up", "down")

_WHERE = "the path of a GPIO chip, such as /dev/gpiochip0"


class Edge(NamedTuple):
    """A line has changed to `level`. `at_ns` is monotonic time: after the debouncing, where there is any."""

    line: str
    level: bool
    at_ns: int


class Outputs(Protocol):
    """Some lines that we drive."""

    def set(self, levels: Mapping[str, bool]) -> None:
        """Drive the named lines, all at once; the others stay."""

    def levels(self) -> dict[str, bool]:
        """What the chip says of each line: what it was told or what the pin really has, as the chip is made."""

    def close(self) -> None:
        """Give the lines back as they stand. Never raises, may be called twice."""


class Inputs(Protocol):
    """Some lines that we listen to."""

    def wait(self, timeout: float) -> list[Edge]:
        """The edges that came, in their order, after up to `timeout` seconds for the first; empty when none came.

        Raises `BadAnswer` once where edges were lost; those that came with it are kept for the next call.
        """

    def levels(self) -> dict[str, bool]:
        """The level of each line now."""

    def close(self) -> None:
        """Give the lines back. Never raises, may be called twice."""


def open_outputs(url: DeviceUrl, at_rest: Mapping[str, bool], *, active_low: bool = False) -> Outputs:
    """Ask for the lines of `at_rest`, which drive these levels from the first moment on.

    Raises `DeviceRefused` where somebody has a line, naming who; `DeviceLost` where the chip isn't there or may not be
    opened; `UnknownDevice` for a line that the chip hasn't got.
    """
    if not url.transport:
        from drivers._gpio_kernel import KernelOutputs

        return KernelOutputs(url.require_location(_WHERE), at_rest, active_low=active_low)
    from drivers._gpio_wire import FarOutputs, open_chip

    return FarOutputs(open_chip(url), at_rest, active_low=active_low)


def open_inputs(
    url: DeviceUrl, lines: Sequence[str], *, bias: Bias = "as_is", debounce_ms: float = 0, active_low: bool = False
) -> Inputs:
    """Listen to `lines`, both edges. A level counts once it has lasted `debounce_ms`. Raises as `open_outputs`."""
    if not url.transport:
        from drivers._gpio_kernel import KernelInputs

        chip = url.require_location(_WHERE)
        return KernelInputs(chip, lines, bias=bias, debounce_ms=debounce_ms, active_low=active_low)
    from drivers._gpio_wire import FarInputs, open_chip

    return FarInputs(open_chip(url), lines, bias=bias, debounce_ms=debounce_ms, active_low=active_low)
