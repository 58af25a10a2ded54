"""The red path: an emergency goes in on one tap, without a document, and is asked for afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.ids import DocumentType


class Urgency(StrEnum):
    """Why: a closed list, so that a report can count them. Chosen before anybody comes, and never a diagnosis."""

    STRETCHER = "stretcher"
    COLLAPSED = "collapsed"
    BREATHING = "breathing"
    BLEEDING = "bleeding"
    BIRTH = "birth"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RedBody:
    """Somebody was let in at once, by whose tap and why. Nobody was identified."""

    attempt: int
    actor: str
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class RedNamedBody:
    """Who it was that came by the red path, asked afterwards. Without a document: nobody could say."""

    red: int  # the attempt
    actor: str
    document: DocumentType | None = None
    person_key: str = ""


@dataclass(frozen=True, slots=True)
class OpenRed:
    """An emergency whose person was not asked for yet. `at`: Unix seconds."""

    attempt: int
    at: float
    urgency: Urgency
