"""What the sync process does next: pure, from how things stand and what time it is.

In this order: a manifest that must go goes first; a sign of life that is due; the ledger's lines; newer manifests. What
was refused is set aside and holds nothing else up. All times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync.contract import BundleOffer, Standing

LONGEST_WAIT_S = 30.0
SHORTEST_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Contact:
    """Give a sign of life, and hear what is wanted."""


@dataclass(frozen=True, slots=True)
class Push:
    """Send the ledger's lines beyond number `after`."""

    after: int


@dataclass(frozen=True, slots=True)
class Pull:
    """Fetch and apply these bundles, in this order."""

    offers: tuple[BundleOffer, ...]


@dataclass(frozen=True, slots=True)
class Wipe:
    """Destroy the manifest."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is to be done for so long, if nobody rings."""

    seconds: float


Step = Contact | Push | Pull | Wipe | Wait


@dataclass(frozen=True, slots=True)
class Outlook:
    """How things stand. `standing` is the authority's latest word; `holds`: there is a manifest on the disk.

    `written` and `acknowledged` are line numbers; `acknowledged` is `None` until the authority has said it. No contact
    is made before `contact_at`, nothing pushed before `push_at` or pulled before `pull_at`, and the ledger is looked
    at again at `look_at`.
    """

    now: float
    contact_at: float = 0.0
    push_at: float = 0.0
    pull_at: float = 0.0
    look_at: float = 0.0
    standing: Standing | None = None
    holds: bool = False
    written: int = 0
    acknowledged: int | None = None
    pulling: bool = False
    set_aside: frozenset[BundleOffer] = frozenset()


def plan(seen: Outlook) -> Step:
    """The next step."""
    wipe = seen.standing is not None and seen.standing.wipe
    if wipe and seen.holds:
        return Wipe()
    if seen.now >= seen.contact_at:
        return Contact()
    if not wipe:
        if seen.acknowledged is not None and seen.written > seen.acknowledged and seen.now >= seen.push_at:
            return Push(seen.acknowledged)
        offers = wanted(seen)
        if offers and not seen.pulling and seen.now >= seen.pull_at:
            return Pull(offers)
    return Wait(_until_next(seen))


def wanted(seen: Outlook) -> tuple[BundleOffer, ...]:
    """The offers to take, up to the first that was set aside: what follows goes on top of it."""
    offers: list[BundleOffer] = []
    for offer in seen.standing.offers if seen.standing else ():
        if offer in seen.set_aside:
            break
        offers.append(offer)
    return tuple(offers)


def retry_s(failures: int, chance: float) -> float:
    """How long to wait after so many failures in a row. `chance` (0 to 1) keeps a thousand gates from one rhythm."""
    full = min(LONGEST_WAIT_S, SHORTEST_WAIT_S * 2.0 ** min(max(failures - 1, 0), 16))
    return full * (0.5 + 0.5 * chance)


def _until_next(seen: Outlook) -> float:
    moments = [seen.contact_at, seen.look_at, seen.push_at, seen.pull_at]
    return min((moment - seen.now for moment in moments if moment > seen.now), default=0.0)
