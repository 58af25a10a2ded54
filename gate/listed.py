"""The shared list at the lane: who presents a listed document, and the sheets by which listed faces are searched for.

Documents are looked up on the disk, in each domain. Templates are held in memory: when the list changes, sheets are
made anew in a thread of their own, a little at a time, and the lane goes on with the old ones meanwhile. A list that is
too old or can't be opened does nothing; then `state` says so, and a look-up is answered without it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gate.core.watch import Index, index
from models.ids import DocumentType
from models.store.errors import StoreError
from models.store.vault import DeviceKey
from models.store.watch_db import WatchReader
from models.watch import HeldList, ListState, WatchEntry

_log = logging.getLogger("gate.listed")

BATCH, PAUSE_S = 100, 0.004
"""So many entries are opened in one go, then the lane has the processor: a list of 100,000 takes seconds."""


@dataclass(frozen=True, slots=True)
class _Faces:
    """The sheets of a list, and which list that is."""

    held: HeldList | None
    sheets: Index


class SharedList:
    """What a gate holds of the list. `find` and `refresh` belong to the store thread, `faces` and `state` to anybody.

    `wall` gives Unix seconds. `gate` is the lane's name: who is listed at other entrances alone is not held in memory.
    """

    def __init__(self, path: Path, device_key: DeviceKey, gate: str, wall: Callable[[], float]) -> None:
        self._gate, self._wall = gate, wall
        self._reader, self._slow_reader = WatchReader(path, device_key), WatchReader(path, device_key)
        self._faces = _Faces(None, {})
        self._held: HeldList | None = None
        self._useless: HeldList | None = None  # a list that could not be opened: it is not tried again
        self._fault = ""
        self._stop = threading.Event()
        self._work: threading.Thread | None = None

    def find(self, document: DocumentType, number: str) -> tuple[WatchEntry, ...]:
        """The entries about the holder of a document; none where the list can't be asked or is too old."""
        try:
            held = self._reader.state()
            found = self._reader.find(document, number) if held is not None and self._is_fresh(held) else ()
        except StoreError as error:
            self._fail(error)
            return ()
        return found

    def faces(self) -> Index:
        """The sheets to search now; none of a list that is too old."""
        faces = self._faces
        return faces.sheets if faces.held is not None and self._is_fresh(faces.held) else {}

    def state(self) -> ListState | None:
        """What a screen may say of the list; `None` where there is none and never was."""
        if self._held is None and not self._fault:
            return None
        held = self._held
        entries, revision, until = (held.count, held.revision, held.expires_at) if held else (0, 0, 0.0)
        works = not self._fault and held is not None and self._is_fresh(held)
        return ListState(entries, revision, until, works, self._fault)

    def refresh(self) -> None:
        """Look whether another list has come, and begin to make its sheets. Never waits for them."""
        try:
            self._held = self._reader.state()
        except StoreError as error:
            self._fail(error)
            return
        if self._held is not None and self._held == self._useless:
            return
        self._fault, self._useless = "", None
        if self._held == self._faces.held or (self._work is not None and self._work.is_alive()):
            return
        if self._held is None:
            self._faces = _Faces(None, {})
            return
        self._work = threading.Thread(target=partial(self._make, self._held), name="listed", daemon=True)
        self._work.start()

    def settle(self, timeout_s: float = 60.0) -> None:
        """Wait until sheets under way are made."""
        if self._work is not None:
            self._work.join(timeout_s)

    def close(self) -> None:
        """End what is under way, and give the file back."""
        self._stop.set()
        self.settle()
        self._reader.close()
        self._slow_reader.close()

    def _make(self, held: HeldList) -> None:
        try:
            secrets = self._slow_reader.secrets()
            sheets = index(self._countable(), secrets)
        except StoreError as error:
            self._useless = held
            self._fail(error)
            return
        if not self._stop.is_set():
            self._faces = _Faces(held, sheets)

    def _countable(self) -> Iterator[WatchEntry]:
        """The entries that may count at this gate, a few at a time."""
        now = self._wall()
        for number, entry in enumerate(self._slow_reader.walk(BATCH)):
            if number % BATCH == 0 and self._stop.wait(PAUSE_S):
                return
            if entry.valid_to >= now and (not entry.entrances or self._gate in entry.entrances):
                yield entry

    def _is_fresh(self, held: HeldList) -> bool:
        return self._wall() <= held.expires_at

    def _fail(self, error: StoreError) -> None:
        if str(error) != self._fault:
            _log.error("the shared list does nothing: %s", error)
        self._fault = str(error)
