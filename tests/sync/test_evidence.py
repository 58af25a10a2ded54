"""An evidence file proves itself with public keys alone; whatever is changed in it is found."""

from __future__ import annotations

import os
import zipfile
from contextlib import suppress
from dataclasses import replace
from io import BytesIO

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from models.store.chain import line_hash, root_hash, sign_checkpoint
from models.store.excerpt import Excerpt, Seal, cut, line_of
from models.store.vault import DeviceKey
from sync import evidence
from sync.evidence import EvidenceRefused, GateKeys, Record, Seen
from tests.examples import examples

SITE = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
GATE = Ed25519PrivateKey.from_private_bytes(b"g" * 32)
SITE_KEY = SITE.public_key().public_bytes_raw().hex()
GATE_KEY = GATE.public_key().public_bytes_raw().hex()
PHOTO = b"a page of a court's order"


def _excerpt() -> Excerpt:
    hash_, lines = root_hash("north", "e1"), []
    for seq in range(1, 6):
        body = f'{{"attempt":{seq}}}'
        hash_ = line_hash(hash_, "north", "e1", seq, float(seq), "decision", body.encode())
        lines.append(line_of(seq, float(seq), "decision", body))
    sealed = sign_checkpoint(GATE, "north", "e1", 5, 9.0, hash_)
    seal = Seal(9.0, sealed.public_key.hex(), sealed.signature.hex())
    return Excerpt("north", "e1", root_hash("north", "e1").hex(), cut(lines, {2}), seal)


def _record() -> Record:
    attached = evidence.attach(1, "法院 order.txt", "text/plain", PHOTO)
    gates = (GateKeys("gate-1", "north", (GATE_KEY,)),)
    seen = (Seen(4.0, "lin", "watch.seen"),)
    return Record(
        "city",
        SITE_KEY,
        "entry:w-1",
        5.0,
        "lin",
        "asked by the police",
        {"state": "active"},
        (_excerpt(),),
        gates,
        seen,
        (attached,),
    )


def _file(record: Record | None = None, key: Ed25519PrivateKey = SITE) -> bytes:
    record = record or _record()
    return evidence.write(record, {one.name: PHOTO for one in record.files}, key)


def test_a_file_proves_itself_by_the_keys_one_brings() -> None:
    proven = evidence.verify(_file(), {SITE_KEY}, {GATE_KEY})
    assert proven.whole
    assert proven.lines == 1
    assert proven.record == _record()


@pytest.mark.parametrize(("site", "gate"), [(set(), {GATE_KEY}), ({SITE_KEY}, set()), ({"ab" * 32}, {GATE_KEY})])
def test_by_its_own_keys_alone_it_is_only_consistent(site: set[str], gate: set[str]) -> None:
    assert not evidence.verify(_file(), site, gate).whole


@settings(max_examples=examples(400), deadline=None)
@given(st.data())
def test_a_changed_byte_is_found_or_is_none_of_the_content(data: st.DataObject) -> None:
    """A ZIP archive has bytes that nobody reads (times, comments); all that is read is proved."""
    whole = bytearray(_file())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(EvidenceRefused):
        assert evidence.verify(bytes(whole), {SITE_KEY}, {GATE_KEY}).record == _record()


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with pytest.raises(EvidenceRefused):
        evidence.verify(data)
    with pytest.raises(EvidenceRefused):
        evidence.unseal(evidence.SEALED + data, DeviceKey(os.urandom(32)))


def _rewritten(members: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(_file())) as old, zipfile.ZipFile(out, "w") as new:
        for name in {*old.namelist(), *members}:
            if members.get(name) != b"":
                new.writestr(name, members.get(name) or old.read(name))
    return out.getvalue()


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"evidence.json": b"{}"}, "can't be read"),
        ({"evidence.sig": b"00" * 64}, "changed"),
        ({"evidence.sig": b""}, "no evidence.sig"),
        ({"files/002-more.txt": b"more"}, "put in"),
        ({"files/001-_order.txt": b"another page"}, "changed"),
        ({"files/001-_order.txt": b"x" * 5000}, "longer"),
    ],
)
def test_what_was_put_in_or_changed_is_named(members: dict[str, bytes], words: str) -> None:
    with pytest.raises(EvidenceRefused, match=words):
        evidence.verify(_rewritten(members), {SITE_KEY})


def test_a_record_signed_by_somebody_else_under_the_sites_key_is_refused() -> None:
    with pytest.raises(EvidenceRefused, match="changed"):
        evidence.verify(_file(key=GATE))


def test_lines_of_a_gate_that_the_site_never_enrolled_are_refused() -> None:
    with pytest.raises(EvidenceRefused, match="not among"):
        evidence.verify(_file(replace(_record(), gates=())))


def test_a_sealed_file_opens_for_its_receiver_alone() -> None:
    mine, theirs = DeviceKey(os.urandom(32)), DeviceKey(os.urandom(32))
    sealed = evidence.seal(_file(), mine.public)
    assert PHOTO not in sealed
    assert evidence.verify(evidence.unseal(sealed, mine), {SITE_KEY}, {GATE_KEY}).whole
    with pytest.raises(EvidenceRefused, match="another key"):
        evidence.unseal(sealed, theirs)
    with pytest.raises(EvidenceRefused, match="--opened-with"):
        evidence.verify(sealed)


def test_no_name_leads_out_of_the_folder() -> None:
    for name in ("../../etc/passwd", "/etc/passwd", "..", "…", "a/b", "", "文件"):
        assert evidence._NAME.fullmatch(evidence.attach(1, name, "text/plain", b"").name)


def test_a_fingerprint_can_be_read_out() -> None:
    assert len(evidence.fingerprint(SITE_KEY).split()) == 8
