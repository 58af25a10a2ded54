"""A real server for the bench: a site with gates, and `gatectl hub` as a process that speaks TLS on the loopback."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert

from models.decision import Profile
from models.profiles import policy_of
from sync.server import tables
from sync.server.hub import Hub
from sync.server.process import prepare
from sync.server.settings import Settings
from sync.server.tickets import NewEvent, make_event
from sync.signing import Signer
from tests import postgres
from tests.bench.hub import processor

SITE, EVENT = "bench", "bench"
ROOT = Path(__file__).resolve().parents[3]
_QUIET = {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, slots=True)
class Engine:
    """A database to serve on. `url` is empty for SQLite."""

    name: str
    url: str
    workers: int

    def new(self) -> Engine:
        """The same with a database of its own."""
        return Engine(self.name, postgres.new_database(self.url) if self.url else "", self.workers)


@contextmanager
def engines(names: list[str]) -> Iterator[list[Engine]]:
    """Those of `names` that can be had here: SQLite with one worker, PostgreSQL, as durable as in service, with two."""
    with ExitStack() as stack:
        found = [Engine("sqlite", "", 1)] if "sqlite" in names else []
        if "postgresql" in names and postgres.programs() is not None:
            found.append(Engine("postgresql", stack.enter_context(postgres.cluster(durable=True)), 2))
        yield found


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate that is enrolled."""

    name: str
    device: str
    key: Ed25519PrivateKey
    signer: Signer

    def request(self, method: str, target: str, body: bytes = b"") -> bytes:
        """A signed request, as it goes over the wire."""
        headers = self.signer.headers(method, target, body) | {"Host": "localhost", "Content-Length": str(len(body))}
        if body:
            headers["Content-Type"] = "application/json"
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body


@dataclass(frozen=True, slots=True)
class Site:
    """A server at work. `hub` is a second door to the same database."""

    engine: Engine
    hub: Hub
    gates: list[Gate]
    host: str
    port: int
    process: int

    def trust(self) -> ssl.SSLContext:
        """Trusts this site's authority alone."""
        return ssl.create_default_context(cafile=str(self.hub.settings.state_dir / "authority.pem"))


@contextmanager
def site(
    engine: Engine, gates: int, environment: dict[str, str] | None = None, profile: Profile = Profile.CARD
) -> Iterator[Site]:
    """A server with an event (a ticket is good for one entry at a time) and so many gates, on a new database."""
    engine = engine.new()
    with tempfile.TemporaryDirectory(prefix="menshen-bench-") as name:
        hub = prepare(Settings(Path(name) / "hub", engine.url), SITE)
        boxes = _furnish(hub, gates, profile)
        try:
            with _served(engine, hub.settings.state_dir, environment or {}) as (process, port):
                yield Site(engine, hub, boxes, "127.0.0.1", port, process)
        finally:
            hub.engine.dispose()


def _furnish(hub: Hub, gates: int, profile: Profile) -> list[Gate]:
    now, boxes, rows = hub.clock(), [], []
    for number in range(gates):
        device, key = f"gate-{number:05}", Ed25519PrivateKey.generate()
        boxes.append(Gate(f"G{number}", device, key, Signer(SITE, device, key, hub.clock)))
        row = {"device": device, "kind": "gate", "name": f"G{number}", "venue": "v", "device_key": os.urandom(32)}
        row |= {"signing_key": key.public_key().public_bytes_raw(), "certificate": "", "state": "enrolled"}
        rows.append(row | {"event": EVENT, "made_at": now})
    with hub.begin() as connection:
        connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
        make_event(hub, connection, "bench", NewEvent("o", "v", "Bench", now, now + 9e4, policy_of(profile, EVENT)))
        connection.execute(insert(tables.device), rows)
    return boxes


@contextmanager
def _served(engine: Engine, state: Path, environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """The process and its port."""
    command = [sys.executable, "-m", "gate.cli", "hub", "--state", str(state), "--port", "0", "--json"]
    command += ["--workers", str(engine.workers)]
    told = os.environ | _QUIET | environment
    if engine.url:
        told["MENSHEN_HUB_DATABASE"] = engine.url
    with (state / "log").open("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=told, cwd=state)
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                log.seek(0)
                raise RuntimeError(f"the server did not start: {log.read()}")
            processor.settle(process.pid)
            yield process.pid, int(urlsplit(json.loads(line)["url"]).port or 0)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            process.stdout.close()
