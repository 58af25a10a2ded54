"""Pumps of devices that the lane can do without: lost, hung or broken, they are told of, and nothing else happens."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from drivers.errors import DriverError
from drivers.interfaces import Device, PassageSensor
from gate.messages import DeviceDown, DeviceHealth, DeviceUp, Post
from gate.pump import HANG_S, Pump, SensorPump
from gate.vitals import Backoff, bare_trace
from models.passage import SensorSignal, SignalKind

_log = logging.getLogger("gate.pump")

D = TypeVar("D", bound=Device)


class SparePump(Pump[D]):
    """A bug in its driver ends this device until the gate starts anew, and not the process, as it would elsewhere.

    Nor does a driver that hangs: `look_for_hang` is to be called about once a second, and tells of it as of a loss.
    """

    def __init__(self, name: str, connect: Callable[[], D], post: Post, *, backoff: Backoff | None = None) -> None:
        super().__init__(name, connect, post, backoff=backoff)
        self._hung_s = 0.0  # belongs to the caller of `look_for_hang`

    def health(self) -> DeviceHealth:
        """As every pump; a device that hangs is down."""
        health = super().health()
        return replace(health, up=False, why=self._hangs()) if health.up and self._hung_s else health

    def look_for_hang(self, now_mono: float | None = None) -> None:
        """Tell when the driver begins to hang, and when it goes on."""
        health = super().health()
        silent_s = (time.monotonic() if now_mono is None else now_mono) - health.beat_mono
        was_hung, self._hung_s = bool(self._hung_s), silent_s if health.up and silent_s > HANG_S else 0.0
        if self._hung_s and not was_hung:
            _log.error("%s: %s", self.name, self._hangs())
            self._post(DeviceDown(self.name, self._hangs()))
        elif was_hung and health.up:
            self._post(DeviceUp(self.name))

    def _hangs(self) -> str:
        return f"the driver has hung for {self._hung_s:.0f} s"

    def _die(self, error: Exception) -> None:
        _log.critical("%s: it stays away until the gate starts anew:\n%s", self.name, bare_trace(error))
        self._fall(f"its driver met an error of its own, {type(error).__name__}; it needs a new start")


class InputPump(SparePump[PassageSensor], SensorPump):
    """A further sensor, for fire, tamper, a cabinet's door or a second person. Nobody waits for what it sees.

    A turn is left out: it would settle a release that the passage sensor has not seen, or accuse somebody of an
    intrusion, and the likeliest cause is a wire or an option (`turn_in` has a default) of the wrong box.
    """

    _turned = False

    def _take(self, item: object, at_mono: float) -> None:
        if not isinstance(item, SensorSignal) or item.kind is not SignalKind.TURNED:
            super()._take(item, at_mono)
        elif not self._turned:
            self._turned = True
            _log.warning("%s: tells of turns, which are the passage sensor's alone; they are passed over", self.name)

    def _misread(self, error: DriverError) -> None:
        _log.warning("%s: %s", self.name, error)
