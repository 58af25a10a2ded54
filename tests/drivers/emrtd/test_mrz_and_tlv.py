"""The machine readable zone and TLV: specimens of Doc 9303, and nothing undeclared on any input."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadAnswer
from drivers.reader._emrtd import tlv
from drivers.reader._emrtd.apdu import Command
from drivers.reader._emrtd.security import dotted, oid_bytes, public_key, security_infos
from models.mrz import Can, check_digit, mrz_key, parse_mrz

TODAY = date(2026, 6, 1)
TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
TD2 = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"
TD1 = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"
LONG_TD1 = "I<UTOD23145890<7349<<<<<<<<<<<\n3407127M9507122UTO<<<<<<<<<<<2\nSTEVENSON<<PETER<JOHN<<<<<<<<<"


@pytest.mark.parametrize(("text", "number"), [(TD3, "L898902C3"), (TD2, "D23145890"), (TD1, "D23145890")])
def test_the_specimens_are_read(text: str, number: str) -> None:
    mrz = parse_mrz(text)
    assert (mrz.number, mrz.issuer, mrz.sex) == (number, "UTO", "F")
    assert (mrz.surname, mrz.given_names, mrz.name) == ("ERIKSSON", "ANNA MARIA", "ERIKSSON ANNA MARIA")
    assert mrz.birth_date(TODAY) == date(1974, 8, 12)
    assert mrz.expiry_date(TODAY) == date(2012, 4, 15)


def test_the_information_of_the_td3_specimen() -> None:
    assert parse_mrz(TD3).information == "L898902C3674081221204159"


def test_a_long_number_runs_on_in_the_optional_field() -> None:
    mrz = parse_mrz(LONG_TD1)
    assert mrz.number == "D23145890734"
    assert mrz.information == "D23145890734934071279507122"


@pytest.mark.parametrize("at", range(45, 45 + 28))
def test_a_changed_character_breaks_a_check_digit(at: int) -> None:
    changed = "7" if TD3[at] != "7" else "8"
    text = TD3[:at] + changed + TD3[at + 1 :]
    if at - 45 in (10, 11, 12, 20):  # nationality and sex have none
        assert parse_mrz(text).number == "L898902C3"
    else:
        with pytest.raises(ValueError, match="check digit"):
            parse_mrz(text)


def test_centuries_follow_today() -> None:
    mrz = parse_mrz(LONG_TD1)
    assert mrz.birth_date(date(2026, 1, 1)) == date(1934, 7, 12)
    assert mrz.birth_date(date(2034, 7, 12)) == date(2034, 7, 12)
    assert mrz.expiry_date(date(2090, 1, 1)) == date(2095, 7, 12)
    assert mrz.expiry_date(date(2001, 1, 1)) == date(1995, 7, 12)


def test_a_secret_does_not_show_itself() -> None:
    assert "898902" not in repr(parse_mrz(TD3)) + repr(parse_mrz(TD3).key)
    assert "123456" not in repr(Can("123456"))


@pytest.mark.parametrize("digits", ["12345", "1234567", "12345a", "１２３４５６"])
def test_a_can_has_six_digits(digits: str) -> None:
    with pytest.raises(ValueError, match="six digits"):
        Can(digits)


def test_a_typed_number_is_put_in_shape() -> None:
    assert mrz_key("l898902c", "690806", "940623").information == "L898902C<369080619406236"


@given(st.text(alphabet="0123456789ABC<\n", max_size=95) | st.text())
def test_any_text_is_an_mrz_or_a_value_error(text: str) -> None:
    try:
        mrz = parse_mrz(text)
    except ValueError:
        return
    mrz.birth_date(TODAY)
    mrz.expiry_date(TODAY)
    assert mrz.information


@given(st.text(alphabet="0123456789ABC<", min_size=90, max_size=90), st.sampled_from([90, 72, 88]))
def test_zones_of_the_right_length_too(text: str, length: int) -> None:
    test_any_text_is_an_mrz_or_a_value_error.hypothesis.inner_test(text[:length])  # type: ignore[attr-defined]


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<", max_size=40))
def test_a_check_digit_is_a_digit(text: str) -> None:
    assert check_digit(text) in "0123456789"


@given(st.integers(0x01, 0x1E) | st.sampled_from([0x5F2E, 0x7F61, 0x81]), st.binary(max_size=70000))
def test_what_is_packed_is_parsed(tag: int, value: bytes) -> None:
    assert tlv.single(tlv.pack(tag, value), tag).value == value


@given(st.binary(max_size=300))
def test_any_bytes_are_objects_or_a_bad_answer(data: bytes) -> None:
    for read in (tlv.parse, tlv.header, security_infos, public_key, Command.decode, dotted):
        try:
            read(data)
        except BadAnswer:
            continue
    with contextlib.suppress(BadAnswer):
        assert b"".join(o.whole for o in tlv.parse(data)) == data


@pytest.mark.parametrize("data", ["80", "8081", "8080", "80858000000000", "800201", "1F818181818100", "8084FFFFFFFF"])
def test_malformed_objects_are_refused(data: str) -> None:
    with pytest.raises(BadAnswer):
        tlv.parse(bytes.fromhex(data))


@given(st.lists(st.integers(0, 2**40), max_size=10), st.integers(0, 2), st.integers(0, 39))
def test_object_identifiers_round_trip(rest: list[int], first: int, second: int) -> None:
    text = ".".join(map(str, (first, second, *rest)))
    assert dotted(oid_bytes(text)) == text


@given(
    st.integers(0, 255), st.binary(max_size=600), st.none() | st.integers(1, 256) | st.just(65536), st.integers(0, 255)
)
def test_commands_round_trip(ins: int, data: bytes, le: int | None, p1: int) -> None:
    command = Command(ins, p1, 0, data, le)
    assert Command.decode(command.encode()) == command
