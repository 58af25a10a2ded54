"""The shared list on its way into a gate: fetched when the authority tells of a newer one, verified, kept.

It goes on beside everything else that the sync process does, and holds nothing up.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from models.link import Refusal
from models.store.errors import StoreBusy, StoreError, WrongStore
from models.store.vault import DeviceKey
from models.store.watch_db import WatchUpdate, WatchWriter
from models.watch import HeldList
from sync.client import Client, read_all
from sync.contract import VERSION, HeldWatch, Standing
from sync.failures import SyncFailed
from sync.plan import retry_s
from sync.puller import OnDisk
from sync.refusals import BundleRefused, ClockBehind, Expired, NotNext, RolledBack
from sync.watch_fetch import LARGEST_PAGE, Fetched, Receiver, fetch
from sync.wipe import wipe_list

_log = logging.getLogger("sync.list")

LIST = "watch.db"
REFRESH_S = 6 * 3600.0
"""A list that does not change is confirmed so often: unconfirmed for a week it does nothing any more."""

WITHIN_S = 120.0
ASIDE_S, LONGEST_ASIDE_S = 5.0, 600.0


@dataclass(frozen=True, slots=True)
class ListShelf:
    """Where a gate keeps the list. Calls block; each opens the one writing connection and gives it back."""

    folder: Path
    device_key: DeviceKey = field(repr=False)

    def held(self) -> HeldList | None:
        """The list in force. Raises `StoreError`."""
        if not (self.folder / LIST).exists():
            return None
        with self._writer() as writer:
            return writer.state()

    def take(self, fetched: Fetched) -> HeldList:
        """Make what came the list in force. Raises `BundleRefused`, `StoreError`."""
        with self._writer() as writer:
            revision, issued_at = writer.newest(fetched.held.site)
            if fetched.held.revision < revision and fetched.held.issued_at <= issued_at:
                raise RolledBack("the list is older than the one that was held: perhaps somebody sends old pages")
            entries = fetched.entries()
            writer.apply(WatchUpdate(fetched.held, fetched.after, fetched.domains, entries, fetched.removed))
            return fetched.held

    def destroy(self) -> None:
        """No list. Raises `StoreError`, `OSError`."""
        wipe_list(self.folder / LIST)

    @contextmanager
    def _writer(self) -> Iterator[WatchWriter]:
        writer = WatchWriter(self.folder / LIST, self.device_key)
        try:
            yield writer
        finally:
            writer.close()


class WatchPuller:
    """Keeps one gate's list in step. `held` is what lies on the disk; `changed` is called when that is another one."""

    def __init__(
        self,
        client: Client,
        shelf: ListShelf,
        issuers: Mapping[str, bytes],
        on_disk: OnDisk,
        now: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self._client, self._shelf, self._issuers, self._on_disk = client, shelf, issuers, on_disk
        self._now, self._changed = now, changed
        self._met = asyncio.Event()
        self._standing: Standing | None = None
        self._site = ""
        self._whole = False
        self._asides = 0
        self.held: HeldList | None = None
        self.refusals: tuple[Refusal, ...] = ()

    @property
    def told(self) -> HeldWatch | None:
        """What the authority is told of it."""
        held = self.held
        return HeldWatch(held.revision, held.count, held.digest) if held else None

    def met(self, standing: Standing, site: str) -> None:
        """The authority said how things stand."""
        self._standing, self._site = standing, site
        self._met.set()

    async def run(self) -> None:
        """Fetch what is new, until cancelled."""
        await self._look()
        failures = 0
        while True:
            await self._met.wait()
            self._met.clear()
            if not self._wants():
                continue
            try:
                await self._pull()
                failures = 0
            except (SyncFailed, OSError, StoreError, TimeoutError) as error:
                failures += 1
                self._note("interrupted", str(error))
                await self._again_in(retry_s(failures, random.random()))  # noqa: S311 - only to part from others
            except BundleRefused as refused:
                self._refuse(refused)
                await self._again_in(self._aside_s())

    @property
    def goes(self) -> bool:
        """Whether there is a list that has to go: this device was revoked. Where an event was erased it stays."""
        standing = self._standing
        return self.held is not None and standing is not None and standing.wipe and not standing.erased

    async def let_go(self) -> None:
        """Destroy a list that has to go. Raises `StoreError`, `OSError`."""
        if self.goes:
            await self._on_disk(self._shelf.destroy)
            self.held = None

    def _wants(self) -> bool:
        standing, held = self._standing, self.held
        if standing is None or standing.wipe:
            return False
        if held is None:
            return standing.watch_revision > 0
        stale = not 0 <= self._now() - held.issued_at < REFRESH_S
        return self._whole or stale or standing.watch_revision != held.revision or self._site != held.site

    async def _pull(self) -> None:
        held = self.held
        after = held.revision if held and not self._whole and held.site == self._site else 0
        async with asyncio.timeout(WITHIN_S):
            fetched = await fetch(self._ask, Receiver(self._issuers, self._site, self._key), after, self._now)
        if self._standing is None or self._standing.wipe:
            return
        try:
            self.held = await self._on_disk(lambda: self._shelf.take(fetched))
        except WrongStore as error:
            raise NotNext(str(error)) from None
        self._whole, self._asides, self.refusals = False, 0, ()
        if self.held != held:
            _log.info("the list is revision %d now, %d entries", fetched.held.revision, fetched.held.count)
            self._changed()

    @property
    def _key(self) -> DeviceKey:
        return self._shelf.device_key

    async def _ask(self, after: int) -> bytes:
        async with self._client.stream("GET", f"/{VERSION}/gate/watch?after={after}") as response:
            return await read_all(response, LARGEST_PAGE)

    async def _look(self) -> None:
        try:
            self.held = await self._on_disk(self._shelf.held)
        except StoreBusy:
            self._whole = True
        except StoreError as error:
            self._whole = True
            self._note("unreadable", str(error))

    async def _again_in(self, seconds: float) -> None:
        """Wait; then try again, whether somebody rang meanwhile or not."""
        await asyncio.sleep(seconds)
        self._met.set()

    def _aside_s(self) -> float:
        return min(LONGEST_ASIDE_S, ASIDE_S * 2.0 ** min(self._asides - 1, 10)) if self._asides else 0.0

    def _refuse(self, refused: BundleRefused) -> None:
        """What only the clock speaks against is asked for again; everything else, all of it."""
        self._asides += 1
        if not isinstance(refused, ClockBehind | Expired):
            first = isinstance(refused, NotNext) and not self._whole
            self._asides = 0 if first else self._asides  # the whole list is fetched at once
            self._whole = True
        if not any(one.code == refused.code for one in self.refusals):
            _log.error("the list is refused (%s): %s", refused.code, refused)
        self._note(refused.code, str(refused))

    def _note(self, code: str, detail: str) -> None:
        self.refusals = (Refusal("list", code, detail, self._now()),)
