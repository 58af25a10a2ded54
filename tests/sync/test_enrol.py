"""A box becomes a device: by the real server's code, over a connection to no other authority."""

from __future__ import annotations

import hashlib
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

import sync
from gate.cli import main
from gate.config import sample
from models.link import SyncStatus
from models.store.public_key import KeyUse, read_public_key
from models.wire import from_json
from sync.client import authority_only
from sync.enrol import Invitation, NoInvitation, OtherAuthority, authority_at, enrol, read_invitation
from sync.enrolment import NotEnrolled, read
from sync.failures import RefusedBy, Unreachable
from sync.server import tables
from sync.server.enrolment import invite
from tests.sync.site import SHOW, Site

CA = "ab" * 32


def test_an_invitation_is_taken_apart():
    found = read_invitation(f" menshen://hub.example:9443/7K3M-9QTV?ca={CA.upper()}\n")
    assert found == Invitation("hub.example", 9443, "7K3M-9QTV", CA)
    assert read_invitation(f"menshen://[::1]/X?ca={CA}").server == "https://[::1]:8443"
    assert "7K3M" not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7K3M-9QTV",
        f"https://hub.example/X?ca={CA}",
        f"menshen://hub.example?ca={CA}",
        "menshen://hub.example/X",
        f"menshen://hub.example/X?ca={CA[2:]}",
        f"menshen://hub.example:port/X?ca={CA}",
        f"menshen://[::1/X?ca={CA}",
    ],
)
def test_what_is_no_invitation_is_told(text: str):
    with pytest.raises(NoInvitation):
        read_invitation(text)


def test_nobody_there_is_unreachable():
    with pytest.raises(Unreachable):
        authority_at(Invitation("127.0.0.1", 1, "X", CA))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site") / "site") as made:
        yield made


def invitation(site: Site, name: str, ca: str = "") -> str:
    with site.hub.begin() as connection:
        code = invite(site.hub, connection, "anna", "v", name).code
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(site.authority.pem)).hexdigest()
    return f"menshen://127.0.0.1:{site.port}/{code}?ca={ca or fingerprint}"


@pytest.mark.slow
def test_the_code_is_said_to_no_other_authority(site: Site):
    text = invitation(site, "G7", ca=CA)
    with pytest.raises(OtherAuthority):
        enrol(read_invitation(text), "G7", bytes(32), bytes(32))
    used = site.rows(select(tables.enrolment_code.c.used_at).where(tables.enrolment_code.c.name == "G7"))
    assert used == [(None,)]


@pytest.mark.slow
def test_a_wrong_code_is_refused_in_words(site: Site):
    text = invitation(site, "G8")
    asked = read_invitation(text)
    wrong = Invitation(asked.host, asked.port, "0000-0000-0000-0000", asked.ca)
    with pytest.raises(RefusedBy) as refused:
        enrol(wrong, "G8", bytes(range(32)), bytes(range(32)))
    assert refused.value.status == 403


def test_without_papers_there_is_nothing_to_sync(tmp_path: Path):
    with pytest.raises(NotEnrolled, match="gatectl enrol"):
        read(tmp_path)
    (tmp_path / "enrolment.json").write_text('{"site": 7}')
    with pytest.raises(NotEnrolled):
        read(tmp_path)


def test_a_certificate_that_is_none_is_refused():
    with pytest.raises(ssl.SSLError):
        authority_only("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def _configure(tmp_path: Path, name: str) -> Path:
    text = sample().replace('name = "G1"', f'name = "{name}"').replace("/var/lib/menshen", str(tmp_path / "state"))
    text = text.replace('# socket = "/run/menshen/sync.sock"', f'socket = "{tmp_path / "s.sock"}"')
    (tmp_path / "gate.toml").write_text(text)
    return tmp_path / "gate.toml"


@pytest.mark.slow
def test_from_the_code_to_a_manifest_by_the_command_line(site: Site, tmp_path: Path):
    """`gatectl enrol`, `gatectl sync`, `gatectl sync status`, as a technician types them."""
    config = _configure(tmp_path, "G9")
    command = CliRunner()
    status = ["sync", "status", "--json", "--config", str(config)]
    assert command.invoke(main, status).exit_code == 1
    enrolled = command.invoke(main, ["enrol", invitation(site, "G9"), "--config", str(config)])
    assert enrolled.exit_code == 0, enrolled.output
    papers = read(tmp_path / "state")
    key = read_public_key(tmp_path / "state/issuers/centre.pub", KeyUse.ISSUER)
    assert key.raw == site.hub.issuer_key.public_key().public_bytes_raw()
    assert command.invoke(main, ["enrol", invitation(site, "G10"), "--config", str(config)]).exit_code == 2
    with site.hub.begin() as connection:
        device = tables.device
        connection.execute(update(device).where(device.c.device == papers.device).values(event=SHOW))
    process = subprocess.Popen(
        [sys.executable, "-m", "gate.cli", "sync", "--config", str(config)],
        env=os.environ | {"PYTHONPATH": str(Path(sync.__file__).parents[1])},
    )
    try:
        found = _status(command, status, process)
        assert (found.site, found.device, found.event) == ("hall", papers.device, SHOW)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def _status(command: CliRunner, status: list[str], process: subprocess.Popen[bytes]) -> SyncStatus:
    """Ask until the server is reached. Each asking takes a moment of its own."""
    for _ in range(2000):
        answer = command.invoke(main, status)
        if answer.exit_code == 0:
            return from_json(SyncStatus, answer.stdout)
        assert process.poll() is None
    raise AssertionError(answer.output)
