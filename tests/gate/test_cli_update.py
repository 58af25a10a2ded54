"""`gatectl update` and `gatectl release`, from the maker's key to the record of who brought what and why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.cli import main
from gate.update import ARCHS
from gate.update_proof import ProofFailed, prove
from gate.update_release import UpdateRefused
from gate.update_shelf import Shelf
from gate.update_stick import place_of
from tests.gate.lane_bench import Guest, contents, load, ticket_of
from tests.gate.release_bench import tree

ROOT = Path(__file__).resolve().parents[2]
ARCH = ARCHS.get(os.uname().machine, os.uname().machine)
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def gatectl(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(word) for word in words])
    return result.exit_code, result.output


class Site:
    """A maker, and a machine that runs 0.1.0."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.config = folder, folder / "opt", folder / "gate.toml"
        assert gatectl("release", "key", folder / "release")[0] == 0
        self.release("0.1.0")
        self.shelf = Shelf(self.home)
        assert self.update(self.folder / "0.1.0.release")[0] == 0

    def release(self, version: str, **how: bool) -> Path:
        out = self.folder / f"{version}.release"
        source = tree(self.folder / f"tree-{version}", version, **how)
        told = ("--version", version, "--arch", ARCH, "--python", PYTHON, "--out", out)
        assert gatectl("release", "make", source, *told)[0] == 0
        assert gatectl("release", "sign", out, "--key", self.folder / "release")[0] == 0
        return out

    def update(self, source: object, *more: object) -> tuple[int, str]:
        where = ("--home", self.home, "--keys", self.folder, "--config", self.config, "--no-restart")
        return gatectl("update", "--from", source, *where, *more)

    def record(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.home / "updates.log").read_text().splitlines()]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_release_made_and_signed_is_taken_up_and_given_back(site: Site):
    status, said = site.update(site.release("0.2.0"))
    assert (status, said) == (0, "version 0.2.0 runs, before it 0.1.0\n")
    status, said = gatectl("update", "status", "--home", site.home, "--json")
    told = json.loads(said)
    assert (told["current"], told["previous"], told["on_trial"]) == ("0.2.0", "0.1.0", True)
    assert gatectl("update", "back", "--home", site.home, "--no-restart") == (
        0,
        "version 0.1.0 runs from the next start on\n",
    )
    assert site.shelf.current() == "0.1.0"
    assert not site.shelf.was_returned(), "nothing failed: somebody wanted it"


def test_a_folder_gives_its_newest(site: Site):
    for version in ("0.9.0", "0.10.0"):
        site.release(version)
    assert site.update(site.folder)[0] == 0
    assert site.shelf.current() == "0.10.0"


def test_a_version_that_can_not_prove_itself_is_told_and_recorded(site: Site):
    status, said = site.update(site.release("0.2.0", works=False), "--json")
    assert status == 1
    assert json.loads(said)["why"] == "the face engine does not load"
    assert site.shelf.current() == "0.1.0"
    assert [line["now"] for line in site.record()] == ["0.1.0", "0.1.0"]


def test_an_older_version_is_refused_unless_it_is_asked_for(site: Site):
    older = site.release("0.0.9")
    status, said = site.update(older)
    assert status == 1
    assert "--downgrade" in said
    assert site.update(older, "--downgrade")[0] == 0


def test_a_bad_signature_is_one_sentence(site: Site):
    bad = site.release("0.2.0")
    bad.write_bytes(bad.read_bytes().replace(b'"version":"0.2.0"', b'"version":"9.2.0"', 1))
    status, said = site.update(bad)
    assert status == 1
    assert "not signed by a key of this machine" in said
    assert "Traceback" not in said


def begin_event(site: Site) -> None:
    """A manifest in force, and the lane's configuration."""
    state = site.folder / "state"
    state.mkdir()
    load(state, contents([(Guest(1), ticket_of(Guest(1)))]))
    sample = gatectl("config", "sample")[1].replace('"/var/lib/menshen"', f'"{state}"')
    site.config.write_text(sample)


def test_nothing_is_updated_while_an_event_is_near_but_for_a_reason(site: Site):
    begin_event(site)
    release = site.release("0.2.0")
    soon, later = (datetime.fromtimestamp(time.time() + hours * 3600).isoformat() for hours in (1, 5))
    assert gatectl("update", "window", "--begins", soon, "--ends", later, "--home", site.home)[0] == 0
    status, said = site.update(release)
    assert status == 1
    assert "the event is on, or near" in said
    assert "--even-so" in said
    assert site.update(release, "--even-so", "  ")[0] == 1, "blanks are no reason"
    assert site.update(release, "--even-so", "the reader's driver is broken")[0] == 0
    assert site.record()[-1]["even_so"] == "the reader's driver is broken"


def test_a_time_that_is_none_is_wrong_use(site: Site):
    for begins, ends in (("tonight", "2026-05-01"), ("2026-05-02", "2026-05-01")):
        assert gatectl("update", "window", "--begins", begins, "--ends", ends, "--home", site.home)[0] == 2


def test_what_is_asked_of_nobody_is_wrong_use():
    assert gatectl("update")[0] == 2


def stick(root: Path, *, mounted: bool) -> Path:
    for folder in ("dev/disk/by-id", "proc", "media/stick"):
        (root / folder).mkdir(parents=True)
    (root / "dev/sdz1").touch()
    (root / "dev/disk/by-id/usb-Acme-part1").symlink_to(root / "dev/sdz1")
    device = (root / "dev/sdz1").resolve() if mounted else "/dev/other"
    (root / "proc/mounts").write_text(f"{device} {root}/media/stick vfat ro 0 0\n")
    return root / "media/stick"


def test_a_mounted_stick_with_a_release_on_it_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = stick(tmp_path, mounted=True)
    (folder / "a.release").touch()
    lines = (tmp_path / "proc/mounts").read_text()
    assert lines.startswith(str(tmp_path)), "a device of the made-up root"
    with place_of("usb", tmp_path) as place:
        assert place == folder


def test_without_a_stick_that_is_said(tmp_path: Path):
    stick(tmp_path, mounted=False)
    with pytest.raises(UpdateRefused, match="no USB stick"), place_of("USB", tmp_path):
        pass
    with pytest.raises(UpdateRefused, match="is not there"), place_of(str(tmp_path / "none")):
        pass


@pytest.mark.slow
def test_this_very_version_proves_itself_by_one_admission(tmp_path: Path):
    command = [sys.executable, "-m", "gate.cli", "update", "prove", "--config", str(tmp_path / "none.toml")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")
    assert "was admitted" in ran.stderr


@pytest.mark.slow
def test_a_version_whose_face_engine_is_missing_proves_nothing(tmp_path: Path):
    with pytest.raises((ProofFailed, ValueError, OSError)):
        prove(tmp_path / "none.toml", face="onnx:/nowhere")


def test_a_version_that_does_not_understand_the_configuration_proves_nothing(tmp_path: Path):
    (tmp_path / "gate.toml").write_text("[gate]\nname = 3\n")
    status, said = gatectl("update", "prove", "--config", tmp_path / "gate.toml")
    assert status == 3
    assert "gate.name" in said
