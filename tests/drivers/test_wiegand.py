"""The bits of Wiegand cards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.reader._wiegand import (
    FIELDS,
    Format,
    Number,
    Order,
    WrongLength,
    WrongParity,
    decode,
    encode,
    pack,
    unpack,
    with_parity,
)

ONE_ONE = "10000000100000000000000010"  # facility 1, card 1
BITS = st.text("01", min_size=1, max_size=64)


@st.composite
def cards(draw: st.DrawFn) -> tuple[Format, Order, int, int]:
    """A format, an order that goes with it, and numbers that fit it."""
    form = draw(st.sampled_from(list(FIELDS)))
    order = draw(st.sampled_from([Order.MSB] if form is Format.WG37 else list(Order)))
    facility, card = (draw(st.integers(0, (1 << bits) - 1)) for bits in FIELDS[form])
    return form, order, facility, card


@pytest.mark.parametrize(
    ("bits", "facility", "card", "text"),
    [(ONE_ONE, 1, 1, "00100001"), ("10111101110110010011011101", 123, 45678, "12345678")],
)
def test_known_cards_of_26_bits(bits, facility, card, text):
    assert decode(bits, Format.WG26) == Number(text, facility, card)
    assert encode(facility, card, Format.WG26) == bits


def test_a_card_of_37_bits_whose_halves_share_the_middle_bit():
    """H10304: even over bits 2 to 19, odd over bits 19 to 36; here only bit 19 is set, so both halves count it."""
    data = "0" * 17 + "1" + "0" * 17
    assert with_parity(data) == "1" + data + "0"
    assert decode("1" + data + "0", Format.WG37) == Number("00000131072", 0, 1 << 17)


@given(cards())
def test_what_is_encoded_is_decoded(card):
    form, order, facility, number = card
    decoded = decode(encode(facility, number, form, order), form, order)
    assert (decoded.facility, decoded.card) == (facility, number)
    assert decoded.text == f"{facility:0{3 if form is Format.WG26 else 5}}{number:0{6 if form is Format.WG37 else 5}}"


@given(cards(), st.data())
def test_an_odd_number_of_flips_in_a_half_is_found(card, data):
    """A half is a parity bit with the data that it covers."""
    form, order, facility, number = card
    bits = list(encode(facility, number, form, order))
    half = st.integers(0, (len(bits) - 1) // 2) | st.integers(len(bits) // 2, len(bits) - 1)
    first = data.draw(half)
    own = range((len(bits) + 1) // 2) if first < len(bits) // 2 else range(len(bits) // 2, len(bits))
    others = data.draw(st.lists(st.sampled_from(own), unique=True, max_size=8).map(lambda found: found[::2]))
    flipped = {first, *others}
    if len(flipped) % 2 == 0:
        flipped = {first}
    for at in flipped:
        bits[at] = "10"[int(bits[at])]
    with pytest.raises(WrongParity):
        decode("".join(bits), form, order)


@pytest.mark.parametrize("at", range(26))
def test_each_single_flip_is_found(at):
    bits = ONE_ONE[:at] + "10"[int(ONE_ONE[at])] + ONE_ONE[at + 1 :]
    with pytest.raises(WrongParity):
        decode(bits, Format.WG26)


@pytest.mark.parametrize(("form", "size"), [(Format.UID32, 4), (Format.UID56, 7)])
def test_a_uid_comes_with_or_without_parity_and_in_either_order(form, size):
    uid = bytes(range(0xA1, 0xA1 + size))
    bits = unpack(uid, 8 * size)
    assert decode(bits, form).text == decode(with_parity(bits), form).text == uid.hex().upper()
    assert decode(bits, form, Order.LSB).text == uid[::-1].hex().upper()
    spoilt = "10"[int(with_parity(bits)[0])] + with_parity(bits)[1:]
    with pytest.raises(WrongParity):
        decode(spoilt, form)


@pytest.mark.parametrize("order", Order)
def test_the_order_of_bytes_changes_the_number_and_not_the_parity(order):
    bits = encode(0x12, 0x3456, Format.WG26, order)
    assert decode(bits, Format.WG26, order).text == f"{0x12:03}{0x3456:05}"
    assert decode(bits, Format.WG26).text == (
        f"{0x12:03}{0x3456:05}" if order is Order.MSB else f"{0x56:03}{0x3412:05}"
    )


@given(BITS, BITS)
def test_two_raw_cards_never_share_a_number(one, other):
    assert (decode(one, Format.RAW).text == decode(other, Format.RAW).text) == (one == other)


@given(BITS)
def test_what_is_packed_is_unpacked(bits):
    assert unpack(pack(bits), len(bits)) == bits


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("length", [0, 25, 33, 57, 257])
def test_another_length_is_told(form, length):
    if form is Format.RAW and length in (25, 33, 57):
        assert decode("0" * length, form).text.startswith(f"{length}:")
        return
    with pytest.raises(WrongLength, match=str(length)):
        decode("0" * length, form)


def test_what_does_not_fit_is_told():
    with pytest.raises(ValueError, match="8 bits of facility"):
        encode(256, 0, Format.WG26)
    with pytest.raises(ValueError, match="no facility"):
        encode(0, 0, Format.RAW)
    with pytest.raises(ValueError, match="not made of bytes"):
        decode("0" * 37, Format.WG37, Order.LSB)
    with pytest.raises(ValueError, match="zeros and ones"):
        pack("0120")
    with pytest.raises(WrongLength, match="17 bits said to be in 2 bytes"):
        unpack(b"ab", 17)


def test_a_number_does_not_show_itself():
    """It would end up in logs."""
    assert "12345678" not in repr(decode("10111101110110010011011101", Format.WG26))
