"""`gatectl evidence`: made at the server, proved anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gate.cli import main

pytest.importorskip("fastapi")

from sync.server.database import migrate
from sync.server.hub import open_hub
from sync.server.ingest import take
from sync.server.settings import Settings
from tests.sync.server.world import SHOW, GateBox, hall


def _type_in(*words: object) -> Result:
    return CliRunner().invoke(main, ["evidence", *map(str, words)])


@pytest.fixture
def keys(tmp_path: Path) -> tuple[str, str]:
    """A server's folder with a ticket's story in it; the public keys of the site and of the gate."""
    hub = open_hub(Settings(tmp_path / "hub"))
    migrate(hub.engine)
    hall(hub)
    gate = GateBox(hub, tmp_path, "G1")
    gate.passes("T1")
    gate.ledger.checkpoint(1.0)
    with hub.begin() as connection:
        take(hub, connection, gate.device, gate.name, gate.batch())
    site = hub.issuer_key.public_key().public_bytes_raw().hex()
    hub.engine.dispose()
    return site, gate.key.public_key().public_bytes_raw().hex()


def _export(tmp_path: Path, *more: object) -> Result:
    there = ("--state", tmp_path / "hub", "--out", tmp_path / "case.zip", "--why", "police")
    return _type_in("export", f"ticket:{SHOW}/T1", *there, *more)


def test_a_case_goes_out_and_is_proved_without_the_server(tmp_path: Path, keys: tuple[str, str]) -> None:
    made = _export(tmp_path, "--json")
    assert (made.exit_code, json.loads(made.stdout)["unsealed"]) == (0, 0)
    assert _export(tmp_path).exit_code != 0, "a file that is there is not written over"
    site, gate = keys
    proved = _type_in("verify", tmp_path / "case.zip", "--key", site, "--gate-key", gate, "--json")
    assert (proved.exit_code, json.loads(proved.stdout)["lines"]) == (0, 1)


def test_without_a_key_it_is_only_consistent(tmp_path: Path, keys: tuple[str, str]) -> None:
    _export(tmp_path)
    told = _type_in("verify", tmp_path / "case.zip")
    assert (told.exit_code, "compare the fingerprint" in told.stderr) == (1, True)
    assert _type_in("verify", tmp_path / "case.zip", "--key", keys[0], "--gate-key", "ab" * 32).exit_code == 1
    assert _type_in("verify", tmp_path / "case.zip", "--key", "nothing").exit_code == 1


def test_a_changed_file_is_refused(tmp_path: Path, keys: tuple[str, str]) -> None:
    _export(tmp_path)
    file = tmp_path / "case.zip"
    data = bytearray(file.read_bytes())
    data[60] ^= 1
    file.write_bytes(data)
    refused = _type_in("verify", file, "--key", keys[0])
    assert (refused.exit_code, refused.stderr.startswith("gatectl: ")) == (1, True)


def test_a_court_makes_its_key_and_opens_what_is_sealed_for_it(tmp_path: Path, keys: tuple[str, str]) -> None:
    public = _type_in("key", tmp_path / "court.key").stdout.strip()
    _export(tmp_path, "--for", public)
    assert _type_in("verify", tmp_path / "case.zip", "--key", keys[0]).exit_code == 1
    opened = ("--key", keys[0], "--opened-with", tmp_path / "court.key", "--extract", tmp_path / "files")
    assert _type_in("verify", tmp_path / "case.zip", *opened).exit_code == 0


def test_the_holders_report_is_a_pdf_with_its_proof(tmp_path: Path, keys: tuple[str, str]) -> None:
    there = ("--state", tmp_path / "hub", "--out", tmp_path / "report.zip", "--why", "she asked")
    assert _type_in("dispute", SHOW, "T1", *there).exit_code == 0
    assert _type_in("verify", tmp_path / "report.zip", "--key", keys[0], "--extract", tmp_path / "out").exit_code == 0
    assert next((tmp_path / "out").iterdir()).read_bytes().startswith(b"%PDF")
