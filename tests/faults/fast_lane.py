"""A gate as it runs, daemon and sync process, with simulated devices that lose no time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from drivers.pty_port import PtyPort
from drivers.reader.sim import SimPresenter
from drivers.relay.sim import RelaySimulator
from drivers.sensor.sim import SensorSimulator
from gate.demo.link import GateLink, GateSilent
from gate.demo.program import GATECTL, Program
from models.credential import Assurance, Credential, Holder, Medium
from models.decision import Verdict
from models.ids import DocumentType
from models.view import LaneView, Phase
from tests.faults.evidence import Visit

START_S = 30.0
WORD_S = 6.0


class FastLane:
    """One gate's box. `visit` takes some tens of milliseconds."""

    def __init__(self, folder: Path, name: str, gatectl: Sequence[str] = GATECTL) -> None:
        self.folder, self.name = folder, name
        self.state_dir = folder / "state"
        self.state_dir.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.device = ""
        self._stop = threading.Event()
        self._ports = {wire: PtyPort(folder / wire) for wire in ("reader", "relay", "sensor")}
        self.reader = SimPresenter(self._ports["reader"])
        self.relay = RelaySimulator(self._ports["relay"])
        self.sensor = SensorSimulator(self._ports["sensor"])
        threading.Thread(target=self.relay.run, args=(self._stop,), daemon=True).start()
        config = folder / "gate.toml"
        config.write_text(self._settings(), encoding="utf-8")
        self.daemon = Program([*gatectl, "run", "--config", str(config)], folder / "gate.log")
        self.sync = Program([*gatectl, "sync", "--config", str(config)], folder / "sync.log")
        self.link = GateLink(folder / "gate.sock")

    @property
    def ledger(self) -> Path:
        """The gate's ledger; open it to read."""
        return self.state_dir / "ledger.db"

    def start(self) -> None:
        """Both processes; the lane is ready afterwards."""
        self.sync.start()
        self.start_daemon()

    def start_daemon(self) -> None:
        """The lane's own process alone, until it is ready."""
        self.daemon.start()
        self.link.close()
        self.link = GateLink(self.folder / "gate.sock")
        self.link.connect(START_S, lambda: self.daemon.runs)
        self.link.wait(
            lambda s: s.view.phase is Phase.IDLE and all(each.up for each in s.devices) and s.manifest is not None,
            START_S,
            since=0,
        )

    def close(self) -> None:
        """End both in good order."""
        self.link.close()
        for program in (self.daemon, self.sync):
            program.stop()
        self._stop.set()
        for port in self._ports.values():
            port.close()

    def visit(self, ticket: str, number: str, *, walks: bool = True) -> Visit:
        """Somebody presents a card and, where let, walks through or does not."""
        came_at, pulses, link = time.monotonic(), self.relay.pulses, self.link
        before = link.snapshot.view.attempt if link.snapshot else 0
        view: LaneView | None = None
        try:
            since = link.seen
            self.reader.present(card(number))
            view = link.wait_view(lambda v: v.attempt > before and _is_decided(v), WORD_S, since)
            admitted = view.verdict is Verdict.ADMIT
            if admitted and self.relay.wait_for(lambda: self.relay.pulses > pulses, WORD_S) and walks:
                self.sensor.turn()
            attempt = view.attempt
            link.wait_view(lambda v: v.attempt > attempt or v.phase is not Phase.RELEASED, WORD_S)
        except (GateSilent, OSError):
            walks = walks and self.relay.pulses > pulses
        now = time.monotonic()
        if view is None:
            return Visit(self.name, ticket, came_at, now, before + 1, walked=walks and self.relay.pulses > pulses)
        let = view.verdict is Verdict.ADMIT
        return Visit(self.name, ticket, came_at, now, view.attempt, str(view.verdict), str(view.reason), let and walks)

    def _settings(self) -> str:
        folder = self.folder
        return f"""
[gate]
name = "{self.name}"
timezone = "Asia/Shanghai"
state_dir = "{self.state_dir}"
issuers = ["{self.state_dir / "issuers" / "centre.pub"}"]
[socket]
path = "{folder / "gate.sock"}"
[devices]
reader = "sim+serial://{folder / "reader"}"
camera = ""
face = "sim:"
relay = "sim+serial://{folder / "relay"}"
sensor = "sim+serial://{folder / "sensor"}"
[secrets]
device_key = "{self.state_dir / "device.key"}"
signing_key = "{self.state_dir / "signing.key"}"
[sync]
socket = "{folder / "sync.sock"}"
contact_s = 2.0
"""


def card(number: str) -> Credential:
    """The chip of the card with this number."""
    return Credential(Medium.CHIP_CARD, DocumentType.RESIDENT_ID, number, Assurance.AUTHENTICATED, Holder("路人"))


def _is_decided(view: LaneView) -> bool:
    return view.verdict is not None and view.phase not in (Phase.LOOKUP, Phase.CAPTURE)
