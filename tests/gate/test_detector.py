"""The detector finds whatever was planted, however it was written, and leaves an ordinary log alone."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import random
import tarfile
import urllib.parse
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.detector import Hit, blank, scan, scan_bytes, search
from gate.detector_rules import Kind
from models.ids import check_digit
from models.mrz import check_digit as mrz_digit

FEW = settings(max_examples=15 if os.environ.get("MENSHEN_EXAMPLES") == "few" else 30, deadline=None)

ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
SURNAMES = "赵钱孙李周吴郑王冯陈张杨刘黄"
GIVEN = "晓明子涵雨桐浩然欣怡建国秀英志强丽华俊杰婷海燕"

births = st.dates(date(1930, 1, 1), date(2024, 12, 31))


@st.composite
def numbers(draw: st.DrawFn) -> str:
    digits = f"{draw(st.integers(110_000, 829_999))}{draw(births):%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return digits + check_digit(digits)


@st.composite
def passports(draw: st.DrawFn) -> str:
    """A passport's zone of two lines (ICAO 9303-4)."""
    surname = draw(st.sampled_from(["ZHANG", "WANG", "LI", "SMITH"]))
    number = f"E{draw(st.integers(10_000_000, 99_999_999))}"
    birth, expiry = f"{draw(births):%y%m%d}", f"{draw(births) + timedelta(days=9000):%y%m%d}"
    first = f"P<CHN{surname}<<XIAOMING".ljust(44, "<")
    parts = [number, birth, expiry, "<" * 14]
    checked = [part + mrz_digit(part) for part in parts]
    whole = mrz_digit(checked[0] + checked[1] + checked[2] + checked[3])
    second = f"{checked[0]}CHN{checked[1]}{draw(st.sampled_from('MF<'))}{checked[2]}{checked[3]}{whole}"
    return f"{first}\n{second}"


names = st.builds(lambda a, b: a + b, st.sampled_from(SURNAMES), st.text(GIVEN, min_size=1, max_size=2))
phones = st.builds("1{}{:09d}".format, st.integers(3, 9), st.integers(0, 999_999_999))


def hexed(data: bytes) -> bytes:
    return data.hex().encode()


def spaced(data: bytes) -> bytes:
    return data.hex(" ").upper().encode()


def sixty_four(data: bytes) -> bytes:
    return base64.b64encode(data)


def web_safe(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def twice(data: bytes) -> bytes:
    return base64.b64encode(data.hex().encode())


WRAPS: tuple[Callable[[bytes], bytes], ...] = (bytes, hexed, spaced, sixty_four, web_safe, twice)
wraps = st.sampled_from(WRAPS)
noise = st.binary(max_size=40).filter(lambda data: not data or not chr(data[-1]).isalnum())


def kinds(data: bytes) -> set[Kind]:
    return {hit.kind for hit in search(data)}


def clean(data: bytes) -> bytes:
    return blank(data, search(data))


@FEW
@given(numbers(), st.sampled_from(ENCODINGS), wraps)
def test_a_number_is_found_however_it_is_written(number: str, encoding: str, wrap: Callable[[bytes], bytes]):
    said = b"reader: " + wrap(f"card {number} read".encode(encoding)) + b" (1 ms)\n"
    assert Kind.NUMBER in kinds(said)
    assert number.encode(encoding) not in clean(said)
    assert wrap(number.encode()) not in clean(said)


@FEW
@given(numbers(), st.sampled_from([" ", "-"]))
def test_a_number_in_groups_or_wide_digits_is_found(number: str, gap: str):
    grouped = gap.join((number[:6], number[6:14], number[14:]))
    wide = number.translate({0x30 + digit: 0xFF10 + digit for digit in range(10)})
    for text in (grouped, wide, f"7{number}123", f'"n":"{number}"'):
        assert Kind.NUMBER in kinds(text.encode()), text
    assert Kind.NUMBER in kinds(wide.encode("gb18030"))


PROVINCES = (11, 23, 31, 37, 44, 46, 51, 65, 82)
old_numbers = st.builds(
    lambda province, place, birth, serial: f"{province}{place:04d}{birth:%y%m%d}{serial:03d}",
    st.sampled_from(PROVINCES),
    st.integers(101, 9999).filter(lambda place: place % 100 and place >= 100),
    st.dates(date(1910, 1, 1), date(1999, 12, 31)),
    st.integers(0, 999),
)


@FEW
@given(old_numbers, st.sampled_from(ENCODINGS), wraps)
def test_an_old_number_of_15_digits_is_found(number: str, encoding: str, wrap: Callable[[bytes], bytes]):
    said = b"reader: " + wrap(f"card {number} read".encode(encoding)) + b" (1 ms)\n"
    assert Kind.NUMBER in kinds(said)
    assert number.encode(encoding) not in clean(said)
    for text in (f"{number[:6]} {number[6:12]} {number[12:]}", f"ID{number}", f"号码{number}。", f'"n":"{number}"'):
        assert Kind.NUMBER in kinds(text.encode()), text


@pytest.mark.parametrize(
    "other",
    [
        "110105499931002",  # no such day
        "110105070230002",  # neither
        "110105031231002",  # nobody born in 1903 comes here
        "990105491231002",  # no province
        "110005491231002",  # no place in it
        "0.110105491231002",
        "1790000000.110105491231002",
        "110105491231002.5",
        "1101054912310025",
        "3fa110105491231002",
        "110105491231002c44298fc1c149afbf4c8996fb9",
    ],
)
def test_other_numbers_of_15_digits_are_left(other: str):
    assert Kind.NUMBER not in kinds(f"took {other} of them".encode())


def test_few_numbers_by_chance_look_like_an_old_one():
    chance = random.Random(4)
    found = sum(Kind.NUMBER in kinds(f"n={chance.randrange(10**14, 10**15)}".encode()) for _ in range(2000))
    assert found < 40  # about one in a hundred


@FEW
@given(passports(), st.sampled_from(["\n", "", "\\n", " "]), wraps)
def test_a_passports_zone_is_found(zone: str, between: str, wrap: Callable[[bytes], bytes]):
    said = b"mrz=" + wrap(zone.replace("\n", between).encode()) + b"."
    assert Kind.MRZ in kinds(said)
    left = clean(said)
    assert zone[50:70].encode() not in left
    assert wrap(zone.encode()) not in left


@FEW
@given(names, st.sampled_from(["name={}", "姓名：{}", '"holder": "{}"', "visitor {}", "姓名 {} 男"]), st.data())
def test_a_name_beside_its_field_is_found(name: str, form: str, data: st.DataObject):
    encoding = data.draw(st.sampled_from(ENCODINGS))
    said = f"at the lane {form.format(name)}, admitted".encode(encoding)
    wrap = data.draw(wraps)
    assert Kind.NAME in kinds(b"log: " + wrap(said) + b";")
    assert name.encode(encoding) not in clean(said)


@FEW
@given(names)
def test_an_escaped_name_is_found(name: str):
    for said in (
        json.dumps({"name": name}),
        f"name={urllib.parse.quote(name)}",
        repr(f"name={name}".encode()),
        repr(f"name={name}".encode("gb18030")),
        "name=" + "".join(f"&#{ord(one)};" for one in name),
        f"name={base64.b64encode(name.encode()).decode()}",
        f"name={name.encode('utf-16-le').hex()}",
    ):
        assert Kind.NAME in kinds(said.encode()), said
        assert Kind.NAME not in kinds(clean(said.encode())), said


@FEW
@given(phones, st.sampled_from(["{}", "+86 {}", "tel:{}", "+86{}"]), wraps)
def test_a_telephone_is_found(phone: str, form: str, wrap: Callable[[bytes], bytes]):
    assert Kind.PHONE in kinds(b"call " + wrap(form.format(phone).encode() + b" now"))


PICTURES = {
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\0",
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "jp2": b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ",
    "webp": b"RIFF\x24\0\0\0WEBPVP8 ",
    "card": b"WLf\0",  # the head of a resident card's portrait
}


@FEW
@given(st.sampled_from(sorted(PICTURES)), noise, st.binary(min_size=40, max_size=90), wraps)
def test_a_picture_is_found_in_the_middle_of_anything(
    kind: str, before: bytes, after: bytes, wrap: Callable[[bytes], bytes]
):
    assert Kind.PICTURE in kinds(b"x\n" + wrap(before + PICTURES[kind] + after) + b"\n")


@settings(max_examples=16, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["<f4", ">f4", "<f8", ">f8"]), noise, wraps)
def test_a_vector_is_found_in_bytes(seed: int, kind: str, before: bytes, wrap: Callable[[bytes], bytes]):
    vector = np.random.default_rng(seed).normal(0, 0.1, 128).astype(kind)
    assert Kind.VECTOR in kinds(b"v " + wrap(before + vector.tobytes()))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([", ", ",", " ", "\n"]))
def test_a_vector_is_found_in_words(seed: int, between: str):
    vector = np.random.default_rng(seed).normal(0, 0.1, 128).astype("f4").tolist()
    said = f"probe [{between.join(map(str, vector))}]".encode()
    assert Kind.VECTOR in kinds(said)
    assert str(vector[5]).encode() not in clean(said)


@pytest.mark.parametrize(
    "said",
    [
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----",
        "menshen://hub.example:8443/enrol#K7Q2-98XD-AAAA",
        "password = hunter22",
        '"token": "a8f5f167f44f4964e6c998dee827110c"',
        "rtsp://admin:geheim@10.0.0.4/stream",
        "Authorization: Bearer abcdefghijklmnop",
        "PIN=482913",
        "eyJhbGciOiJIUzI1NiJ9abc.eyJzdWIiOiIxMjM0NTY3.SflKxwRJSMeKKF2QT4",
    ],
)
def test_a_secret_is_found(said: str):
    assert Kind.SECRET in kinds(said.encode())
    assert Kind.SECRET in kinds(sixty_four(said.encode()))
    assert Kind.SECRET not in kinds(clean(said.encode()))


def test_a_documents_number_beside_its_field_is_found():
    for said in ("passport: E12345678", '"document_number": "EA1234567"', "护照号：E12345678"):
        assert Kind.DOCUMENT in kinds(said.encode()), said


def test_a_known_key_is_found_however_it_is_written():
    key = random.Random(1).randbytes(32)
    for wrap in WRAPS:
        assert Kind.KNOWN in {hit.kind for hit in search(b"key " + wrap(key), [key])}, wrap


ORDINARY = """\
2026-05-01 19:30:05,123 INFO    gate.lane: attempt 812: admit ok; lookup 4.2 ms, face 210.0 ms
2026-05-01 19:30:06,001 WARNING gate.pump: the reader is lost: /dev/gate-reader is gone
2026-05-01T19:30:06+0800 box systemd[1]: Started gate.service - Menshen: the gate of this lane.
entry 91823 at 1790000000.123456 hash 3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
serial+serial:///dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0?baud=115200
"device": "relay", "up": true, "p95_ms": 3.25, "acknowledged": 120391, "bytes": 1790000000123
张* 110***********1234 was told: 请看镜头
"""


def test_an_ordinary_log_is_left_as_it_is():
    assert search(ORDINARY.encode()) == []


def test_blanking_joins_what_overlaps_and_keeps_the_rest():
    hits = [Hit(Kind.NAME, 2, 5), Hit(Kind.NUMBER, 4, 8), Hit(Kind.PHONE, 3, 4), Hit(Kind.PHONE, 9, 10)]
    assert blank(b"0123456789ab", hits) == b"01[name]8[phone]ab"


@FEW
@given(st.binary(max_size=400))
def test_nothing_makes_it_fail(data: bytes):
    left = clean(data)
    assert isinstance(left, bytes)
    list(scan_bytes("x", data))


def test_archives_and_folders_are_looked_through(tmp_path: Path):
    number = b"110105194912310021"
    assert Kind.NUMBER not in kinds(number), "a wrong check digit is no number"
    number = b"11010519491231002X"
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("deep/log.txt", b"card " + number)
    with tarfile.open(tmp_path / "bundle.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("inner.zip")
        info.size = len(inner.getvalue())
        tar.addfile(info, io.BytesIO(inner.getvalue()))
    (tmp_path / "plain.txt").write_bytes(b"nothing here")
    (tmp_path / "packed.bin").write_bytes(base64.b64encode(gzip.compress(b"card " + number)))
    found = {trove.where: trove.counts for trove in scan(tmp_path)}
    assert found.keys() == {"bundle.tar.gz/inner.zip/deep/log.txt", "packed.bin"}


def test_a_number_that_two_reads_tore_apart_on_a_tape_is_found():
    tape = b"# menshen tape 1\n# line+serial\n0.1 < 31 31 30 31 30 35 31 39 34\n0.2 < 39 31 32 33 31 30 30 32 58\n"
    assert [trove.counts for trove in scan_bytes("a.tape", tape)] == [{"id-number": 1}]
