"""The gate's end of the sync process's socket: claims out, answers in, and what the authority says of ledger and time.

Nothing here ever holds the lane up. Without a connection, a claim has no answer at once, and the ledger's growth is
told to nobody: the sync process looks for itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from models import wire
from models.decision import ClaimAnswer
from models.link import Ask, FromGate, FromSync, LaneWord, Reach, Told
from models.view import LaneView

_log = logging.getLogger("gate.claims")

AGAIN_S = 0.5
MOST_LINE = 65_536
MOST_BACKLOG = 1 << 16


def lane_word(view: LaneView, faults: tuple[str, ...], counts: Mapping[str, int], clock_trusted: bool) -> LaneWord:
    """What of the lane's state the supervisor's page shows."""
    return LaneWord(view.phase, view.mode, faults, dict(counts), clock_trusted)


class Authority(Protocol):
    """Whoever knows of uses elsewhere, as the lane needs it."""

    async def ask(self, ask: Ask) -> Told:
        """The answer; `NO_ANSWER` where nobody can be asked."""

    def wrote(self, seq: int) -> None:
        """The ledger has grown to entry `seq`."""


class Nobody:
    """The authority of a gate that works alone."""

    async def ask(self, ask: Ask) -> Told:
        """No answer, at once."""
        return Told(ask.claim, ClaimAnswer.NO_ANSWER)

    def wrote(self, seq: int) -> None:
        """Nobody wants to know."""


class SyncLink:
    """The connection to the sync process, made again whenever it breaks. Belongs to the event loop's thread.

    `heard` is called with everything that is no answer. `limit_s` ends the waiting for one.
    """

    def __init__(self, path: Path, heard: Callable[[FromSync], None], limit_s: float = 1.0) -> None:
        self._path, self._heard, self._limit_s = path, heard, limit_s
        self._writer: asyncio.StreamWriter | None = None
        self._asked: dict[str, asyncio.Future[Told]] = {}
        self._lane: LaneWord | None = None
        self._hangs = False  # it let a claim wait, and has said nothing since
        self.reach: Reach | None = None  # None: no sync process is there

    async def run(self) -> None:
        """Be connected whenever that is possible, until cancelled."""
        while True:
            with suppress(OSError):
                await self._serve()
            await asyncio.sleep(AGAIN_S)

    async def ask(self, ask: Ask) -> Told:
        """The authority's answer to `ask`."""
        nobody = Told(ask.claim, ClaimAnswer.NO_ANSWER)
        if self._hangs or self.reach in (None, Reach.ALONE) or not self._say(FromGate(ask=ask)):
            return nobody
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._asked[ask.claim] = answer
        try:
            async with asyncio.timeout(self._limit_s):
                return await answer
        except TimeoutError:
            # It answers within 0.3 s whatever its authority does. The next visitors shall not wait for it in vain.
            self._hangs = True
            return nobody
        finally:
            self._asked.pop(ask.claim, None)

    def wrote(self, seq: int) -> None:
        """Ring: there is something to send."""
        self._say(FromGate(wrote=seq))

    def show(self, lane: LaneWord) -> None:
        """Tell how the lane stands, when that has changed."""
        if lane != self._lane and self._say(FromGate(lane=lane)):
            self._lane = lane

    def _say(self, word: FromGate) -> bool:
        writer = self._writer
        if writer is None or writer.is_closing():
            return False
        if writer.transport.get_write_buffer_size() > MOST_BACKLOG:
            writer.transport.abort()  # a process that doesn't read is none
            return False
        writer.write(wire.to_json(word) + b"\n")
        return True

    async def _serve(self) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self._path), limit=MOST_LINE)
        self._writer, self._lane, self._hangs = writer, None, False
        _log.info("the sync process is there")
        try:
            async for line in reader:
                self._take(line)
        except ValueError:
            _log.warning("the sync process sent a line of more than %d bytes", MOST_LINE)
        finally:
            self._writer = self.reach = None
            writer.close()
            self._answer_all()
            _log.warning("the sync process is gone")

    def _take(self, line: bytes) -> None:
        try:
            word = wire.from_json(FromSync, line)
        except wire.WireError as error:
            _log.warning("the sync process said what can't be read: %s", error)
            return
        self._hangs = False
        if word.told is not None:
            waiting = self._asked.get(word.told.claim)
            if waiting is not None and not waiting.done():
                waiting.set_result(word.told)
        if word.reach is not None:
            self.reach = word.reach
        self._heard(word)

    def _answer_all(self) -> None:
        for claim, waiting in self._asked.items():
            if not waiting.done():
                waiting.set_result(Told(claim, ClaimAnswer.NO_ANSWER))
