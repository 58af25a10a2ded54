"""Manifests on their way in: bundle after bundle, fetched, verified and applied; what is refused is kept and shown."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from models.link import Refusal
from models.store.errors import StoreBusy, StoreError, WrongStore
from models.ticket import ManifestState
from sync.client import Client
from sync.contract import BundleOffer, HeldManifest
from sync.download import TooLarge, download, forget_others
from sync.failures import RefusedBy, SyncFailed
from sync.manifest_keep import ManifestKeep
from sync.plan import retry_s
from sync.pull import Shelf
from sync.refusals import BundleRefused, ClockBehind, Expired, NotNext

_log = logging.getLogger("sync.pull")

SET_ASIDE_S = 60.0
LONGEST_ASIDE_S = 3600.0
TIMELY_ASIDE_S = 3.0
"""What only the clock speaks against is looked at again as soon as that may have been put right."""

MOST_REFUSALS = 20

OnDisk = Callable[[Callable[[], Any]], Awaitable[Any]]


class Puller:
    """One gate's shelf, and what is done to fill it. `held` is what lies on it; `told` what the authority is told."""

    def __init__(
        self,
        client: Client,
        shelf: Shelf,
        on_disk: OnDisk,
        mono: Callable[[], float],
        now: Callable[[], float],
        keep: ManifestKeep | None = None,
    ) -> None:
        self._client, self._shelf, self._on_disk, self._mono, self._now = client, shelf, on_disk, mono, now
        self._keep = keep
        self.held: ManifestState | None = None
        self.busy = self.changed = self.wants_base = False
        self.not_before = 0.0
        self.refusals: tuple[Refusal, ...] = ()
        self._failures = 0
        self._offers: tuple[BundleOffer, ...] = ()
        self._aside: dict[BundleOffer, tuple[float, float]] = {}  # until when, and for how long

    @property
    def told(self) -> HeldManifest | None:
        """What the authority is told of it. Who needs a whole manifest says that it has none."""
        held = None if self.wants_base else self.held
        return HeldManifest(held.event, held.version, held.digest, held.tickets) if held else None

    def set_aside(self) -> frozenset[BundleOffer]:
        """What was refused and is not tried again yet."""
        return frozenset(offer for offer, (until, _) in self._aside.items() if self._mono() < until)

    async def look(self) -> None:
        """See what is on the shelf. One that can't be read just now counts as it was."""
        try:
            self.held = await self._on_disk(self._shelf.held)
        except StoreBusy:
            return  # a technician loads one
        except StoreError as error:
            self._note("manifest", "unreadable", str(error))
        else:
            self._forget("manifest")
            await self._let_go()

    def begin(self, offers: tuple[BundleOffer, ...]) -> None:
        """From now on `pull` is under way."""
        self._offers, self.busy, self.changed = offers, True, False

    async def pull(self, event: str, chance: float) -> None:
        """Take the offers one by one, up to the first that can't be had. Never raises what a network or disk says."""
        offers = self._offers
        try:
            await self._on_disk(lambda: forget_others(self._shelf.bundles, offers))
            for offer in offers:
                await self._take(offer, event)
            self._failures, self.wants_base = 0, False
        except _SetAside:
            pass
        except (SyncFailed, OSError, StoreError) as error:
            self._failures += 1
            self.not_before = self._mono() + retry_s(self._failures, chance)
            self._note(_name(offers[0]), "interrupted", str(error))
        finally:
            self.busy = False

    async def _let_go(self) -> None:
        """Destroy a manifest that has been kept for long enough. What fails is tried again at the next look."""
        held, keep = self.held, self._keep
        if held is None or keep is None or not keep.is_over(held):
            return
        try:
            await self._on_disk(lambda: keep.note(held))
            await self.destroy()
        except (StoreError, OSError) as error:
            _log.error("the manifest of %s is over and can't be destroyed yet: %s", held.event, error)
            return
        self.changed = True
        _log.warning("the manifest of %s is over and destroyed", held.event)

    async def destroy(self) -> None:
        """The manifest is gone, and all bundles. Raises `StoreError`, `OSError`."""
        await self._on_disk(self._shelf.destroy)
        self.held = None

    async def _take(self, offer: BundleOffer, event: str) -> None:
        try:
            path = await download(self._client, offer, self._shelf.bundles)
        except TooLarge as error:
            self._refuse(offer, "too_large", str(error))
            raise _SetAside from None
        except RefusedBy as refused:
            self._refuse(offer, refused.code, refused.detail)
            raise _SetAside from None
        await self._load(offer, path, event)

    async def _load(self, offer: BundleOffer, path: Path, event: str) -> None:
        try:
            self.held = await self._on_disk(lambda: self._shelf.load(path, event))
        except (BundleRefused, WrongStore) as error:
            timely = isinstance(error, ClockBehind | Expired)
            if not timely:
                path.unlink(missing_ok=True)
            code = error.code if isinstance(error, BundleRefused) else "wrong_store"
            self._refuse(offer, code, str(error), TIMELY_ASIDE_S if timely else None)
            self.wants_base = offer.kind == "delta" and isinstance(error, NotNext | WrongStore)
            raise _SetAside from None
        path.unlink(missing_ok=True)
        self.changed = True
        self._forget(_name(offer))
        self._aside.pop(offer, None)
        _log.info("manifest of %s is version %d now, %d tickets", offer.event, self.held.version, self.held.tickets)

    def _refuse(self, offer: BundleOffer, code: str, detail: str, aside_s: float | None = None) -> None:
        before = self._aside[offer][1] if offer in self._aside else SET_ASIDE_S / 2
        seconds = aside_s or min(LONGEST_ASIDE_S, max(2 * before, SET_ASIDE_S))
        self._aside = {one: aside for one, aside in self._aside.items() if one in self._offers}
        self._aside[offer] = (self._mono() + seconds, seconds)
        if not any((one.what, one.code) == (_name(offer), code) for one in self.refusals):
            _log.error("%s is refused (%s): %s", _name(offer), code, detail)
        self._note(_name(offer), code, detail)

    def _forget(self, what: str) -> None:
        self.refusals = tuple(one for one in self.refusals if one.what != what)

    def _note(self, what: str, code: str, detail: str) -> None:
        self._forget(what)
        self.refusals = (*self.refusals, Refusal(what, code, detail, self._now()))[-MOST_REFUSALS:]


class _SetAside(Exception):
    """An offer is refused; those behind it go on top of it."""


def _name(offer: BundleOffer) -> str:
    return f"{offer.event} {offer.kind} {offer.version}"
