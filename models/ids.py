"""Documents, their numbers, and what of a number may be shown.

The check digit is that of GB 11643-1999 (ISO 7064 MOD 11-2); the foreigner's 2023 card uses the same.
"""

from __future__ import annotations

import re
from enum import StrEnum

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"


class DocumentType(StrEnum):
    """What a number belongs to; part of every keyed hash, so that equal digits of two documents never meet."""

    RESIDENT_ID = "resident_id"
    RESIDENCE_PERMIT = "residence_permit"  # Hong Kong, Macau, Taiwan residents (flag J)
    FOREIGNER_CARD = "foreigner_card"  # permanent residence card, 2017 (flag I) and 2023 (flag Y)
    PASSPORT = "passport"
    TRAVEL_PERMIT = "travel_permit"
    TICKET_CODE = "ticket_code"
    CARD_UID = "card_uid"
    TEMPORARY_ID = "temporary_id"


def check_digit(first_seventeen: str) -> str:
    """The eighteenth character of an ID number (GB 11643): a digit or `X`.

    Raises `ValueError` unless given exactly seventeen ASCII digits.
    """
    if not re.fullmatch(r"[0-9]{17}", first_seventeen):
        raise ValueError("an ID number has 17 digits before its check digit")
    return _CHECK_DIGITS[sum(w * int(d) for w, d in zip(_WEIGHTS, first_seventeen, strict=True)) % 11]


def number_is_valid(number: str) -> bool:
    """Whether `number` is eighteen characters long and its check digit agrees (GB 11643)."""
    return bool(re.fullmatch(r"[0-9]{17}[0-9X]", number)) and check_digit(number[:17]) == number[17]


def normalise_number(number: str) -> str:
    """One spelling for one document: upper case, no spaces or hyphens."""
    return re.sub(r"[\s\-]", "", number).upper()


def mask_number(number: str) -> str:
    """What a screen or a log may show: `110***********1234`. Short numbers show less."""
    if len(number) >= 12:
        return number[:3] + "*" * (len(number) - 7) + number[-4:]
    return number[:1] + "*" * max(len(number) - 2, 1) + number[-1:] if len(number) > 2 else "*" * len(number)


def mask_name(name: str) -> str:
    """What a screen or a log may show: the first character of a Chinese name, initials of others."""
    name = name.strip()
    if not name:
        return ""
    if name.isascii():
        return " ".join(word[0] + "*" * min(len(word) - 1, 3) for word in name.split())
    return name[0] + "*" * min(max(len(name) - 1, 1), 3)
