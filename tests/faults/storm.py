"""Visitors at three gates while a nemesis breaks things: a seeded plan of both, carried out on a `House`."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace

from gate.demo.cast import Person
from gate.demo.link import GateSilent
from tests.faults.blows import Blow, draw_blows
from tests.faults.evidence import BEYOND, Evidence, Fault, Revocation, Stall, Visit
from tests.faults.house import EVENT, Gate, House
from tests.faults.judge import GRACE_S

VISITORS_A_S = 25.0
"""At all gates together. Those whom a machine can't serve so fast wait in line; what breaks doesn't wait.

After each visit a lane rests for as long as that took: a busy machine is not asked for more than half of what it has.
"""

SHORTEST_S = 9.0
SECOND_SHARE = 0.05
STAYS_AWAY_SHARE = 0.03
REVOKED = 3
WAITED_MS = 250.0
STALLED_S = 0.1
LOOK_S = 0.05
LONGEST_REST_S = 0.5


def lasts_s(people: int) -> float:
    """How long it takes until the last of so many has come."""
    return max(SHORTEST_S, people / VISITORS_A_S)


class Storm:
    """One run for `people`. What is seen goes into `evidence`, which is whole after `rage` and `calm_down`."""

    def __init__(
        self,
        house: House,
        people: Sequence[Person],
        evidence: Evidence,
        seed: str,
        *,
        blows: Sequence[str] = (),
        second_share: float = SECOND_SHARE,
    ) -> None:
        self.house, self.evidence, self.lasts_s = house, evidence, lasts_s(len(people))
        self._seed, self._second_share = seed, second_share
        self.chance = random.Random(seed)
        self._blows = draw_blows(house, self.chance, blows, self.lasts_s - 2.5)
        self.strikes: Counter[str] = Counter()
        self.trouble: list[str] = []
        shuffled = self.chance.sample(list(people), len(people))
        self.withdrawn, self.holders = shuffled[:REVOKED], shuffled[REVOKED:]
        self._began = self._healed = 0.0
        self._queues: dict[str, deque[tuple[float, Person]]] = {}
        self._parts = {blow.part: threading.Lock() for blow in self._blows}
        self._watches: list[threading.Thread] = []
        self._over = threading.Event()

    def rage(self) -> None:
        """Visitors and nemesis, until the visitors are through."""
        self._queues = self._line_up()
        self._began = time.monotonic()
        threading.Thread(target=self._notice_stalls, name="stalls", daemon=True).start()
        threads = [
            threading.Thread(target=self._serve, args=(gate, self._queues[gate.name]), name=gate.name)
            for gate in self.house.gates
        ]
        threads += [threading.Thread(target=self._fight, args=(blow,), name=blow.kind) for blow in self._blows]
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
        evidence.timeouts = self._timeouts()

    # --- visitors -----------------------------------------------------------------------------------------------

    def _line_up(self) -> dict[str, deque[tuple[float, Person]]]:
        """Who comes to which gate, and when. Some show up a second time, at another gate."""
        names = [gate.name for gate in self.house.gates]
        plan: list[tuple[float, str, Person]] = []
        for one in self.holders:
            at_s, name = self.chance.uniform(0, self.lasts_s), self.chance.choice(names)
            plan.append((at_s, name, one))
            if self.chance.random() < self._second_share:
                other = self.chance.choice([each for each in names if each != name])
                plan.append((at_s + self.chance.choice((0.0, self.chance.uniform(0, 2))), other, one))
        for one in self.withdrawn[1:]:
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
                visit = self._visit(gate, one)
            threading.Event().wait(min(LONGEST_REST_S, visit.ended_at - visit.came_at))

    def _visit(self, gate: Gate, one: Person) -> Visit:
        walks = random.Random(f"{self._seed} {gate.name} {one.ticket}").random() >= STAYS_AWAY_SHARE
        gate.busy.set()
        visit = gate.lane.visit(one.ticket, one.number, walks=walks)
        gate.busy.clear()
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
        """The first before anything is broken. Their holders come where it just became known, and some anywhere."""
        for number, one in enumerate(self.withdrawn):
            self._wait_until(self.lasts_s * number / (REVOKED + 1))
            revocation = Revocation(one.ticket, time.monotonic())
            made = self.house.centre.revoke(EVENT, one.ticket)
            self.evidence.revocations.append(revocation)
            watch = threading.Thread(target=self._watch, args=(one, revocation, made.version), name="watch")
            watch.start()
            self._watches.append(watch)

    def _watch(self, one: Person, revocation: Revocation, version: int) -> None:
        waiting = list(self.house.gates)
        before = {gate.name: self.house.starved_s(gate) for gate in waiting}
        ends = time.monotonic() + 40.0
        while waiting and time.monotonic() < ends:
            for gate in list(waiting):
                if self.house.version(gate) >= version:
                    held_up_s = self.house.starved_s(gate) - before[gate.name]  # a process that began anew has less
                    revocation.starved_s[gate.name] = max(0.0, held_up_s)
                    revocation.effective[gate.name] = time.monotonic()
                    waiting.remove(gate)
                    self._queues[gate.name].appendleft((0.0, one))
            threading.Event().wait(LOOK_S)
        self.trouble += [
            f"{gate.name} never heard of the withdrawal of {one.ticket} in version {version}: "
            f"it holds {self.house.version(gate)}"
            for gate in waiting
        ]

    # --- the nemesis --------------------------------------------------------------------------------------------

    def _fight(self, blow: Blow) -> None:
        self._wait_until(blow.at_s)
        with self._parts[blow.part]:
            self._strike(blow)

    def _strike(self, blow: Blow) -> None:
        fault = Fault(blow.kind, blow.gate, time.monotonic(), float("inf"))
        self.evidence.faults.append(fault)
        self.strikes[blow.kind] += 1
        try:
            blow.strike()
            threading.Event().wait(blow.lasts_s)
            blow.mend()
        except (GateSilent, RuntimeError, OSError) as error:
            self.trouble.append(f"after {blow.kind} at {blow.gate or 'the server'}: {error}")
        mended = time.monotonic()
        watch = threading.Thread(target=self._see_out, args=(fault, mended), name="grace")
        watch.start()
        self._watches.append(watch)

    def _see_out(self, fault: Fault, mended: float) -> None:
        """A fault lasts for as long as a busy machine kept those from work who were to find back from it."""
        gates = [gate for gate in self.house.gates if fault.gate in ("", BEYOND, gate.name)]
        before = {gate.name: self.house.starved_s(gate) for gate in gates}
        starved = 0.0
        while time.monotonic() - mended - starved < GRACE_S:
            threading.Event().wait(2 * LOOK_S)
            starved = max(starved, *(self.house.starved_s(gate) - before[gate.name] for gate in gates))
        self.evidence.faults[self.evidence.faults.index(fault)] = replace(fault, until=mended + starved)

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

    def _notice_stalls(self) -> None:
        """A machine with too much to do: whoever waits for a moment waits much longer."""
        last = time.monotonic()
        while not self._over.wait(LOOK_S):
            now = time.monotonic()
            if now - last > LOOK_S + STALLED_S:
                self.evidence.stalls.append(Stall(last + LOOK_S, now))
            last = now

    # --- looking on ---------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Note conflicts when they are first seen."""
        now = time.monotonic()
        after_s = now - self._healed - self.evidence.stalled_s(self._healed, now)
        for conflict in self.house.centre.conflicts(EVENT):
            self.evidence.conflicts.setdefault((conflict.ticket, conflict.nth), after_s)

    def _wait_until(self, at_s: float) -> None:
        threading.Event().wait(max(0.0, self._began + at_s - time.monotonic()))
