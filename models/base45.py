"""Base45: bytes in the 45 characters that a QR code packs tightest (RFC 9285).

Two bytes become three characters of 5.5 bits each, so a code loses 3 % to the raw bytes and survives every scanner.
The last character is never a blank: nothing is lost where somebody trims the text.
"""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    """The text of `data`."""
    out = []
    for start in range(0, len(data), 2):
        pair = data[start : start + 2]
        number = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            number, digit = divmod(number, 45)
            out.append(ALPHABET[digit])
    return "".join(out)


def decode(text: str) -> bytes:
    """The bytes of `text`. Raises `ValueError` for a text that no bytes have; each text has one meaning at most."""
    try:
        values = [_VALUES[character] for character in text]
    except KeyError:
        raise ValueError("a character that Base45 does not have") from None
    out = bytearray()
    for start in range(0, len(values), 3):
        group = values[start : start + 3]
        number = sum(value * 45**place for place, value in enumerate(group))
        if len(group) == 1 or number >= 256 ** (len(group) - 1):
            raise ValueError("a group of characters that Base45 does not have")
        out += number.to_bytes(len(group) - 1, "big")
    return bytes(out)
