"""A good bundle is installed; every attack is refused by its name, and the database stays as it was, byte by byte."""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.decision import Policy, Profile
from models.face import FaceReference
from models.ids import DocumentType
from sync import bundle_format as layout
from sync.bundle import apply, look, verify
from sync.bundle_build import CannotBuild, MissingBasis, build
from sync.refusals import BundleRefused, PartsChanged

Gate = Any  # the conftest's, which can't be imported


def files(gate: Gate) -> dict[str, str]:
    """Digests of the database and of SQLite's log beside it. The index in shared memory is SQLite's own scratch."""
    found = (gate.folder / name for name in ("manifest.db", "manifest.db-wal"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found if path.exists()}


def refused(gate: Gate, bundle: Path, code: str, **more: Any) -> None:
    before = files(gate)
    with pytest.raises(BundleRefused) as caught:
        gate.load(bundle, **more)
    assert caught.value.code == code, caught.value
    assert files(gate) == before


def resigned(gate: Gate, bundle: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The bundle with a changed header, signed by the right issuer: what only a faulty or newer issuer makes."""
    data = bundle.read_bytes()
    with bundle.open("rb") as file:
        raw, _ = layout.read_frame(file)
    header = json.loads(raw)
    change(header)
    new = json.dumps(header).encode()
    frame = layout.frame(new, gate.issuer.key.sign(layout.SIGNED + new))
    bundle.write_bytes(frame + data[layout.frame_size(raw) :])
    return bundle


def spliced(front: Path, back: Path) -> Path:
    """The header of one bundle before the parts of another."""
    sizes = []
    for path in (front, back):
        with path.open("rb") as file:
            sizes.append(layout.frame_size(layout.read_frame(file)[0]))
    front.write_bytes(front.read_bytes()[: sizes[0]] + back.read_bytes()[sizes[1] :])
    return front


def test_a_good_bundle_becomes_the_manifest(gate, make_people, number_of):
    state = gate.load(gate.make(4, 3))
    assert (state.event, state.version, state.tickets) == ("gala", 3, 4)
    assert gate.reader.state() == state
    assert gate.reader.policy() == gate.issuer.policy
    (entry,) = gate.reader.watchlist()
    assert (entry.entry, entry.template) == ("w1", b"t" * 512)
    for serial, person in enumerate(make_people(4)):
        found = gate.reader.find(DocumentType.RESIDENT_ID, number_of(serial))
        assert found.tickets == (person.ticket,)
        assert len(found.hits) == (serial == 1)


def test_issuer_and_gate_show_the_same_digest(gate):
    bundle = gate.make()
    assert look(bundle, {"centre": gate.issuer.public}).digest == gate.load(bundle).digest


def test_every_gate_of_the_list_opens_the_same_bundle(make_gate, issuer):
    gates = [make_gate(name) for name in ("A1", "A2", "乙门")]
    out = issuer.folder / "all.bundle"
    build(out, [], issuer.issue({each.name: each.key.public for each in gates}))
    assert len({each.load(out).digest for each in gates}) == 1


def test_an_unknown_issuer_is_refused(gate):
    refused(gate, gate.make(), "unknown_issuer", issuers={"somebody else": gate.issuer.public})


def test_a_wrong_issuers_signature_is_refused(gate):
    refused(gate, gate.make(signing_key=Ed25519PrivateKey.generate()), "bad_signature")


def test_rollback_and_repetition_are_refused(gate):
    old, new = gate.make(version=1, name="old"), gate.make(version=2, name="new")
    gate.load(new)
    refused(gate, new, "rolled_back")
    refused(gate, old, "rolled_back")


def test_a_rollback_by_way_of_another_event_is_refused(gate):
    first = gate.make(version=5, name="first")
    gate.load(first)
    gate.issuer.policy = Policy(Profile.CARD, "other")
    out = gate.issuer.folder / "other"
    build(out, [], gate.issuer.issue({"A1": gate.key.public}))
    gate.load(out, event="other")
    floor = gate.writer.highest_version("gala")
    refused(gate, first, "rolled_back", event="gala", floor=floor)


def test_a_frozen_copy_is_refused_from_the_second_it_expires(gate):
    bundle = gate.make()
    refused(gate, bundle, "expired", now=9000.0)
    gate.load(bundle, now=8999.9)


def test_a_clock_that_is_behind_the_bundle_is_refused(gate):
    refused(gate, gate.make(), "clock_behind", now=0.0)


def test_another_gates_bundle_is_refused(gate, make_gate):
    refused(gate, make_gate("B9").make(), "other_gate")


def test_a_bundle_for_the_same_gate_with_another_device_key_is_refused(gate, make_gate):
    bundle = gate.issuer.folder / "x"
    build(bundle, [], gate.issuer.issue({gate.name: make_gate("B9").key.public}))
    refused(gate, bundle, "other_gate")


def test_another_events_bundle_is_refused_unless_asked_for(gate):
    gate.load(gate.make())
    gate.issuer.policy = Policy(Profile.CARD, "other")
    out = gate.issuer.folder / "other"
    build(out, [], gate.issuer.issue({"A1": gate.key.public}))
    refused(gate, out, "other_event")
    assert gate.load(out, event="other").event == "other"
    assert gate.reader.find(DocumentType.RESIDENT_ID, "x").tickets == ()


def test_the_parts_of_another_version_are_refused(gate):
    one, two = gate.make(version=1, name="one"), gate.make(version=2, name="two")
    assert one.stat().st_size == two.stat().st_size
    refused(gate, spliced(two, one), "parts_changed")


def test_data_after_the_end_are_refused(gate):
    bundle = gate.make()
    bundle.write_bytes(bundle.read_bytes() + b"\0")
    refused(gate, bundle, "endless_data")


def test_a_huge_header_is_refused_before_it_is_read(gate, tmp_path):
    bundle = tmp_path / "huge"
    bundle.write_bytes(layout.MAGIC + struct.pack(">I", 2**32 - 1))
    os.truncate(bundle, 2**33)  # sparse
    refused(gate, bundle, "endless_data")


def test_a_part_beyond_any_measure_is_refused_before_it_is_read(gate):
    def grow(header: dict[str, Any]) -> None:
        header["parts"][0]["size"] = 2**50
        header["digest"] = layout.digest_of(layout.Part(**part) for part in header["parts"])

    bundle = resigned(gate, gate.make(), grow)
    refused(gate, bundle, "endless_data")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.9999])
def test_a_bundle_cut_short_anywhere_is_refused(gate, share):
    data = gate.make().read_bytes()
    bundle = gate.issuer.folder / "cut"
    bundle.write_bytes(data[: int(len(data) * share)])
    refused(gate, bundle, "not_a_bundle" if share <= 0.001 else "cut_short")


def test_what_is_no_plain_file_is_refused_and_does_not_hold_us(gate, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused(gate, pipe, "not_a_bundle")
    refused(gate, tmp_path, "not_a_bundle")
    refused(gate, Path("/dev/zero"), "not_a_bundle")


def test_suddenly_empty_is_refused_unless_the_issuer_signs_that_it_is_meant(gate):
    gate.load(gate.make(10, 1))
    refused(gate, gate.make(4, 2), "suddenly_empty")
    gate.load(gate.make(5, 3))
    gate.load(gate.make(0, 4, shrinks=True))
    assert gate.reader.state().tickets == 0


def test_a_newer_format_is_refused(gate):
    refused(gate, resigned(gate, gate.make(), lambda header: header.update(format=2)), "newer_format")


def test_a_rule_this_program_cannot_keep_is_refused_and_not_skipped(gate):
    bundle = resigned(gate, gate.make(), lambda header: header["policy"].update(needs_fingerprint=True))
    refused(gate, bundle, "newer_format")
    bundle = resigned(gate, gate.make(), lambda header: header["policy"]["bands"][0].update(season="winter"))
    refused(gate, bundle, "newer_format")


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.update(surprise=1),
        lambda header: header.update(kind="delta"),
        lambda header: header.update(digest="0" * 64),
        lambda header: header.update(parts=header["parts"][:2]),
        lambda header: header["parts"].reverse(),
        lambda header: header["parts"][0].update(count=3),
        lambda header: header["policy"].update(event="other"),
        lambda header: header["policy"].update(face_tries="many"),
        lambda header: header.update(version="2"),
    ],
)
def test_signed_nonsense_is_refused_all_the_same(gate, change):
    refused(gate, resigned(gate, gate.make(), change), "malformed")


def test_counts_that_the_parts_do_not_have_are_refused(gate):
    for count in (3, 5):

        def recount(header: dict[str, Any], count: int = count) -> None:
            header["parts"][0]["count"] = count
            header["digest"] = layout.digest_of(layout.Part(**part) for part in header["parts"])

        refused(gate, resigned(gate, gate.make(), recount), "malformed")


def test_no_flipped_byte_gets_through(gate):
    """900 random mutations of a small bundle: refused each time, and nothing is written. The end is always hit too."""
    whole = gate.make(3).read_bytes()
    bundle, before, dice = gate.issuer.folder / "flipped", files(gate), random.Random(4)
    places = [*range(20), len(whole) - 1, *(dice.randrange(len(whole)) for _ in range(880))]
    for place in places:
        data = bytearray(whole)
        data[place] ^= dice.randrange(1, 256)
        bundle.write_bytes(data)
        with pytest.raises(BundleRefused):
            verify(bundle, gate.trust(), None, 2000.0)
    assert files(gate) == before
    bundle.write_bytes(whole)
    verify(bundle, gate.trust(), None, 2000.0)


def test_a_file_exchanged_after_its_verification_is_not_installed(gate):
    gate.load(gate.make(version=1))
    bundle = gate.make(version=2, name="new")
    verified = verify(bundle, gate.trust(), gate.writer.state(), 2000.0)
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    with pytest.raises(BundleRefused):
        apply(verified, gate.writer, 2000.0)
    data[-1] ^= 1
    data[verified.parts_at + 40] ^= 1  # within the first sealed ticket
    bundle.write_bytes(data)
    with pytest.raises(PartsChanged):
        apply(verified, gate.writer, 2000.0)
    assert gate.reader.state().version == 1


def test_a_face_without_consent_or_legal_basis_is_not_built(gate, make_people, tmp_path):
    out = tmp_path / "out"
    issue = gate.issuer.issue({"A1": gate.key.public})
    bare = FaceReference("dlib-1", b"x" * 512)
    (person,) = make_people(1)
    person = replace(person, ticket=replace(person.ticket, reference=bare))
    with pytest.raises(MissingBasis, match="TICKET-0 has a face without a consent_id or legal_basis"):
        build(out, [person], issue)
    assert list(tmp_path.glob("*out*")) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 0}, "whole number from 1"),
        ({"expires_at": 1000.0}, "must expire after"),
        ({"gates": {}}, "at least one gate"),
        ({"gates": {"A1": b"short"}}, "public key of gate A1"),
        ({"event_secret": b""}, "32 bytes"),
        ({"issuer": ""}, "an issuer"),
    ],
)
def test_what_would_be_no_good_bundle_is_not_built(gate, change, told):
    with pytest.raises(CannotBuild, match=told):
        gate.make(**change)
    assert list(gate.issuer.folder.iterdir()) == []


def test_a_ticket_twice_or_without_document_or_of_another_event_is_not_built(gate, make_people):
    issue = gate.issuer.issue({"A1": gate.key.public})
    (one,) = make_people(1)
    other = replace(one, ticket=replace(one.ticket, entitlement=replace(one.ticket.entitlement, event="other")))
    for holdings, told in (
        ([one, one], "there twice"),
        ([replace(one, documents=())], "no document"),
        ([other], "event"),
    ):
        with pytest.raises(CannotBuild, match=told):
            build(gate.issuer.folder / "x", holdings, issue)


def test_every_refusal_has_a_code_of_its_own_and_a_sentence():
    kinds = BundleRefused.__subclasses__()
    assert len({kind.code for kind in kinds}) == len(kinds) == 15
    assert BundleRefused.code not in {kind.code for kind in kinds}
