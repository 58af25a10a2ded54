"""What can go wrong at a device.

DriverError
├── UnknownDevice      (ValueError)        no such driver, option or address form
├── MissingLibrary     (ImportError)       the driver's library isn't installed; the others work on
├── DeviceLost         (ConnectionError)   unplugged, dead, or never there: connect again
├── DeviceTimeout      (TimeoutError)      it is there and did not answer in time
├── BadAnswer          (ValueError)        bytes that break the protocol
└── DeviceRefused      (RuntimeError)      a well-formed "no": the device names a fault of its own
"""

from __future__ import annotations


class DriverError(Exception):
    """Root of all errors that a driver raises on purpose."""


class UnknownDevice(DriverError, ValueError):
    """The URL names no driver, transport or option that exists."""


class MissingLibrary(DriverError, ImportError):
    """The driver is there, the library it stands on is not."""


class DeviceLost(DriverError, ConnectionError):
    """The device is gone. The pump closes it and connects again."""


class DeviceTimeout(DriverError, TimeoutError):
    """No answer in time."""


class BadAnswer(DriverError, ValueError):
    """Bytes that break the protocol. `card_present` says that a card was being read, so that a visitor waits."""

    def __init__(self, message: str, *, card_present: bool = False) -> None:
        super().__init__(message)
        self.card_present = card_present


class DeviceRefused(DriverError, RuntimeError):
    """The device answered in good form that it cannot."""
