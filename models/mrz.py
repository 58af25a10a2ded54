"""The machine readable zone of a travel document (ICAO Doc 9303-3 to -6), and the secrets that open its chip.

Check digits weigh 7, 3, 1; A is 10 to Z 35, the filler `<` is 0. Years have two digits. The century is chosen so that a
birth isn't in the future and an expiry lies within fifty years of today, which is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

_VALUES = {c: n for n, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {"<": 0}
_SHAPES = {90: 30, 72: 36, 88: 44}  # characters in all: characters a line


@dataclass(frozen=True, slots=True)
class MrzKey:
    """MRZ_information (Doc 9303-11, 4.3.2): number, birth and expiry, each with its check digit."""

    information: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Can:
    """The card access number, six digits printed on the front. Opens a chip by PACE alone."""

    digits: str = field(repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{6}", self.digits):
            raise ValueError("a card access number has six digits")


@dataclass(frozen=True, slots=True)
class Mrz:
    """What a machine readable zone says. Fillers are gone; dates are as printed, YYMMDD."""

    code: str
    issuer: str
    number: str = field(repr=False)
    nationality: str = field(repr=False)
    birth: str = field(repr=False)
    sex: str = field(repr=False)  # M, F or nothing
    expiry: str = field(repr=False)
    surname: str = field(repr=False)
    given_names: str = field(repr=False)
    optional: str = field(default="", repr=False)

    @property
    def information(self) -> str:
        """MRZ_information, the text that a chip's access keys are made of."""
        return mrz_key(self.number, self.birth, self.expiry).information

    @property
    def key(self) -> MrzKey:
        """The secret that opens the chip."""
        return MrzKey(self.information)

    @property
    def name(self) -> str:
        """Surname first, as printed."""
        return " ".join(part for part in (self.surname, self.given_names) if part)

    def birth_date(self, today: date) -> date | None:
        """The day of birth; `None` where the document leaves month or day open."""
        return _latest_before(self.birth, today)

    def expiry_date(self, today: date) -> date | None:
        """The last day of validity; `None` where the field holds no date."""
        century = today.year - today.year % 100
        days = [d for c in (century - 100, century, century + 100) if (d := _date(self.expiry, c))]
        return min(days, key=lambda day: abs((day - today).days), default=None)


Secret: TypeAlias = Mrz | MrzKey | Can
"""What a person's document shows, and what opens its chip."""


def check_digit(text: str) -> str:
    """The check digit of `text` (Doc 9303-3, 4.9). Raises `ValueError` for characters outside A-Z, 0-9 and `<`."""
    try:
        return str(sum(_VALUES[c] * (7, 3, 1)[n % 3] for n, c in enumerate(text)) % 10)
    except KeyError:
        raise ValueError("an MRZ holds A to Z, 0 to 9 and < alone") from None


def mrz_key(number: str, birth: str, expiry: str) -> MrzKey:
    """The secret made of a document's number and two dates YYMMDD. Raises `ValueError`."""
    number = re.sub(r"[\s\-]", "", number).rstrip("<").upper()
    if not number or not re.fullmatch(r"[0-9<]{6}", birth) or not re.fullmatch(r"[0-9]{6}", expiry):
        raise ValueError("a chip opens with a document number, a birth and an expiry date of the form YYMMDD")
    number = number.ljust(9, "<")
    return MrzKey("".join(part + check_digit(part) for part in (number, birth, expiry)))


def parse_mrz(text: str) -> Mrz:
    """Read a TD1 (3 x 30), TD2 (2 x 36) or TD3 (2 x 44) zone; white space between lines is passed over.

    Raises `ValueError` for a shape that is none of these, and for a check digit that doesn't agree. It names line and
    field, never what stands there; the digit over the whole zone comes last, since any mistake breaks that one too.
    """
    text = "".join(text.split())
    if len(text) not in _SHAPES:
        raise ValueError(f"an MRZ has 90, 72 or 88 characters, this has {len(text)}")
    if not re.fullmatch(r"[A-Z0-9<]+", text):
        raise ValueError("an MRZ holds A to Z, 0 to 9 and < alone")
    width = _SHAPES[len(text)]
    lines = [text[n : n + width] for n in range(0, len(text), width)]
    return _td1(*lines) if width == 30 else _td2(*lines) if width == 36 else _td3(*lines)


def _td1(first: str, second: str, names: str) -> Mrz:
    number, optional = _number(first[5:14], first[14], first[15:30], line=1)
    optional = f"{optional} {_plain(second[18:29])}".strip()
    mrz = _mrz(first, number, second[15:18], second[0:15], names, optional)
    _check(first[5:30] + second[0:7] + second[8:15] + second[18:29], second[29], "line 2, the whole zone")
    return mrz


def _td2(first: str, second: str) -> Mrz:
    number, optional = _number(second[0:9], second[9], second[28:35], line=2)
    mrz = _mrz(first, number, second[10:13], second[13:28], first[5:], optional)
    _check(second[0:10] + second[13:20] + second[21:35], second[35], "line 2, the whole zone")
    return mrz


def _td3(first: str, second: str) -> Mrz:
    _check(second[0:9], second[9], "line 2, document number")
    mrz = _mrz(first, second[0:9].rstrip("<"), second[10:13], second[13:28], first[5:], _plain(second[28:42]))
    if not (second[42] == "<" and not second[28:42].strip("<")):
        _check(second[28:42], second[42], "line 2, optional data")
    _check(second[0:10] + second[13:20] + second[21:43], second[43], "line 2, the whole zone")
    return mrz


def _mrz(first: str, number: str, nationality: str, dates: str, names: str, optional: str) -> Mrz:
    """`dates`: birth, its check digit, sex, expiry, its check digit."""
    birth, sex, expiry = dates[0:6], dates[7], dates[8:14]
    _check(birth, dates[6], "line 2, date of birth")
    _check(expiry, dates[14], "line 2, date of expiry")
    if not number or not re.fullmatch(r"[0-9<]{6}", birth) or not re.fullmatch(r"[0-9]{6}", expiry):
        raise ValueError("this MRZ lacks a number or a date")
    surname, _, given = names.partition("<<")
    return Mrz(
        code=_plain(first[0:2]),
        issuer=_plain(first[2:5]),
        number=number,
        nationality=_plain(nationality),
        birth=birth,
        sex=sex.strip("<"),
        expiry=expiry,
        surname=_plain(surname),
        given_names=_plain(given),
        optional=optional,
    )


def _number(start: str, digit: str, optional: str, line: int) -> tuple[str, str]:
    """A number longer than nine runs on in the optional field, its check digit last (Doc 9303-5, note j)."""
    if digit != "<":
        _check(start, digit, f"line {line}, document number")
        return start.rstrip("<"), _plain(optional)
    rest, _, after = optional.partition("<")
    if len(rest) < 2:
        raise ValueError(f"the check digit is missing: line {line}, document number")
    _check(start + rest[:-1], rest[-1], f"line {line}, document number")
    return start + rest[:-1], _plain(after)


def _check(text: str, digit: str, what: str) -> None:
    if check_digit(text) != digit:
        raise ValueError(f"the check digit does not agree: {what}")


def _plain(text: str) -> str:
    return " ".join(text.replace("<", " ").split())


def _latest_before(text: str, today: date) -> date | None:
    century = today.year - today.year % 100
    days: Iterator[date] = (d for c in (century, century - 100) if (d := _date(text, c)))
    return next((day for day in days if day <= today), None)


def _date(text: str, century: int) -> date | None:
    try:
        return date(century + int(text[0:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return None
