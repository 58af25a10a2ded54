"""What is written in the chip: the 256 bytes of text of four kinds of card, read and made from the same tables.

The text is UTF-16LE, its fields are padded with spaces (some modules: NUL). The character at byte 248 names the layout:
blank for a resident's card, J for residents of Hong Kong, Macau and Taiwan, I and Y for the foreigner's permanent
residence card of 2017 and of 2023.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from models.credential import Assurance, CardFault, CardProblem, Credential, Holder, Medium
from models.ids import DocumentType, number_is_valid

LONG_TERM = "长期"
TEXT_SIZE = 256
_FLAG = slice(248, 250)

_COMMON = {
    "name": (0, 30),
    "sex": (30, 2),
    "birth": (36, 16),
    "address": (52, 70),
    "number": (122, 36),
    "authority": (158, 30),
    "valid_from": (188, 16),
    "valid_to": (204, 16),
}
_FIELDS: dict[str, dict[str, tuple[int, int]]] = {
    "": {**_COMMON, "nation": (32, 4)},
    "J": {**_COMMON, "permit_number": (220, 18), "issue_count": (238, 4)},
    "I": {
        "english_name": (0, 120),
        "sex": (120, 2),
        "number": (122, 30),
        "nationality": (152, 6),
        "chinese_name": (158, 30),
        "valid_from": (188, 16),
        "valid_to": (204, 16),
        "birth": (220, 16),
        "version": (236, 4),
        "authority": (240, 8),
    },
    "Y": {
        "chinese_name": (0, 30),
        "sex": (30, 2),
        "renewal_count": (32, 4),
        "birth": (36, 16),
        "english_name": (52, 70),
        "number": (122, 36),
        "valid_from": (188, 16),
        "valid_to": (204, 16),
        "english_name_rest": (220, 22),
        "nationality": (242, 6),
        "older_number": (250, 6),
    },
}
"""Layouts by flag: field -> (first byte, bytes)."""

_DOCUMENTS = {
    "": DocumentType.RESIDENT_ID,
    "J": DocumentType.RESIDENCE_PERMIT,
    "I": DocumentType.FOREIGNER_CARD,
    "Y": DocumentType.FOREIGNER_CARD,
}


@dataclass(frozen=True, slots=True)
class Card:
    """What a card holds, for the simulated module."""

    text: bytes = field(repr=False)
    portrait: bytes = field(default=bytes(1024), repr=False)
    fingerprint: bytes = field(default=b"", repr=False)
    newest_address: str = field(default="", repr=False)


class _Damaged(ValueError):
    """A field that can't be; its text names the field and holds nothing of its content."""


def read_card(text: bytes, portrait: bytes = b"", read_s: float = 0.0) -> Credential | CardFault:
    """The credential in a card's text (256 bytes), or why it is none.

    Card and module authenticated each other before the module gave these data, hence `AUTHENTICATED`.
    """
    if len(text) != TEXT_SIZE:
        return CardFault(CardProblem.UNREADABLE, f"text of {len(text)} bytes")
    flag = _strip(text[_FLAG])
    if flag not in _FIELDS:
        return CardFault(CardProblem.UNSUPPORTED, f"card type {text[_FLAG].hex().upper()}")
    fields = {name: _strip(text[at : at + size]) for name, (at, size) in _FIELDS[flag].items()}
    try:
        return Credential(
            medium=Medium.CHIP_CARD,
            document=_DOCUMENTS[flag],
            number=_number(fields["number"].upper(), flag),
            assurance=Assurance.AUTHENTICATED,
            holder=Holder(
                _name(fields), _date(fields, "birth"), fields["sex"] if fields["sex"] in ("1", "2", "9") else "0"
            ),
            valid_from=_date(fields, "valid_from"),
            valid_to=None if fields["valid_to"] == LONG_TERM else _date(fields, "valid_to"),
            portrait=portrait,
            read_s=read_s,
        )
    except _Damaged as error:
        return CardFault(CardProblem.UNREADABLE, str(error))


def _strip(raw: bytes) -> str:
    return raw.decode("utf-16-le", "replace").strip(" \0")


def _name(fields: dict[str, str]) -> str:
    """The name as the document's own language has it; a foreigner's Chinese name is an addition."""
    if "name" in fields:
        return fields["name"]
    english = fields["english_name"] + fields.get("english_name_rest", "")
    return english or fields["chinese_name"]


def _number(number: str, flag: str) -> str:
    if flag == "I":  # three letters and twelve digits with a check of their own that isn't public
        if not re.fullmatch(r"[A-Z]{3}[0-9]{12}", number):
            raise _Damaged("number")
    elif not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        raise _Damaged("number")
    elif not number_is_valid(number):
        raise _Damaged("check digit")
    return number


def _date(fields: dict[str, str], name: str) -> date:
    if not re.fullmatch(r"[0-9]{8}", fields[name], re.ASCII):
        raise _Damaged(name.replace("_", " "))
    try:
        return date(int(fields[name][:4]), int(fields[name][4:6]), int(fields[name][6:]))
    except ValueError as error:
        raise _Damaged(name.replace("_", " ")) from error


def _write(flag: str, values: dict[str, str]) -> bytes:
    """The 256 bytes of a card. Raises `ValueError` where a value is too long for its field."""
    text = bytearray(" ".encode("utf-16-le") * (TEXT_SIZE // 2))
    for name, value in values.items():
        at, size = _FIELDS[flag][name]
        raw = value.encode("utf-16-le")
        if len(raw) > size:
            raise ValueError(f"{name} has {len(raw) // 2} characters, the card has room for {size // 2}")
        text[at : at + len(raw)] = raw
    text[_FLAG] = (flag or " ").encode("utf-16-le")
    return bytes(text)


def _day(day: date | None) -> str:
    return f"{day:%Y%m%d}" if day else LONG_TERM


_FROM = date(2020, 1, 1)


def resident_card(
    name: str,
    number: str,
    birth: date | None = None,
    sex: str = "",
    *,
    nation: str = "01",
    address: str = "测试地址",
    authority: str = "测试机关",
    valid_from: date = _FROM,
    valid_to: date | None = None,
) -> Card:
    """A resident's card. Birth and sex come from the number where not given; `valid_to=None` writes 长期."""
    values = _common_values(name, number, birth, sex, address, authority, valid_from, valid_to)
    return Card(_write("", {**values, "nation": nation}))


def permit_card(
    name: str,
    number: str,
    birth: date | None = None,
    sex: str = "",
    *,
    address: str = "测试地址",
    authority: str = "测试机关",
    permit_number: str = "H00000000",
    issue_count: str = "01",
    valid_from: date = _FROM,
    valid_to: date | None = None,
) -> Card:
    """A residence permit of a resident of Hong Kong, Macau or Taiwan (flag J)."""
    values = _common_values(name, number, birth, sex, address, authority, valid_from, valid_to)
    return Card(_write("J", {**values, "permit_number": permit_number, "issue_count": issue_count}))


def foreigner_card_2017(
    english_name: str,
    number: str,
    birth: date = date(1900, 1, 1),
    sex: str = "0",
    *,
    chinese_name: str = "",
    nationality: str = "UTO",
    valid_from: date = _FROM,
    valid_to: date | None = date(2099, 12, 31),
) -> Card:
    """A foreigner's card of 2017 (flag I). The number has three letters and twelve digits."""
    values = {
        "english_name": english_name,
        "number": number,
        "sex": sex,
        "birth": _day(birth),
        "chinese_name": chinese_name,
        "nationality": nationality,
        "valid_from": _day(valid_from),
        "valid_to": _day(valid_to),
        "version": "01",
        "authority": "1500",
    }
    return Card(_write("I", values))


def foreigner_card_2023(
    english_name: str,
    number: str,
    birth: date | None = None,
    sex: str = "",
    *,
    chinese_name: str = "",
    nationality: str = "UTO",
    valid_from: date = _FROM,
    valid_to: date | None = date(2099, 12, 31),
) -> Card:
    """A foreigner's card of 2023 (flag Y). The number has eighteen digits and begins with 9."""
    values = {
        "english_name": english_name[:35],
        "english_name_rest": english_name[35:],
        "number": number,
        "sex": sex or _sex_of(number),
        "birth": _day(birth) if birth else number[6:14],
        "chinese_name": chinese_name,
        "nationality": nationality,
        "renewal_count": "00",
        "valid_from": _day(valid_from),
        "valid_to": _day(valid_to),
    }
    return Card(_write("Y", values))


def _common_values(
    name: str,
    number: str,
    birth: date | None,
    sex: str,
    address: str,
    authority: str,
    valid_from: date,
    valid_to: date | None,
) -> dict[str, str]:
    return {
        "name": name,
        "number": number,
        "sex": sex or _sex_of(number),
        "birth": _day(birth) if birth else number[6:14],
        "address": address,
        "authority": authority,
        "valid_from": _day(valid_from),
        "valid_to": _day(valid_to),
    }


def _sex_of(number: str) -> str:
    """The seventeenth digit is odd for men (GB 11643)."""
    digit = number[16:17]
    return ("1" if int(digit) % 2 else "2") if digit.isdigit() else "0"
