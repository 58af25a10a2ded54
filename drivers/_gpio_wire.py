"""The near half of a bench chip: GPIO lines at the end of a wire. The far half is `_gpio_board`.

It stands in for the kernel, so that drivers of GPIO lines can be tried without a chip. In the words of `_bench_wire`:

    hello                                                   whatever was asked for before is given back
    out 17=0,5=0 menshen            ok 17=0,5=0             drive these lines, from these levels on
    in 22,GPIO27 up 30 menshen      ok 22=1,27=1            listen, with a bias and a debounce time in ms
    set 17=1                        ok
    get                             ok 17=0,5=0             or `no EBUSY line 17 by somebody`
                                    * 1 22 0 81234567890    edge: its number, line, level, monotonic ns

Levels on the wire are those of the pins.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from drivers._bench_wire import Asker
from drivers._gpio_lines import CONSUMER, Bias, Edge
from drivers.errors import BadAnswer, DriverError
from drivers.transport import open_transport
from drivers.url import DeviceUrl


def spell(levels: Mapping[str, bool]) -> str:
    """`17=0,5=1`. Names are percent-encoded, since they may hold anything."""
    return ",".join(f"{quote(line, safe='')}={level:d}" for line, level in levels.items())


def open_chip(url: DeviceUrl) -> Asker:
    """The bench chip at the end of the wire that `url` names."""
    wire = open_transport(url, 115200)
    try:
        chip = Asker(wire, "gpio chip")
        chip.ask("hello")
        return chip
    except DriverError:
        wire.close()
        raise


class _FarLines:
    """Lines of a bench chip, by the names of the URL."""

    def __init__(self, chip: Asker, lines: Iterable[str], claim: Sequence[object], active_low: bool) -> None:
        self._chip, self._active_low = chip, active_low
        try:
            offsets = list(_pairs(chip.ask(*claim, CONSUMER)))
        except DriverError:
            chip.close()
            raise
        self._offsets = dict(zip(lines, offsets, strict=True))
        self._names = {offset: line for line, offset in self._offsets.items()}

    def levels(self) -> dict[str, bool]:
        """See `Outputs.levels` and `Inputs.levels`."""
        pins = _pairs(self._chip.ask("get"))
        return {line: pins[offset] != self._active_low for line, offset in self._offsets.items()}

    def close(self) -> None:
        """Give the lines back."""
        self._chip.close()


class FarOutputs(_FarLines):
    """See `Outputs`."""

    def __init__(self, chip: Asker, at_rest: Mapping[str, bool], *, active_low: bool = False) -> None:
        pins = {line: level != active_low for line, level in at_rest.items()}
        super().__init__(chip, at_rest, ("out", spell(pins)), active_low)

    def set(self, levels: Mapping[str, bool]) -> None:
        """See `Outputs.set`."""
        self._chip.ask("set", spell({self._offsets[line]: level != self._active_low for line, level in levels.items()}))


class FarInputs(_FarLines):
    """See `Inputs`."""

    def __init__(
        self, chip: Asker, lines: Sequence[str], *, bias: Bias, debounce_ms: float, active_low: bool = False
    ) -> None:
        names = ",".join(quote(line, safe="") for line in lines)
        super().__init__(chip, lines, ("in", names, bias, f"{debounce_ms:g}"), active_low)
        self._sequence = 0
        self._kept: list[Edge] = []

    def wait(self, timeout: float) -> list[Edge]:
        """See `Inputs.wait`."""
        edges, self._kept = self._kept, []
        if edges:
            return edges
        ends = time.monotonic() + timeout
        self._chip.hear(0.0)
        while not self._chip.events and (left := ends - time.monotonic()) > 0:
            self._chip.hear(left)
        events, self._chip.events = self._chip.events, []
        lost = 0
        for number, offset, level, at_ns in events:
            lost += int(number) - self._sequence - 1
            self._sequence = int(number)
            edges.append(Edge(self._names[offset], (level == "1") != self._active_low, int(at_ns)))
        if lost:
            self._kept = edges
            raise BadAnswer(f"gpio chip: {lost} edges were lost on the way")
        return edges


def _pairs(text: str) -> dict[str, bool]:
    """The other way round from `spell`."""
    return {line: level == "1" for line, _, level in (pair.partition("=") for pair in text.split(","))}
