"""A real site for the sync process's tests: the server as it runs, with TLS, and a network that can be broken."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from fastapi.responses import FileResponse
from sqlalchemy import insert, update

from models.decision import Policy, Profile
from models.ids import DocumentType, check_digit
from models.ledger import EntryKind
from models.profiles import policy_of
from models.store.ledger_db import Ledger
from models.store.vault import DeviceKey
from models.ticket import Entitlement, ManifestState, Ticket, Validity
from models.wire import to_json
from sync.agent import Agent
from sync.bundle_build import Issue, build, build_delta
from sync.bundle_format import Header
from sync.contract import Issuer
from sync.enrolment import Enrolment
from sync.holding import Document, Holding
from sync.post import Post
from sync.server import tables
from sync.server.app import make_app
from sync.server.database import migrate
from sync.server.devices import directory
from sync.server.hub import Hub, open_hub
from sync.server.settings import Settings
from sync.server.site import authority_of

SHOW, SITE = "show", "hall"
SECRET = bytes(range(32))


def number(serial: int) -> str:
    """A well-formed number of nobody."""
    stem = f"11010519491{serial:06d}"
    return stem + check_digit(stem)


def holding(serial: int) -> Holding:
    """Somebody with a ticket."""
    ticket = Ticket(f"T{serial}", Entitlement(SHOW), Validity(1.0, 4e9))
    return Holding(ticket, (Document(DocumentType.RESIDENT_ID, number(serial)),))


class Site:
    """One server on this machine. Use it in a `with`."""

    def __init__(self, folder: Path, policy: Policy | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.policy = policy or replace(policy_of(Profile.CARD, SHOW), claims=True)
        self.ahead_s = 0.0  # of the right time
        self.hub: Hub = open_hub(Settings(folder / "hub"), lambda: time.time() + self.ahead_s)
        migrate(self.hub.engine)
        self.authority = authority_of(self.hub)
        self._pem = self.authority.server_file(self.hub.settings, time.time())
        self._versions: list[Header] = []
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0
        with self.hub.begin() as connection:
            connection.execute(insert(tables.site).values(one=1, name=SITE, made_at=0.0))
            connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
            connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
            event = {"event": SHOW, "organisation": "o", "venue": "v", "name": "Show", "begins_at": time.time()}
            event |= {"ends_at": time.time() + 9e4, "policy": to_json(self.policy).decode()}
            connection.execute(insert(tables.event).values(**event, sealed_secret=b"", made_at=0.0))

    def __enter__(self) -> Site:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.hub.engine.dispose()

    def start(self) -> None:
        """Serve, always on the same port."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        app = make_app(self.hub)
        self._bundle_route(app)
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, timeout_keep_alive=30)
        config.load()
        config.ssl = _server_tls(self._pem)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """As when it is switched off."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join(10)
        self._server = None

    def enrol(self, name: str, event: str | None = SHOW) -> Box:
        """A gate that is enrolled."""
        box = Box(self, name)
        with self.hub.begin() as connection:
            connection.execute(
                insert(tables.device).values(
                    device=box.device,
                    kind="gate",
                    name=name,
                    venue="v",
                    signing_key=box.key.public_key().public_bytes_raw(),
                    device_key=box.device_key.public,
                    certificate="",
                    state="enrolled",
                    event=event,
                    made_at=0.0,
                )
            )
        return box

    def publish(self, count: int, *boxes: Box, **more: object) -> Header:
        """A whole manifest with tickets T0 to T(count-1)."""
        out = self._next_file()
        return self._keep(out, build(out, [holding(one) for one in range(count)], self._issue(boxes, **more)))

    def change(self, changed: list[int], removed: list[str], *, tickets: int, before: Header | None = None) -> Header:
        """A delta on the newest."""
        out, last = self._next_file(), before or self._versions[-1]
        state = ManifestState(SHOW, last.version, last.issued_at, last.expires_at, last.tickets, last.digest)
        holdings = [holding(one) for one in changed]
        return self._keep(out, build_delta(out, holdings, removed, self._issue(()), before=state, tickets=tickets))

    def bundle_file(self, version: int) -> Path:
        """Where the bundle lies."""
        return self.folder / f"{version}.bundle"

    def revoke(self, box: Box) -> None:
        """The gate may not serve any more."""
        with self.hub.begin() as connection:
            device = tables.device
            connection.execute(update(device).where(device.c.device == box.device).values(state="revoked"))
            self.hub.ring(connection, device=box.device)
        directory(self.hub).forget(box.device)

    def rows(self, what: object) -> list[tuple[object, ...]]:
        """What a select gives."""
        with self.hub.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(what)]  # type: ignore[call-overload]

    def _issue(self, boxes: tuple[Box, ...], **more: object) -> Issue:
        now, gates = time.time(), {box.name: box.device_key.public for box in boxes}
        version = len(self._versions) + 1
        issue = Issue("centre", self.policy, version, now, now + 9e4, gates, SECRET, self.hub.issuer_key)
        return replace(issue, **more)  # type: ignore[arg-type]

    def _next_file(self) -> Path:
        return self.bundle_file(len(self._versions) + 1)

    def _keep(self, out: Path, header: Header) -> Header:
        self._versions.append(header)
        with self.hub.begin() as connection:
            values = {"event": SHOW, "version": header.version, "kind": header.kind, "after": header.after}
            values |= {"digest": header.digest, "tickets": header.tickets, "size": out.stat().st_size}
            values |= {"file_name": str(out), "issued_at": header.issued_at, "expires_at": header.expires_at}
            connection.execute(insert(tables.bundle).values(**values, revision=header.version, made_by="test"))
            self.hub.ring(connection, event=SHOW)
        return header

    def _bundle_route(self, app: FastAPI) -> None:
        path = "/v1/gate/bundles/{event}/{version}"
        if path not in {getattr(route, "path", "") for route in app.routes}:
            app.get(path)(lambda event, version: FileResponse(self.bundle_file(int(version))))


def _server_tls(pem: Path):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@dataclass
class Box:
    """A gate's box: keys, ledger and folder."""

    site: Site
    name: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __post_init__(self) -> None:
        self.device = f"gate-{self.name}"
        self.folder = self.site.folder / self.name
        self.folder.mkdir()
        self.device_key = DeviceKey.make(self.folder / "device.key")
        self.ledger = Ledger.open(self.folder / "ledger.db", self.key, gate=self.name, clock=time.time)

    def writes(self, lines: int) -> None:
        """So many lines more in the ledger."""
        for _ in range(lines):
            self.ledger.append(EntryKind.MODE, {"mode": "free", "actor": "anna"}, time.time())

    def post(self, port: int = 0, **more: object) -> Post:
        """What its sync process is given. `port` is where it finds the server."""
        public = self.site.hub.issuer_key.public_key().public_bytes_raw().hex()
        papers = Enrolment(
            f"https://127.0.0.1:{port or self.site.port}",
            SITE,
            self.device,
            self.site.authority.pem,
            "",
            (Issuer("centre", public),),
        )
        post = Post(self.name, self.folder, self.folder / "sync.sock", papers, self.key, self.device_key)
        return replace(post, **more)  # type: ignore[arg-type]


class Network:
    """A TCP line to `port` that can be cut, silenced, garbled, forged or end early."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._pairs: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.cut = self.silent = self.garbled = self.forged = False
        self.most_bytes: int | None = None  # how much comes down a connection before it breaks
        self.connections = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.break_all()

    def break_all(self) -> None:
        """What stands falls."""
        for writer in tuple(self._pairs):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._pairs |= {writer, far_writer}
        up = asyncio.ensure_future(self._pass_on(reader, far_writer, None))
        down = asyncio.ensure_future(self._pass_on(far_reader, writer, self.most_bytes))
        await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
        for task in (up, down):
            task.cancel()
        for one in (writer, far_writer):
            self._pairs.discard(one)
            one.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None) -> None:
        passed = 0
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(16_384):
                if self.silent:
                    continue
                if self.garbled:
                    data = bytes(byte ^ 0x55 for byte in data)
                if self.forged:  # all looks well until the end of what was encrypted
                    data = data[:-1] + bytes([data[-1] ^ 1])
                if most is not None and passed + len(data) > most:
                    writer.write(data[: most - passed])
                    await writer.drain()
                    return
                passed += len(data)
                writer.write(data)
                await writer.drain()


async def until(condition: Callable[[], object], within_s: float = 15.0) -> None:
    """Go on until `condition` holds; a test that waits for longer fails."""
    ends = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def at_work(*agents: Agent):
    """Sync processes, for a while."""
    tasks = [asyncio.ensure_future(agent.run()) for agent in agents]
    try:
        yield
        for task in tasks:
            assert not task.done(), task
    finally:
        for task in tasks:
            task.cancel()
        _, left = await asyncio.wait(tasks, timeout=10)
        assert not left, [task.print_stack() for task in asyncio.all_tasks()]


@contextlib.contextmanager
def a_site(folder: Path) -> Iterator[Site]:
    """A server at work."""
    with Site(folder) as made:
        yield made
