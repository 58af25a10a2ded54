"""A relay on a GPIO line of this computer: `gpio:///dev/gpiochip0?line=17`, or by name, `line=GPIO17`.

The line is asked for at its rest level, so it never flickers on connecting. `active_low=1` is for relay modules whose
input closes the contact when it is pulled low. User and service need the group of the chip (often `gpio`).

**The host times the pulse**, and the line is only as safe as its pin. While the program runs, the contact is opened
after every pulse even when it failed, on connecting and on closing. When the program dies within a pulse, the kernel
gives the line back, and what the pin does then isn't promised (`_gpio_lines` tells what is known):

- The pin becomes an input: it floats, and a pull resistor decides. Fit one, 10 kΩ: to ground, or to the supply with
  `active_low=1`. It also keeps the barrier shut while the computer boots.
- The pin stays driven, as with Raspberry Pi's own kernel: **the contact stays closed until the service is back** and
  asks for the line anew. Put `dtparam=strict_gpiod` into `config.txt`, then a pull resistor decides here too.
- The kernel itself hangs: nothing changes the pin. A hardware watchdog ends that after its time.

Against all of them: put the turnstile in pulse mode, where it relocks by itself whatever the length of the contact, or
a one-shot relay behind the line.

Device: a relay on a GPIO line (libgpiod 2)
Does: pulse timed by the host; line by number or name, active high or low, `readback=1` compares the pin
Tried: simulated chip over ptys with split, late, lost and garbled bytes; what the kernel says of missing chips
Untried: any real chip, the kernel's gpio-sim, what a pin does when the program dies
"""

from __future__ import annotations

from drivers._gpio_board import ChipSimulator
from drivers._gpio_lines import TRANSPORTS, Outputs, open_outputs
from drivers.errors import DeviceRefused, DriverError, UnknownDevice
from drivers.relay._host_timed import LONGEST_PULSE_S, HostTimedRelay
from drivers.transport import PtyPort
from drivers.url import DeviceUrl

__all__ = ["LONGEST_PULSE_S", "OPTIONS", "TRANSPORTS", "ChipSimulator", "HostTimedRelay", "open", "simulator"]

OPTIONS: dict[str, str] = {
    "line": "number or name of the line, as gpioinfo lists it; must be given",
    "active_low": "1 where a low level closes the contact (0)",
    "readback": "1 to compare the pin with what it was told; not every chip can read an output (0)",
}


class GpioContact:
    """A contact on one line."""

    def __init__(self, outputs: Outputs, line: str, *, readback: bool = False) -> None:
        self._outputs, self._line = outputs, line
        self._readback = readback

    def switch(self, closed: bool) -> None:
        """Drive the line. With `readback`, `DeviceRefused` where the pin doesn't follow."""
        self._outputs.set({self._line: closed})
        if self._readback and self.is_closed() is not closed:
            told, said = ("active", "inactive") if closed else ("inactive", "active")
            raise DeviceRefused(
                f"line {self._line} was driven {told} and reads {said}: a short at the pin, or a chip without readback"
            )

    def is_closed(self) -> bool | None:
        """What the pin says, with `readback`; else it is asked all the same, since a chip that is gone then shows."""
        level = self._outputs.levels()[self._line]
        return level if self._readback else None

    def close(self) -> None:
        """Give the line back."""
        self._outputs.close()


def open(url: DeviceUrl) -> HostTimedRelay:
    """Ask for the line, at rest."""
    line = url.option("line", str, "")
    if not line:
        raise UnknownDevice(f"{url}: give the line, as in line=17 or line=GPIO17; gpioinfo lists them")
    active_low, readback = url.option("active_low", bool, False), url.option("readback", bool, False)
    outputs = open_outputs(url, {line: False}, active_low=active_low)
    try:
        return HostTimedRelay(GpioContact(outputs, line, readback=readback))
    except DriverError:
        outputs.close()
        raise


def simulator(port: PtyPort) -> ChipSimulator:
    """A chip with 28 lines on `port`."""
    return ChipSimulator(port)
