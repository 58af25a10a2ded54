"""Before a disk is full: a file that only takes up space, and is given up for the ledger when there is no other.

| what is free                | `Room`   | what is done                                                        |
|-----------------------------|----------|---------------------------------------------------------------------|
| enough                      | `PLENTY` | the ballast is laid                                                 |
| less than `LOW_BYTES`       | `LOW`    | an alarm                                                            |
| less than half the ballast  | `TIGHT`  | an alarm; the ballast is given up, nothing but the ledger is written|

After `TIGHT` the ballast is laid again when there is room for it and as much again. Whoever fills the disk can fill the
ballast's place as well: it is time for a person, not a cure.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

_log = logging.getLogger("gate.ballast")

LOW_BYTES = 512 << 20
LOW_SHARE = 0.05
"""A small card is low on space by its own measure."""


class Room(StrEnum):
    """How much space is left for the lane."""

    PLENTY = "plenty"
    LOW = "low"
    TIGHT = "tight"


class Ballast:
    """The file `ballast` in `folder`. From any thread."""

    def __init__(
        self, folder: Path, size_bytes: int, statvfs: Callable[[Path], os.statvfs_result] = os.statvfs
    ) -> None:
        self.path, self.size_bytes = folder / "ballast", size_bytes
        self._statvfs = statvfs
        self._one = threading.RLock()
        self.room = Room.PLENTY
        self.free_bytes = self.total_bytes = 0

    @property
    def spare(self) -> bool:
        """Whether anything but the ledger may be written."""
        return self.room is not Room.TIGHT

    def look(self) -> Room:
        """Measure, and give up the ballast or lay it, as the space is. Never raises what a disk says."""
        with self._one:
            return self._look()

    def _look(self) -> Room:
        try:
            self._measure()
        except OSError as error:
            _log.error("the free space can't be measured: %s", error.strerror)
            return self.room
        if self.free_bytes < self.size_bytes // 2:
            self.give_up()
        elif self.room is not Room.TIGHT or self.free_bytes >= 2 * self.size_bytes:
            self._lay()
            low = min(LOW_BYTES, max(self.size_bytes, int(self.total_bytes * LOW_SHARE)))
            self._become(Room.LOW if self.free_bytes < low else Room.PLENTY)
        return self.room

    def give_up(self) -> None:
        """Free the ballast's space now: the ledger found none."""
        with self._one:
            with suppress(FileNotFoundError):
                self.path.unlink()
            self._become(Room.TIGHT)

    def _become(self, room: Room) -> None:
        if room is not self.room:
            level = {Room.PLENTY: logging.WARNING, Room.LOW: logging.ERROR, Room.TIGHT: logging.CRITICAL}[room]
            _log.log(level, "space on the disk: %s, %d MiB free", room, self.free_bytes >> 20)
            self.room = room

    def _measure(self) -> None:
        told = self._statvfs(self.path.parent)
        self.free_bytes, self.total_bytes = told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize

    def _lay(self) -> None:
        """Take up the space, where that leaves as much again. A part of it is of no use."""
        have = self.path.stat().st_size if self.path.exists() else 0
        if have >= self.size_bytes or self.free_bytes < 2 * self.size_bytes:
            return
        try:
            with self.path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, self.size_bytes)
                os.fsync(file.fileno())
            self._measure()
        except OSError as error:
            _log.warning("no ballast can be laid: %s", error.strerror)
            self.path.unlink(missing_ok=True)
