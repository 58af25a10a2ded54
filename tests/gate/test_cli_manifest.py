"""From keys over a table to a loaded manifest, as a technician types it; and every way in which it is refused."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from drivers.face.sim import marked, reference
from gate.cli import main
from gate.commands._issue import version_at
from models.credential import Assurance
from models.decision import Policy
from models.ids import DocumentType, check_digit
from models.store.manifest_db import ManifestReader
from models.store.public_key import KeyUse, PublicKey, read_public_key, write_public_key
from models.store.vault import DeviceKey

HEADER = "ticket,name,number,not_before,not_after,consent_id"
TIMES = "2026-05-01T18:00,2026-05-01T22:00"


def number_of(serial: int) -> str:
    stem = f"11010519491{serial:06d}"
    return stem + check_digit(stem)


def row(serial: int, **cells: str) -> str:
    number = cells.get("number", number_of(serial))
    return f"T{serial},张三,{number},{cells.get('times', TIMES)},{cells.get('consent', '')}"


class Venue:
    """A folder with a lane's configuration and an issuer's tables, and `gatectl` run on it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.config, self.people = folder, folder / "gate.toml", folder / "people.csv"
        self.bundle, self.state_dir = folder / "gala.bundle", folder / "state"
        self.config.write_text(
            f"""
[gate]
name = "G1"
timezone = "Asia/Shanghai"
state_dir = "{self.state_dir}"
issuers = ["issuer.pub"]
[devices]
reader = "sim:"
camera = ""
relay = "sim:"
"""
        )
        self.write(row(1), row(2))

    def write(self, *rows: str) -> None:
        self.people.write_text("\n".join([HEADER, *rows]), encoding="utf-8")

    def run(self, *arguments: object):
        environment = {"MENSHEN_CONFIG": str(self.config), "CREDENTIALS_DIRECTORY": None}
        return CliRunner().invoke(main, [str(argument) for argument in arguments], env=environment)

    def build(self, *more: object, profile: str = "card"):
        return self.build_of(self.people, *more, "--profile", profile)

    def build_of(self, *more: object):
        to = ("--out", self.bundle, "--event", "gala")
        by = ("--issuer", "hall", "--key", self.folder / "issuer.key", "--secret", self.folder / "gala.secret")
        return self.run("manifest", "build", *to, *by, *more)

    def load(self, *more: object):
        return self.run("manifest", "load", self.bundle, *more)


@pytest.fixture
def venue(tmp_path: Path) -> Venue:
    return Venue(tmp_path)


def test_from_keys_to_a_loaded_manifest(venue):
    built = venue.build("--json")
    assert built.exit_code == 0, built.stderr
    assert "made a new issuer's key" in built.stderr
    assert "made a new event secret" in built.stderr
    for secret in ("issuer.key", "gala.secret", "device-key"):
        assert stat.S_IMODE((venue.folder / secret).stat().st_mode) == 0o600
    loaded = venue.load("--json")
    assert loaded.exit_code == 0, loaded.stderr
    issued, held = json.loads(built.stdout), json.loads(loaded.stdout)
    assert (issued["digest"], issued["tickets"]) == (held["digest"], 2)
    shown = venue.run("manifest", "show", "--json")
    assert json.loads(shown.stdout)["digest"] == issued["digest"]
    reader = ManifestReader(venue.state_dir / "manifest.db", DeviceKey.load(venue.folder / "device-key"))
    assert [found.ticket for found in reader.find(DocumentType.RESIDENT_ID, number_of(2)).tickets] == ["T2"]
    reader.close()


def test_a_table_and_pictures_are_enough(venue):
    photos = venue.folder / "photos"
    photos.mkdir()
    cv2.imwrite(str(photos / "T1.png"), marked(7))
    venue.write(row(1, consent="C-1"), row(2))
    built = venue.run("manifest", "build", venue.people, photos, "--out", venue.bundle, "--face", "sim:", "--json")
    assert built.exit_code == 0, built.stderr
    assert json.loads(built.stdout)["event"] == "gala"
    assert {path.name for path in venue.folder.glob("*.secret")} == {"gala.secret"}
    assert read_public_key(venue.folder / "issuer.pub", KeyUse.ISSUER).name == "office"
    assert venue.load().exit_code == 0


def test_issuer_and_gate_show_the_digest_in_the_same_groups(venue):
    lines = [told.stdout.splitlines() for told in (venue.build(), venue.load(), venue.run("manifest", "show"))]
    (digest,) = {line for told in lines for line in told if line.startswith("digest")}
    assert len(digest.removeprefix("digest").split()) == 16


def test_a_bundle_for_another_machines_gate(venue, tmp_path):
    other = Venue(tmp_path / "other")
    exported = other.run("keys", "export", "--out", other.folder / "device.pub")
    assert exported.exit_code == 0
    venue.build("--gate", other.folder / "device.pub", "--gate", f"G2={other.folder / 'device.pub'}")
    (other.folder / "issuer.pub").write_text((venue.folder / "issuer.pub").read_text())
    assert other.run("manifest", "load", venue.bundle).exit_code == 0
    venue.run("keys", "show")
    refused = venue.load()
    assert refused.exit_code == 1
    assert "another device key" in refused.stderr


def test_no_manifest_yet_is_told(venue):
    venue.run("keys", "show")
    shown = venue.run("manifest", "show")
    assert (shown.exit_code, "holds no manifest yet" in shown.stdout) == (0, True)
    assert venue.run("manifest", "show", "--json").stdout == "null\n"


def test_every_row_with_a_problem_is_told_and_nothing_is_written(venue):
    venue.write(row(1, number="110105194900000000"), row(2), row(3, times="yesterday,2026-05-01T22:00"))
    told = venue.build()
    assert told.exit_code == 1
    assert "row 2, number" in told.stderr
    assert "row 4, not_before" in told.stderr
    assert "110105194900000000" not in told.stderr
    assert not venue.bundle.exists()


def test_a_concert_that_breaks_the_rules_is_not_published_unless_they_do_not_apply(venue):
    venue.write(row(1), row(2, number=number_of(1)))
    told = venue.build(profile="concert")
    assert told.exit_code == 1
    assert "one ticket per identity" in told.stderr
    assert venue.build("--no-performance-rules", profile="concert").exit_code == 0


@pytest.mark.parametrize("missing", ["people", "bundle"])
def test_a_missing_file_is_wrong_use(venue, missing):
    venue.people.unlink()
    told = venue.build() if missing == "people" else venue.load()
    assert told.exit_code == 2
    assert "does not exist" in told.stderr


def test_the_same_bundle_is_not_loaded_twice_and_an_older_one_never(venue):
    for version in (7, 6):
        assert venue.build("--version", version).exit_code == 0
        first = venue.load()
    told = venue.load()
    assert first.exit_code == told.exit_code == 1
    assert "this gate had 7 already: fetch a newer one" in told.stderr


def test_an_unknown_issuer_is_refused(venue, tmp_path):
    venue.build()
    write_public_key(tmp_path / "issuer.pub", PublicKey(KeyUse.ISSUER, "arena", bytes(range(32))))
    told = venue.load()
    assert told.exit_code == 1
    assert "not among those this gate trusts" in told.stderr


def test_another_issuer_of_the_same_name_is_refused(venue, tmp_path):
    venue.build()
    write_public_key(tmp_path / "issuer.pub", PublicKey(KeyUse.ISSUER, "hall", bytes(range(32))))
    told = venue.load()
    assert told.exit_code == 1
    assert "not what its issuer signed" in told.stderr


def test_two_keys_for_one_issuer_are_refused(venue, tmp_path):
    venue.build()
    write_public_key(tmp_path / "second.pub", PublicKey(KeyUse.ISSUER, "hall", bytes(range(32))))
    venue.config.write_text(venue.config.read_text().replace('["issuer.pub"]', '["issuer.pub", "second.pub"]'))
    told = venue.load()
    assert told.exit_code == 4
    assert "another key than the file before it" in told.stderr


def test_a_device_key_in_the_issuers_place_is_named(venue, tmp_path):
    venue.build()
    venue.run("keys", "export", "--out", tmp_path / "issuer.pub")
    told = venue.load()
    assert told.exit_code == 4
    assert "holds menshen-device-x25519, and menshen-issuer-ed25519 is needed" in told.stderr


def test_a_key_that_others_may_read_is_not_used(venue):
    venue.build()
    (venue.folder / "issuer.key").chmod(0o640)
    told = venue.build()
    assert told.exit_code == 4
    assert "chmod 600" in told.stderr


def test_a_key_keeps_its_issuers_name(venue):
    venue.build()
    told = venue.build("--issuer", "arena")
    assert told.exit_code == 2
    assert "this key is 'hall'" in told.stderr
    assert read_public_key(venue.folder / "issuer.pub", KeyUse.ISSUER).name == "hall"


def test_without_a_device_key_nothing_can_be_loaded_and_the_way_is_told(venue):
    venue.build()
    (venue.folder / "device-key").unlink()
    told = venue.load()
    assert told.exit_code == 4
    assert "gatectl keys export makes it" in told.stderr


def test_a_damaged_bundle_is_refused(venue):
    venue.build()
    venue.bundle.write_bytes(venue.bundle.read_bytes()[:-1])
    told = venue.load()
    assert told.exit_code == 1
    assert "ends too early" in told.stderr


def test_broken_toml_is_a_configuration_trouble(venue):
    venue.build()
    venue.config.write_text("[gate\n")
    for told in (venue.load(), venue.run("manifest", "show"), venue.run("keys", "show")):
        assert told.exit_code == 3
        assert "line 1" in told.stderr


def policy_of(venue: Venue) -> Policy:
    reader = ManifestReader(venue.state_dir / "manifest.db", DeviceKey.load(venue.folder / "device-key"))
    policy = reader.policy()
    reader.close()
    assert policy is not None
    return policy


def test_rules_are_changed_by_name(venue):
    changes = {"face_tries": "2", "min_assurance": "signed", "reentry": "soft", "exits": "true", "occupancy_limit": "9"}
    changes |= {"bound_before_s": "none", "bound_categories": '["work"]', "utc_offset_s": "0"}
    changes |= {"min_code_assurance": "uid_only", "code_needs": "document"}
    options = [part for name, value in changes.items() for part in ("--set", f"{name}={value}")]
    assert venue.build(*options).exit_code == 0
    assert venue.load().exit_code == 0
    policy = policy_of(venue)
    assert (policy.face_tries, policy.min_assurance, policy.reentry, policy.exits) == (2, 2, "soft", True)
    assert (policy.occupancy_limit, policy.bound_before_s, policy.bound_categories) == (9, None, ("work",))
    assert policy.utc_offset_s == 0
    assert (policy.min_code_assurance, policy.code_needs) == (Assurance.UID_ONLY, "document")


def test_days_on_cards_are_those_of_the_time_zone(venue):
    venue.build("--timezone", "Asia/Tokyo")
    venue.load()
    assert policy_of(venue).utc_offset_s == 9 * 3600


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("face_trys=2", "did you mean"),
        ("face_tries", "key=value"),
        ("face_tries=many", "face_tries"),
        ("min_assurance=high", "uid_only"),
        ("min_code_assurance=2", "uid_only"),
        ("code_needs=luck", "code_needs"),
        ("event=other", "key=value"),
        ("reentry=often", "reentry"),
    ],
)
def test_a_rule_that_is_not_there_is_wrong_use(venue, change, words):
    told = venue.build("--set", change)
    assert told.exit_code == 2
    assert words in told.stderr
    assert not venue.bundle.exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--timezone", "Mars/Olympus"),
        ("--expires", "soon"),
        ("--expires", "2036-05-01T23:00", "--hours", "2"),
        ("--hours", "0"),
        ("--version", "0"),
        ("--profile", "party"),
        ("--encoding", "latin1"),
    ],
)
def test_other_wrong_uses(venue, options):
    told = venue.build_of(venue.people, "--profile", "card", *options)
    assert told.exit_code == 2
    assert "Traceback" not in told.stderr
    assert not (venue.folder / "issuer.key").exists()


def test_an_end_in_the_past_makes_no_bundle(venue):
    told = venue.build("--expires", "2020-05-01T23:00")
    assert told.exit_code == 1
    assert "must expire after it was issued" in told.stderr


def test_a_screening_needs_no_people(venue, tmp_path):
    watch = "entry,owner,purpose,action,number,valid_from,valid_to,approvers"
    (tmp_path / "watch.csv").write_text(f"{watch}\nW1,hall,touting,review,{number_of(1)},{TIMES},li|wang")
    (tmp_path / "photos").mkdir()
    screening = (tmp_path / "photos", "--face", "sim:", "--profile")
    told = venue.build_of(*screening, "screening", "--watch", tmp_path / "watch.csv")
    assert told.exit_code == 0, told.stderr
    assert "1 listed" in told.stdout
    refused = venue.build_of(*screening, "card")
    assert refused.exit_code == 2
    assert "everybody needs a ticket" in refused.stderr


def test_a_photograph_becomes_a_template_and_is_not_kept(venue, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    cv2.imwrite(str(photos / "T1.jpg"), marked(41), [cv2.IMWRITE_JPEG_QUALITY, 95])
    venue.write(row(1, consent="C1"), row(2))
    assert venue.build(photos, "--face", "sim:").exit_code == 0
    assert venue.load().exit_code == 0
    reader = ManifestReader(venue.state_dir / "manifest.db", DeviceKey.load(venue.folder / "device-key"))
    (ticket,) = reader.find(DocumentType.RESIDENT_ID, number_of(1)).tickets
    reader.close()
    assert ticket.reference == replace(reference(41), legal_basis="C1")
    assert (photos / "T1.jpg").read_bytes()[:200] not in venue.bundle.read_bytes()


def test_a_picture_that_will_not_do_is_told_by_its_row(venue, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "T1.jpg").write_bytes(b"no picture")
    cv2.imwrite(str(photos / "T2.png"), np.zeros((240, 320, 3), np.uint8))
    venue.write(row(1, consent="C1"), row(2, consent="C2"))
    told = venue.build(photos, "--face", "sim:")
    assert told.exit_code == 1
    assert "row 2, photo: found a file that holds no picture" in told.stderr
    assert "row 3, photo: found a picture where no face is seen" in told.stderr


def test_an_engine_that_is_not_there_is_a_device_trouble(venue, tmp_path):
    (tmp_path / "photos").mkdir()
    told = venue.build(tmp_path / "photos", "--face", "dlb:", profile="screening")
    assert told.exit_code == 5
    assert "did you mean" in told.stderr


def test_versions_rise_with_the_time():
    assert version_at(1_777_664_995.0) == 20260501194955
    assert version_at(1_777_664_996.0) > version_at(1_777_664_995.0)
