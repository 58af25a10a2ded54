"""What people and ticketing platforms send about events and tickets, and what they are told: the bodies of `/v1/admin`.

Times are Unix seconds, days ISO 8601. Numbers of documents go in and never come out again but masked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import Field

from models.decision import Profile
from models.ids import DocumentType
from models.ticket import NoteKind, TicketStatus
from sync.contract import Problem
from sync.findings import Finding
from sync.server.import_preview import MaskedTicket, Preview
from sync.server.publish import Published
from sync.server.tickets import Written

BATCH = 1_000

_LINE = r"^[^\x00-\x1f\x7f]*$"
_WORD = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,62}[^\s\x00-\x1f\x7f])?$"
_PLACE = r"^[^\s/\\?#%\x00-\x1f\x7f]{1,64}$"

Line = Annotated[str, Field(max_length=200, pattern=_LINE)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=_LINE)]
TicketName = Annotated[str, Field(pattern=_WORD)]
Moment = Annotated[float, Field(ge=0, le=4_102_444_800, allow_inf_nan=False)]
EventName = Annotated[str, Path(pattern=_PLACE)]
NewEventName = Annotated[str, Field(pattern=_PLACE)]
PlaceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
AfterTicket = Annotated[str, Query(max_length=64, pattern=_LINE, description="Go on after this ticket")]
PageSize = Annotated[int, Query(ge=1, le=500)]


@dataclass(frozen=True, slots=True)
class EventBody:
    """A new event. `changes` are fields of the policy that shall differ from the profile's."""

    event: NewEventName
    venue: PlaceName
    name: Name
    begins_at: Moment
    ends_at: Moment
    profile: Profile
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventTold:
    """An event as it is. `revision` goes up with every change."""

    event: str
    organisation: str
    venue: str
    name: str
    begins_at: float
    ends_at: float
    profile: str
    state: str
    tickets: int
    revision: int
    version: int  # of the newest bundle; 0: never published


@dataclass(frozen=True, slots=True)
class PolicyBody:
    """Rules to exchange: those of a profile, or those there are where it isn't given, with `changes`."""

    profile: Profile | None = None
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyTold:
    """All rules, and the bundle in which they went out, if the event is published."""

    policy: dict[str, Any]
    published: Published | None = None


@dataclass(frozen=True, slots=True)
class DocumentBody:
    """What opens a ticket. `valid_to` is its last day."""

    number: Annotated[str, Field(min_length=1, max_length=256, pattern=_LINE)] = field(repr=False)
    kind: DocumentType = DocumentType.RESIDENT_ID
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class NoteBody:
    """Something staff should know; with `hold`, nobody passes until a steward has confirmed it."""

    kind: Literal[
        NoteKind.ACCESS_NEEDS, NoteKind.MEDICAL, NoteKind.CHILD, NoteKind.VIP, NoteKind.CHECK, NoteKind.MESSAGE
    ]
    text: Line = ""
    hold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyerBody:
    """A person and the ticket that shall be hers. Of the name only a masked form is kept."""

    ticket: TicketName
    name: Name = field(repr=False)
    documents: Annotated[tuple[DocumentBody, ...], Field(min_length=1, max_length=9)]
    bound_at: Moment | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")] = "zh"
    guardian: Annotated[str, Field(max_length=64, pattern=_LINE)] = ""
    guardian_consent: Line = ""
    face_declined: bool = False
    twin: bool = False
    notes: Annotated[tuple[NoteBody, ...], Field(max_length=10)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketBody(BuyerBody):
    """One ticket, whole. The template of a face stays as it is while the documents do."""

    not_before: Moment
    not_after: Moment
    category: Annotated[str, Field(min_length=1, max_length=64, pattern=_LINE)] = "standard"
    gates: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=64, pattern=_LINE)], ...], Field(max_length=64)
    ] = ()
    seat: Line = ""
    way: Line = ""
    department: Line = ""
    doctor: Line = ""
    status: TicketStatus = TicketStatus.VALID


@dataclass(frozen=True, slots=True)
class TicketsBody:
    """Tickets to write: those that there are are changed, those that are as they were stay."""

    tickets: Annotated[tuple[TicketBody, ...], Field(min_length=1, max_length=BATCH)]


@dataclass(frozen=True, slots=True)
class NamesBody:
    """Tickets by name."""

    tickets: Annotated[tuple[TicketName, ...], Field(min_length=1, max_length=BATCH)]


@dataclass(frozen=True, slots=True)
class ResaleBody:
    """The seat of ticket `seller` goes to `buyer`, who gets a ticket of a new name."""

    seller: TicketName
    buyer: BuyerBody


@dataclass(frozen=True, slots=True)
class WaitlistBody:
    """Seats given back, and those who wait, in order."""

    released: Annotated[tuple[TicketName, ...], Field(min_length=1, max_length=BATCH)]
    waiting: Annotated[tuple[BuyerBody, ...], Field(min_length=1, max_length=BATCH)]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A seat that changed hands: the ticket that was revoked, and the one that is good now."""

    seller: str
    buyer: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change came to; the bundle that went to the gates, where the event is published; and what to look at."""

    written: Written
    published: Published | None = None
    findings: tuple[Finding, ...] = ()
    handed_over: tuple[HandedOver, ...] = ()
    still_waiting: tuple[str, ...] = ()
    unsold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketsTold:
    """A page of tickets, masked. `after` goes into the next request; empty: there are no more."""

    tickets: tuple[MaskedTicket, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class FindingsTold:
    """What the rules found: how many of each kind, and the first of them, errors first."""

    errors: int
    warnings: int
    by_rule: dict[str, int]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class RulesBroken(Problem):
    """`rules_broken`: nothing was done. All errors are counted, the first are shown."""

    errors: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class GateTold:
    """What one gate holds. `current`: the same version, digest and count as the issuer's."""

    device: str
    name: str
    hub: str
    last_contact_at: float | None
    silent_s: float | None
    version: int
    digest: str
    tickets: int
    age_s: float | None  # of the manifest it holds, since it was issued
    current: bool


@dataclass(frozen=True, slots=True)
class BundleTold:
    """One bundle that was made."""

    version: int
    kind: str
    after: int
    digest: str
    tickets: int
    size: int
    issued_at: float
    expires_at: float
    made_by: str


@dataclass(frozen=True, slots=True)
class PublicationTold:
    """The issuer's newest bundle beside what each gate holds. `unpublished`: changes that no bundle has yet."""

    event: str
    newest: BundleTold | None
    unpublished: bool
    gates: tuple[GateTold, ...]


@dataclass(frozen=True, slots=True)
class ProblemTold:
    """What is wrong with a row of the table, counted as a spreadsheet does; row 0: with all of it."""

    row: int
    column: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class ImportTold:
    """An import: `reading`, `ready`, `refused`, `writing`, `done`, `failed` or `dropped`.

    `done` of `of` rows were read; `of` is 0 while the table itself is being read. `problems` are a page of
    `all_problems`.
    """

    job: str
    event: str
    actor: str
    file_name: str
    mode: str
    absent: str
    state: str
    done: int
    of: int
    made_at: float
    all_problems: int = 0
    problems: tuple[ProblemTold, ...] = ()
    preview: Preview | None = None


REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such event, ticket or import, or not yours to see"},
    409: {"model": Problem | RulesBroken, "description": "Not as things are: closed, there already, a rule broken…"},
    422: {"model": Problem, "description": "Not as documented"},
}
