"""A whole site as real processes: a server, three gates, and between any two of them a cable that can be broken."""

from __future__ import annotations

import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gate.demo.cable import Cable
from gate.demo.cast import Looks, person, write_tables
from gate.demo.office import Office
from models.decision import Policy, Profile
from models.profiles import policy_of
from models.store.errors import StoreError
from models.store.ledger_db import read_ledger
from models.store.manifest_db import ManifestReader
from models.store.vault import DeviceKey
from tests.faults.evidence import Box, Seen
from tests.faults.fast_lane import FastLane

EVENT = "gala"
ODD_GATECTL = Path(__file__).with_name("odd_gatectl.py")
SETTLED_S = 25.0


@dataclass
class Gate:
    """One gate and its cable. `up` is set while its lane can be visited."""

    lane: FastLane
    cable: Cable
    up: threading.Event

    @property
    def name(self) -> str:
        """As in the ledgers."""
        return self.lane.name


class Clock:
    """The wall clock of a gate's processes, or of the server: `jump` makes it wrong."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.jump(0.0)

    def jump(self, by_s: float) -> None:
        """From now on wrong by so much."""
        with self.file.open("r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("d", by_s))


class House:
    """Server and gates, each with a wall clock of its own. An `unjust` server keeps no count of claims."""

    def __init__(self, folder: Path, gates: int = 3, tickets: int = 100, *, unjust: bool = False) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.clocks = {name: Clock(folder / f"{name}.clock") for name in ["hub", *gate_names(gates)]}
        self.office = Office(folder / "hub", [*self._gatectl("hub"), *(["--unjust"] if unjust else [])])
        self.people = [replace(person(index, Looks(mark=index)), has_photo=False) for index in range(tickets)]
        self.gates: list[Gate] = []
        self._count = gates

    def open(self) -> None:
        """Sell, enrol, publish, and start everything."""
        self.office.start()
        self.office.announce(policy())
        write_tables(self.people, self.folder / "office", time.time())
        self.office.load_table(EVENT, self.folder / "office" / "people.csv")
        for name in gate_names(self._count):
            cable = Cable(self.office.port)
            lane = FastLane(self.folder / name, name, self._gatectl(name))
            lane.device = self.office.enrol(name, lane.state_dir, EVENT, cable.port)
            self.gates.append(Gate(lane, cable, threading.Event()))
        self.office.publish(EVENT)
        starts = [threading.Thread(target=gate.lane.start) for gate in self.gates]
        for start in starts:
            start.start()
        for start, gate in zip(starts, self.gates, strict=True):
            start.join()
            gate.lane.link.wait(lambda s: s.reach == "online", 20.0)
            gate.up.set()

    def close(self) -> None:
        """Take it all down."""
        for gate in self.gates:
            gate.cable.close()
            gate.lane.close()
        self.office.close()

    # --- what is known of it ------------------------------------------------------------------------------------

    def boxes(self) -> list[Box]:
        """Every gate's ledger beside what the server holds of it."""
        agrees = {row.device: row.agrees for row in self.office.gates(EVENT)}
        return [self._box(gate, agrees.get(gate.lane.device, "unknown")) for gate in self.gates]

    def uses(self) -> list[Seen]:
        """The releases as the server projects them."""
        return [Seen(one.ticket, one.gate, one.direction, one.passage, one.claim) for one in self.office.uses(EVENT)]

    def has_settled(self) -> bool:
        """Whether every line of every gate is at the server, and every gate holds the newest manifest."""
        return all(
            len(box.entries) == len(box.at_server) == box.acknowledged and box.agrees == "agrees"
            for box in self.boxes()
        )

    def wait_until_settled(self, look: Callable[[], None]) -> bool:
        """Whether it settles in time; `look` is called all along."""
        ends = time.monotonic() + SETTLED_S
        while time.monotonic() < ends:
            look()
            if self.has_settled():
                look()
                return True
            threading.Event().wait(0.1)
        return False

    def version(self, gate: Gate) -> int:
        """Of the manifest that a gate holds; 0 for none."""
        folder = gate.lane.state_dir
        with suppress(StoreError, OSError):
            reader = ManifestReader(folder / "manifest.db", DeviceKey.load(folder / "device.key"))
            try:
                state = reader.state()
            finally:
                reader.close()
            return state.version if state else 0
        return 0

    def _gatectl(self, name: str) -> list[str]:
        return [sys.executable, str(ODD_GATECTL), "--clock", str(self.clocks[name].file)]

    def _box(self, gate: Gate, agrees: str) -> Box:
        with read_ledger(gate.lane.ledger) as ledger:
            entries, acknowledged = ledger.entries(limit=1_000_000), ledger.acknowledged()
        return Box(gate.name, entries, acknowledged, tuple(self.office.lines(gate.lane.device)), agrees)


def gate_names(number: int) -> list[str]:
    """G1, G2, and so on."""
    return [f"G{index}" for index in range(1, number + 1)]


def policy() -> Policy:
    """Cards without faces, claims, and short waits."""
    return replace(policy_of(Profile.CARD, EVENT), claims=True, pulse_s=0.1, passage_s=1.0, show_s=0.2)
