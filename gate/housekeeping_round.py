"""The gate's own broom: looks at the disk every second, moves old lines out in quiet moments, purges every hour."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.ballast import Ballast, Room
from gate.clock import Clock
from gate.config_beside import Keep
from gate.core.events import Event, StaffNoted
from gate.housekeeping import DAY_S, MANIFEST_NOTE, Kept, kept_files, manifest_receipt, purge_files, signed
from models.keeping import DiskBody, PurgeBody, Purpose
from models.ledger import EntryKind
from models.store.archive import Archived, archive_lines, gone_up_to, oldest_to_go
from models.store.errors import StoreError
from models.store.ledger_db import Ledger
from models.view import Phase

_log = logging.getLogger("gate.housekeeping")

PURGE_S = 3600.0
FIRST_PURGE_S = 30.0
ARCHIVE_S = 5.0
QUIET_S = 20.0
"""Lines move when nobody has been at the lane for so long: it keeps the store busy for a moment."""
IN_NEED_DAYS = 1 / 24
"""On a full disk, what helps nobody to get in goes after an hour."""

T = TypeVar("T")


class Housekeeper:
    """Belongs to the event loop. `ask` has the lane write an entry in its own order, `in_store` asks the stores."""

    def __init__(
        self,
        folder: Path,
        keep: Keep,
        *,
        key: Ed25519PrivateKey,
        ledger: Ledger,
        clock: Clock,
        ask: Callable[[Event], Awaitable[bool]],
        in_store: Callable[[Callable[[], Any]], Awaitable[Any]],
        forget_pins: Callable[[float], int] = lambda _: 0,
    ) -> None:
        self._folder, self._keep, self._key, self._ledger, self._clock = folder, keep, key, ledger, clock
        self._ask, self._in_store, self._forget_pins = ask, in_store, forget_pins
        self.ballast = Ballast(folder, int(keep.ballast_mb) << 20)
        self.archived_lines = 0
        self._told = Room.PLENTY
        now = clock.now().mono
        self._purge_at, self._archive_at, self._busy_at = now + FIRST_PURGE_S, now, now

    async def tick(self, phase: Phase, *, lane_works: bool = True) -> None:
        """Once a second. Never raises what a disk or the stores say."""
        now = self._clock.now().mono
        await self._look_at_disk()
        if phase is not Phase.IDLE:
            self._busy_at = now
        if not lane_works or not self._clock.trusted:
            return
        if now >= self._purge_at:
            self._purge_at = now + PURGE_S
            await self.purge()
        elif now >= self._archive_at and now - self._busy_at >= QUIET_S and self.ballast.spare:
            self._archive_at = now + ARCHIVE_S
            await self._archive()

    @property
    def faults(self) -> tuple[str, ...]:
        """What the screens and the hub are told beside the devices that are lost."""
        return () if self.ballast.room is Room.PLENTY else (f"disk_{self.ballast.room}",)

    def make_room(self) -> None:
        """The ledger took no entry: whatever the reason, space shall not be one. From the store's thread."""
        with suppress(OSError):
            if self.ballast.look() is not Room.TIGHT and self.ballast.free_bytes < self.ballast.size_bytes:
                self.ballast.give_up()

    async def purge(self) -> tuple[PurgeBody, ...]:
        """Take away all whose time is over; the receipts that stand in the ledger now."""
        now = self._clock.wall()
        receipts = [await asyncio.to_thread(purge_files, self._folder, kept, now) for kept in kept_files(self._keep)]
        receipts.append(await asyncio.to_thread(self._purge_pins, now))
        note = self._folder / MANIFEST_NOTE
        gone = await asyncio.to_thread(manifest_receipt, note, now)
        told = [await self._write(receipt) for receipt in receipts if receipt is not None]
        if gone is not None:
            written = await self._write(gone)
            told.append(written)
            if written is not None:  # or it is tried again in an hour
                note.unlink(missing_ok=True)
        told += await self._purge_archives(now)
        return tuple(receipt for receipt in told if receipt is not None)

    async def _purge_archives(self, now: float) -> list[PurgeBody]:
        """The receipt comes first: a file that is missing without one looks like a theft. Ends at the first trouble."""
        older_than, told = now - self._keep.archive_days * DAY_S, list[PurgeBody]()
        while self._keep.archive_days > 0:
            try:
                gone: Archived | None = await self._in_store(lambda: oldest_to_go(self._ledger, older_than))
                if gone is None:
                    break
                if await self._in_store(lambda: gone_up_to(self._ledger)) < gone.last_seq:  # or power was cut here
                    written = await self._write(await asyncio.to_thread(self._receipt_for, gone, older_than, now))
                    if written is None:
                        break
                    told.append(written)
                await asyncio.to_thread(gone.path(self._ledger.path).unlink)
            except (StoreError, OSError) as error:
                _log.error("an old archive of the ledger can't be taken away: %s", error)
                break
        return told

    def _receipt_for(self, gone: Archived, older_than: float, now: float) -> PurgeBody:
        lines, size = gone.last_seq - gone.first_seq + 1, gone.path(self._ledger.path).stat().st_size
        return PurgeBody(Purpose.ARCHIVES, lines, size, older_than, now, gone.sha256.hex(), gone.file)

    def _purge_pins(self, now: float) -> PurgeBody | None:
        ends = now - self._keep.leftovers_days * DAY_S
        count = self._forget_pins(ends)
        return PurgeBody(Purpose.WRONG_PINS, count, 0, ends, now) if count else None

    async def _look_at_disk(self) -> None:
        room = await asyncio.to_thread(self.ballast.look)
        if room is self._told:
            return
        if await self._ask(StaffNoted(EntryKind.DISK, DiskBody(room, self.ballast.free_bytes))):
            self._told = room
        if room is Room.TIGHT:
            await self._give_up_the_optional()

    async def _give_up_the_optional(self) -> None:
        for kept in kept_files(self._keep):
            if kept.purpose is not Purpose.LOGS:  # they may tell why
                less = Kept(kept.purpose, min(kept.days, IN_NEED_DAYS), kept.patterns)
                receipt = await asyncio.to_thread(purge_files, self._folder, less, self._clock.wall())
                if receipt is not None:
                    await self._write(receipt)

    async def _archive(self) -> None:
        now = self._clock.wall()
        older_than = now - self._keep.ledger_days * DAY_S
        try:
            made: Archived | None = await self._in_store(lambda: archive_lines(self._ledger, older_than, now))
        except StoreError as error:
            _log.error("old lines of the ledger can't be moved out: %s", error)
            self._archive_at += PURGE_S
            return
        if made is None:
            self._archive_at += PURGE_S  # nothing more gets old so fast
            return
        lines = made.last_seq - made.first_seq + 1
        self.archived_lines += lines
        await self._write(PurgeBody(Purpose.LEDGER, lines, 0, older_than, now, made.sha256.hex(), detail=made.file))

    async def _write(self, receipt: PurgeBody) -> PurgeBody | None:
        receipt = signed(replace(receipt), self._key, self._ledger.gate, self._ledger.epoch)
        done = await self._ask(StaffNoted(EntryKind.PURGE, receipt))
        _log.info("purged: %s, %d %s", receipt.purpose, receipt.count, "" if done else "(not on record)")
        return receipt if done else None
