"""One lane in one process, small enough to be started and killed a thousand times; and who looks at what it left.

The stores, the core and the lane's own loop are the real ones, and it begins and ends as the daemon does. Turnstile and
camera are in the process: what the turnstile does, and what was told to be on the disk, is written to the file `seen`,
one system call a line, so that it is known after any end of the process.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from gate.claims import Nobody
from gate.clock import Clock
from gate.core.state import new_lane
from gate.lane import LaneRunner
from gate.messages import FaceProbed, ReaderGave
from models.ledger import Entry, EntryKind
from models.link import Ask, Told
from models.passage import Passage
from models.store.errors import StoreError
from models.store.ledger_db import read_ledger, verify
from models.view import LaneView, Phase
from tests.gate.lane_bench import NIGHT, Bench, Camera, Guest, Turnstile, contents, load, open_stores, ticket_of
from tests.gate.skipping_loop import SkippingLoop, StoreThread

GUESTS = tuple(map(Guest, range(1, 60)))
STATE_S = 2.0
"""How long the lane may take to say where it stands."""

LULL_S, BROKEN_S = 300.0, 5.0
"""Between two visitors: a no-show or a look by staff is over; a ledger was tried again several times."""

Act = Callable[["SmallLane"], Awaitable[None]]


class Wire:
    """The far end of everything that leaves the process."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "seen", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def say(self, *words: object) -> None:
        """One line, in one call."""
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())

    def close(self) -> None:
        """Hang up."""
        os.close(self._file)


class SmallLane(Bench):
    """The lane, begun as the daemon begins it. Every line that the ledger took is told on the wire."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.wire, self.here = folder, Wire(folder), ""
        self.loop = asyncio.get_running_loop()
        self.clock = Clock(wall=lambda: NIGHT + self.loop.time(), mono=self.loop.time)
        self.turnstile, self.camera, self.store = Turnstile(), Camera(), StoreThread()
        self.turnstile.before_pulse = lambda: self.wire.say("pulse", self.here)
        self.views: list[LaneView] = []
        self.stores = open_stores(folder, self.clock.wall)
        ledger, wall = self.stores.ledger, self.clock.wall
        self.wire.say("began", ledger.last_seq())
        ledger.append(EntryKind.START, {"version": "test"}, wall())
        ledger.settle_left_open()
        attempt, rules = self.stores.last_attempt(), self.stores.rules_at_start()
        self.stores.write_rules(rules, wall())
        self._tell_written()
        self.runner = LaneRunner(
            new_lane("G1", has_sensor=True, attempt=attempt),
            stores=self.stores,
            rules=rules,
            barrier=self.turnstile,
            eyes=self.camera,
            clock=self.clock,
            store=self.store,
            tell=self.views.append,
            authority=self,
        )
        self.running = self.loop.create_task(self.runner.run())

    async def ask(self, ask: Ask) -> Told:
        """Nobody is there to be asked."""
        return await Nobody().ask(ask)

    def wrote(self, seq: int) -> None:
        """The lane was told that this line is on the disk."""
        self._tell_written()

    def _tell_written(self) -> None:
        last = self.stores.ledger.tail(1)[0]
        self.wire.say("written", last.seq, last.hash.hex())

    async def visit(self, guest: Guest, *, walks: bool = True) -> bool:
        """Presents the card, is seen, and walks in where let; whether the turnstile was asked to open."""
        pulses, began, came_at = len(self.turnstile.pulses), time.monotonic(), self.loop.time()
        self.here = guest.ticket
        self.runner.take(ReaderGave("reader", guest.card(), came_at))
        await self._until(lambda: self._stands() or self.runner.lane.phase is Phase.CAPTURE)
        if self.runner.lane.phase is Phase.CAPTURE:
            self.runner.take(FaceProbed(self.runner.lane.attempt, guest.probe()))
        await self._until(self._stands)
        took_s = time.monotonic() - began + self.loop.time() - came_at
        let_in = len(self.turnstile.pulses) > pulses
        self.wire.say("stands", self.runner.lane.phase, f"{took_s:.3f}", "in" if let_in else "out")
        if let_in and walks:
            await self.turns()
        await self._until(lambda: self.runner.lane.phase is Phase.IDLE, BROKEN_S if self._is_broken() else LULL_S)
        return let_in

    def _is_broken(self) -> bool:
        return self.runner.lane.phase is Phase.FAULT

    def _stands(self) -> bool:
        return self.runner.lane.phase not in (Phase.IDLE, Phase.LOOKUP, Phase.CAPTURE)

    async def _until(self, condition: Callable[[], bool], within_s: float = 2 * STATE_S) -> None:
        ends = self.loop.time() + within_s
        while not condition() and self.loop.time() < ends:
            await asyncio.sleep(0.001 if within_s < BROKEN_S else 0.1)

    def close(self) -> None:
        """As the daemon ends."""
        ledger = self.stores.ledger
        ledger.append(EntryKind.STOP, {}, self.clock.wall())
        ledger.checkpoint(self.clock.wall())
        self.stores.close()
        self.wire.say("closed")


def act_out(folder: Path, act: Act) -> None:
    """Begin, do `act`, end. Raises what the stores say at the beginning and at the end."""

    async def run() -> None:
        lane = SmallLane(folder)
        try:
            await act(lane)
        finally:
            lane.running.cancel()
            await asyncio.wait([lane.running])
        lane.close()

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(run())


# --- what happens at the lane -----------------------------------------------------------------------------------------


async def one_comes(lane: SmallLane) -> None:
    """The very first visitor."""
    await lane.visit(GUESTS[0])


async def three_come(lane: SmallLane) -> None:
    """One walks in, one turns back, and one was here before."""
    await lane.visit(GUESTS[0])
    await lane.visit(GUESTS[1], walks=False)
    await lane.visit(GUESTS[-1])


async def many_come(lane: SmallLane) -> None:
    """The write-ahead log is full again and again, so that its pages go into the file between two lines."""
    lane.stores.ledger.db.conn.execute("PRAGMA wal_autocheckpoint = 30")
    for guest in GUESTS[:6]:
        await lane.visit(guest)


def nothing(folder: Path) -> None:
    """There are keys and a manifest."""
    load(folder, contents([(guest, ticket_of(guest)) for guest in GUESTS]))


def left_by_a_kill(folder: Path) -> None:
    """A process ended with somebody in the turnstile, and a seal is due soon. Ends this process: nothing is closed."""
    nothing(folder)

    async def comes_and_stays(lane: SmallLane) -> None:
        for number in range(83):
            lane.stores.ledger.append(EntryKind.DEVICE, {"device": "reader", "up": bool(number % 2)}, NIGHT)
        await lane.admitted(GUESTS[-1])
        (folder / "seen").unlink()
        os._exit(0)

    act_out(folder, comes_and_stays)


@dataclass(frozen=True)
class Scene:
    """What there was before, and what happens."""

    before: Callable[[Path], None]
    act: Act


SCENES = {
    "the first start": Scene(nothing, one_comes),
    "a start after a kill": Scene(left_by_a_kill, three_come),
    "a full log": Scene(nothing, many_come),
}


# --- what is looked at afterwards -------------------------------------------------------------------------------------


@dataclass
class Seen:
    """What left the process."""

    written: dict[int, str] = field(default_factory=dict)  # number and hash of the lines that were told to be on disk
    after: int = 0  # the last line before this process
    pulses: list[str] = field(default_factory=list)  # whose ticket, in order
    stood: list[tuple[str, float, bool]] = field(default_factory=list)  # phase, seconds after the card, let in or not
    closed: bool = False


def read_seen(folder: Path) -> Seen:
    """The wire's far end. A line is there or not: it was one call."""
    seen = Seen()
    path = folder / "seen"
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        match line.split():
            case ["written", seq, hash_]:
                seen.written[int(seq)] = hash_
            case ["began", seq]:
                seen.after = int(seq)
            case ["pulse", ticket]:
                seen.pulses.append(ticket)
            case ["stands", phase, seconds, way]:
                seen.stood.append((phase, float(seconds), way == "in"))
            case ["closed"]:
                seen.closed = True
    return seen


def problems(folder: Path) -> list[str]:
    """What is wrong with what is left in `folder`, and with a lane that goes on with it."""
    seen, before, used = read_seen(folder), _lines(folder), list[Guest]()
    if isinstance(before, str):
        found = [] if not seen.written and not seen.pulses else [f"lines were written, and {before}"]
    else:
        found = [f"line {seq} was written and is lost or another" for seq in _lost(seen, before)]
        found += verify(folder / "ledger.db").problems
        admitted = Counter(one.body["decision"]["ticket"] for one in before if one.seq > seen.after and _admits(one))
        found += [f"{ticket} was let in without a line" for ticket in Counter(seen.pulses) - admitted]
        absent = {one.body["ticket"] for one in before if one.body.get("passage") == Passage.NO_SHOW}
        used = [guest for guest in GUESTS if guest.ticket in seen.pulses and guest.ticket not in absent]
    return found + _goes_on(folder, seen, used[-1:])


def _lines(folder: Path) -> list[Entry] | str:
    try:
        with read_ledger(folder / "ledger.db") as ledger:
            return list(ledger.entries(0, 10_000))
    except StoreError as error:
        return str(error)


def _lost(seen: Seen, entries: list[Entry]) -> list[int]:
    held = {entry.seq: entry.hash.hex() for entry in entries}
    return [seq for seq, hash_ in seen.written.items() if held.get(seq) != hash_]


def _admits(entry: Entry) -> bool:
    return entry.kind is EntryKind.DECISION and entry.body["decision"]["verdict"] == "admit"


def _goes_on(folder: Path, seen: Seen, used: list[Guest]) -> list[str]:
    """The next process: who was let in is not let in again by the machine, and who comes now is."""
    found: list[str] = []

    async def again(lane: SmallLane) -> None:
        if lane.stores.ledger.open_releases():
            found.append("a release of the process before was left open")
        for guest in used:
            if await lane.visit(guest):
                found.append("who was let in before was let in again")
        if not await lane.visit(GUESTS[20]):
            found.append(f"the next one was not let in: {lane.view}")

    try:
        act_out(folder, again)
    except StoreError as error:
        return [*found, f"the next start failed: {error}"]
    after = _lines(folder)
    if isinstance(after, str) or _lost(seen, after):
        found.append("a line that was written did not outlive the next start")
    return [*found, *verify(folder / "ledger.db").problems]
