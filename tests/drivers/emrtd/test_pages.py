"""What is shown or typed of a page: misread characters, lines of all shapes, and words that name no number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.reader._emrtd import issue
from drivers.reader._mrz_line import MOST_BYTES, Misread, MrzLine
from drivers.reader._mrz_shown import read_shown, read_typed
from models.mrz import Can, Mrz, MrzKey, parse_mrz

TD3 = issue.td3("E01234I67", "ZHENGJIAN", "YANGBEN", "810203", "F", "350305", "CHN")
TD2 = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"
TD1 = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"


def swapped(text: str, *places: int) -> str:
    """`text` with O for 0, I for 1 and the other way round."""
    table = str.maketrans("O0I1", "0O1I")
    return "".join(c.translate(table) if at in places else c for at, c in enumerate(text))


@pytest.mark.parametrize("text", [TD3, TD2, TD1])
@pytest.mark.parametrize("misread", [str.lower, lambda t: t.replace("0", "O"), lambda t: t.replace("I", "1")])
def test_a_confusion_of_letters_and_digits_is_read(text: str, misread) -> None:
    page = read_shown(misread(text))
    assert isinstance(page, Mrz)
    assert page.information == parse_mrz(text).information


@pytest.mark.parametrize("at", [n for n, c in enumerate(TD3) if n > 44 and c in "O0I1"])
def test_every_single_confusion_of_the_second_line_is_read(at: int) -> None:
    assert swapped(TD3, at) != TD3
    assert read_shown(swapped(TD3, at)) == parse_mrz(TD3)


@given(at=st.integers(45, 88), by=st.sampled_from("23456789ABCXYZ"))
def test_nothing_but_these_four_characters_is_ever_taken_for_another(at: int, by: str) -> None:
    text = TD3[:at] + by + TD3[at + 1 :]
    try:
        page = read_shown(text)
    except ValueError:
        return
    assert isinstance(page, Mrz)
    unclear = str.maketrans("OI", "01")
    assert page.number.translate(unclear) == text[45:54].translate(unclear)
    assert (page.birth, page.expiry) == (text[58:64], text[66:72])


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        (TD3, 47, "line 2, document number"),
        (TD3, 45 + 14, "line 2, date of birth"),
        (TD3, 45 + 22, "line 2, date of expiry"),
        (TD3, 45 + 43, "line 2, the whole zone"),
        (TD1, 6, "line 1, document number"),
        (TD1, 33, "line 2, date of birth"),
        (TD2, 40, "line 2, document number"),
    ],
)
def test_a_wrong_check_digit_is_told_by_line_and_field_without_the_number(text: str, at: int, says: str) -> None:
    wrong = text[:at] + ("7" if text[at] != "7" else "8") + text[at + 1 :]
    with pytest.raises(ValueError, match="check digit") as caught:
        read_typed(wrong)
    assert says in str(caught.value)
    assert not any(part in str(caught.value) for part in ("1234", "2314", "8102", "7408", "1204"))


def test_other_things_that_open_a_chip_may_be_typed() -> None:
    assert read_typed(" 123456 ") == Can("123456")
    assert read_typed("l898902c 690806 940623") == MrzKey("L898902C<369080619406236")


@pytest.mark.parametrize("text", ["", "12345", "E01234567", "E01234567 810203", TD3[:80], "٣" * 88])
def test_what_opens_nothing_is_told_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="MRZ") as caught:
        read_typed(text)
    assert "E0123" not in str(caught.value)


@given(st.text(alphabet="O0I1<A5", min_size=72, max_size=90) | st.text())
def test_any_typed_text_is_a_page_or_told(text: str) -> None:
    told = ""
    try:
        read_typed(text)
    except ValueError as error:
        told = str(error)
    assert not told or len(text) < 15 or text not in told


class Wire:
    """The far end of the line: what it sends, piece by piece; nothing after that."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def read(self, timeout: float) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def close(self) -> None:
        self.pieces = []


def pages(*pieces: bytes, looks: int = 6) -> list[object]:
    """What a line makes of `pieces`, half a second apart once they have ended."""
    now = iter(range(10_000))
    wire = Wire(*pieces)
    line = MrzLine(wire, lambda: next(now) * 0.5 if not wire.pieces else 0.0)
    found: list[object] = []
    for _ in range(len(pieces) + looks):
        try:
            found.append(line.read(0))
        except Misread as error:
            found.append(str(error))
    return [one for one in found if one is not None]


@pytest.mark.parametrize("text", [TD3, TD2, TD1])
@pytest.mark.parametrize(
    "frame",
    [
        lambda t: t.replace("\n", "\r") + "\r",
        lambda t: t.replace("\n", "\r\n") + "\r\n",
        lambda t: "\x02" + t.replace("\n", "\r") + "\r\x03",
        lambda t: t.replace("\n", "") + "\r",
        lambda t: t.replace("\n", ""),
    ],
    ids=["cr", "crlf", "framed", "in one go", "without an end"],
)
@pytest.mark.parametrize("size", [1, 7, 500])
def test_a_page_comes_in_all_shapes_and_pieces(text: str, frame, size: int) -> None:
    data = frame(text).encode()
    assert pages(*(data[n : n + size] for n in range(0, len(data), size))) == [parse_mrz(text)]


def test_two_pages_are_two() -> None:
    sent = [(text.replace("\n", "\r") + "\r").encode() for text in (TD3, TD1)]
    assert pages(*sent) == [parse_mrz(TD3), parse_mrz(TD1)]


def test_a_page_in_one_go_counts_before_the_line_falls_silent() -> None:
    line = MrzLine(Wire(TD3.replace("\n", "\r").encode() + b"\r"), lambda: 0.0)
    assert line.read(0) == parse_mrz(TD3)
    assert line.stats.pages == 1


def test_half_a_page_is_told_and_a_few_strays_are_not() -> None:
    (told,) = pages(TD3[:60].encode())
    assert "this has 59" in str(told)
    assert "E0123" not in str(told)
    assert pages(b"NO READ\r") == []


def test_a_line_without_end_is_not_kept() -> None:
    assert len(pages(*[b"A" * 100] * 30)) >= 2
    assert MOST_BYTES < 3000


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_pages_or_told(pieces: list[bytes]) -> None:
    pages(*pieces)
