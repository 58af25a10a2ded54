"""Lamps and a buzzer on GPIO lines: `gpio:///dev/gpiochip0?red=5&green=6&yellow=13&buzzer=19`.

Lines go by number or name, and those that aren't given aren't there: one green lamp alone is a signal too. A pin drives
a few milliamperes, so put transistors or a relay module between; `active_low=1` is for modules that switch on at low.
All lines are asked for at once, dark. When the program dies the lamps go dark or stay as they were: see `_gpio_lines`.

Device: lamps and a buzzer on GPIO lines (libgpiod 2)
Does: red, green, yellow, buzzer; each cue by colour, rhythm and sound
Tried: simulated chip over ptys with split, late, lost and garbled bytes
Untried: any real chip, the kernel's gpio-sim
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers._cue_lamps import Lamp, LampSignal
from drivers._gpio_board import ChipSimulator
from drivers._gpio_lines import TRANSPORTS, Outputs, open_outputs
from drivers.errors import DriverError, UnknownDevice
from drivers.transport import PtyPort
from drivers.url import DeviceUrl

__all__ = ["OPTIONS", "TRANSPORTS", "GpioLamps", "open", "simulator"]

OPTIONS: dict[str, str] = {
    **{lamp.value: f"line of the {lamp} lamp (none)" for lamp in Lamp if lamp is not Lamp.BUZZER},
    "buzzer": "line of the buzzer (none)",
    "active_low": "1 where a low level is on (0)",
}


class GpioLamps:
    """Lamps by the lines they hang on."""

    def __init__(self, outputs: Outputs, lines: Mapping[Lamp, str]) -> None:
        self._outputs, self._lines = outputs, lines

    def switch(self, lamps: Mapping[Lamp, bool]) -> None:
        """All in one step."""
        self._outputs.set({self._lines[lamp]: on for lamp, on in lamps.items()})

    def are_as_told(self) -> bool:
        """Not every chip can read an output: this only shows whether the chip is there."""
        self._outputs.levels()
        return True

    def close(self) -> None:
        """Give the lines back."""
        self._outputs.close()


def open(url: DeviceUrl) -> LampSignal:
    """Ask for the lines, dark."""
    lines = {lamp: url.options[lamp] for lamp in Lamp if url.options.get(lamp)}
    if not lines:
        raise UnknownDevice(f"{url}: no line is given; name at least one, such as green=6")
    if len(set(lines.values())) < len(lines):
        raise UnknownDevice(f"{url}: a line is given twice")
    active_low = url.option("active_low", bool, False)
    outputs = open_outputs(url, dict.fromkeys(lines.values(), False), active_low=active_low)
    try:
        return LampSignal(GpioLamps(outputs, lines), lines)
    except DriverError:
        outputs.close()
        raise


def simulator(port: PtyPort) -> ChipSimulator:
    """A chip with 28 lines on `port`."""
    return ChipSimulator(port)
