"""Keeps a running device's key young: renews it in the last third of its certificate's life, and ends what was begun.

A key that another program has changed (`gatectl renew`) is taken up as soon as the old one is refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from models.store.errors import StoreError
from sync.client import Client
from sync.enrolment import Enrolment, read
from sync.failures import SyncFailed
from sync.renewal import DeviceFiles, due_at, renew

LOOK_S = 60.0
PAUSE_S, LONGEST_PAUSE_S = 60.0, 3600.0

_log = logging.getLogger(__name__)


class Renewer:
    """For one `client`. `now` gives the authority's time, `None` while it is not known; `renewed` hears new papers."""

    def __init__(
        self,
        client: Client,
        files: DeviceFiles | None,
        now: Callable[[], float | None],
        mono: Callable[[], float],
        renewed: Callable[[Enrolment], None],
    ) -> None:
        self._client, self._files, self._now, self._mono, self._renewed = client, files, now, mono, renewed
        self._stir = asyncio.Event()
        self._not_before, self._pause_s = 0.0, PAUSE_S

    def stir(self) -> None:
        """Look now: the time is known, or the key was refused."""
        self._stir.set()

    async def run(self) -> None:
        """Until cancelled. Without files nothing is ever renewed."""
        while self._files is not None:
            await self.look(self._files)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._stir.wait()
            self._stir.clear()

    async def look(self, files: DeviceFiles) -> None:
        """Do what is due. Never raises what a network or a disk says."""
        try:
            self._take_up(files)
            if self._mono() >= self._not_before and self._due(files):
                papers = await renew(self._client, files)
                self._renewed(papers)
                self._pause_s = PAUSE_S
                _log.info("this device has a new key and certificate")
        except (SyncFailed, StoreError, OSError) as error:
            self._not_before = self._mono() + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            _log.warning("this device can't be renewed yet: %s", error)

    def _take_up(self, files: DeviceFiles) -> None:
        key = files.key()
        if not self._client.signer.signs_with(key):
            self._client.signer.change_key(key)
            self._renewed(read(files.folder))

    def _due(self, files: DeviceFiles) -> bool:
        if files.begun:
            return True
        now, due = self._now(), due_at(read(files.folder).certificate)
        return now is not None and due is not None and now >= due
