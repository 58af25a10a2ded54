"""A lane on the bench: the daemon as a process of its own, and at the far end of its wires what it is wired to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gate
from drivers.camera.sim import Stage
from drivers.relay.lcus import LcusSimulator
from drivers.sensor.serial import SensorSimulator
from drivers.transport import PtyPort
from gate.demo.link import GateLink
from gate.demo.readers import Bench, DemoReader, wire_of
from models.command import Snapshot
from models.view import Phase

if TYPE_CHECKING:
    from drivers.reader.sam import SamSimulator

START_S = 30.0


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the lane has. `reader` is one of `readers.NAMES`; `pace`: its bytes take as long as on a real line.

    `staff`: it has a staff book, `Rig.staff_book`, and words are taken from whoever is on shift. `controller`: who
    answers for visitors' data.
    """

    name: str = "G1"
    reader: str = "sam"
    face: str = "dlib:"
    camera: bool = True
    sensor: bool = True
    exit_reader: bool = True
    pace: bool = True
    poll_ms: int = 50
    staff: bool = False
    controller: str = ""


class Rig:
    """Starts and stops the daemon, and holds the devices' other ends. Close it, or use it in a `with`.

    `cable` gives, for a serial line's name and port, what the simulator holds: the port itself, or one with a fault.
    """

    def __init__(
        self,
        folder: Path,
        wiring: Wiring | None = None,
        cable: Callable[[str, PtyPort], PtyPort] = lambda name, port: port,
    ) -> None:
        self.folder, self.wiring = folder, wiring or Wiring()
        self._cable = cable
        self.state_dir, self.config = folder / "state", folder / "gate.toml"
        self.issuer_key, self.staff_book = folder / "issuer.pub", folder / "staff.json"
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._ports: list[PtyPort] = []
        self._process: subprocess.Popen[bytes] | None = None
        self.link = GateLink(folder / "gate.sock")
        self._closing, self._environment = ExitStack(), dict[str, str]()
        self.wire = wire_of(self.wiring.reader)
        self.entry, self.leaving = self._fit_readers()
        self.relay = LcusSimulator(self._port("relay"))
        self.sensor = SensorSimulator(self._port("sensor"))
        for device in (self.relay, self.sensor):
            self._run(device.run)
        self.stage = Stage()
        self.plug_camera()

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The daemon."""
        assert self._process is not None, "start first"
        return self._process

    @property
    def reader(self) -> SamSimulator:
        """The module in the reader, where the lane has one with a module."""
        return _module(self.entry)

    @property
    def exit_reader(self) -> SamSimulator:
        """The module in the reader of those who leave."""
        return _module(self.leaving)

    @property
    def ledger(self) -> Path:
        """The daemon's ledger; open it to read."""
        return self.state_dir / "ledger.db"

    def port(self, name: str) -> PtyPort:
        """One of the serial lines, to pull its plug: `reader`, `exit-reader`, `relay`, `sensor`."""
        return next(port for port in self._ports if port.path.endswith(f"/{name}"))

    def start(self, *, ready: bool = True) -> None:
        """Start the daemon and connect to it; with `ready`, wait until all its devices work."""
        self.config.write_text(self._settings(), encoding="utf-8")
        self._launch()
        self.link = GateLink(self.folder / "gate.sock")
        self.link.connect(START_S, lambda: self.process.poll() is None)
        if ready:
            self.link.wait(_is_ready, START_S, since=0)

    def kill(self) -> None:
        """As when the power goes."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.link.close()

    def stop(self) -> int:
        """End the daemon in good order. Returns its exit status."""
        self.link.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20.0)

    def close(self) -> None:
        """Take everything down."""
        if self._process is not None and self._process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
        self._stop.set()
        self.stage.unplug()
        for thread in self._threads:
            thread.join(2.0)
        for port in self._ports:
            port.close()
        self._closing.close()

    def plug_camera(self) -> None:
        """Connect the camera, or connect it again after `stage.unplug()`."""
        path = self.folder / "stage.sock"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen()
        self._run(lambda _: self.stage.serve(listener))

    def log(self) -> str:
        """What the daemon wrote so far."""
        path = self.folder / "gate.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _port(self, name: str) -> PtyPort:
        port = PtyPort(self.folder / name)
        self._ports.append(port)
        return self._cable(name, port)

    def _fit_readers(self) -> tuple[DemoReader, DemoReader]:
        bench = Bench(
            self.folder,
            lambda name: self._port(name),
            lambda work: self._run(work),
            self._closing,
            self._environment,
            self.wiring.pace,
            self.wiring.poll_ms,
        )
        return self.wire.fit(bench)

    def _run(self, work: Callable[[threading.Event], None]) -> None:
        thread = threading.Thread(target=work, args=(self._stop,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _launch(self) -> None:
        source = str(Path(gate.__file__).parents[1])
        environment = os.environ | {"PYTHONPATH": source} | self._environment
        command = [sys.executable, "-m", "gate.cli", "run", "--config", str(self.config)]
        with (self.folder / "gate.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603

    def _settings(self) -> str:
        wiring, folder = self.wiring, self.folder
        camera = f"sim+unix://{folder / 'stage.sock'}" if wiring.camera else ""
        sensor = f"serial+serial://{folder / 'sensor'}" if wiring.sensor else ""
        leaving = self.leaving.url if wiring.exit_reader else ""
        return "\n".join(
            [
                "[gate]",
                f'name = "{wiring.name}"',
                'timezone = "Asia/Shanghai"',
                f'state_dir = "{self.state_dir}"',
                f'issuers = ["{self.issuer_key}"]',
                f'controller = "{wiring.controller}"',
                "[socket]",
                f'path = "{folder / "gate.sock"}"',
                "[devices]",
                f'reader = "{self.entry.url}"',
                f'exit_reader = "{leaving}"',
                f'camera = "{camera}"',
                f'face = "{wiring.face}"',
                f'relay = "lcus+serial://{folder / "relay"}"',
                f'sensor = "{sensor}"',
                "[sync]",
                f'socket = "{folder / "sync.sock"}"',
                "contact_s = 2.0",
                "[secrets]",
                f'device_key = "{self.state_dir / "device.key"}"',
                f'signing_key = "{self.state_dir / "signing.key"}"',
                "[staff]",
                f'book = "{self.staff_book if wiring.staff else ""}"',
                "",
            ]
        )


def _module(reader: DemoReader) -> SamSimulator:
    from gate.demo.readers.sam import SamReader

    assert isinstance(reader, SamReader), "this lane's reader has no module"
    return reader.simulator


def _is_ready(snapshot: Snapshot) -> bool:
    return snapshot.view.phase is Phase.IDLE and all(device.up for device in snapshot.devices)
