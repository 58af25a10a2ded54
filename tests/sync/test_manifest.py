"""From the table to the gate, as a technician does it; and nobody can be read in what lies on disks in between."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from models.face import FaceReference
from models.ids import DocumentType
from models.store.errors import UnsafeKey
from models.store.vault import DeviceKey
from sync.manifest import Tables, build_manifest, load_manifest, show_manifest
from sync.refusals import BundleRefused
from sync.sources.table import SourceRefused

HEADER = "ticket,name,number,not_before,not_after,consent_id,seat,notes"
TIMES = "2025-05-01T18:00Z,2025-05-01T22:00Z"
NAMES = ("欧阳娜娜", "Aleksandr Pushkin")
SEATS = ("ROW-ZULU-44", "ROW-YANKEE-45")


@pytest.fixture
def tables(tmp_path: Path, number_of) -> Tables:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "TICKET-0.jpg").write_bytes(b"PICTUREBYTES" * 20)
    lines = [
        f"TICKET-{each},{NAMES[each]},{number_of(each)},{TIMES},CONSENT-{each},{SEATS[each]},medical:WHEELCHAIR"
        for each in (0, 1)
    ]
    (tmp_path / "people.csv").write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    watch = "entry,owner,purpose,action,number,valid_from,valid_to,approvers"
    row = f"LISTED-1,OWNER-OF-LIST,PURPOSE-OF-LIST,review,{number_of(1)},{TIMES},li|wang"
    (tmp_path / "watch.csv").write_text(f"{watch}\n{row}", encoding="utf-8")
    return Tables(tmp_path / "people.csv", photos, tmp_path / "watch.csv")


def enrol(path: Path) -> FaceReference:
    return FaceReference("sim-1", path.read_bytes())


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    DeviceKey.make(folder / "device.key")
    return folder


def issue(issuer, state_dir: Path, version: int = 1, **more: object):
    return issuer.issue({"A1": DeviceKey.load(state_dir / "device.key").public}, version, **more)


def test_a_table_becomes_the_manifest_of_a_gate(tables, issuer, state_dir, tmp_path):
    out = tmp_path / "gala.bundle"
    built = build_manifest(tables, out, issue(issuer, state_dir), enrol=enrol)
    loaded = load_manifest(out, state_dir, gate="A1", issuers={"centre": issuer.public}, now=2000.0)
    assert (built.tickets, built.openings, built.watch) == (2, 2, 1)
    assert replace(loaded, seconds=0) == replace(built, seconds=0)
    state = show_manifest(state_dir)
    assert state is not None
    assert (state.version, state.tickets, state.digest) == (1, 2, built.digest)


def test_a_refused_bundle_leaves_the_manifest_that_was(tables, issuer, state_dir, tmp_path):
    out, trusted = tmp_path / "gala.bundle", {"centre": issuer.public}
    build_manifest(tables, out, issue(issuer, state_dir, 2))
    load_manifest(out, state_dir, gate="A1", issuers=trusted, now=2000.0)
    before = (state_dir / "manifest.db").read_bytes()
    build_manifest(tables, out, issue(issuer, state_dir, 1))
    with pytest.raises(BundleRefused):
        load_manifest(out, state_dir, gate="A1", issuers=trusted, now=2000.0)
    assert (state_dir / "manifest.db").read_bytes() == before


def test_an_event_left_and_entered_again_cannot_be_rolled_back(tables, issuer, state_dir, tmp_path):
    trusted = {"centre": issuer.public}
    bundles = []
    for version, event in ((5, "gala"), (1, "other"), (5, "gala")):
        policy = replace(issuer.policy, event=event)
        bundles.append(tmp_path / f"{len(bundles)}.bundle")
        build_manifest(tables, bundles[-1], issue(issuer, state_dir, version, policy=policy))
    for bundle, event in zip(bundles[:2], ("gala", "other"), strict=True):
        load_manifest(bundle, state_dir, gate="A1", issuers=trusted, now=2000.0, event=event)
    with pytest.raises(BundleRefused, match="this gate had 5 already"):
        load_manifest(bundles[2], state_dir, gate="A1", issuers=trusted, now=2000.0, event="gala")


def test_a_gate_with_a_new_device_key_is_loaded_again(tables, issuer, state_dir, tmp_path):
    out, trusted = tmp_path / "gala.bundle", {"centre": issuer.public}
    for version in (1, 2):
        build_manifest(tables, out, issue(issuer, state_dir, version))
        load_manifest(out, state_dir, gate="A1", issuers=trusted, now=2000.0)
        (state_dir / "device.key").unlink()
        DeviceKey.make(state_dir / "device.key")


def test_the_device_key_may_lie_elsewhere(tables, issuer, state_dir, tmp_path):
    out, elsewhere = tmp_path / "gala.bundle", tmp_path / "elsewhere.key"
    (state_dir / "device.key").rename(elsewhere)
    build_manifest(tables, out, issuer.issue({"A1": DeviceKey.load(elsewhere).public}))
    load_manifest(out, state_dir, gate="A1", issuers={"centre": issuer.public}, now=2000.0, key_file=elsewhere)
    state = show_manifest(state_dir, elsewhere)
    assert state is not None
    assert state.version == 1


def test_a_table_with_problems_makes_no_bundle_and_leaves_the_old_one(tables, issuer, state_dir, tmp_path):
    out = tmp_path / "gala.bundle"
    out.write_bytes(b"the old one")
    tables.people.write_text(f"{HEADER}\nT1,a,1,x,y,,,\n")
    with pytest.raises(SourceRefused):
        build_manifest(tables, out, issue(issuer, state_dir))
    assert out.read_bytes() == b"the old one"


def test_a_screening_has_a_list_and_no_tickets(tables, issuer, state_dir, tmp_path):
    out = tmp_path / "list.bundle"
    built = build_manifest(replace(tables, people=None), out, issue(issuer, state_dir))
    assert (built.tickets, built.watch) == (0, 1)


def test_without_a_device_key_the_technician_is_told_what_to_do(tmp_path):
    with pytest.raises(UnsafeKey, match=r"device\.key is missing: make the key first"):
        load_manifest(tmp_path / "x", tmp_path, gate="A1", issuers={}, now=0.0)


def test_nobody_can_be_read_in_bundle_or_database(tables, issuer, state_dir, tmp_path, number_of):
    """Names, numbers, tickets, seats, consents and pictures, in the encodings they could have leaked in."""
    out = tmp_path / "gala.bundle"
    build_manifest(tables, out, issue(issuer, state_dir), enrol=enrol)
    load_manifest(out, state_dir, gate="A1", issuers={"centre": issuer.public}, now=2000.0)
    secrets = [*NAMES, *SEATS, number_of(0), number_of(1), "TICKET-0", "TICKET-1", "CONSENT-0", "WHEELCHAIR"]
    secrets += ["Pushkin", "欧阳", "欧*", "A********", "PICTUREBYTES", "LISTED-1", "OWNER-OF-LIST", "PURPOSE-OF-LIST"]
    secrets += [number_of(0)[:17], issuer.issue({}).event_secret.hex()]
    files = [out, *(path for path in state_dir.iterdir() if path.name != "device.key")]
    assert {"gala.bundle", "manifest.db"} <= {path.name for path in files}
    for data in (path.read_bytes() for path in files):
        for secret in secrets:
            for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"):
                assert secret.encode(encoding) not in data
        assert issuer.issue({}).event_secret not in data


@pytest.mark.slow
def test_ten_thousand_people_come_through(tmp_path, issuer, state_dir, number_of):
    lines = [f"T{each},张三,{number_of(each)},{TIMES},C{each},," for each in range(10_000)]
    (tmp_path / "people.csv").write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    known = {f"T{each}": FaceReference("dlib-1", random.Random(each).randbytes(512)) for each in range(10_000)}
    out = tmp_path / "big.bundle"
    built = build_manifest(Tables(tmp_path / "people.csv", references=known), out, issue(issuer, state_dir))
    loaded = load_manifest(out, state_dir, gate="A1", issuers={"centre": issuer.public}, now=2000.0)
    assert loaded.tickets == built.tickets == 10_000
    from models.store.manifest_db import ManifestReader

    reader = ManifestReader(state_dir / "manifest.db", DeviceKey.load(state_dir / "device.key"))
    for each in (0, 1, 4711, 9_999):
        (ticket,) = reader.find(DocumentType.RESIDENT_ID, number_of(each)).tickets
        assert ticket.reference == replace(known[f"T{each}"], legal_basis=f"C{each}")
    reader.close()
