"""A centre and a venue hub as two programs on this machine, a line between them that can be cut, and gates."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.store.ledger_db import Ledger
from models.store.manifest_db import ManifestReader, ManifestWriter
from models.store.vault import DeviceKey
from models.wire import from_json, to_json
from sync.bundle import Trust, apply, verify
from sync.client import Client, authority_only
from sync.contract import (
    ClaimAnswer,
    ClaimBatch,
    ClaimRequest,
    Contact,
    Enrolled,
    EnrolRequest,
    HeldManifest,
    LedgerState,
    Standing,
)
from sync.download import download
from sync.numbers import KeptNumber
from sync.push import next_batch
from sync.server.enrolment import invite
from sync.server.hub import Hub, open_hub
from sync.server.settings import Settings
from sync.server.site import authority_of
from sync.signing import Signer
from tests.sync.server.world import SHOW, GateBox

ROOT = Path(__file__).resolve().parents[3]
T = TypeVar("T")


def until(condition: Callable[[], T], what: str, within_s: float = 60.0) -> T:
    """What `condition` gives, once that is true."""
    ends, pause = time.monotonic() + within_s, threading.Event()
    while not (found := condition()):
        assert time.monotonic() < ends, f"waited {within_s:g} s in vain: {what}"
        pause.wait(0.05)
    return found


class Program:
    """`gatectl hub` in a process of its own. `hub` is its database and folder, as seen from the test."""

    def __init__(self, state: Path, database: str, *more: str) -> None:
        self.state, self.database, self._more = state, database, more
        self._log = state.with_suffix(".log").open("a+")
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.start()
        self.hub: Hub = open_hub(Settings(state, database, port=self.port))
        self.context = authority_only(authority_of(self.hub).pem)

    def start(self) -> None:
        """From now on it serves, always on the same port."""
        command = [sys.executable, "-m", "gate.cli", "hub", "--state", str(self.state), "--port", str(self.port)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        if self.database:
            environment["MENSHEN_HUB_DATABASE"] = self.database
        self._process = subprocess.Popen(
            [*command, "--json", *self._more], stdout=subprocess.PIPE, stderr=self._log, text=True, env=environment
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._log.seek(0) or self._log.read()
        self.port = int(json.loads(line)["url"].rpartition(":")[2])
        until(self._listens, "the server listens")

    def kill(self) -> None:
        """As when its power is cut."""
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait(20)
        self._process.stdout.close()

    def close(self) -> None:
        """It is needed no more."""
        self.hub.engine.dispose()
        self.kill()
        self._log.close()

    def _listens(self) -> bool:
        with suppress(httpx.HTTPError), httpx.Client(verify=self.context_of(), timeout=5) as http:
            return http.get(f"https://127.0.0.1:{self.port}/v1/health").status_code == 200
        return False

    def context_of(self) -> ssl.SSLContext:
        """TLS that trusts this server."""
        return authority_only((self.state / "authority.pem").read_text())


class Wan:
    """A TCP line to `port` that can be cut and healed."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._up, self._closed = True, False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Every connection breaks, and none can be made."""
        with self._lock:
            self._up = False
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def heal(self) -> None:
        """New connections go through again."""
        self._up = True

    def close(self) -> None:
        """It is needed no more."""
        self._closed = True
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                if not self._up:
                    raise ConnectionError
                far = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source, sink}


class VenueGate(GateBox):
    """A gate that is enrolled at the venue hub over HTTPS, with a real ledger and a real manifest."""

    def __init__(self, program: Program, folder: Path, name: str) -> None:  # no row is written by hand
        self.name, self.event, self.attempt = name, SHOW, 0
        self.program, self.folder = program, folder / name
        self.folder.mkdir()
        self.key = Ed25519PrivateKey.generate()
        self.device_key = DeviceKey.make(self.folder / "device.key")
        self.ledger = Ledger.open(self.folder / "ledger.db", self.key, gate=name, clock=time.time)
        self.writer = ManifestWriter(self.folder / "manifest.db", self.device_key)
        self.reader = ManifestReader(self.folder / "manifest.db", self.device_key)
        self.papers = self._enrol()
        self.device = self.papers.device
        self.acknowledged = 0

    def _enrol(self) -> Enrolled:
        with self.program.hub.begin() as connection:
            code = invite(self.program.hub, connection, "li", "v", self.name).code
        keys = self.key.public_key().public_bytes_raw().hex(), self.device_key.public.hex()
        with httpx.Client(verify=self.program.context) as http:
            answer = http.post(
                f"https://127.0.0.1:{self.program.port}/v1/enrol",
                content=to_json(EnrolRequest(code, self.name, *keys)),
                headers={"Content-Type": "application/json"},
            )
        assert answer.status_code == 200, answer.text
        return from_json(Enrolled, answer.content)

    def contact(self) -> Standing:
        """A sign of life."""
        state = self.writer.state()
        held = HeldManifest(state.event, state.version, state.digest, state.tickets) if state else None
        told = Contact(time.time(), manifest=held, ledger=LedgerState(self.ledger.epoch, self.ledger.last_seq()))
        return self._do(lambda client: client.contact(told))[0]

    def pull(self) -> list[str]:
        """Fetch and apply what is offered; the kinds."""
        standing = self.contact()
        issuers = {one.name: bytes.fromhex(one.key) for one in self.papers.issuers}
        for offer in standing.offers:
            path = self._do(partial(download, offer=offer, folder=self.folder / "parts"))
            trust = Trust(self.name, self.device_key, issuers, standing.event, device=self.papers.device)
            apply(verify(path, trust, self.writer.state(), time.time()), self.writer, time.time())
        return [offer.kind for offer in standing.offers]

    def claims(self, ticket: str) -> ClaimAnswer:
        """Ask for a ticket, as the next attempt."""
        self.attempt += 1
        request = ClaimRequest(self.claim, self.event, ticket, gate=self.name, at=time.time())
        self.attempt -= 1
        return self._do(lambda client: client.claim(ClaimBatch((request,)), 5.0)).answers[0]

    def push(self) -> int:
        """Upload all lines; how many the hub holds."""
        while batch := next_batch(self.ledger, self.acknowledged, 50):
            self.acknowledged = self._do(partial(Client.send, batch=batch)).acknowledged
        return self.acknowledged

    def _do(self, what: Callable[[Client], Awaitable[T]]) -> T:
        async def work() -> T:
            signer = Signer(self.papers.site, self.device, self.key, time.time)
            server = f"https://127.0.0.1:{self.program.port}"
            client = Client(server, self.program.context, signer, KeptNumber(self.folder / "number"))
            try:
                return await what(client)
            finally:
                await client.close()

        return asyncio.run(work())
