"""The server as a process: what it refuses to start with, its certificate, and a real one that speaks TLS."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509
from sqlalchemy import text

from sync.server import process
from sync.server.authority import SERVER_DAYS
from sync.server.database import open_engine
from sync.server.hub import open_hub
from sync.server.process import CannotServe, listen, prepare, refresh_certificate, tls
from sync.server.settings import Settings
from tests.sync.server.conftest import Clock

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("no url at all", "can't be read"),
        ("oracle://x/y", "kind oracle"),
        ("strange+thing://x/y", "can't be read"),
        ("postgresql://olga:sesame@127.0.0.1:1/x", "can't be used"),
        ("sqlite:////nowhere/at/all.db", "can't be used"),
    ],
)
def test_a_database_that_can_not_be_used_is_told_without_its_password(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(CannotServe, match=words) as caught:
        prepare(Settings(tmp_path, url))
    assert "sesame" not in str(caught.value)


def test_sqlite_serves_one_worker(tmp_path: Path) -> None:
    with pytest.raises(CannotServe, match="one worker"):
        prepare(Settings(tmp_path, workers=2))


def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    prepare(Settings(tmp_path)).engine.dispose()
    with closing(open_engine(Settings(tmp_path).database_url).connect()) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    with pytest.raises(CannotServe, match="newer program"):
        prepare(Settings(tmp_path))


def test_a_taken_port_and_a_strange_address_are_told() -> None:
    with closing(listen("127.0.0.1", 0)) as held, pytest.raises(CannotServe, match="another --port"):
        listen("127.0.0.1", held.getsockname()[1])
    with pytest.raises(CannotServe, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_a_sites_name_is_for_ever(tmp_path: Path) -> None:
    prepare(Settings(tmp_path), "hall").engine.dispose()
    prepare(Settings(tmp_path)).engine.dispose()
    for name in ("arena", "大剧院"):
        with pytest.raises(CannotServe, match=r"name|for ever"):
            prepare(Settings(tmp_path), name)


def test_a_new_certificate_is_shown_without_a_new_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, settings = Clock(), Settings(tmp_path)
    clock.now = time.time() - SERVER_DAYS * 86_400 + 3 * 86_400
    hub = open_hub(settings, clock)
    monkeypatch.setattr(process, "_contexts", [])
    from sync.server.site import authority_of

    context = tls(authority_of(hub).server_file(settings, clock.now), None, None)  # type: ignore[arg-type]
    first = _shown(context, authority_of(hub).pem)
    clock.now = time.time()
    refresh_certificate(hub)
    second = _shown(context, authority_of(hub).pem)
    assert second.not_valid_after_utc > first.not_valid_after_utc
    hub.engine.dispose()


def _shown(context: ssl.SSLContext, trusted: str) -> x509.Certificate:
    """The certificate that a client gets to see."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=lambda: context.wrap_socket(ours, server_side=True).close())
    thread.start()
    with ssl.create_default_context(cadata=trusted).wrap_socket(theirs, server_hostname="localhost") as wrapped:
        shown = wrapped.getpeercert(binary_form=True)
    thread.join(10)
    assert shown is not None
    return x509.load_der_x509_certificate(shown)


class Running:
    """A server of its own process."""

    def __init__(self, state: Path, *more: str) -> None:
        command = [sys.executable, "-m", "gate.cli", "hub", "--state", str(state), "--port", "0", "--json", *more]
        self.state, self.log = state, state.with_suffix(".log").open("w+")
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.seek(0) or self.log.read()
        self.told = json.loads(line)

    @property
    def url(self) -> str:
        return str(self.told["url"])

    def client(self, state: Path | None = None) -> httpx.Client:
        """One that trusts the authority of the server in `state`, and nobody else."""
        trusted = ssl.create_default_context(cafile=str((state or self.state) / "authority.pem"))
        return httpx.Client(base_url=self.url, verify=trusted, timeout=20)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts servers."""
    begun: list[Running] = []

    def start(name: str = "a", *more: str) -> Running:
        begun.append(Running(tmp_path / name, *more))
        return begun[-1]

    yield start
    for one in begun:
        one.stop()


@pytest.mark.long
def test_a_real_server_is_set_up_and_enrols_a_box(run: Callable[..., Running]) -> None:
    server = run("a", "--site", "hall")
    with server.client() as client:
        assert client.get("/v1/health").json()["alive"]
        assert client.get("/v1/site").json()["fingerprint"] == server.told["fingerprint"]
        said = {"code": server.told["setup_code"], "password": "a horse in the rain"}
        assert client.post("/v1/account-code", json=said | {"account": "olga", "name": "Olga"}).status_code == 204
        me = client.post("/v1/log-in", json={"account": "olga", "password": "a horse in the rain"}).json()
        headers = {"Menshen-CSRF": me["csrf"]}
        client.post("/v1/admin/organisations/o", json={"name": "O"}, headers=headers).raise_for_status()
        venue = {"name": "V", "organisation": "o"}
        client.post("/v1/admin/venues/v", json=venue, headers=headers).raise_for_status()
        wish = {"venue": "v", "name": "G1"}
        made = client.post("/v1/admin/enrolment-codes", json=wish, headers=headers).json()
        assert urlsplit(made["text"]).port == urlsplit(server.url).port
        asked = {"code": made["code"], "name": "G1", "signing_key": "05" * 32, "device_key": "06" * 32}
        answer = client.post("/v1/enrol", json=asked)
        assert (answer.status_code, answer.json()["site"]) == (200, "hall")
        assert "server" not in answer.headers


@pytest.mark.long
def test_a_box_that_was_told_of_one_site_says_nothing_to_another(run: Callable[..., Running], tmp_path: Path) -> None:
    mine, other = run("a"), run("b")
    with other.client(tmp_path / "a") as client, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        client.post("/v1/enrol", json={"code": "x"})
    with other.client() as client:
        asked = {"code": "X" * 16, "name": "G1", "signing_key": "05" * 32, "device_key": "06" * 32}
        answer = client.post("/v1/enrol", json=asked | {"authority": mine.told["fingerprint"]})
        assert answer.status_code == 403


@pytest.mark.long
def test_several_workers_serve_one_socket_on_postgresql(run: Callable[..., Running], cluster: str) -> None:
    from tests import postgres

    server = run("a", "--workers", "2", "--database", postgres.new_database(cluster))
    with server.client() as client:
        assert {client.get("/v1/health").status_code for _ in range(10)} == {200}


@pytest.mark.long
def test_what_one_start_was_told_holds_for_the_next(run: Callable[..., Running]) -> None:
    first = run("a", "--name", "hub.example", "--name", "localhost", "--face", "sim:")
    first.stop()
    again = run("a")
    assert urlsplit(again.url).hostname == "hub.example"
    assert again.told["fingerprint"] == first.told["fingerprint"]
    assert again.told["setup_code"] != first.told["setup_code"]  # the old one is void
    kept = again.state / "hub.json"
    assert json.loads(kept.read_text())["face"] == "sim:"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_the_service_supervisor_hears_of_a_server_whose_database_answers(run, tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        run()
        assert supervisor.recv(100) == b"READY=1\nWATCHDOG=1"
