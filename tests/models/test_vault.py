"""Seals open for the right key in the right place, and for nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ids import DocumentType
from models.store.errors import UnsafeKey
from models.store.vault import (
    DeviceKey,
    Opener,
    SealBroken,
    decrypt,
    encrypt,
    load_or_make_event_secret,
    lookup_key,
    row_number,
    seal_row,
    wrap_for,
)

SECRET = bytes(range(32))
CARD = (DocumentType.RESIDENT_ID, "11010519491231002X")
PASSPORT = (DocumentType.PASSPORT, "E12345678")


def open_with(document: tuple[DocumentType, str], place: int = 0, event: str = "e", secret: bytes = SECRET) -> bytes:
    sealed = seal_row("e", SECRET, "T1", b"plain", [CARD, PASSPORT])
    row, (_, wrapped) = sealed.row, sealed.openings[place]
    return Opener.of(event, secret, *document).open(row, wrapped, sealed.sealed)


def test_a_lookup_key_is_the_hmac_that_the_specification_names():
    import hashlib
    import hmac

    expected = hmac.new(SECRET, b"lookup\0resident_id|11010519491231002X", hashlib.sha256).digest()
    assert lookup_key(SECRET, DocumentType.RESIDENT_ID, " 110105-19491231 002x") == expected


def test_equal_numbers_of_two_documents_never_meet():
    keys = {lookup_key(SECRET, kind, "12345678") for kind in DocumentType}
    assert len(keys) == len(DocumentType)


def test_lookup_and_row_number_depend_on_the_events_secret():
    other = bytes(32)
    assert lookup_key(SECRET, *CARD) != lookup_key(other, *CARD)
    assert row_number(SECRET, "T1") != row_number(other, "T1")
    assert 0 <= row_number(SECRET, "T1") < 2**63


@pytest.mark.parametrize(("document", "place"), [(CARD, 0), (PASSPORT, 1)])
def test_each_document_of_a_row_opens_it(document: tuple[DocumentType, str], place: int):
    assert open_with(document, place) == b"plain"


@pytest.mark.parametrize(
    "wrong",
    [
        {"document": (DocumentType.RESIDENT_ID, "110105194912310011")},
        {"document": PASSPORT, "place": 0},
        {"document": CARD, "event": "another"},
        {"document": CARD, "secret": bytes(32)},
    ],
)
def test_another_number_place_event_or_secret_opens_nothing(wrong: dict[str, object]):
    with pytest.raises(SealBroken):
        open_with(**wrong)  # type: ignore[arg-type]


def test_a_seal_moved_to_another_row_does_not_open():
    one, two = (seal_row("e", SECRET, ticket, b"plain", [CARD]) for ticket in ("T1", "T2"))
    opener = Opener.of("e", SECRET, *CARD)
    with pytest.raises(SealBroken):
        opener.open(two.row, one.openings[0][1], one.sealed)
    with pytest.raises(SealBroken):
        opener.open(one.row, one.openings[0][1], two.sealed)


def test_two_seals_of_the_same_row_share_no_bytes_to_compare():
    one, two = (seal_row("e", SECRET, "T1", b"plain", [CARD]) for _ in range(2))
    assert one.row == two.row
    assert one.sealed != two.sealed
    assert one.openings[0][1] != two.openings[0][1]


@given(st.binary(max_size=64), st.data())
def test_a_seal_with_any_changed_byte_does_not_open(plain: bytes, data: st.DataObject):
    sealed = bytearray(encrypt(SECRET, plain, b"here"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        decrypt(SECRET, bytes(sealed), b"here")


@pytest.mark.parametrize("size", [0, 1, 27])
def test_a_seal_that_is_too_short_is_broken_and_no_crash(size: int):
    with pytest.raises(SealBroken):
        decrypt(SECRET, bytes(size), b"")


def test_an_envelope_opens_for_its_device_and_place_only():
    ours, others = DeviceKey(os.urandom(32)), DeviceKey(os.urandom(32))
    envelope = wrap_for(ours.public, SECRET, b"event 1")
    assert ours.unwrap(envelope, b"event 1") == SECRET
    for device, place in ((others, b"event 1"), (ours, b"event 2")):
        with pytest.raises(SealBroken):
            device.unwrap(envelope, place)


@pytest.mark.parametrize("envelope", [b"", bytes(92), bytes(93)])
def test_an_envelope_of_nonsense_is_broken_and_no_crash(envelope: bytes):
    with pytest.raises(SealBroken):
        DeviceKey(SECRET).unwrap(envelope, b"")


def test_a_device_key_comes_back_from_its_file(tmp_path: Path):
    path = tmp_path / "device.key"
    made = DeviceKey.make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert DeviceKey.load(path).public == made.public
    assert DeviceKey.load(path).open(made.seal(b"kept", b"here"), b"here") == b"kept"
    with pytest.raises(UnsafeKey, match="exists already"):
        DeviceKey.make(path)
    assert DeviceKey.load(path).public == made.public


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_key_file_that_others_may_touch_is_refused_with_what_to_do(tmp_path: Path, mode: int):
    path = tmp_path / "device.key"
    DeviceKey.make(path)
    path.chmod(mode)
    with pytest.raises(UnsafeKey, match=f"mode {mode:04o}.*chmod 600"):
        DeviceKey.load(path)


def test_what_is_no_key_file_is_refused_by_name(tmp_path: Path):
    with pytest.raises(UnsafeKey, match=r"absent\.key is missing"):
        DeviceKey.load(tmp_path / "absent.key")
    short = tmp_path / "short.key"
    short.write_bytes(b"x" * 31)
    short.chmod(0o600)
    with pytest.raises(UnsafeKey, match="exactly 32 bytes"):
        DeviceKey.load(short)
    with pytest.raises(UnsafeKey, match="not a plain file"):
        DeviceKey.load(tmp_path)
    link = tmp_path / "link.key"
    link.symlink_to(short)
    with pytest.raises(UnsafeKey, match=r"link\.key can't be opened"):
        DeviceKey.load(link)


def test_an_event_keeps_its_secret(tmp_path: Path):
    first = load_or_make_event_secret(tmp_path / "gala.secret")
    assert load_or_make_event_secret(tmp_path / "gala.secret") == first
    assert load_or_make_event_secret(tmp_path / "other.secret") != first
