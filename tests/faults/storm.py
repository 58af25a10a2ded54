"""Visitors at three gates while a nemesis breaks things: a seeded plan of both, carried out on a `House`."""

from __future__ import annotations

import random
import resource
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gate.demo.cable import Break, Cable
from gate.demo.cast import Person
from gate.demo.link import GateSilent
from gate.demo.program import Program
from tests.faults.evidence import BEYOND, Evidence, Fault, Revocation, Visit
from tests.faults.house import EVENT, Clock, Gate, House

LASTS_S = 9.0
SECOND_SHARE = 0.05
STAYS_AWAY_SHARE = 0.03
REVOKED = 2
WAITED_MS = 250.0
STARVED_S = 0.15


Deeds = tuple[Callable[[], None], Callable[[], None]]
"""How to break something, and how to mend it."""


def fill_disk(program: Program) -> None:
    """From now on no file of this process grows beyond a few bytes."""
    _, most = resource.prlimit(program.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (4096, most))


def clear_disk(program: Program) -> None:
    """There is room again."""
    if program.runs:
        _, most = resource.prlimit(program.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (most, most))


@dataclass
class Blow:
    """A fault to come: `strike` breaks something at a gate (or everywhere, where `gate` is empty), `mend` mends it."""

    kind: str
    gate: str
    at_s: float
    lasts_s: float
    strike: Callable[[], None]
    mend: Callable[[], None]


class Storm:
    """One run for `people`. What is seen goes into `evidence`, which is whole after `rage` and `calm_down`."""

    def __init__(
        self,
        house: House,
        people: Sequence[Person],
        evidence: Evidence,
        seed: str,
        *,
        blows: int = 4,
        second_share: float = SECOND_SHARE,
    ) -> None:
        self.house, self.evidence, self.lasts_s = house, evidence, LASTS_S
        self._number, self._second_share = blows, second_share
        self.chance = random.Random(seed)
        self.strikes: Counter[str] = Counter()
        self.trouble: list[str] = []
        shuffled = self.chance.sample(list(people), len(people))
        self.withdrawn, self.holders = shuffled[:REVOKED], shuffled[REVOKED:]
        self._began = self._healed = 0.0
        self._lock = threading.Lock()
        self._watches: list[threading.Thread] = []
        self._over = threading.Event()

    def rage(self) -> None:
        """Visitors and nemesis, until the visitors are through."""
        queues = self._queues()
        self._began = time.monotonic()
        threading.Thread(target=self._notice_starvation, name="starvation", daemon=True).start()
        threads = [
            threading.Thread(target=self._serve, args=(gate, queues[gate.name]), name=gate.name)
            for gate in self.house.gates
        ]
        threads += [threading.Thread(target=self._fight, args=(blow,), name=blow.kind) for blow in self._blows()]
        threads.append(threading.Thread(target=self._withdraw, name="organiser"))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def calm_down(self) -> None:
        """All is whole again: wait for what must arrive, and let those come again who were cut off."""
        evidence = self.evidence
        self._healed = time.monotonic()
        self.house.wait_until_settled(self._look)
        for visit in self._cut_off():
            gate = self.chance.choice(self.house.gates)
            again = self._visit(gate, next(one for one in self.holders if one.ticket == visit.ticket))
            if again.reason not in ("ok_without_face", "already_admitted"):  # the checker judges the latter
                self.trouble.append(f"{again.ticket} was still stopped after healing: {again.reason or 'no word'}")
        for watch in self._watches:
            watch.join()
        self._over.set()
        in_time, evidence.boxes = self.house.wait_until_settled(self._look)
        evidence.uses = self.house.uses()
        if not in_time:
            self.trouble.append("not everything had arrived in time after healing")
        evidence.faults += [fault for fault in self._timeouts() if fault not in evidence.faults]

    # --- visitors -----------------------------------------------------------------------------------------------

    def _queues(self) -> dict[str, deque[tuple[float, Person]]]:
        """Who comes to which gate, and when. Some show up a second time, at another gate."""
        names = [gate.name for gate in self.house.gates]
        plan: list[tuple[float, str, Person]] = []
        for one in self.holders:
            at_s, name = self.chance.uniform(0, self.lasts_s), self.chance.choice(names)
            plan.append((at_s, name, one))
            if self.chance.random() < self._second_share:
                other = self.chance.choice([each for each in names if each != name])
                plan.append((at_s + self.chance.choice((0.0, self.chance.uniform(0, 2))), other, one))
        for one in self.withdrawn:
            plan += [(self.chance.uniform(0.7, 1) * self.lasts_s, name, one) for name in names]
        plan.sort(key=lambda each: each[0])
        return {name: deque((at_s, one) for at_s, gate, one in plan if gate == name) for name in names}

    def _serve(self, gate: Gate, queue: deque[tuple[float, Person]]) -> None:
        while queue:
            at_s, one = queue.popleft()
            self._wait_until(at_s)
            gate.up.wait(40.0)
            visit = self._visit(gate, one)
            if not visit.verdict:  # cut off: whoever stood there tries once more
                gate.up.wait(40.0)
                self._visit(gate, one)

    def _visit(self, gate: Gate, one: Person) -> Visit:
        with self._lock:
            walks = self.chance.random() >= STAYS_AWAY_SHARE
        visit = gate.lane.visit(one.ticket, one.number, walks=walks)
        self.evidence.visits.append(visit)
        return visit

    def _cut_off(self) -> list[Visit]:
        """The latest visit of each ticket that never got in, and was not withdrawn."""
        ours = {one.ticket for one in self.holders}
        latest = {visit.ticket: visit for visit in self.evidence.visits if visit.ticket in ours}
        came = {visit.ticket for visit in self.evidence.visits if visit.verdict == "admit"}
        return [visit for ticket, visit in latest.items() if ticket not in came]

    # --- the organiser ------------------------------------------------------------------------------------------

    def _withdraw(self) -> None:
        for number, one in enumerate(self.withdrawn, 1):
            self._wait_until(self.lasts_s * number / (REVOKED + 2))
            made = self.house.centre.revoke(EVENT, one.ticket)
            revocation = Revocation(one.ticket, time.monotonic())
            self.evidence.revocations.append(revocation)
            watch = threading.Thread(target=self._watch, args=(revocation, made.version), name="watch")
            watch.start()
            self._watches.append(watch)

    def _watch(self, revocation: Revocation, version: int) -> None:
        waiting = list(self.house.gates)
        ends = time.monotonic() + 40.0
        while waiting and time.monotonic() < ends:
            for gate in list(waiting):
                if self.house.version(gate) >= version:
                    revocation.effective[gate.name] = time.monotonic()
                    waiting.remove(gate)
            threading.Event().wait(0.03)
        self.trouble += [f"{gate.name} never heard of a withdrawal" for gate in waiting]

    # --- the nemesis --------------------------------------------------------------------------------------------

    def _blows(self) -> list[Blow]:
        """Some blows, one after the other or on top of each other."""
        chosen = [self._blow(self.chance.uniform(0.5, self.lasts_s - 2.5)) for _ in range(self._number)]
        targets: set[str] = set()
        kept = []
        for blow in chosen:  # one blow a kind and place, or mending one would mend the other
            place = f"{blow.kind.split()[0]} {blow.gate}"
            if place not in targets:
                targets.add(place)
                kept.append(blow)
        return kept

    def _blow(self, at_s: float) -> Blow:
        gate = self.chance.choice(self.house.gates)
        lasts_s = self.chance.uniform(0.3, 3.0)
        blows = self._at_gate(gate) | self._at_server()
        if self.house.line is not None:
            blows |= self._beyond(self.house.line)
        kind = self.chance.choice(list(blows))
        strike, mend = blows[kind]
        where = {"server": "", "line": BEYOND, "centre": BEYOND}.get(kind.split()[0], gate.name)
        return Blow(kind, where, at_s, lasts_s, strike, mend)

    def _at_gate(self, gate: Gate) -> dict[str, Deeds]:
        lane, cable, clock = gate.lane, gate.cable, self.house.clocks[gate.name]
        return {
            **self._of_cable("cable", cable),
            "gate killed": (lambda: self._kill_lane(gate), lambda: self._start_lane(gate)),
            "gate disk full": (lambda: fill_disk(lane.daemon), lambda: clear_disk(lane.daemon)),
            "gate clock": self._of_clock(clock),
            "sync killed": (lane.sync.kill, lane.sync.start),
            "sync paused": (lane.sync.pause, lane.sync.resume),
            "sync disk full": (lambda: fill_disk(lane.sync), lambda: clear_disk(lane.sync)),
        }

    def _at_server(self) -> dict[str, Deeds]:
        server = self.house.server
        return {
            "server killed": (server.program.kill, server.start),
            "server paused": (server.program.pause, server.program.resume),
            "server disk full": (lambda: fill_disk(server.program), lambda: clear_disk(server.program)),
            "server clock": self._of_clock(self.house.clocks["venue" if self.house.line else "hub"]),
        }

    def _beyond(self, line: Cable) -> dict[str, Deeds]:
        centre = self.house.centre
        return {
            **self._of_cable("line", line),
            "centre killed": (centre.program.kill, centre.start),
            "centre paused": (centre.program.pause, centre.program.resume),
        }

    def _of_cable(self, name: str, cable: Cable) -> dict[str, Deeds]:
        delay_s = self.chance.uniform(0.05, 0.5)
        return {
            f"{name} cut silently": (lambda: cable.cut(Break.SILENT), cable.heal),
            f"{name} cut": (lambda: cable.cut(Break.REFUSED), cable.heal),
            f"{name} slow": (lambda: setattr(cable, "delay_s", delay_s), lambda: setattr(cable, "delay_s", 0.0)),
            f"{name} torn": (cable.truncate, cable.hang_up),
            f"{name} reset": (cable.hang_up, cable.hang_up),
        }

    def _of_clock(self, clock: Clock) -> Deeds:
        jump_s = self.chance.choice((-7200.0, -90.0, 90.0, 7200.0))
        return (lambda: clock.jump(jump_s), lambda: clock.jump(0.0))

    def _fight(self, blow: Blow) -> None:
        self._wait_until(blow.at_s)
        fault = Fault(blow.kind, blow.gate, time.monotonic(), float("inf"))
        self.evidence.faults.append(fault)
        self.strikes[blow.kind] += 1
        try:
            blow.strike()
            threading.Event().wait(blow.lasts_s)
            blow.mend()
        except (GateSilent, RuntimeError, OSError) as error:
            self.trouble.append(f"after {blow.kind} at {blow.gate or 'the server'}: {error}")
        self.evidence.faults[self.evidence.faults.index(fault)] = replace(fault, until=time.monotonic())

    def _kill_lane(self, gate: Gate) -> None:
        gate.up.clear()
        gate.lane.daemon.kill()

    def _start_lane(self, gate: Gate) -> None:
        gate.lane.start_daemon()
        gate.up.set()

    def _timeouts(self) -> list[Fault]:
        """A claim for whose answer a gate waited in vain: for that moment it did not reach its authority."""
        visits = {(visit.gate, visit.attempt): visit for visit in self.evidence.visits}
        found = []
        for box in self.evidence.boxes:
            for entry in box.entries:
                attempt, waited_ms = entry.body.get("attempt", 0), entry.body.get("ms", {}).get("claim", 0.0)
                visit = visits.get((box.gate, attempt))
                if visit is not None and waited_ms >= WAITED_MS and entry.body["facts"].get("claim") == "no_answer":
                    found.append(Fault("claim timed out", box.gate, visit.came_at, visit.ended_at))
        return found

    def _notice_starvation(self) -> None:
        """A machine with too much to do is a fault like any other: whoever waits for 50 ms waits much longer."""
        last = time.monotonic()
        while not self._over.wait(0.05):
            now = time.monotonic()
            if now - last > 0.05 + STARVED_S:
                self.evidence.faults.append(Fault("starved", "", last, now))
            last = now

    # --- looking on ---------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Note conflicts when they are first seen."""
        for conflict in self.house.centre.conflicts(EVENT):
            self.evidence.conflicts.setdefault((conflict.ticket, conflict.nth), time.monotonic() - self._healed)

    def _wait_until(self, at_s: float) -> None:
        threading.Event().wait(max(0.0, self._began + at_s - time.monotonic()))
