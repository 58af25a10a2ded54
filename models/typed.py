"""Documents that a person reads off because no reader can: what their numbers look like, and what a policy asks."""

from __future__ import annotations

import re
from enum import StrEnum

from models.ids import DocumentType, number_is_valid


class TypedNeed(StrEnum):
    """What a document needs that no reader read, from lax to strict. There is no word for "nothing"."""

    STEWARD = "steward"  # a person compares portrait and visitor, once the number has a ticket
    DOCUMENT = "document"  # a reader has to read it: a typed one opens nothing


CAN_BE_TYPED = (
    DocumentType.RESIDENT_ID,
    DocumentType.RESIDENCE_PERMIT,
    DocumentType.FOREIGNER_CARD,
    DocumentType.PASSPORT,
    DocumentType.TRAVEL_PERMIT,
    DocumentType.TEMPORARY_ID,
)
"""Documents with a number to read off and a portrait to compare by eye; a chip's or a ticket's code is none."""


def wrong_number(document: DocumentType, number: str) -> str:
    """What is wrong with a normalised number of this document and what to look at; empty when nothing is.

    The number itself is never repeated.
    """
    match document:
        case DocumentType.RESIDENT_ID | DocumentType.TEMPORARY_ID | DocumentType.RESIDENCE_PERMIT:
            return _wrong_eighteen(number)
        case DocumentType.FOREIGNER_CARD if re.fullmatch(r"[A-Z]{3}[0-9]{12}", number):  # the card of 2017
            return ""
        case DocumentType.FOREIGNER_CARD:
            wrong = _wrong_eighteen(number)
            return wrong and f"{wrong}; on a card of 2017 there are 3 letters and 12 digits"
        case DocumentType.PASSPORT | DocumentType.TRAVEL_PERMIT:
            return "" if re.fullmatch(r"[A-Z0-9]{5,20}", number) else "the number has 5 to 20 letters and digits"
    return f"{document} is nothing that a person reads off; choose one of {', '.join(CAN_BE_TYPED)}"


def _wrong_eighteen(number: str) -> str:
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return f"an ID number has 17 digits, then a digit or X; {len(number)} characters were typed"
    return "" if number_is_valid(number) else "the check digit does not agree: a digit is wrong, or two are swapped"
