"""A lane in this process: real stores, a time that jumps, and in the tests' hands a turnstile and a camera."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drivers.face import sim
from gate.claims import Authority
from gate.clock import Clock
from gate.core.state import new_lane
from gate.hardware import Eyes
from gate.lane import LaneRunner
from gate.messages import FaceProbed, ReaderGave, SensorGave
from gate.stores import Stores
from models.credential import Assurance, Credential, Holder, Medium
from models.decision import Policy, Profile
from models.face import FaceBands, FaceProbe, FaceProblem, FaceReference
from models.ids import DocumentType, check_digit
from models.ledger import Entry, EntryKind
from models.passage import Direction, SensorSignal, SignalKind
from models.profiles import policy_of
from models.store.ledger_db import Ledger, read_ledger
from models.store.manifest_db import ManifestReader, ManifestWriter
from models.store.manifest_rows import ManifestContents
from models.store.ticket_bytes import ticket_to_bytes
from models.store.vault import DeviceKey, lookup_key, seal_row
from models.ticket import Entitlement, ManifestState, Ticket, Validity
from models.view import LaneView
from models.watch import WatchAction, WatchEntry
from tests.gate.skipping_loop import SkippingLoop, StoreThread

NIGHT = 1_790_000_000.0
EVENT = "gala"
SECRET = bytes(range(32))
ID = DocumentType.RESIDENT_ID
SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
POLICY = replace(policy_of(Profile.CONCERT, EVENT), bands=(FaceBands(sim.MODEL_VERSION, "any", 0.4, 0.6),))


@dataclass(frozen=True)
class Guest:
    """Somebody who does not exist; `serial` makes number, name, face and ticket."""

    serial: int

    @property
    def number(self) -> str:
        stem = f"00000019900101{self.serial:03d}"
        return stem + check_digit(stem)

    @property
    def name(self) -> str:
        return f"路人甲乙{self.serial}"

    @property
    def ticket(self) -> str:
        return f"T{self.serial:03d}"

    @property
    def reference(self) -> FaceReference:
        return sim.reference(self.serial)

    @property
    def person_key(self) -> str:
        return lookup_key(SECRET, ID, self.number).hex()

    def card(self) -> Credential:
        return Credential(
            Medium.CHIP_CARD,
            ID,
            self.number,
            Assurance.AUTHENTICATED,
            Holder(self.name, date(1990, 1, 1)),
            valid_to=date(2090, 1, 1),
            portrait=b"portrait of %d" % self.serial,
        )

    def probe(self, offset: float = 0.1, problem: FaceProblem | None = None) -> FaceProbe:
        """What the camera's engine makes of this person."""
        features = b"" if problem else sim.template(self.serial, offset)
        return FaceProbe(sim.MODEL_VERSION, features, problem=problem, frames=1)

    def listed(self, action: WatchAction = WatchAction.REVIEW) -> WatchEntry:
        """An entry by face and document."""
        return WatchEntry(
            f"W{self.serial}",
            "hospital",
            "touting",
            action,
            NIGHT - 9e6,
            NIGHT + 9e6,
            ("a", "b"),
            "law",
            self.person_key,
            self.reference.template,
            sim.MODEL_VERSION,
        )


def ticket_of(guest: Guest, **more: Any) -> Ticket:
    """A plain ticket for tonight."""
    made = Ticket(
        guest.ticket,
        Entitlement(EVENT, seat="A1"),
        Validity(NIGHT - 3600, NIGHT + 86_400),
        bound_at=NIGHT - 9e6,
        masked_name="路**",
        reference=guest.reference,
    )
    return replace(made, **more)


def contents(
    tickets: Iterable[tuple[Guest, Ticket]],
    *,
    version: int = 1,
    policy: Policy = POLICY,
    watch: Iterable[WatchEntry] = (),
) -> ManifestContents:
    """A manifest of these."""
    rows = [
        seal_row(EVENT, SECRET, ticket.ticket, ticket_to_bytes(ticket), [(ID, guest.number)])
        for guest, ticket in tickets
    ]
    return ManifestContents(
        ManifestState(EVENT, version, NIGHT - 60, NIGHT + 86_400, len(rows), f"digest {version}"),
        "hall",
        policy,
        SECRET,
        [(row.row, row.sealed) for row in rows],
        [(key, row.row, wrapped) for row in rows for key, wrapped in row.openings],
        tuple(watch),
    )


@dataclass
class Turnstile:
    """The barrier's other end. `before_pulse` is called when a pulse is asked for."""

    pulses: list[tuple[float, Future[None]]] = field(default_factory=list)
    holds: list[bool] = field(default_factory=list)
    before_pulse: Callable[[], None] = lambda: None

    def pulse(self, seconds: float) -> Future[None]:
        self.before_pulse()
        self.pulses.append((seconds, Future()))
        return self.pulses[-1][1]

    def hold(self, closed: bool) -> Future[None]:
        self.holds.append(closed)
        return Future()


@dataclass
class Camera:
    """The eyes' other end: it only notes what it is asked."""

    asked: list[tuple[int, float]] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    portraits: list[bytes] = field(default_factory=list)
    shown: list[tuple[int, bool, bytes] | None] = field(default_factory=list)
    watched: list[tuple[float, int]] = field(default_factory=list)

    def watch(self, seconds: float, frames: int, apart: dict[str, float]) -> None:
        self.watched.append((seconds, frames))

    def opens(self, portrait: bytes) -> str:
        return sim.MODEL_VERSION if portrait.startswith(b"portrait") else ""

    def capture(self, attempt: int, timeout_s: float, portrait: bytes = b"", turn: bool = False) -> None:
        self.asked.append((attempt, timeout_s))
        self.portraits.append(portrait)

    def cancel(self, attempt: int) -> None:
        self.cancelled.append(attempt)

    def shows(self, portrait: bytes) -> bool:
        return portrait.startswith(b"portrait")

    def show(self, attempt: int, seconds: float, *, live: bool, portrait: bytes = b"") -> None:
        self.shown.append((attempt, live, portrait))

    def hide(self, attempt: int) -> None:
        self.shown.append(None)


class Bench:
    """The lane and its surroundings. Times are virtual; the wall clock follows the loop's."""

    def __init__(
        self, folder: Path, *, has_sensor: bool = True, eyes: Eyes | None = None, authority: Authority | None = None
    ) -> None:
        self.folder = folder
        self.loop = asyncio.get_running_loop()
        self.clock = Clock(wall=lambda: NIGHT + self.loop.time(), mono=self.loop.time)
        self.turnstile, self.camera, self.store = Turnstile(), Camera(), StoreThread()
        self.views: list[LaneView] = []
        self.stores = open_stores(folder, self.clock.wall)
        rules = self.stores.rules(None)
        self.stores.write_rules(rules, self.clock.wall())
        self.runner = LaneRunner(
            new_lane("G1", has_sensor=has_sensor),
            stores=self.stores,
            rules=rules,
            barrier=self.turnstile,
            eyes=eyes or self.camera,
            clock=self.clock,
            store=self.store,
            tell=self.views.append,
            authority=authority,
        )
        self.running = self.loop.create_task(self.runner.run())

    @property
    def view(self) -> LaneView:
        return self.views[-1]

    def entries(self, kind: EntryKind | None = None) -> list[Entry]:
        """What is on the disk now, as another process sees it."""
        with read_ledger(self.folder / "ledger.db") as ledger:
            return [entry for entry in ledger.entries(0, 1000) if kind in (None, entry.kind)]

    def words(self) -> list[tuple[str, str]]:
        """Verdict and reason of every decision on the disk."""
        decisions = (entry.body["decision"] for entry in self.entries(EntryKind.DECISION))
        return [(word["verdict"], word["reason"]) for word in decisions]

    def passages(self) -> list[tuple[str, str]]:
        """Passage and detail of every ended release on the disk."""
        return [(e.body["passage"], e.body["detail"]) for e in self.entries(EntryKind.PASSAGE)]

    async def until(self, condition: Callable[[], bool], within_s: float = 1.0) -> None:
        """Go on until `condition` holds."""
        ends = self.loop.time() + within_s
        while not condition():
            assert not self.running.done(), self.running
            assert self.loop.time() < ends, f"not within {within_s} s; the lane shows {self.views[-1:]}"
            await asyncio.sleep(0.001)

    async def quiet(self) -> None:
        """Let everything happen that needs no time."""
        await asyncio.sleep(0.005)

    async def a_while_later(self, seconds: float) -> None:
        """That much time passes at the lane, and none here."""
        await asyncio.sleep(seconds)

    async def taps(self, guest: Guest) -> int:
        """Presents the card; the attempt's number when the lane has taken it up."""
        before = self.runner.lane.attempt
        self.runner.take(ReaderGave("reader", guest.card(), self.loop.time()))
        await self.until(lambda: self.runner.lane.attempt > before)
        await self.quiet()
        return self.runner.lane.attempt

    async def shows(self, probe: FaceProbe) -> None:
        """Is seen by the camera."""
        self.runner.take(FaceProbed(self.runner.lane.attempt, probe))
        await self.quiet()

    async def turns(self, direction: Direction = Direction.ENTRY) -> None:
        """Somebody walks through."""
        self.runner.take(SensorGave("sensor", SensorSignal(SignalKind.TURNED, direction), self.loop.time()))
        await self.quiet()

    async def admitted(self, guest: Guest) -> None:
        """Is admitted, and stands before the open turnstile."""
        pulses = len(self.turnstile.pulses)
        await self.taps(guest)
        await self.shows(guest.probe())
        assert len(self.turnstile.pulses) == pulses + 1, self.view

    def break_ledger(self) -> None:
        """The connection dies under the ledger, as with a disk that went away."""
        self.stores.ledger.db.conn.close()


def open_stores(folder: Path, wall: Callable[[], float] = lambda: NIGHT) -> Stores:
    """Ledger and manifest of `folder`."""
    ledger = Ledger.open(folder / "ledger.db", SIGNING_KEY, gate="G1", clock=wall)
    return Stores(ledger, ManifestReader(folder / "manifest.db", device_key(folder)), lambda policy: policy)


def device_key(folder: Path) -> DeviceKey:
    """The gate's key, made when it isn't there."""
    path = folder / "device.key"
    return DeviceKey.load(path) if path.exists() else DeviceKey.make(path)


def load(folder: Path, manifest: ManifestContents) -> None:
    """Make it the manifest in force."""
    writer = ManifestWriter(folder / "manifest.db", device_key(folder))
    writer.apply(manifest, NIGHT)
    writer.close()


def play(
    folder: Path,
    scene: Callable[[Bench], Awaitable[None]],
    *,
    manifest: ManifestContents | None = None,
    has_sensor: bool = True,
    eyes: Eyes | None = None,
    authority: Authority | None = None,
) -> None:
    """Run `scene` at a bench of its own."""
    load(folder, manifest or contents([(guest, ticket_of(guest)) for guest in map(Guest, range(1, 6))]))

    async def run() -> None:
        bench = Bench(folder, has_sensor=has_sensor, eyes=eyes, authority=authority)
        try:
            await scene(bench)
        finally:
            bench.running.cancel()
            await asyncio.wait([bench.running])
            bench.stores.close()

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(run())
