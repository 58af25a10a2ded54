"""What a reader gave: a credential, or the plain words why it could not give one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum

from models.ids import DocumentType, mask_name, mask_number


class Medium(StrEnum):
    """The thing that was presented."""

    CHIP_CARD = "chip_card"  # a resident ID card or its relatives, through a SAM module
    E_PASSPORT = "e_passport"
    CONTACTLESS_CARD = "contactless_card"
    CODE = "code"  # QR or bar code
    TYPED = "typed"  # a steward typed the number


class Assurance(IntEnum):
    """How sure the reader is of what it read; ordered."""

    UID_ONLY = 1  # anybody can copy it
    SIGNED = 2  # the data are genuine
    AUTHENTICATED = 3  # the data are genuine and so is the chip


@dataclass(frozen=True, slots=True)
class Holder:
    """The person as printed in the document. Lives in memory for one attempt; never logged."""

    name: str = field(default="", repr=False)
    birth: date | None = field(default=None, repr=False)
    sex: str = field(default="", repr=False)  # GB/T 2261.1: 0 unknown, 1 male, 2 female, 9 not stated

    @property
    def masked(self) -> str:
        """The name as a screen may show it."""
        return mask_name(self.name)


@dataclass(frozen=True, slots=True)
class Credential:
    """One presented document. `number` is the document's own number, in clear, for one attempt only.

    `valid_to` is the last day of validity, `None` for a document without an end ("长期").
    `portrait` is the chip's picture as the chip stores it (its codec may be closed), or empty.
    """

    medium: Medium
    document: DocumentType
    number: str = field(repr=False)
    assurance: Assurance
    holder: Holder = field(default_factory=Holder, repr=False)
    uid: bytes = field(default=b"", repr=False)
    valid_from: date | None = None
    valid_to: date | None = None
    portrait: bytes = field(default=b"", repr=False)
    read_s: float = 0.0  # the reader's own time on the wire, from "card found" to "data complete"
    event: str = ""  # what a signed ticket code is for; empty where the document is for no event of its own
    code_step: int | None = None  # the time step of a code that changes, see `models.totp`
    valid_since: float | None = None  # Unix seconds, where a document says more than days; both ends belong to it
    valid_until: float | None = None

    @property
    def masked(self) -> str:
        """The number as a screen or a log may show it."""
        return mask_number(self.number)


class CardProblem(StrEnum):
    """Why a presented card gave no credential."""

    UNREADABLE = "unreadable"  # pulled too soon, damaged answer: present it again
    UNSUPPORTED = "unsupported"  # not a document this reader knows
    REJECTED = "rejected"  # card and module did not accept each other: damaged or forged


@dataclass(frozen=True, slots=True)
class CardFault:
    """A card was there and could not be used. `detail` is for the technician and holds nothing personal."""

    problem: CardProblem
    detail: str = ""
    medium: Medium | None = None  # what was presented, where the reader can tell
