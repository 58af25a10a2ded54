"""`gatectl demo --gates N`: gates and their server on one machine, a ticket that is shown twice, and a cut cable."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gate.demo.box_office import evening_policy
from gate.demo.cast import EVENT, Looks, Person, person, write_tables
from gate.demo.city_board import CityBoard, JsonCity, LiveCity, Step
from gate.demo.gatehouse import UNANSWERED, Gatehouse
from gate.demo.link import GateSilent
from gate.demo.night import NotAsTold
from gate.demo.office import Office
from gate.demo.program import NotStarted
from models.decision import Policy, Profile, Reason
from models.passage import Passage
from sync.server.live import GateRow
from sync.server.problems import Refused

MEET_S, HEAL_S = 30.0, 30.0
REVOKED_WITHIN_S, CONFLICT_WITHIN_S = 3.0, 10.0
_ZONE = ZoneInfo("Asia/Shanghai")


def main(gates: int, *, people: int = 0, as_json: bool = False, keep: Path | None = None) -> int:
    """Play it and show it. Exit status 0 only if everything went as it must."""
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="menshen-")))
        folder.mkdir(parents=True, exist_ok=True)
        board: CityBoard = JsonCity() if as_json else stack.enter_context(LiveCity())
        with closing(City(folder, gates, people)) as city:
            steps = city.play(board)
        board.close(steps)
    return 0 if steps and all(step.ok for step in steps) else 1


def city_policy() -> Policy:
    """Cards without faces, one entry at a time; every gate asks the server, and goes on alone where it can't."""
    return replace(evening_policy(Profile.CARD), claims=True, exits=False)


@dataclass
class City:
    """The office, the gates, and who comes."""

    folder: Path
    number: int
    more: int = 0
    office: Office = field(init=False)
    gates: list[Gatehouse] = field(default_factory=list)
    admitted: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.office = Office(self.folder / "server")
        plain = [replace(person(index, Looks(mark=index)), has_photo=False) for index in range(self._seats)]
        self.people, self._next = plain, iter(plain)

    @property
    def _seats(self) -> int:
        return 2 * self.number + 2 + self.number + 1 + self.number + self.more

    def play(self, board: CityBoard) -> list[Step]:
        """All steps in their order; the first that goes wrong is the last."""
        steps: list[Step] = []
        for name, work in self._story():
            board.begins(name)
            step = Step(name)
            try:
                step = work(step)
            except (NotAsTold, GateSilent, NotStarted, Refused, OSError) as error:
                step = replace(step, problem=str(error) or type(error).__name__)
            steps.append(step)
            board.ends(step)
            if not step.ok:
                break
        return steps

    def close(self) -> None:
        """Take everything down."""
        for gate in self.gates:
            gate.close()
        self.office.close()

    def _story(self) -> list[tuple[str, Callable[[Step], Step]]]:
        return [
            ("the server opens", self._open),
            ("a table of ticket holders", self._load),
            (f"{self.number} gates are enrolled", self._enrol),
            ("the tickets are published", self._publish),
            ("visitors at all gates", self._visitors),
            ("one ticket at a second gate", self._second),
            ("a ticket is withdrawn", self._withdraw),
            ("the network is cut", self._cut),
            ("meanwhile one ticket at two gates", self._double),
            ("the network heals", self._heal),
            ("closing time", self._end),
        ]

    # --- the steps ----------------------------------------------------------------------------------------------

    def _open(self, step: Step) -> Step:
        self.office.start()
        self.office.announce(city_policy())
        return step.says(f"https://127.0.0.1:{self.office.port}, SQLite, TLS by an authority of its own")

    def _load(self, step: Step) -> Step:
        write_tables(self.people, self.folder / "office", time.time())
        written = self.office.load_table(EVENT, self.folder / "office" / "people.csv").written
        _must(written.new == len(self.people), f"{written.new} of {len(self.people)} tickets were written")
        return step.says(f"{written.new} tickets read, previewed, written")

    def _enrol(self, step: Step) -> Step:
        for index in range(self.number):
            name = f"G{index + 1}"
            gate = Gatehouse(self.folder / name, name, self.office)
            self.gates.append(gate)
            gate.device = self.office.enrol(name, gate.rig.state_dir, EVENT, gate.cable.port)
            step = step.says(f"{name} is {gate.device}, by a one-time code")
        return step

    def _publish(self, step: Step) -> Step:
        made = self.office.publish(EVENT)
        began = time.monotonic()
        self._at_all(Gatehouse.start)
        _wait(lambda: all(row.agrees == "agrees" for row in self._rows()), MEET_S, "a gate did not take the manifest")
        step = step.says(f"server  version {made.version}  {made.tickets:>6,} tickets  {_short(made.digest)}")
        for row in self._rows():
            assert row.held is not None
            same = row.held.digest == made.digest and row.held.tickets == made.tickets
            _must(same, f"{row.name} holds another manifest than was issued")
            held = f"version {row.held.version}  {row.held.tickets:>6,} tickets  {_short(row.held.digest)}"
            step = step.says(f"{row.name:<7} {held}  the same")
        return step.says(f"{time.monotonic() - began:.1f} s from the start of the gates")

    def _visitors(self, step: Step) -> Step:
        shares: list[list[Person]] = [[] for _ in self.gates]
        for index in range(2 * self.number + self.more):
            shares[index % self.number].append(next(self._next))
        began = time.monotonic()
        with ThreadPoolExecutor(self.number) as pool:
            list(pool.map(self._lets_in, self.gates, shares))
        took = time.monotonic() - began
        relay = [ms for gate in self.gates for ms in gate.night.relay_ms]
        granted = sum(gate.granted() for gate in self.gates)
        _must(granted > 0, "no claim was granted")
        step = step.says(f"{sum(map(len, shares))} admitted in {took:.1f} s, {granted} of them by the server's word")
        return step.says(
            f"card to relay {sorted(relay)[len(relay) // 2]:.0f} ms (median), {max(relay):.0f} ms (longest)"
        )

    def _second(self, step: Step) -> Step:
        one, first, other = next(self._next), self.gates[0], self.gates[1]
        self._lets_in(first, [one])
        _wait(lambda: any(use.ticket == one.ticket for use in self.office.uses(EVENT)), MEET_S, "it was not told")
        view = other.turns_away(one, Reason.ALREADY_ADMITTED)
        _must(view.first_use is not None, "nobody was told where the ticket was used first")
        assert view.first_use is not None
        _must(view.first_use.gate == first.name, f"the first use was told as of {view.first_use.gate}")
        at = datetime.fromtimestamp(view.first_use.at, _ZONE)
        return step.says(f"{other.name} refuses: in use since {at:%H:%M:%S} at {view.first_use.gate}")

    def _withdraw(self, step: Step) -> Step:
        one = next(self._next)
        began = time.monotonic()
        made = self.office.revoke(EVENT, one.ticket)
        for gate in self.gates:
            _wait(lambda gate=gate: gate.version() >= made.version, HEAL_S, f"{gate.name} did not hear of it")  # type: ignore[misc]
            took = time.monotonic() - began
            _must(took <= REVOKED_WITHIN_S, f"{gate.name} took {took:.1f} s")
            step = step.says(f"{gate.name} knows after {took * 1000:.0f} ms")
        for gate in self.gates:
            gate.turns_away(one, Reason.REVOKED)
        return step.says("and each of them refuses it: revoked")

    def _cut(self, step: Step) -> Step:
        for gate in self.gates:
            gate.cable.cut()
        for gate in self.gates:
            flags = self._lets_in(gate, [next(self._next)])
            _must(UNANSWERED in flags, f"{gate.name} did not flag an admission without an answer")
        slowest = max(gate.night.relay_ms[-1] for gate in self.gates)
        step = step.says(f"nothing stops: {self.number} visitors admitted, card to relay {slowest:.0f} ms at most")
        return step.says(f"by the event's rule for that, {city_policy().offline_rule}; the ledgers say so")

    def _double(self, step: Step) -> Step:
        one, first, other = next(self._next), self.gates[0], self.gates[1]
        for gate in (first, other):
            self._lets_in(gate, [one])
        self._twice = one
        return step.says(f"{first.name} and {other.name} can't know of each other: both admit, both flag it")

    def _heal(self, step: Step) -> Step:
        for gate in self.gates:
            gate.cable.heal()
        began = time.monotonic()
        _wait(lambda: bool(self.office.conflicts(EVENT)), HEAL_S, "nobody found the double entry")
        took = time.monotonic() - began
        _must(took <= CONFLICT_WITHIN_S, f"the conflict took {took:.1f} s")
        _wait(self._all_arrived, HEAL_S, "not every line of the ledgers arrived")
        step = step.says(
            f"the double entry is found after {took:.1f} s, everything has arrived after "
            f"{time.monotonic() - began:.1f} s"
        )
        arrived = Counter(use.ticket for use in self.office.uses(EVENT) if use.passage == Passage.PASSED)
        _must(arrived == self.admitted, "the server does not know exactly the admissions there were")
        step = step.says(f"{arrived.total()} admissions, each arrived once")
        conflicts = self.office.conflicts(EVENT)
        _must([each.ticket for each in conflicts] == [self._twice.ticket], f"{len(conflicts)} conflicts instead of one")
        where = ", ".join(
            f"{use['gate']} {datetime.fromtimestamp(use['at'], _ZONE):%H:%M:%S}" for use in conflicts[0].entries
        )
        return step.says(f"one conflict, for a person to settle: {self._twice.ticket} at {where}")

    def _end(self, step: Step) -> Step:
        for gate in self.gates:
            entries = gate.end()
            step = step.says(f"{gate.name} ends in good order; {entries} lines, the chain is whole")
        status = self.office.program.stop()
        _must(
            status in (0, -signal.SIGTERM), f"the server ended with {status}"
        )  # it closes, and then gives the signal on
        return step

    # --- what the steps are made of -----------------------------------------------------------------------------

    def _lets_in(self, gate: Gatehouse, people: Iterable[Person]) -> tuple[str, ...]:
        """Each is admitted and walks through; the flags of the last admission."""
        for one in people:
            gate.night.enters(one)
            self.admitted[one.ticket] += 1
        return gate.flags()

    def _at_all(self, work: Callable[[Gatehouse], None]) -> None:
        with ThreadPoolExecutor(self.number) as pool:
            list(pool.map(work, self.gates))

    def _rows(self) -> list[GateRow]:
        return self.office.gates(EVENT)

    def _all_arrived(self) -> bool:
        held = {device: seq for device, _, seq, _ in self.office.ledgers()}
        return all(held.get(gate.device) == gate.last_seq() for gate in self.gates)


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotAsTold(otherwise)


def _wait(until: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
    ends = time.monotonic() + timeout_s
    while not until():
        _must(time.monotonic() < ends, f"{otherwise} within {timeout_s:.0f} s")
        threading.Event().wait(0.02)


def _short(digest: str) -> str:
    return " ".join(digest[at : at + 4] for at in range(0, 16, 4)) + " …"
