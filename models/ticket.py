"""Who may enter what, where and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from models.face import FaceReference


class TicketStatus(StrEnum):
    """The issuer's word on a ticket."""

    VALID = "valid"
    REVOKED = "revoked"  # refunded, re-sold, withdrawn


@dataclass(frozen=True, slots=True)
class Validity:
    """Unix seconds; `not_after` is the last moment at which the ticket admits."""

    not_before: float
    not_after: float


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What the ticket opens. Without gates: every gate. `department` and `doctor` are an appointment's."""

    event: str
    gates: tuple[str, ...] = ()
    seat: str = ""
    way: str = ""  # a short direction: "Gate B, stairs 4"
    department: str = ""
    doctor: str = ""


COMPANION = "companion"
"""The category of a ticket by which somebody goes in with a patient, its guardian."""


def companion_of(patient: str) -> str:
    """What the uses of this patient's companions stand under, where they have no tickets of their own."""
    return f"{COMPANION}:{patient}"


def patient_of_companion(ticket: str) -> str:
    """The patient's ticket; empty where this is no such name."""
    kind, _, patient = ticket.partition(":")
    return patient if kind == COMPANION else ""


class NoteKind(StrEnum):
    """Kinds of attention notes; each has its own place and colour on the steward's screen."""

    ACCESS_NEEDS = "access_needs"
    MEDICAL = "medical"
    CHILD = "child"
    VIP = "vip"
    CHECK = "check"  # look at something: a bag, a discount's proof
    MESSAGE = "message"
    WATCH = "watch"  # a list's silent note


@dataclass(frozen=True, slots=True)
class Note:
    """Something staff should know. With `hold`, nobody passes until a steward has confirmed it."""

    kind: NoteKind
    text: str = ""
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    """One admission sold or given to one person.

    `bound_at` is the moment from which the ticket has belonged to its holder, Unix seconds; `None`: to nobody yet.
    `guardian` names the ticket of the adult with whom a child enters.
    """

    ticket: str
    entitlement: Entitlement
    validity: Validity
    status: TicketStatus = TicketStatus.VALID
    category: str = "standard"  # work, sponsor and invitation tickets have a rule of their own
    bound_at: float | None = None
    masked_name: str = ""
    language: str = "zh"
    guardian: str = ""
    face_declined: bool = False  # the holder chose to enter without a face comparison
    twin: bool = False  # somebody else looks like the holder: a twin, or whom the network takes for one
    notes: tuple[Note, ...] = ()
    reference: FaceReference | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ManifestState:
    """The copy of the manifest this gate holds. Times are Unix seconds."""

    event: str
    version: int
    issued_at: float
    expires_at: float
    tickets: int = 0
    digest: str = ""  # SHA-256 of the bundle's parts, as the issuer shows it
