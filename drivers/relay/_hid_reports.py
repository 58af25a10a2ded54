"""HID reports to and from a relay board: through hidapi, or over the wire of a bench.

hidapi's wheel brings two modules: `hidraw` leaves the kernel's driver in place and calls a board `/dev/hidraw3`; `hid`
goes through libusb. The first is taken where it is there. This user needs to be let in by a udev rule such as

    SUBSYSTEM=="hidraw", ATTRS{idVendor}=="16c0", ATTRS{idProduct}=="05df", GROUP="menshen", MODE="0660"
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from drivers._bench_wire import Asker
from drivers.errors import BadAnswer, DeviceLost, DriverError, MissingLibrary
from drivers.transport import open_transport
from drivers.url import DeviceUrl

VENDOR, PRODUCT = 0x16C0, 0x05DF
"""V-USB's shared numbers: other makers' devices have them too, so the product's name must fit as well."""

FEATURE_SIZE = 9
_PRODUCT_NAME = "USBRelay"


class Reports(Protocol):
    """One HID device. A report's first byte is its number."""

    def send_feature(self, report: bytes) -> None:
        """Set a feature report."""

    def get_feature(self, number: int) -> bytes:
        """Get a feature report."""

    def send(self, report: bytes) -> None:
        """Send an output report."""

    def close(self) -> None:
        """Give the device back. Never raises, may be called twice."""


def library() -> Any:
    """The module of hidapi to use. Raises `MissingLibrary`."""
    for name in ("hidraw", "hid"):
        with suppress(ImportError):
            return importlib.import_module(name)
    raise MissingLibrary("the relay driver 'hid' needs hidapi, which is not installed", name="hidapi")


def paths() -> list[str]:
    """Where relay boards are plugged in. Their names stand in the boards, and must be asked of them."""
    found = library().enumerate(VENDOR, PRODUCT)
    return [one["path"].decode() for one in found if (one["product_string"] or "").startswith(_PRODUCT_NAME)]


class UsbReports:
    """A device that is plugged in."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._device = library().device()
        try:
            self._device.open_path(path.encode())
        except OSError as error:
            raise DeviceLost(
                f"{path} does not open: is it plugged in, and does a udev rule let this user in ({error})?"
            ) from error

    def send_feature(self, report: bytes) -> None:
        """See `Reports.send_feature`."""
        with self._lost():
            self._check(self._device.send_feature_report(report))

    def get_feature(self, number: int) -> bytes:
        """See `Reports.get_feature`."""
        with self._lost():
            return bytes(self._device.get_feature_report(number, FEATURE_SIZE))

    def send(self, report: bytes) -> None:
        """See `Reports.send`."""
        with self._lost():
            self._check(self._device.write(report))

    def close(self) -> None:
        """Give the device back."""
        with suppress(OSError, ValueError):
            self._device.close()

    def _check(self, sent: int) -> None:
        """hidapi's module gives -1 where others would raise."""
        if sent < 0:
            raise OSError(self._device.error() or "not sent")

    @contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: closed meanwhile
            raise DeviceLost(f"{self._path} is gone: {error}") from error


class FarReports:
    """A simulated board at the end of a wire: `set`, `get` and `out` with the reports in hexadecimal digits."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def send_feature(self, report: bytes) -> None:
        """See `Reports.send_feature`."""
        self._asker.ask("set", report.hex())

    def get_feature(self, number: int) -> bytes:
        """See `Reports.get_feature`."""
        try:
            return bytes.fromhex(self._asker.ask("get", f"{number:02x}"))
        except ValueError as error:
            raise error if isinstance(error, DriverError) else BadAnswer("hid board: no report") from error

    def send(self, report: bytes) -> None:
        """See `Reports.send`."""
        self._asker.ask("out", report.hex())

    def close(self) -> None:
        """Give the wire back."""
        self._asker.close()


def open_far(url: DeviceUrl) -> FarReports:
    """The simulated board that `url` names."""
    return FarReports(Asker(open_transport(url, 115200), "hid board"))
