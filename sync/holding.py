"""What a source of manifests gives: tickets with the documents that open them, and listed persons.

The numbers are in clear here, in memory, until the bundle's builder has sealed them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from models.ids import DocumentType
from models.ticket import Ticket
from models.watch import WatchEntry


@dataclass(frozen=True, slots=True)
class Document:
    """A document by its type and number. `valid_to` is its last day, where the source knows it."""

    kind: DocumentType
    number: str = field(repr=False)
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """A ticket and the documents, one or several, that open it.

    `guardian_consent` is the identifier of a guardian's consent to a child's face comparison. It stays at the issuer.
    """

    ticket: Ticket
    documents: tuple[Document, ...]
    guardian_consent: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A watch entry, still without its `person_key`, and the document it is about; `None`: known by face alone."""

    entry: WatchEntry
    document: Document | None = None
