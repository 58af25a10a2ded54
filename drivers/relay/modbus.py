"""Relay boards that speak Modbus RTU, on a serial line or behind a serial device server (RTU over TCP).

Every order is confirmed by the board's echo. The echo says that the board has understood, not that the contact moved.

`board=waveshare` has the board time the pulse (Waveshare's flash-on code): a dead host leaves nothing open. Lengths are
whole tenths of a second, rounded up. A pulse is never given twice: where the echo is missing, the coil is read first.

`board=plain` is for boards that know coils alone. **The host times the pulse**: it closes the contact, waits and opens
it. If the host loses power or is killed in between, the contact stays closed until the host is back. On connecting, on
closing and after a pulse that failed the contact is opened, and `poll` opens it where it is found closed at rest. That
leaves a dead host. Against it put the turnstile in pulse mode, where it relocks by itself, or take the other board.

Device: Modbus RTU relay board
Does: Waveshare: pulse timed by the board, echo confirmed; `board=plain`: timed by the host
Tried: simulator, bad wires, pymodbus's server
Untried: a real board
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from drivers import _modbus
from drivers._modbus import Unit, open_unit
from drivers._modbus_board import Change, ModbusSimulator
from drivers.errors import BadAnswer, DeviceTimeout, DriverError
from drivers.relay._host_timed import LONGEST_PULSE_S, HostTimedRelay, check_length
from drivers.transport import PtyPort
from drivers.url import DeviceUrl

__all__ = ["LONGEST_PULSE_S", "Change", "FlashingRelay", "ModbusRelay", "ModbusSimulator", "open", "simulator"]

TRANSPORTS = _modbus.TRANSPORTS
BOARDS = ("waveshare", "plain")
OPTIONS: dict[str, str] = {
    **_modbus.OPTIONS,
    "board": "waveshare: the board times the pulse; plain: the host does (waveshare)",
    "channel": "which relay of the board, 1 to 64 (1)",
}

SHORTEST_PULSE_S = 0.15  # a pulse that gives way to the next lasts at least so long
GAP_S = 0.05  # between two pulses, so that the turnstile sees them both
_SLACK_S = 0.05  # how much later than asked for the board may open


class Coil:
    """One coil of a board, which counts from 0."""

    def __init__(self, unit: Unit, coil: int) -> None:
        self._unit, self._coil = unit, coil

    def switch(self, closed: bool) -> None:
        """Switch; the board's echo confirms it."""
        self._unit.write_coil(self._coil, closed)

    def is_closed(self) -> bool:
        """As the board says."""
        return self._unit.read_coils(self._coil, 1)[0]

    def flash(self, tenths: int) -> None:
        """Have the board close it for so many tenths of a second. Never asked twice."""
        self._unit.flash_on(self._coil, tenths)

    def close(self) -> None:
        """Leave the line."""
        self._unit.close()


class ModbusRelay(HostTimedRelay):
    """A board that knows coils alone. `pulse` takes as long as the pulse, the others a second at worst."""

    def __init__(
        self,
        unit: Unit,
        channel: int = 1,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """Takes over `unit`, opens the contact and reads it back."""
        self._coil = Coil(unit, channel - 1)
        self._clock = clock
        super().__init__(self._coil, wait=wait)
        self.poll()


class FlashingRelay(ModbusRelay):
    """A board that times its pulses. `pulse` returns as soon as the board has confirmed it."""

    times_pulses = True
    _begun = _over = -math.inf  # of the last pulse, on the clock

    def pulse(self, seconds: float) -> None:
        """Have the board close the contact for `seconds`, in tenths rounded up. While held it stays closed.

        A pulse that still runs is cut short, so that the turnstile sees two. Raises `DeviceRefused` beyond
        `LONGEST_PULSE_S`, `DeviceTimeout` or `BadAnswer` where the board doesn't say what it did.
        """
        check_length(seconds)
        if self._held:
            self._rest()
            return
        self._make_room()
        tenths = math.ceil(round(seconds * 10, 6))
        self._begun = self._clock()
        try:
            self._flash(tenths)
        finally:
            self._over = self._clock() + tenths / 10 + _SLACK_S

    def hold(self, closed: bool) -> None:
        """As a plain board; it also ends a pulse that runs."""
        super().hold(closed)
        self._over = -math.inf

    def poll(self) -> None:
        """As a plain board, but a pulse that runs is let be."""
        if self._coil.is_closed() != self._held and self._clock() >= self._over:
            self._rest()

    def _flash(self, tenths: int) -> None:
        try:
            self._coil.flash(tenths)
        except (DeviceTimeout, BadAnswer):
            if self._coil.is_closed():
                return  # the echo alone was lost
            if self._clock() - self._begun > tenths / 10 - _SLACK_S:
                raise  # it may have come and gone: a second one could let a second person in
            self._coil.flash(tenths)

    def _make_room(self) -> None:
        """End the pulse before this one, and leave a gap."""
        if self._clock() >= self._over + GAP_S:
            return
        self._wait(max(0.0, min(self._over, self._begun + SHORTEST_PULSE_S) - self._clock()))
        self._rest()
        self._wait(GAP_S)


def open(url: DeviceUrl) -> ModbusRelay:
    """Connect, and open the contact before anything else."""
    kind = FlashingRelay if url.choice("board", BOARDS, "waveshare") == "waveshare" else ModbusRelay
    channel = url.option("channel", int, 1, low=1, high=64)
    unit = open_unit(url)
    try:
        return kind(unit, channel)
    except DriverError:
        unit.close()
        raise


def simulator(port: PtyPort) -> ModbusSimulator:
    """The board's half on `port`."""
    return ModbusSimulator(port)
