"""A relay whose pulses the host times: close, wait, open, whatever goes wrong. For most of the drivers here.

A host that loses its power or is killed between "close" and "open" can't open. What that means depends on the device:
see the drivers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from drivers.errors import DeviceRefused, DriverError

LONGEST_PULSE_S = 30.0


def check_length(seconds: float) -> None:
    """Raise `DeviceRefused` for a pulse that makes no sense."""
    if not 0 < seconds <= LONGEST_PULSE_S:
        raise DeviceRefused(f"a pulse lasts up to {LONGEST_PULSE_S:g} s, not {seconds!r}")


class Contact(Protocol):
    """What a device can do with its contact. Raises the declared errors of a driver."""

    def switch(self, closed: bool) -> None:
        """Close or open it, and see that it follows, where the device can tell."""

    def is_closed(self) -> bool | None:
        """Whether the device says that it is closed; `None` where it can't tell. Fails when the device is gone."""

    def close(self) -> None:
        """Give the device back. Never raises, may be called twice."""


class HostTimedRelay:
    """`pulse` takes as long as the pulse."""

    times_pulses = False  # so whoever must not wait calls `hold` twice instead

    def __init__(self, contact: Contact, *, wait: Callable[[float], object] = time.sleep) -> None:
        """Takes over `contact` and opens it."""
        self._contact = contact
        self._wait = wait
        self._held = False
        self._closed = False
        self._rest()

    def pulse(self, seconds: float) -> None:
        """Close the contact, wait `seconds`, open it, return. Whatever goes wrong, opening is attempted.

        While the contact is held closed it stays so at the end. Raises `DeviceRefused` beyond `LONGEST_PULSE_S`.
        """
        check_length(seconds)
        try:
            self._contact.switch(True)
            self._wait(seconds)
        finally:
            self._rest()

    def hold(self, closed: bool) -> None:
        """Keep the contact closed or open; where closing fails, opening is attempted before the error leaves."""
        self._held = closed
        try:
            self._rest()
        except BaseException:
            self._held = False
            with suppress(DriverError):
                self._rest()
            raise

    def poll(self) -> None:
        """Look at the contact, and put it right where it isn't as it should be or doesn't say."""
        if self._contact.is_closed() is not self._held:
            self._rest()

    def close(self) -> None:
        """Open the contact and give the device back."""
        if self._closed:
            return
        self._closed = True
        self._held = False
        with suppress(DriverError):
            self._rest()
        self._contact.close()

    def _rest(self) -> None:
        self._contact.switch(self._held)
