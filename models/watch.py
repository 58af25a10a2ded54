"""Watchlists: entries with an owner, a reason, approvers and an end; and the hits that a person settles."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class WatchAction(StrEnum):
    """What an entry asks for. None of them denies without a person, or a cleared legal ground."""

    NOTIFY = "notify"  # staff see a silent note
    REVIEW = "review"  # a person looks before the visitor goes on
    REFUSE_UNLESS_CLEARED = "refuse_unless_cleared"  # exact document only, with a legal basis


class WatchPurpose(StrEnum):
    """Why somebody is listed. An entry serves the purpose that it names, and no other."""

    SCALPING = "scalping"
    ORDER = "order"  # broke the house's order
    COURT_BAN = "court_ban"
    FREQUENT = "frequent"  # came more often than the house rules allow; made by the server, for a while
    MISSING = "missing"  # to be found and helped, not turned away


class WatchState(StrEnum):
    """Where an entry stands. Gates hear of `active` ones alone; `expired` is what the time makes of them."""

    PROPOSED = "proposed"
    APPROVED = "approved"  # by both, and its time has not come
    ACTIVE = "active"
    CONTESTED = "contested"  # the listed person appealed, and the owner let it rest meanwhile
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


DEFAULT_TERM_S = 365 * 86_400.0
"""An entry ends after a year unless its proposer says otherwise; none is without an end."""


@dataclass(frozen=True, slots=True)
class WatchEntry:
    """One listed person, as a keyed hash and perhaps a sealed template; never a name beside a photograph.

    `domain` names the secret under which `person_key` and `template` are kept; empty for the event's own.
    """

    entry: str
    owner: str
    purpose: str
    action: WatchAction
    valid_from: float
    valid_to: float
    approvers: tuple[str, ...] = ()
    legal_basis: str = ""
    person_key: str = field(default="", repr=False)
    template: bytes = field(default=b"", repr=False)
    model_version: str = ""  # of the template; another model's probe says nothing of it
    version: int = 1
    appeal: str = ""  # where the listed person turns to
    entrances: tuple[str, ...] = ()  # gates where it counts; empty: all
    domain: str = ""


@dataclass(frozen=True, slots=True)
class HeldList:
    """Which list of a site is held: how far, how many, the digest of their names and versions, and until when.

    After `expires_at` it does nothing any more.
    """

    site: str
    revision: int
    count: int
    digest: str
    issued_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class ListState:
    """The shared list as a screen may tell of it. While not `works` it does nothing, for `fault` or for its age."""

    entries: int
    revision: int
    expires_at: float
    works: bool
    fault: str = ""


class HitMeans(StrEnum):
    """By what a listed person was recognised."""

    DOCUMENT = "document"
    FACE = "face"


@dataclass(frozen=True, slots=True)
class WatchHit:
    """A hint for a person. `distance` and `frames` are 0 for a document's exact hit.

    Of a face `frames` frames agree on the entry; one alone counts for nothing (`LEAST_FRAMES`).
    """

    entry: str
    owner: str
    purpose: str
    action: WatchAction
    means: HitMeans
    valid_from: float
    valid_to: float
    legal_basis: str = ""
    distance: float = 0.0
    version: int = 1
    appeal: str = ""
    entrances: tuple[str, ...] = ()
    domain: str = ""
    frames: int = 0


LEAST_FRAMES = 2
"""So many frames of one person have to lie near an entry before its owner's hint reaches anybody."""


class WatchFallback(StrEnum):
    """What follows when nobody looked in time. Nobody is refused for it."""

    ADMIT_WITH_NOTE = "admit_with_note"  # she goes on as if nobody had listed her, and staff see a note
    STAY = "stay"  # the word stays: a person is still to look


class WatchDone(StrEnum):
    """What became of a hit."""

    NOTED = "noted"  # staff see a silent note, and nobody is held
    REVIEW = "review"  # a person is asked to look
    TAKEN = "taken"  # somebody has the review in hand
    CLEARED = "cleared"  # he looked, and it holds nobody
    REFUSED = "refused"  # he said no
    LAPSED = "lapsed"  # nobody looked in time, and the person went on with a note


@dataclass(frozen=True, slots=True)
class WatchTaken:
    """One hit as the ledger tells of it: which entry, by what, and what was done `by` whom (a staff identifier)."""

    entry: str
    version: int
    means: HitMeans
    distance: float
    done: WatchDone
    by: str = ""
    domain: str = ""
