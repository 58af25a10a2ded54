"""What can be typed, and how what was typed stands while it is typed. Pure: strings in, a judgement out.

The gate judges again; this is for the eyes of whoever types. A number with a check digit is right or wrong by itself,
one without has to be compared twice. A passport's two lines have check digits, and its second line is enough.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from models.command import Presented
from models.ids import DocumentType, number_is_valid
from models.mrz import Mrz, parse_mrz
from models.typed import wrong_number
from ui.keys import Mark

ID_LENGTH = 18
LONGEST_NUMBER = 20
LINE, ZONE = 44, 88
"""A passport's second line alone, and both."""

_NO_NAME = "P<<<<X<<X".ljust(LINE, "<")  # stands for a first line that nobody typed: it bears no check digit


class Kind(StrEnum):
    """What a steward sees before him."""

    RESIDENT_ID = "resident_id"
    PASSPORT = "passport"
    TRAVEL_PERMIT = "travel_permit"
    FOREIGNER_CARD = "foreigner_card"
    TEMPORARY_ID = "temporary_id"
    CHILD = "child"
    CHIP = "chip"  # a passport that lies on the reader: what is typed opens its chip

    @property
    def by_digits(self) -> bool:
        """Whether digits and an X are all the keys it needs."""
        return self in (Kind.RESIDENT_ID, Kind.TEMPORARY_ID, Kind.CHILD)

    @property
    def asks(self) -> tuple[str, ...]:
        """What else is printed beside the number, and how many digits of it there are, see `DAYS`."""
        if self is Kind.CHIP:
            return ("birth", "expiry")
        return () if self in (Kind.RESIDENT_ID, Kind.CHILD) else ("valid_to",)


DAYS = {"valid_to": 8, "birth": 6, "expiry": 6}
"""Digits of each date."""


@dataclass(frozen=True, slots=True)
class Stand:
    """`hint` is the key of the words that go with it. `done`: it could be sent like this."""

    mark: Mark = Mark.OPEN
    hint: str = ""
    done: bool = False
    count: int = 0  # for the hint's words


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of a page; dates as digits."""

    number: str = field(default="", repr=False)
    valid_to: str = field(default="", repr=False)
    birth: str = field(default="", repr=False)
    expiry: str = field(default="", repr=False)


def judge_number(kind: Kind, number: str) -> Stand:
    """How a normalised number of this kind stands."""
    if not number:
        return Stand()
    if kind.by_digits:
        return _judge_eighteen(number)
    if kind is Kind.CHIP and re.fullmatch(r"[0-9]{6}", number):
        return Stand(Mark.OPEN, "manual.card_number", True)
    if looks_like_zone(number):
        return _judge_zone(number)
    if kind is Kind.FOREIGNER_CARD and number.isdigit():
        return _judge_eighteen(number)
    if wrong_number(_DOCUMENTS.get(kind, DocumentType.PASSPORT), number):
        return Stand(Mark.OPEN)
    return Stand(Mark.OPEN, "manual.no_digit", True)


def _judge_eighteen(number: str) -> Stand:
    if not re.fullmatch(r"[0-9]{0,17}|[0-9]{17}[0-9X]", number):
        return Stand(Mark.WRONG, "manual.bad_character")
    if len(number) < ID_LENGTH:
        return Stand(Mark.OPEN, "manual.left", count=ID_LENGTH - len(number))
    return Stand(Mark.GOOD, "manual.agrees", True) if number_is_valid(number) else Stand(Mark.WRONG, "manual.disagrees")


def looks_like_zone(number: str) -> bool:
    """Whether this is a machine readable zone, or will be one."""
    return "<" in number or len(number) > LONGEST_NUMBER


def _judge_zone(text: str) -> Stand:
    if read_zone(text) is not None:
        return Stand(Mark.GOOD, "manual.lines_agree", True)
    goal = next((length for length in (LINE, ZONE) if len(text) < length), 0)
    if text.startswith(("P<", "I<", "A<", "C<")) and len(text) == LINE:
        goal = ZONE  # that was the first line
    return Stand(Mark.OPEN, "manual.left", count=goal - len(text)) if goal else Stand(Mark.WRONG, "manual.lines_wrong")


def read_zone(text: str) -> Mrz | None:
    """The zone, or a passport's second line alone, when all check digits agree."""
    try:
        return parse_mrz(_NO_NAME + text if len(text) == LINE else text)
    except ValueError:
        return None


def judge_day(name: str, typed: str, today: date, *, needed: bool) -> Stand:
    """How a date of `DAYS` stands. One that is over is said and can be sent: the gate refuses, and writes it down."""
    if not typed:
        return Stand(Mark.OPEN, "" if needed else "manual.optional", not needed)
    if len(typed) < DAYS[name]:
        return Stand(Mark.OPEN, "manual.left", count=DAYS[name] - len(typed))
    if DAYS[name] == 6:
        return Stand(Mark.OPEN, "", True) if _month_and_day(typed) else Stand(Mark.WRONG, "manual.no_day")
    day = read_day(typed)
    if day is None:
        return Stand(Mark.WRONG, "manual.no_day")
    return Stand(Mark.WRONG, "manual.over", True) if day < today else Stand(Mark.GOOD, "", True)


def read_day(typed: str) -> date | None:
    """YYYYMMDD as a day."""
    try:
        return date(int(typed[0:4]), int(typed[4:6]), int(typed[6:8]))
    except ValueError:
        return None


def _month_and_day(typed: str) -> bool:
    """Whether YYMMDD can be a day in some century."""
    return read_day(f"20{typed}") is not None or read_day(f"19{typed}") is not None


def needs_day(kind: Kind, name: str, number: str) -> bool:
    """Whether this date must be typed. A temporary ID always bears one; a zone says its own."""
    if kind is Kind.CHIP:
        return not (looks_like_zone(number) or re.fullmatch(r"[0-9]{6}", number))
    return kind is Kind.TEMPORARY_ID


_DOCUMENTS = {
    Kind.RESIDENT_ID: DocumentType.RESIDENT_ID,
    Kind.PASSPORT: DocumentType.PASSPORT,
    Kind.TRAVEL_PERMIT: DocumentType.TRAVEL_PERMIT,
    Kind.FOREIGNER_CARD: DocumentType.FOREIGNER_CARD,
    Kind.TEMPORARY_ID: DocumentType.TEMPORARY_ID,
    Kind.CHILD: DocumentType.RESIDENT_ID,
}


def presented(kind: Kind, typed: Typed, today: date) -> Presented:
    """What goes to the gate of any kind but CHIP, once all of it is `done`."""
    zone = read_zone(typed.number) if looks_like_zone(typed.number) else None
    if zone is not None:
        document = _DOCUMENTS[kind] if not zone.code.startswith("P") else DocumentType.PASSPORT
        last = zone.expiry_date(today)
        return Presented(document, zone.number, last.isoformat() if last else "")
    day = read_day(typed.valid_to)
    document = issued_as(typed.number) if kind is Kind.RESIDENT_ID else _DOCUMENTS[kind]
    return Presented(document, typed.number, day.isoformat() if day else "", child=kind is Kind.CHILD)


def issued_as(number: str) -> DocumentType:
    """Which card bears an 18-character number: 81 to 83 stand for Hong Kong, Macau, Taiwan; 9 for foreigners (2023)."""
    if number.startswith(("81", "82", "83")):
        return DocumentType.RESIDENCE_PERMIT
    return DocumentType.FOREIGNER_CARD if number.startswith("9") else DocumentType.RESIDENT_ID


def chip_secret(typed: Typed) -> str:
    """What opens the chip, as a reader takes it: a zone, a card access number, or number, birth and expiry."""
    zone = read_zone(typed.number) if looks_like_zone(typed.number) else None
    if zone is not None:
        return f"{zone.number} {zone.birth} {zone.expiry}" if len(typed.number) == LINE else typed.number
    if not needs_day(Kind.CHIP, "birth", typed.number):
        return typed.number
    return f"{typed.number} {typed.birth} {typed.expiry}"
