"""A list of persons comes page by page, from a server to its gate or from one site to another; nothing is kept here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from models.store.vault import DeviceKey, SealBroken
from models.watch import HeldList, WatchEntry
from sync.refusals import EndlessData, Malformed, NotNext, OtherGate
from sync.watch_page import WatchChange, WatchPage, open_entry, unpack, unwrap_domain, verify

MOST_PAGES = 200
"""No list of ours is longer than 400,000 entries."""

LARGEST_PAGE = 24 << 20

Ask = Callable[[int], Awaitable[bytes]]
"""Gives the answer's bytes to "what is new after this revision?"."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who reads: whom it believes (raw Ed25519 keys by name), whose list it wants, and for whom that is made."""

    issuers: Mapping[str, bytes]
    site: str
    key: DeviceKey = field(repr=False)
    audience: str = ""


@dataclass(slots=True)
class Fetched:
    """What came, all pages together: from revision `after` (0: from nothing) to that of `held`."""

    after: int
    held: HeldList
    changed: dict[str, WatchChange] = field(default_factory=dict, repr=False)
    removed: set[str] = field(default_factory=set)
    domains: dict[str, bytes] = field(default_factory=dict, repr=False)

    def entries(self) -> list[WatchEntry]:
        """The changed entries, opened. Raises `Malformed`."""
        return [open_entry(change, self._secret(change)) for change in self.changed.values()]

    def _secret(self, change: WatchChange) -> bytes:
        if change.domain not in self.domains:
            raise Malformed(f"the entry {change.item} of the list came without the key of its domain: ask its issuer")
        return self.domains[change.domain]


async def fetch(ask: Ask, receiver: Receiver, after: int, now: Callable[[], float]) -> Fetched:
    """Everything that is new after revision `after`. Raises `BundleRefused`, and what `ask` raises."""
    found: Fetched | None = None
    for _ in range(MOST_PAGES):
        answer = unpack(await ask(found.held.revision if found else after))
        reached = found.held.revision if found else after
        page = verify(answer.page, receiver.issuers, reached, now(), receiver.audience)
        if page.site != receiver.site:
            raise OtherGate(f"the list is {page.site}'s and not {receiver.site}'s: look who stands in between")
        found = _add(found, page, reached)
        found.domains |= {domain: _unwrap(receiver.key, domain, wrapped) for domain, wrapped in answer.keys.items()}
        if not page.more:
            return found
        if page.upto <= (0 if page.after == 0 else reached):
            raise EndlessData("the list says that there is more, and does not go on: ask its issuer")
    raise EndlessData(f"the list does not end after {MOST_PAGES} pages: ask its issuer")


def _add(found: Fetched | None, page: WatchPage, reached: int) -> Fetched:
    held = HeldList(page.site, page.upto, page.count, page.digest, page.issued_at, page.expires_at)
    if found is None or (page.after == 0 and reached):
        if found is not None:
            raise NotNext("the list began afresh half-way: all of it is fetched again")
        found = Fetched(page.after, held)
    found.held = held
    for change in page.changed:
        found.changed[change.item] = change
        found.removed.discard(change.item)
    for item in page.removed:
        found.changed.pop(item, None)
        found.removed.add(item)
    return found


def _unwrap(key: DeviceKey, domain: str, wrapped: bytes) -> bytes:
    try:
        return unwrap_domain(key, domain, wrapped)
    except SealBroken:
        raise Malformed("a key of the list was not made for this machine: ask its issuer") from None
