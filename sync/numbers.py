"""The number of a device's last request, kept so that it never falls: at no restart, with no clock that fell back.

A number is not written down each time. The file holds a number that no request has reached yet; after a restart the
numbers go on from there.
"""

from __future__ import annotations

import os
from pathlib import Path

AHEAD = 60_000_000
"""How far ahead the file is: a minute of the clock's microseconds, so about one write a minute."""


class KeptNumber:
    """The file `path`. Raises `OSError`; what is no number counts as none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.kept = self._read()

    def covers(self, number: int) -> bool:
        """Whether there is room for more than a few requests after `number`."""
        return number + AHEAD // 2 <= self.kept

    def reserve(self, number: int) -> None:
        """Durably: no number up to a minute beyond `number` will be used by anybody who starts after this."""
        wanted = max(number + AHEAD, self.kept)
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{wanted}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        _sync_folder(self._path.parent)
        self.kept = wanted

    def _read(self) -> int:
        try:
            return max(0, int(self._path.read_text(encoding="ascii")))
        except (FileNotFoundError, ValueError):
            return 0


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
