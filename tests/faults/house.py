"""A whole site as real processes: a server, three gates, and between any two of them a cable that can be broken."""

from __future__ import annotations

import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from gate.demo.cable import Cable
from gate.demo.cast import Looks, person, write_tables
from gate.demo.office import HOST, Office
from gate.demo.program import Program
from models.decision import Policy, Profile
from models.profiles import policy_of
from models.store.errors import StoreError
from models.store.ledger_db import read_ledger
from models.store.manifest_db import ManifestReader
from models.store.vault import DeviceKey
from sync.server.upstream_papers import enrol_upstream
from tests.faults.evidence import Box, Seen
from tests.faults.fast_lane import FastLane

EVENT = "gala"
ODD_GATECTL = Path(__file__).with_name("odd_gatectl.py")
SETTLED_S, START_S = 25.0, 40.0
GATES = ("G1", "G2", "G3")


@dataclass
class Gate:
    """One gate and its cable. `up` is set while its lane can be visited, `busy` while it is."""

    lane: FastLane
    cable: Cable
    up: threading.Event = field(default_factory=threading.Event)
    busy: threading.Event = field(default_factory=threading.Event)

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
    """A centre and three gates; in a `venue`, with a venue hub between them that answers the claims.

    Each program has a wall clock of its own. `server` is whom the gates speak to, `centre` where all ends up: without a
    venue they are one. An `unjust` server keeps no count of claims.
    """

    def __init__(self, folder: Path, tickets: int = 100, *, venue: bool = False, unjust: bool = False) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.clocks = {name: Clock(folder / f"{name}.clock") for name in ("hub", "venue", *GATES)}
        self.centre = self.server = Office(folder / "hub", [*self._gatectl("hub"), *(["--unjust"] if unjust else [])])
        self.line: Cable | None = None
        if venue:
            self.line = Cable(self.centre.port)
            upstream = f"https://{HOST}:{self.line.port}"
            self.server = Office(folder / "venue", self._gatectl("venue"), upstream=upstream)
        self.people = [replace(person(index, Looks(mark=index)), has_photo=False) for index in range(tickets)]
        self.gates: list[Gate] = []

    def open(self) -> None:
        """Sell, enrol, publish, and start everything."""
        self.centre.start()
        self.centre.announce(policy())
        write_tables(self.people, self.folder / "office", time.time())
        self.centre.load_table(EVENT, self.folder / "office" / "people.csv")
        if self.line is not None:
            self._open_venue(self.line)
        for name in GATES:
            cable = Cable(self.server.port)
            lane = FastLane(self.folder / name, name, self._gatectl(name))
            lane.device = self.server.enrol(name, lane.state_dir, "" if self.line else EVENT, cable.port)
            self.gates.append(Gate(lane, cable))
        _wait(lambda: len(self.centre.gates(EVENT)) == len(GATES), "the centre was not told of the venue's gates")
        self.centre.publish(EVENT)
        starts = [threading.Thread(target=gate.lane.start) for gate in self.gates]
        for start in starts:
            start.start()
        for start, gate in zip(starts, self.gates, strict=True):
            start.join()
            gate.lane.link.wait(lambda s: s.reach == "online", START_S)
            gate.up.set()
        _wait(self._is_answered, "nobody answers for the event")

    def close(self) -> None:
        """Take it all down."""
        for gate in self.gates:
            gate.cable.close()
            gate.lane.close()
        self.server.close()
        self.centre.close()
        if self.line is not None:
            self.line.close()

    def _open_venue(self, line: Cable) -> None:
        self.server.start()
        self.server.found()
        text = self.centre.invite("hall", "hub").replace(f":{self.centre.port}/", f":{line.port}/")
        papers = enrol_upstream(self.server.hub.settings, text, "hall")
        self.centre.lease(EVENT, papers.device)

    def _is_answered(self) -> bool:
        """Whether whom the gates ask is the one who has to answer."""
        return self.line is None or EVENT in self.server.answered()

    # --- what is known of it ------------------------------------------------------------------------------------

    def boxes(self) -> list[Box]:
        """Every gate's ledger beside what the server holds of it."""
        agrees = {row.device: row.agrees for row in self.server.gates(EVENT)}
        return [self._box(gate, agrees.get(gate.lane.device, "unknown")) for gate in self.gates]

    def uses(self) -> list[Seen]:
        """The releases as the server projects them."""
        return [Seen(one.ticket, one.gate, one.direction, one.passage, one.claim) for one in self.centre.uses(EVENT)]

    def wait_until_settled(self, look: Callable[[], None] = lambda: None) -> tuple[bool, list[Box]]:
        """Whether all lines arrive in time, and the gates as they were then; `look` is called all along."""
        ends = time.monotonic() + SETTLED_S
        while True:
            look()
            late = time.monotonic() > ends
            if late or self._is_quiet():
                boxes = self.boxes()
                if late or all(map(_is_settled, boxes)):
                    return not late, boxes
            threading.Event().wait(0.1)

    def _is_quiet(self) -> bool:
        """Whether it is worth while to read everything: each gate takes its newest line for acknowledged."""
        for gate in self.gates:
            with read_ledger(gate.lane.ledger) as ledger:
                if ledger.acknowledged() != ledger.last_seq():
                    return False
        return True

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

    def starved_s(self, gate: Gate) -> float:
        """How long the programs between the organiser and `gate` could have worked so far, and got no processor."""
        return sum(
            starved_s(program) for program in {self.centre.program, self.server.program, gate.lane.sync} if program.runs
        )

    def _gatectl(self, name: str) -> list[str]:
        return [sys.executable, str(ODD_GATECTL), "--clock", str(self.clocks[name].file)]

    def _box(self, gate: Gate, agrees: str) -> Box:
        with read_ledger(gate.lane.ledger) as ledger:
            entries, acknowledged = ledger.entries(limit=1_000_000), ledger.acknowledged()
        return Box(gate.name, entries, acknowledged, tuple(self.centre.lines(gate.lane.device)), agrees)


def starved_s(program: Program) -> float:
    """As the kernel counts it, of the thread that does a program's work."""
    with suppress(OSError):
        return int(Path(f"/proc/{program.pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


def _wait(until: Callable[[], bool], otherwise: str) -> None:
    ends = time.monotonic() + START_S
    while not until():
        assert time.monotonic() < ends, otherwise
        threading.Event().wait(0.05)


def _is_settled(box: Box) -> bool:
    """Whether every line is at the server and known to be, and the newest manifest at the gate."""
    return len(box.entries) == len(box.at_server) == box.acknowledged and box.agrees == "agrees"


def policy() -> Policy:
    """Cards without faces, claims, and short waits."""
    return replace(policy_of(Profile.CARD, EVENT), claims=True, pulse_s=0.1, passage_s=1.0, show_s=0.2)
