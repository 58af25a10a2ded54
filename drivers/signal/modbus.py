"""Lamps and a buzzer on the relays of a Modbus RTU board: a stack light, or what hangs on free channels.

    modbus+serial:///dev/gate-relay?red=2&green=3&yellow=4&buzzer=5

The options name channels, from 1; those that aren't given aren't there. A board that drives the turnstile too may be
used by `relay/modbus` at the same time, when both URLs name the same line and speed. Each switch is confirmed by its
echo, and once a second the channels are read and put right. **The board keeps them as they are when the program dies**,
so lamps stay lit and a buzzer may sound until the service is back, which turns them off on connecting. On the channel
of a turnstile this driver would let people in: give each channel to one device.

Device: stack light or lamps on a Modbus RTU relay board
Does: red, green, yellow, buzzer; each cue by colour, rhythm and sound; shares its line with relay and sensor
Tried: simulated board over ptys with split, late, lost and garbled bytes, beside a relay on the same line
Untried: any real board or stack light; several boards on one slow line
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers import _modbus
from drivers._cue_lamps import Lamp, LampSignal
from drivers._modbus import Unit, open_unit
from drivers._modbus_board import ModbusSimulator
from drivers.errors import DriverError, UnknownDevice
from drivers.transport import PtyPort
from drivers.url import DeviceUrl

TRANSPORTS = _modbus.TRANSPORTS
HIGHEST_CHANNEL = 64
OPTIONS: dict[str, str] = {
    **_modbus.OPTIONS,
    **{lamp.value: f"channel of the {lamp} lamp, 1 to 64 (0, none)" for lamp in Lamp if lamp is not Lamp.BUZZER},
    "buzzer": "channel of the buzzer, 1 to 64 (0, none)",
}


class ModbusLamps:
    """Lamps by their channels, which count from 1."""

    def __init__(self, unit: Unit, channels: Mapping[Lamp, int]) -> None:
        self._unit, self._channels = unit, channels
        self._told: dict[Lamp, bool] = {}

    def switch(self, lamps: Mapping[Lamp, bool]) -> None:
        """One after the other; what goes off goes first, so that two colours never meet."""
        for lamp, on in sorted(lamps.items(), key=lambda pair: pair[1]):
            self._unit.write_coil(self._channels[lamp] - 1, on)
            self._told[lamp] = on

    def are_as_told(self) -> bool:
        """Read the channels back."""
        first, last = min(self._channels.values()), max(self._channels.values())
        coils = self._unit.read_coils(first - 1, last - first + 1)
        return all(coils[self._channels[lamp] - first] == on for lamp, on in self._told.items())

    def close(self) -> None:
        """Leave the line to the others."""
        self._unit.close()


def open(url: DeviceUrl) -> LampSignal:
    """Connect, and turn all off."""
    channels = {lamp: url.option(lamp, int, 0, low=0, high=HIGHEST_CHANNEL) for lamp in Lamp}
    channels = {lamp: number for lamp, number in channels.items() if number}
    if not channels:
        raise UnknownDevice(f"{url}: no channel is given; name at least one, such as green=2")
    if len(set(channels.values())) < len(channels):
        raise UnknownDevice(f"{url}: a channel is given twice")
    unit = open_unit(url)
    try:
        return LampSignal(ModbusLamps(unit, channels), channels)
    except DriverError:
        unit.close()
        raise


def simulator(port: PtyPort) -> ModbusSimulator:
    """The board's half on `port`."""
    return ModbusSimulator(port)
