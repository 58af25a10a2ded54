"""What people send about entries on a list of persons, and what they are told: the bodies of `/v1/watch`.

Times are Unix seconds. Numbers of documents go in and never come out again but masked; templates never come out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Path
from pydantic import Field

from models.ids import DocumentType
from models.watch import WatchAction, WatchPurpose, WatchState
from sync.contract import Problem
from sync.server.events_api import Line, Moment, Name
from sync.server.watch_history import LONGEST_WHY

EntryName = Annotated[str, Path(pattern=r"^watch-[0-9a-f]{16}$")]
Why = Annotated[str, Field(max_length=LONGEST_WHY, pattern=r"^[^\x00-\x1f\x7f]*$")]
Names = Annotated[tuple[Name, ...], Field(max_length=100)]
Number = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$", repr=False)]
Version = Annotated[int, Field(ge=1, le=2_000_000_000)]

REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "No multipart form"},
    404: {"model": Problem, "description": "There is none, or not for you"},
    409: {"model": Problem, "description": "Not as things stand"},
    413: {"model": Problem, "description": "Too large"},
}


@dataclass(frozen=True, slots=True)
class WatchBody:
    """Somebody to be listed. Without `valid_from` from now on, without `valid_to` for a year."""

    owner: Name
    purpose: WatchPurpose
    action: WatchAction
    appeal: Name
    legal_basis: Line = ""
    document: DocumentType = DocumentType.RESIDENT_ID
    number: Number | None = field(default=None, repr=False)
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    sites: Names = ()
    entrances: Names = ()
    evidence: Line = ""  # where it is, in words; files are attached afterwards


@dataclass(frozen=True, slots=True)
class AmendBody:
    """What is to be changed, and why; what is not named stays."""

    why: Why
    owner: Name | None = None
    purpose: WatchPurpose | None = None
    action: WatchAction | None = None
    appeal: Name | None = None
    legal_basis: Line | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    sites: Names | None = None
    entrances: Names | None = None


@dataclass(frozen=True, slots=True)
class ApproveBody:
    """The version that the approver has looked at."""

    version: Version


@dataclass(frozen=True, slots=True)
class WhyBody:
    """Why; it stands in the entry's history."""

    why: Why


@dataclass(frozen=True, slots=True)
class WatchTold:
    """An entry as it stands. `same_person` counts other entries of the same document."""

    entry: str
    owner: str
    purpose: str
    action: str
    state: WatchState
    version: int
    valid_from: float
    valid_to: float
    has_face: bool
    proposed_by: str
    approvals: int
    evidence: int
    same_person: int
    changed_at: float
    organisation: str | None = None
    partner: str | None = None
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class WatchListTold:
    """Some entries, the latest change first, and how many there are in all."""

    entries: tuple[WatchTold, ...]
    count: int


@dataclass(frozen=True, slots=True)
class ApprovalTold:
    """Who approved which version."""

    version: int
    account: str
    role: str
    at: float


@dataclass(frozen=True, slots=True)
class StepTold:
    """One step of an entry's history; `state` is the one after it."""

    at: float
    version: int
    actor: str
    act: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class EvidenceTold:
    """A piece of evidence; its content is a request of its own."""

    number: int
    name: str
    size: int
    sha256: str
    by: str
    at: float
    erased: bool


@dataclass(frozen=True, slots=True)
class HitTold:
    """A gate of ours met the person: what was done, not who it was."""

    device: str
    at: float
    means: str
    distance: float
    done: str
    by: str


@dataclass(frozen=True, slots=True)
class CountTold:
    """Hits in a day; `partner` is empty for our own gates."""

    day: str
    partner: str
    hits: int


@dataclass(frozen=True, slots=True)
class WatchDetailTold:
    """One entry with everything about it. `hindrance` says why you can't approve it; empty: you can."""

    told: WatchTold
    legal_basis: str
    appeal: str
    document: str
    masked_number: str
    sites: tuple[str, ...]
    entrances: tuple[str, ...]
    model_version: str
    made_at: float
    erased_at: float | None
    hindrance: str
    approvals: tuple[ApprovalTold, ...]
    history: tuple[StepTold, ...]
    evidence: tuple[EvidenceTold, ...]
    others: tuple[WatchTold, ...]
    hits: tuple[HitTold, ...]
    counts: tuple[CountTold, ...]


@dataclass(frozen=True, slots=True)
class Put:
    """An entry that was proposed or changed, and its version."""

    entry: str
    version: int


@dataclass(frozen=True, slots=True)
class Stands:
    """Where an entry stands after what was done."""

    entry: str
    state: WatchState
