"""A well lane in a folder, for breaking: real databases and keys, a made-up /sys and /proc, processes that answer."""

from __future__ import annotations

import contextlib
import os
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from gate.check.around import Around
from gate.check.catalogue import Finding
from gate.check.walk import check
from models.command import Line, Snapshot
from models.decision import Profile
from models.ledger import EntryKind
from models.link import FromSync, Reach, SyncStatus
from models.staff import Role
from models.store.keys import load_or_make_signing_key
from models.store.ledger_db import Ledger
from models.store.manifest_db import ManifestReader, ManifestWriter
from models.store.public_key import KeyUse, PublicKey, write_public_key
from models.store.vault import DeviceKey
from models.ticket import ManifestState
from models.view import LaneView, Phase
from models.wire import to_json
from tests.gate.lane_bench import EVENT, NIGHT, POLICY, Guest, contents, ticket_of

NOW = NIGHT
DAY_S = 86_400.0
UNIT = """
Id={name}
LoadState=loaded
ActiveState={active}
Result={result}
NRestarts={restarts}
UnitFileState={enabled}
"""
SYNC = SyncStatus("hall", "g1", "https://hub.example:8443", Reach.ONLINE, NOW - 5, True, EVENT)

CONFIG = """
[gate]
name = "G1"
timezone = "Asia/Shanghai"
state_dir = "{state}"
issuers = ["hall.pub"]
[socket]
path = "{run}/gate.sock"
[sync]
socket = "{run}/sync.sock"
[staff]
book = "{folder}/staff.json"
[devices]
reader = "{reader}"
camera = "{camera}"
face = "{face}"
relay = "{relay}"
rated = {{ relay = 1000 }}
"""


class House:
    """The lane. What it has is changed by the test; `check` looks at it as `gatectl check` would."""

    def __init__(self, folder: Path, run: Path) -> None:
        self.folder, self.state, self.root, self.run = folder, folder / "state", folder / "root", run
        self.devices = {"reader": "sim:", "camera": "sim:?visitor=1", "face": "sim:", "relay": "sim:"}
        self.commands = {"systemctl": _unit("gate.service"), "timedatectl": "yes", "fc-list": "Noto Sans CJK SC"}
        self.files = {
            "sys/class/thermal/thermal_zone0/temp": "45000",
            "sys/class/rtc/rtc0/name": "rtc",
            "proc/meminfo": "MemTotal: 1000000 kB\nMemAvailable: 600000 kB",
            "proc/vmstat": "oom_kill 0",
        }
        self.more: dict[str, Any] = {"probe_s": 0.2}
        self.snapshot: Snapshot | None = None
        self.sync: SyncStatus | None = SYNC
        self.state.mkdir(mode=0o700)
        self.key = load_or_make_signing_key(folder / "signing-key")
        self.device_key = DeviceKey.make(folder / "device-key")
        issuer = PublicKey(KeyUse.ISSUER, "hall", self.key.public_key().public_bytes_raw())
        write_public_key(folder / "hall.pub", issuer)
        self.write_ledger()
        self.load()
        self.enrol(NOW - 10 * DAY_S, NOW + 80 * DAY_S)
        self.book(Role.SUPERVISOR)

    def write_ledger(
        self, gate: str = "G1", at: float = NOW - 60, *, signed: bool = True, version: str = "0.1.0"
    ) -> None:
        with Ledger.open(self.state / "ledger.db", self.key, gate=gate, clock=lambda: NOW) as ledger:
            ledger.append(EntryKind.START, {"version": version}, at)
            if signed:
                ledger.checkpoint(at)

    def load(self, policy: Any = POLICY, **changes: Any) -> None:
        made = contents([(Guest(1), ticket_of(Guest(1)))], policy=policy)
        writer = ManifestWriter(self.state / "manifest.db", self.device_key)
        writer.apply(replace(made, state=replace(made.state, **changes)), NOW)
        writer.close()

    def manifest(self) -> ManifestState | None:
        with contextlib.closing(ManifestReader(self.state / "manifest.db", self.device_key)) as reader:
            return reader.state()

    def enrol(self, begins: float, ends: float) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "g1")])
        made = x509.CertificateBuilder(name, name).public_key(self.key.public_key()).serial_number(1)
        made = made.not_valid_before(datetime.fromtimestamp(begins, UTC))
        made = made.not_valid_after(datetime.fromtimestamp(ends, UTC))
        from cryptography.hazmat.primitives.serialization import Encoding

        pem = made.sign(Ed25519PrivateKey.generate(), None).public_bytes(Encoding.PEM).decode()
        (self.state / "enrolment.json").write_bytes(to_json({"device": "g1", "certificate": pem}))

    def book(self, *roles: Role) -> None:
        people = [{"actor": f"s{n}", "name": "Li", "role": role, "pin": "x"} for n, role in enumerate(roles)]
        (self.folder / "staff.json").write_bytes(to_json({"staff": people, "version": 1}))

    def gate_says(self, **changes: Any) -> None:
        """A gate runs."""
        usual = Snapshot(LaneView("G1", Phase.IDLE, 1), NOW, Profile.CONCERT, EVENT, manifest=self.manifest())
        self.snapshot = replace(usual, **changes)

    def unit(self, **changes: Any) -> None:
        self.commands["systemctl"] = _unit("gate.service", **changes)

    def statvfs(self, free: int, flag: int = 0) -> None:
        told = os.statvfs_result((4096, 4096, 10**7, free >> 12, free >> 12, 1, 1, 1, flag, 255))
        self.more["statvfs"] = lambda path: told

    def check(self, *only: str) -> list[Finding]:
        config = self.folder / "gate.toml"
        if not config.exists():
            config.write_text(CONFIG.format(state=self.state, run=self.run, folder=self.folder, **self.devices))
        for name, text in self.files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        with self._answering():
            around = Around(config, self.root, NOW, lambda words: self.commands.get(words[0]), **self.more)
            return [one for _, found in check(around, only) for one in found or ()]

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if self.snapshot is not None:
                stack.enter_context(saying(self.run / "gate.sock", Line(snapshot=self.snapshot)))
            if self.sync is not None:
                lines = FromSync(reach=self.sync.reach), FromSync(status=self.sync)
                stack.enter_context(saying(self.run / "sync.sock", *lines, asked=True))
            yield


@contextlib.contextmanager
def saying(path: Path, *lines: object, asked: bool = False) -> Iterator[None]:
    """A process that says these lines to whoever comes, or who asks."""

    class Say(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if asked:
                self.rfile.readline()
            for line in lines:
                self.wfile.write(to_json(line) + b"\n")

    with socketserver.UnixStreamServer(str(path), Say) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            path.unlink()


@contextlib.contextmanager
def house_in(folder: Path) -> Iterator[House]:
    """A well lane; its sockets lie in a folder with a short name, as Unix wants it."""
    with tempfile.TemporaryDirectory(prefix="gc") as run:
        yield House(folder, Path(run))


def _unit(name: str, **changes: Any) -> str:
    usual = {"active": "active", "result": "success", "restarts": 0, "enabled": "enabled"}
    return UNIT.format(name=name, **usual | changes)
