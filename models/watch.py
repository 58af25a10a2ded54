"""Watchlists: entries with an owner, a reason, approvers and an end; and the hits that a person settles."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class WatchAction(StrEnum):
    """What an entry asks for. None of them denies without a person, or a cleared legal ground."""

    NOTIFY = "notify"  # staff see a silent note
    REVIEW = "review"  # a person looks before the visitor goes on
    REFUSE_UNLESS_CLEARED = "refuse_unless_cleared"  # exact document only, with a legal basis


@dataclass(frozen=True, slots=True)
class WatchEntry:
    """One listed person, as a keyed hash and perhaps a sealed template; never a name beside a photograph."""

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


class HitMeans(StrEnum):
    """By what a listed person was recognised."""

    DOCUMENT = "document"
    FACE = "face"


@dataclass(frozen=True, slots=True)
class WatchHit:
    """A hint for a person. `distance` is 0 for a document's exact hit."""

    entry: str
    owner: str
    purpose: str
    action: WatchAction
    means: HitMeans
    valid_from: float
    valid_to: float
    legal_basis: str = ""
    distance: float = 0.0
