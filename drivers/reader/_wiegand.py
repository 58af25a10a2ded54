"""What the bits of a Wiegand card mean: 26, 34 and 37 bit formats, bare UIDs, and bits taken as they are.

The bits come from a reader that speaks Wiegand or from one that passes them on (OSDP's RAW reply). Which bytes of a
chip's UID a reader sends first is up to its maker: `Order.LSB` turns them round. Wiegand has no secret: whoever has
seen a number can send it again.

| format | bits                 | says                                         | number                    |
|--------|----------------------|----------------------------------------------|---------------------------|
| wg26   | 1 + 24 + 1 (H10301)  | facility of 8 bits, card of 16               | 3 + 5 digits: `12345678`  |
| wg34   | 1 + 32 + 1 (H10306)  | facility of 16 bits, card of 16              | 5 + 5 digits              |
| wg37   | 1 + 35 + 1 (H10304)  | facility of 16 bits, card of 19              | 5 + 6 digits              |
| uid32  | 32, or 34 with parity | a UID of 4 bytes                            | 8 hex digits              |
| uid56  | 56, or 58 with parity | a UID of 7 bytes                            | 14 hex digits             |
| raw    | any                  | the bits as they are                         | `26:` and hex digits      |

In a frame with parity the first bit makes the first half even, and the last bit makes the last half odd; the two
halves share the middle bit where the data are odd in number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

LONGEST = 256
"""Bits in the longest card that is taken: far more than any format has."""


class Format(StrEnum):
    """What the bits are said to be."""

    WG26 = "wg26"
    WG34 = "wg34"
    WG37 = "wg37"
    UID32 = "uid32"
    UID56 = "uid56"
    RAW = "raw"


class Order(StrEnum):
    """Which byte of the data comes first."""

    MSB = "msb"
    LSB = "lsb"


FIELDS = {Format.WG26: (8, 16), Format.WG34: (16, 16), Format.WG37: (16, 19)}
"""Bits of the facility code and of the card number."""

_UID_BITS = {Format.UID32: 32, Format.UID56: 56}


class WrongLength(ValueError):
    """The card has another number of bits than its format."""


class WrongParity(ValueError):
    """A bit was misread: the card is to be presented again."""


@dataclass(frozen=True, slots=True)
class Number:
    """What a card says. `text` has a fixed length in each format, so that two cards never share it."""

    text: str = field(repr=False)
    facility: int | None = field(default=None, repr=False)
    card: int | None = field(default=None, repr=False)


def decode(bits: str, form: Format, order: Order = Order.MSB) -> Number:
    """What `bits` (a string of 0 and 1, first sent first) say. Raises `WrongLength`, `WrongParity`."""
    if not 0 < len(bits) <= LONGEST:
        raise WrongLength(f"a card of {len(bits)} bits; expected 1 to {LONGEST}")
    check_order(form, order)
    if form is Format.RAW:
        return Number(f"{len(bits)}:{_hex(_turned(bits, order))}")
    if form in _UID_BITS:
        return Number(_hex(_turned(_uid_bits(bits, _UID_BITS[form]), order)))
    facility_bits, card_bits = FIELDS[form]
    data = _turned(_without_parity(bits, facility_bits + card_bits), order)
    facility, card = int(data[:facility_bits], 2), int(data[facility_bits:], 2)
    return Number(f"{facility:0{_digits(facility_bits)}d}{card:0{_digits(card_bits)}d}", facility, card)


def encode(facility: int, card: int, form: Format, order: Order = Order.MSB) -> str:
    """The bits of a card in one of the formats with a facility code. `ValueError` where a number does not fit."""
    check_order(form, order)
    if form not in FIELDS:
        raise ValueError(f"{form} has no facility code")
    facility_bits, card_bits = FIELDS[form]
    if not (0 <= facility < 1 << facility_bits and 0 <= card < 1 << card_bits):
        raise ValueError(f"{form} has {facility_bits} bits of facility code and {card_bits} of card number")
    return with_parity(_turned(f"{facility:0{facility_bits}b}{card:0{card_bits}b}", order))


def with_parity(data: str) -> str:
    """`data` between its two parity bits."""
    half = (len(data) + 1) // 2
    return f"{data[:half].count('1') % 2}{data}{1 - data[-half:].count('1') % 2}"


def check_order(form: Format, order: Order) -> None:
    """`ValueError` for an order of bytes in a format that isn't made of bytes."""
    if form is Format.WG37 and order is Order.LSB:
        raise ValueError("wg37 is not made of bytes: its order can only be msb")


def unpack(data: bytes, length: int) -> str:
    """The first `length` bits of `data`, highest first, as OSDP packs them. `WrongLength` if there are fewer."""
    if not 0 < length <= 8 * len(data):
        raise WrongLength(f"{length} bits said to be in {len(data)} bytes")
    return f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"[:length]


def pack(bits: str) -> bytes:
    """The bytes that hold `bits`, most significant first, zeros at the end. `ValueError` unless zeros and ones."""
    if not bits or set(bits) - {"0", "1"}:
        raise ValueError("bits are zeros and ones")
    size = (len(bits) + 7) // 8
    return int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")


def _without_parity(bits: str, size: int) -> str:
    if len(bits) != size + 2:
        raise WrongLength(f"a card of {len(bits)} bits; expected {size + 2}")
    data = bits[1:-1]
    if with_parity(data) != bits:
        raise WrongParity("a parity bit does not fit")
    return data


def _uid_bits(bits: str, size: int) -> str:
    if len(bits) not in (size, size + 2):
        raise WrongLength(f"a card of {len(bits)} bits; expected {size}, or {size + 2} with parity")
    return bits if len(bits) == size else _without_parity(bits, size)


def _turned(bits: str, order: Order) -> str:
    """The bytes in the order meant. Bits that fill no whole bytes stay as they are."""
    if order is Order.MSB or len(bits) % 8:
        return bits
    return "".join(bits[at : at + 8] for at in range(len(bits) - 8, -1, -8))


def _digits(bits: int) -> int:
    return len(str((1 << bits) - 1))


def _hex(bits: str) -> str:
    return f"{int(bits, 2):0{(len(bits) + 3) // 4}X}"
