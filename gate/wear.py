"""How much each device has done since it was installed: counts for whoever orders the spare parts.

Kept in a small file beside the ledger, whole or not at all, written once a minute and at the end. What was done in a
minute that ended with a power cut is lost; these are no evidence, and cost the lane nothing.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gate.messages import DeviceHealth
from models import wire
from models.store.errors import StoreError, StoreFailed, WrongStore
from models.wire import WireError

_log = logging.getLogger("gate.wear")


@dataclass(frozen=True, slots=True)
class Wear:
    """What one device has done since `since` (Unix seconds). `uses` as in `DeviceHealth`."""

    since: float
    uses: int = 0
    errors: int = 0
    reconnects: int = 0


class WearBook:
    """The file `wear.json` in `folder`. Any process may read and change it; changes wait for each other."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "wear.json"

    def read(self) -> dict[str, Wear]:
        """What is written of each device; nothing before the first time. Raises `StoreFailed` and `WrongStore`."""
        try:
            return wire.from_json(dict[str, Wear], self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreFailed(f"{self.path} can't be read: {error.strerror}") from error
        except WireError as error:
            raise WrongStore(f"{self.path} is no list of devices: {error}") from error

    def change(self, how: Callable[[dict[str, Wear]], dict[str, Wear]]) -> dict[str, Wear]:
        """Write what `how` makes of what is written, and return it. Raises as `read`."""
        with self._alone():
            made = how(self.read())
            self._write(made)
        return made

    def begin_anew(self, device: str, at: float) -> None:
        """A new device was put in the place of the old one. `KeyError` when nothing was counted of it."""

        def zero(known: dict[str, Wear]) -> dict[str, Wear]:
            if device not in known:
                raise KeyError(device)
            return known | {device: Wear(at)}

        self.change(zero)

    def set_aside(self) -> Path:
        """Make room where the file can't be understood. Returns where it lies now; raises `StoreFailed`."""
        try:
            return self.path.replace(self.path.with_suffix(".unreadable"))
        except OSError as error:
            raise StoreFailed(f"{self.path} can't be moved away: {error.strerror}") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with self.path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise StoreFailed(f"{self.path} can't be written: {error.strerror}") from error

    def _write(self, devices: dict[str, Wear]) -> None:
        draft = self.path.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(wire.to_json(devices))
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave an empty file of the right name
        draft.replace(self.path)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the book held when it was last looked at, and which of the pumps' counts were in it by then."""

    written: dict[str, Wear]
    counted: dict[str, DeviceHealth]


class WearMeter:
    """Adds what the pumps of this process count to the book; from any thread."""

    def __init__(self, book: WearBook) -> None:
        self._book = book
        self._known = _Known({}, {})
        self._fault = ""
        self._writing = threading.Lock()  # two at once would add the same counts twice

    def of(self, health: DeviceHealth) -> Wear:
        """One device's counts in all, as far as the book could be read."""
        known = self._known
        return _sum(known.written.get(health.name, Wear(0.0)), health, known.counted.get(health.name))

    def write(self, healths: Iterable[DeviceHealth], at: float) -> None:
        """Bring the book up to date. What fails is logged once and tried again the next time; nothing is lost by it."""
        try:
            with self._writing:
                self._write({health.name: health for health in healths}, at)
            self._fault = ""
        except StoreError as error:
            if str(error) != self._fault:
                _log.error("the wear of the devices is not written: %s", error)
            self._fault = str(error)

    def _write(self, now: dict[str, DeviceHealth], at: float) -> None:
        counted = self._known.counted

        def add(known: dict[str, Wear]) -> dict[str, Wear]:
            return known | {name: _sum(known.get(name, Wear(at)), one, counted.get(name)) for name, one in now.items()}

        try:
            written = self._book.change(add)
        except WrongStore as error:
            _log.error("%s; it lies in %s now, and counting begins anew", error, self._book.set_aside())
            written = self._book.change(add)
        self._known = _Known(written, now)


def _sum(wear: Wear, health: DeviceHealth, counted: DeviceHealth | None) -> Wear:
    """`wear` and what `health` has beyond what was `counted` already."""
    before = counted or DeviceHealth(health.name)
    return replace(
        wear,
        uses=wear.uses + health.uses - before.uses,
        errors=wear.errors + health.bad_answers - before.bad_answers,
        reconnects=wear.reconnects + health.reconnects - before.reconnects,
    )
