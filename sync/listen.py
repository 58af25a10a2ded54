"""The doorbell's far end: one long request that tells within moments that something concerns this gate."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sync.client import Client
from sync.failures import SyncFailed
from sync.plan import retry_s

_log = logging.getLogger("sync.listen")


class Listener:
    """Calls `ring` at every ring, and after the line broke: then the contact says from where on to listen.

    `hears` says whether a ring would be heard just now.
    """

    def __init__(self, client: Client, ring: Callable[[], None], chance: Callable[[], float]) -> None:
        self._client, self._ring, self._chance = client, ring, chance
        self._met = asyncio.Event()
        self._cursor = 0
        self.hears = False

    def met(self, cursor: int) -> None:
        """A contact came about; what happened up to `cursor` is known."""
        self._cursor = cursor
        self._met.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        while True:
            await self._met.wait()
            try:
                async for cursor in self._client.rings(self._cursor):
                    self.hears, failures = True, 0
                    if cursor is not None:
                        self._ring()
            except SyncFailed as error:
                _log.info("the doorbell broke: %s", error)
            self.hears = False
            self._met.clear()
            failures += 1
            await asyncio.sleep(retry_s(failures, self._chance()))
            self._ring()
