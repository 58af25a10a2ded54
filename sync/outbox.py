"""The ledger on its way out: what is written, what the authority holds, and one batch after the other in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.link import Refusal
from models.store.errors import StoreError
from models.store.ledger_lost import say_lost
from models.store.ledger_read import read_ledger
from sync.client import Client
from sync.contract import LedgerBatch, LedgerState
from sync.failures import Garbled, RefusedBy, Revoked
from sync.push import MOST_LINES, next_batch

SET_ASIDE_S = 60.0
MOST_REFUSALS = 20

OnDisk = Callable[[Callable[[], Any]], Awaitable[Any]]


class Outbox:
    """The gate's `ledger`, read anew at every look: the file may be set aside for a fresh one at any time.

    `acknowledged` is `None` until the authority has said how much of this epoch it holds.
    """

    def __init__(
        self, client: Client, ledger: Path, on_disk: OnDisk, mono: Callable[[], float], now: Callable[[], float]
    ) -> None:
        self._client, self._ledger, self._on_disk, self._mono, self._now = client, ledger, on_disk, mono, now
        self.epoch, self.written, self.hash = "", 0, ""
        self.acknowledged: int | None = None
        self.not_before = 0.0
        self.wants_contact = False
        self.refusals: tuple[Refusal, ...] = ()
        self._limit, self._seals = MOST_LINES, True
        self._gap_at: int | None = None
        self._back = 0  # how many lines that the authority holds are sent once more, to be compared

    @property
    def state(self) -> LedgerState | None:
        """What the authority is told of it; `None` while there is no ledger."""
        return LedgerState(self.epoch, self.written, self.hash) if self.epoch else None

    async def look(self) -> None:
        """See how far the ledger reaches. One that can't be read counts as it was."""
        try:
            epoch, written, hash_ = await self._on_disk(self._read_state)
        except StoreError as error:
            if self._ledger.exists():  # before the gate's first start there is none
                self._note("ledger", "unreadable", str(error))
            return
        self.refusals = tuple(one for one in self.refusals if one.code != "unreadable")
        if epoch != self.epoch:
            self.acknowledged = None
            self.wants_contact = True
        self.epoch, self.written, self.hash = epoch, written, hash_

    def take_mark(self, told: LedgerState | None, acknowledged: int) -> bool:
        """What the authority says it holds of the epoch that was `told`; it may be less than before. Is it news?"""
        if told is None or told.epoch != self.epoch:
            return False
        news = acknowledged != self.acknowledged
        self.acknowledged = acknowledged
        self.refusals = tuple(one for one in self.refusals if one.code != "lost")
        if acknowledged > told.seq:
            self._note("ledger", "lost", say_lost((told.seq + 1, acknowledged)))
        return news

    async def push(self) -> bool:
        """Send the next batch; whether the authority holds more now. Raises `Unreachable`, `Garbled`, `Revoked`."""
        assert self.acknowledged is not None
        try:
            after = max(0, self.acknowledged - self._back)
            batch: LedgerBatch | None = await self._on_disk(lambda: self._read_batch(after))
        except StoreError as error:
            self._set_aside("unreadable", str(error))
            return False
        if batch is None or batch.epoch != self.epoch:
            self.wants_contact = True
            self.not_before = self._mono() + 1.0
            return False
        try:
            receipt = await self._client.send(batch)
        except Revoked:
            raise
        except RefusedBy as refused:
            self._give_way(refused, batch)
            return False
        if receipt.epoch != batch.epoch or receipt.acknowledged < batch.lines[-1].seq:
            raise Garbled("the authority's receipt is not for the lines that were sent")
        self.acknowledged = min(receipt.acknowledged, self.written)
        self._limit, self._seals, self._back, self._gap_at = MOST_LINES, True, 0, None
        return True

    def _give_way(self, refused: RefusedBy, batch: LedgerBatch) -> None:
        """A gap: the next contact tells from where on; where it is the same place, our line there is another one, and
        the lines before it go once more, for the authority to name the first. What it won't take is sent smaller, or
        without seals.
        """
        if refused.code == "replayed":
            self.not_before = self._mono() + 0.5  # the next one has a higher number
            return
        if refused.code == "gap":
            self._back = MOST_LINES if self._gap_at == self.acknowledged else 0
            self._gap_at = self.acknowledged
            self.wants_contact = True
            self.not_before = self._mono() + 1.0
        elif refused.code == "bad_seal" and batch.seals:
            self._note("seals", refused.code, refused.detail)
            self._seals = False
        elif (refused.status == 413 or refused.code == "too_large") and len(batch.lines) > 1:
            self._limit = max(1, len(batch.lines) // 2)
        else:
            self._back = 0
            self._set_aside(refused.code, f"{refused.detail}; the authority holds lines up to {self.acknowledged}")

    def _set_aside(self, code: str, detail: str) -> None:
        self._note("ledger", code, detail)
        self.not_before = self._mono() + SET_ASIDE_S

    def _note(self, what: str, code: str, detail: str) -> None:
        others = tuple(one for one in self.refusals if (one.what, one.code) != (what, code))
        self.refusals = (*others, Refusal(what, code, detail, self._now()))[-MOST_REFUSALS:]

    def _read_state(self) -> tuple[str, int, str]:
        with read_ledger(self._ledger) as ledger:
            last = ledger.last_seq()
            entry = ledger.entry(last) if last else None
            return ledger.epoch, last, entry.hash.hex() if entry else ""

    def _read_batch(self, after: int) -> LedgerBatch | None:
        with read_ledger(self._ledger) as ledger:
            batch = next_batch(ledger, after, self._limit)
        return batch if batch is None or self._seals else replace(batch, seals=())
