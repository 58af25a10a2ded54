"""What was shown or typed of a document's page, read: a machine readable zone or a card access number.

A machine that reads print mistakes O and 0, I and 1 for each other. Where a field holds digits or letters alone, what
stands there is clear. In the others a few characters are tried the other way round, and what makes all check digits
agree, in one way alone, is taken. It is a guess where another character is wrong too; the chip has the last word, since
it opens with the right page alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from models.mrz import Can, Secret, mrz_key, parse_mrz

PRINT_SWAPS, TYPED_SWAPS = 3, 1  # how many characters may be taken the other way round
_OTHER = str.maketrans("O0I1", "0O1I")
_TO_DIGIT = str.maketrans("OI", "01")
_TO_LETTER = str.maketrans("01", "OI")

# What stands where (Doc 9303-4 to -6): L letters and fillers, D digits, ? either.
_DATES = "D" * 7 + "L" + "D" * 7  # birth, sex, expiry
_FORMS = {
    88: "L" * 44 + "?" * 9 + "D" + "LLL" + _DATES + "?" * 14 + "DD",
    72: "L" * 36 + "?" * 9 + "D" + "LLL" + _DATES + "?" * 7 + "D",
    90: "L" * 5 + "?" * 9 + "D" + "?" * 15 + _DATES + "LLL" + "?" * 11 + "D" + "L" * 30,
}


def read_shown(text: str, swaps: int = PRINT_SWAPS) -> Secret:
    """The machine readable zone in `text`, with or without ends of lines. Raises `ValueError` saying what is wrong."""
    text = "".join(text.upper().split())
    try:
        return parse_mrz(text)
    except ValueError as error:
        found = set(_likeliest(text, swaps))
        if len(found) != 1:
            raise error from None
        return parse_mrz(found.pop())


def read_typed(text: str) -> Secret:
    """As `read_shown`, for a person at a keyboard.

    She may also type the six digits of the card access number, or document number, birth and expiry (YYMMDD) in three
    words: those have no check digits, so that the chip alone can tell a mistake. Raises `ValueError`.
    """
    words = text.split()
    if len(words) == 1 and re.fullmatch(r"[0-9]{6}", words[0]):
        return Can(words[0])
    if len(words) == 3 and [len(word) for word in words[1:]] == [6, 6]:
        return mrz_key(*words)
    length = len("".join(words))
    if length not in _FORMS:
        raise ValueError(
            f"this has {length} characters; type an MRZ of 90, 72 or 88 characters, a card access number of 6 digits, "
            "or document number, birth and expiry as YYMMDD"
        )
    return read_shown(text, TYPED_SWAPS)


def _likeliest(text: str, most_swaps: int) -> list[str]:
    """All readings of `text` with the fewest swapped characters that agree with their check digits."""
    form = _FORMS.get(len(text))
    if form is None:
        return []
    clear = "".join(_as_written(character, kind) for character, kind in zip(text, form, strict=True))
    open_places = [at for at, kind in enumerate(form) if kind == "?" and clear[at] in "O0I1"]
    for swaps in range(most_swaps + 1):
        found = [one for one in _swapped(clear, open_places, swaps) if _agrees(one)]
        if found:
            return found
    return []


def _as_written(character: str, kind: str) -> str:
    table = {"D": _TO_DIGIT, "L": _TO_LETTER}.get(kind)
    return character.translate(table) if table else character


def _swapped(text: str, places: list[int], swaps: int) -> Iterator[str]:
    for chosen in combinations(places, swaps):
        yield "".join(c.translate(_OTHER) if at in chosen else c for at, c in enumerate(text))


def _agrees(text: str) -> bool:
    try:
        parse_mrz(text)
    except ValueError:
        return False
    return True
