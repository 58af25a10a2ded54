"""The thread of a lamp, buzzer or voice: shows the lane's latest cue, and delays nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DriverError
from drivers.interfaces import Signal
from gate.latest_cue import LatestCue
from gate.messages import Post
from gate.pump import BAD_IN_A_ROW
from gate.spare_pump import SparePump
from gate.vitals import Backoff
from models.cue import Cue

_log = logging.getLogger("gate.pump")

POLL_S = 0.1
"""A device with nothing new to show is polled this often: blinking goes on with it, a cue that failed comes again."""


class SignalPump(SparePump[Signal]):
    """Shows what was put last. A fresh connection counts as up when it shows the cue that holds by then.

    At an orderly end the device is left with `Cue.FAULT`: nobody is asked to come to a gate that has gone.
    """

    def __init__(self, name: str, connect: Callable[[], Signal], post: Post, *, backoff: Backoff | None = None) -> None:
        super().__init__(name, connect, post, backoff=backoff)
        self._cue = LatestCue()

    def show(self, cue: Cue) -> None:
        """Let this be shown as soon as the device can; from any thread, at once."""
        self._cue.put(cue)

    def stop(self, timeout_s: float = 5.0) -> bool:
        """As every pump."""
        self._stopping.set()
        self._cue.asked.set()  # wakes the thread
        return super().stop(timeout_s)

    def _greet(self, device: Signal) -> None:
        self._cue.forget_shown()
        self._show_or_poll(device)

    def _serve(self, device: Signal) -> None:
        bad = 0
        while self._goes_on():
            try:
                self._show_or_poll(device)
            except (BadAnswer, DeviceRefused) as error:
                bad += 1
                self._vitals.count_bad()
                _log.warning("%s: %s", self.name, error)
                if bad >= BAD_IN_A_ROW:
                    raise DeviceLost(f"{bad} bad answers in a row, the last: {error}") from error
            else:
                bad = 0
            self._vitals.beat()
            self._cue.asked.wait(POLL_S)
        with suppress(DriverError):
            device.show(Cue.FAULT)

    def _goes_on(self) -> bool:
        """Whether to go on; what is asked for from now on is not waited for."""
        self._cue.asked.clear()
        return not self._stopping.is_set()  # looked at second, for `stop` sets it first

    def _show_or_poll(self, device: Signal) -> None:
        if self._cue.show(device.show):
            self._vitals.count_use()
        else:
            device.poll()
