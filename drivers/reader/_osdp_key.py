"""The key of an OSDP reader (SCBK): where it comes from, and how a new reader is given it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from drivers.errors import UnknownDevice
from drivers.url import DeviceUrl
from models.store.errors import UnsafeKey
from models.store.key_file import read_secret

KEY_BYTES = 16
DEFAULT_KEY = bytes(range(0x30, 0x40))  # SCBK-D, which everybody knows

_log = logging.getLogger("drivers.osdp")


def read_key(url: DeviceUrl) -> bytes:
    """The key in the file that `url` names. Raises `UnknownDevice` for one that is no secret."""
    name = url.options.get("key", "")
    if not name:
        raise UnknownDevice(f"{url}: give key=FILE, a file of mode 0600 with {KEY_BYTES} random bytes")
    try:
        key = read_secret(Path(name), KEY_BYTES)
    except UnsafeKey as error:
        raise UnknownDevice(f"the reader's key: {error}") from error
    if key == DEFAULT_KEY or len(set(key)) == 1:
        raise UnknownDevice(f"{name} holds a key that everybody knows: make one of {KEY_BYTES} random bytes")
    return key


class InstallWindow:
    """The time in which a new reader may be given its key. Opens when made, closes by itself, never opens again."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: float | None = clock() + seconds
        _log.warning("install mode for %g s: a reader may be given its key under the public default key", seconds)

    def is_open(self) -> bool:
        """Whether it still is."""
        if self._ends is not None and self._clock() >= self._ends:
            self.close("its time is over")
        return self._ends is not None

    def close(self, why: str) -> None:
        """For good."""
        if self._ends is not None:
            _log.warning("install mode is over: %s", why)
        self._ends = None


_WINDOWS: dict[str, InstallWindow] = {}


def install_window(reader: str, seconds: float) -> InstallWindow:
    """The one window that `reader` has in this process: connecting again opens no new one."""
    if reader not in _WINDOWS:
        _WINDOWS[reader] = InstallWindow(seconds)
    return _WINDOWS[reader]
