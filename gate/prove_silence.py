"""When nobody has come for a while: are the devices there? Then the lane is quiet. If not, it is dead, and says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from models.proof import Asked

_log = logging.getLogger("gate.prove")


class Silence:
    """Asks after `after_s` seconds without a visitor, and every `after_s` from then on; 0: never.

    `asked` is what came of it, until the next visitor. Belongs to the event loop.
    """

    def __init__(self, after_s: float, ask: Callable[[], Awaitable[Asked]]) -> None:
        self._after_s, self._ask = after_s, ask
        self._since: float | None = None
        self.asked: Asked | None = None
        self.task: asyncio.Task[None] | None = None

    def ends(self, now_mono: float) -> None:
        """Somebody is there: that says more than any question."""
        self._since, self.asked = now_mono, None
        if self.task is not None:
            self.task.cancel()

    def tick(self, now_mono: float, at_rest: bool) -> None:
        """Look at the clock. While the lane is not `at_rest` nobody is asked, and the silence does not grow."""
        if self._since is None or not at_rest:
            self._since = now_mono
        if self._after_s and self.task is None and now_mono - self._since >= self._after_s:
            self._since = now_mono
            self.task = asyncio.get_running_loop().create_task(self._round())

    async def _round(self) -> None:
        try:
            self._tell(await self._ask())
        finally:
            self.task = None

    def _tell(self, asked: Asked) -> None:
        before = self.asked.silent if self.asked else ()
        self.asked = asked
        if asked.silent and asked.silent != before:
            _log.error("nobody comes, and no answer from: %s", ", ".join(asked.silent))
