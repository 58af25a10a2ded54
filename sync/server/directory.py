"""Devices by identifier, kept in memory for a moment: claims come by the thousand, keys change once in a while."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from sync.server import tables
from sync.server.database import reading
from sync.server.hub import Hub
from sync.server.many import among
from sync.server.serving import events_of

ENROLLED, REVOKED, REPLACED = "enrolled", "revoked", "replaced"
GONE = (REVOKED, REPLACED)

_MOST_KEPT, _MOST_AT_ONCE = 100_000, 5_000


@dataclass(frozen=True, slots=True)
class Known:
    """What a signature is held against."""

    site: str
    device: str
    kind: str
    name: str
    venue: str
    event: str
    signing_key: bytes
    revoked: bool
    events: frozenset[str] = frozenset()
    """Whose changes concern it: of a venue hub these are several."""


class Directory:
    """A change made by another worker is seen after `KEEP_S`; one made here at once, by `forget`.

    Whoever finds an old entry reads all those anew, in the same statement, that were asked for since the last time;
    whoever finds one that will soon be old has that done aside.
    """

    KEEP_S = 1.0
    RENEW_S = 0.5

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._kept: dict[str, tuple[float, Known | None]] = {}
        self._asked: set[str] = set()
        self._forgotten = 0
        self._reading, self._turn = threading.Lock(), asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None

    async def look_up(self, device: str) -> Known | None:
        """The device, or `None`, without keeping the event loop waiting for the database."""
        if (kept := self._fresh(device)) is not None:
            if self._renewing is None and self._hub.clock() - kept[0] > self.RENEW_S:
                self._renewing = asyncio.create_task(self._renew())
            return kept[1]
        async with self._turn:  # what one finds is mostly what the others wait for
            kept = self._fresh(device)
            return kept[1] if kept is not None else await asyncio.to_thread(self.find, device)

    async def renewed(self) -> None:
        """Return once what is being read aside has been read."""
        if self._renewing is not None:
            await self._renewing

    async def _renew(self) -> None:
        """While claims keep coming nobody has to wait for what is read anew."""
        try:
            await asyncio.to_thread(self._read, (), self.RENEW_S)
        except SQLAlchemyError:  # whoever finds an old entry will say so
            pass
        finally:
            self._renewing = None

    def find(self, device: str) -> Known | None:
        """The device, or `None`."""
        return self.find_all([device])[device]

    def find_all(self, devices: Collection[str]) -> dict[str, Known | None]:
        """Each of `devices`, or `None` in its place."""
        found = {device: self._fresh(device) for device in devices}
        if None in found.values():
            with self._reading:  # whoever waited here finds what the one before has read
                found |= {device: self._fresh(device) for device, kept in found.items() if kept is None}
                if missing := [device for device, kept in found.items() if kept is None]:
                    found |= self._read(missing)
        return {device: kept[1] if kept is not None else None for device, kept in found.items()}

    def forget(self, device: str) -> None:
        """Ask the database again next time."""
        self._forgotten += 1
        self._kept.pop(device, None)

    def _fresh(self, device: str) -> tuple[float, Known | None] | None:
        self._asked.add(device)
        kept = self._kept.get(device)
        return kept if kept is not None and 0 <= self._hub.clock() - kept[0] < self.KEEP_S else None

    def _read(self, missing: Collection[str], older_than_s: float = KEEP_S) -> dict[str, tuple[float, Known | None]]:
        """What is said of `missing`. It is kept too, as long as nobody has it forgotten."""
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        now, kept = self._hub.clock(), self._kept
        old = (device for device in list(self._asked) if device in kept and now - kept[device][0] >= older_than_s)
        again = set(islice(old, _MOST_AT_ONCE)) - set(missing)
        self._asked -= again
        wanted, before = [*missing, *again], self._forgotten
        read: dict[str, tuple[float, Known | None]] = {}
        with reading(self._hub.engine) as connection:
            for start in range(0, len(wanted), _MOST_AT_ONCE):
                some = wanted[start : start + _MOST_AT_ONCE]
                found = _known(connection, some)
                # What changed here meanwhile may have been read before: that is good for this once.
                at = now if self._forgotten == before else now - self.KEEP_S
                read |= {device: (at, found.get(device)) for device in some}
                self._kept |= read
        return {device: read[device] for device in missing}


def _known(connection: Connection, devices: Collection[str]) -> dict[str, Known]:
    row = tables.device
    rows = connection.execute(
        select(row, select(tables.site.c.name).scalar_subquery().label("site")).where(
            among(connection, (row.c.device,), [(device,) for device in devices]),
            row.c.state.in_((ENROLLED, *GONE)),
            row.c.hub.is_(None),  # a gate behind a venue hub speaks to that
        )
    ).all()
    return {row.device: _of(connection, row) for row in rows}


def _of(connection: Connection, row: Any) -> Known:
    event = row.event or ""
    several = events_of(connection, row.device, row.kind) if row.kind == "hub" else {event} - {""}
    gone = row.state in GONE
    return Known(
        row.site, row.device, row.kind, row.name, row.venue, event, bytes(row.signing_key), gone, frozenset(several)
    )


def directory(hub: Hub) -> Directory:
    """The hub's directory; one for each process."""
    kept: Directory | None = hub.memory.get("directory")
    if kept is None:
        kept = hub.memory["directory"] = Directory(hub)
    return kept
