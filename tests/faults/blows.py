"""What the nemesis of a storm can break, and how it is mended again."""

from __future__ import annotations

import random
import resource
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from gate.demo.cable import Break, Cable, Trick
from gate.demo.office import Office
from gate.demo.program import Program
from tests.faults.evidence import BEYOND
from tests.faults.house import Clock, Gate, House

Deeds = tuple[Callable[[], None], Callable[[], None]]
"""How to break something, and how to mend it."""

FIRST_S = 3.2
"""Nothing breaks before: a withdrawal at the beginning is to be seen in calm."""

_1970_S = 60.0


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

    @property
    def part(self) -> tuple[str, str]:
        """What it breaks. One at a time at each part, or mending one would mend the other."""
        return self.kind.split()[0].replace("sync", "gate"), self.gate


def deal(seed: str, number: int, run: int, *, venue: bool) -> list[str]:
    """The kinds of the blows of a run. A pack is dealt to its end before the next: no kind stays out for long."""
    kinds = [*_GATE, *_SERVER, *(_BEYOND if venue else ())]
    dealt: list[str] = []
    for pack in range(1 + (run + 1) * number // len(kinds)):
        dealt += random.Random(f"{seed} pack {pack}").sample(kinds, len(kinds))
    return dealt[run * number : (run + 1) * number]


def draw_blows(house: House, chance: random.Random, kinds: Sequence[str], until_s: float) -> list[Blow]:
    """Blows of these kinds, one after the other or on top of each other, that begin before `until_s`."""
    blows = [_draw(house, chance, kind, chance.uniform(FIRST_S, until_s)) for kind in kinds]
    return sorted(blows, key=lambda blow: blow.at_s)


def _draw(house: House, chance: random.Random, kind: str, at_s: float) -> Blow:
    gate = chance.choice(house.gates)
    blows = _at_gate(house, chance, gate) | _at_server(house, chance)
    if house.line is not None:
        blows |= _beyond(house, chance, house.line)
    strike, mend = blows[kind]
    where = {"server": "", "line": BEYOND, "centre": BEYOND}.get(kind.split()[0], gate.name)
    return Blow(kind, where, at_s, chance.uniform(0.3, 3.0), strike, mend)


def _at_gate(house: House, chance: random.Random, gate: Gate) -> dict[str, Deeds]:
    lane, cable, clock = gate.lane, gate.cable, house.clocks[gate.name]
    delay_s = chance.uniform(0.0, 0.04)
    return {
        **_of_cable(chance, "cable", cable),
        "gate killed": (lambda: _kill(gate, delay_s), lambda: _start(gate)),
        "gate paused": (lane.daemon.pause, lane.daemon.resume),
        "gate disk full": (lambda: fill_disk(lane.daemon), lambda: clear_disk(lane.daemon)),
        "gate without its clock's battery": (lambda: _lose_power(gate, clock), lambda: _power(gate, clock)),
        **_of_clock(chance, "gate", clock),
        "sync killed": (lane.sync.kill, lane.sync.start),
        "sync paused": (lane.sync.pause, lane.sync.resume),
        "sync disk full": (lambda: fill_disk(lane.sync), lambda: clear_disk(lane.sync)),
    }


def _at_server(house: House, chance: random.Random) -> dict[str, Deeds]:
    return _of_office(chance, "server", house.server, house.clocks["venue" if house.line else "hub"])


def _beyond(house: House, chance: random.Random, line: Cable) -> dict[str, Deeds]:
    return _of_cable(chance, "line", line) | _of_office(chance, "centre", house.centre, house.clocks["hub"])


def _of_office(chance: random.Random, name: str, office: Office, clock: Clock) -> dict[str, Deeds]:
    return {
        f"{name} killed": (office.program.kill, office.start),
        f"{name} paused": (office.program.pause, office.program.resume),
        f"{name} disk full": (lambda: fill_disk(office.program), lambda: clear_disk(office.program)),
        **_of_clock(chance, name, clock),
    }


def _of_cable(chance: random.Random, name: str, cable: Cable) -> dict[str, Deeds]:
    delay_s = chance.uniform(0.05, 0.5)
    return {
        f"{name} a black hole": (lambda: cable.cut(Break.SILENT), cable.heal),
        f"{name} cut": (lambda: cable.cut(Break.REFUSED), cable.heal),
        f"{name} brings no answer": (lambda: cable.cut(Break.DEAF), cable.heal),
        f"{name} forgets whom it knew": (cable.forget, cable.hang_up),
        f"{name} slow": (lambda: setattr(cable, "delay_s", delay_s), lambda: setattr(cable, "delay_s", 0.0)),
        f"{name} reset": (cable.hang_up, cable.hang_up),
        **{f"{name} piece {trick}": (partial(cable.play, trick), lambda: _renew(cable)) for trick in Trick},
    }


def _of_clock(chance: random.Random, name: str, clock: Clock) -> dict[str, Deeds]:
    by_s = chance.choice((-3600.0, -90.0, 90.0, 3600.0))
    return {
        f"{name} clock": (lambda: clock.jump(by_s), lambda: clock.jump(0.0)),
        f"{name} clock in 1970": (lambda: clock.jump(_1970_S - time.time()), lambda: clock.jump(0.0)),
    }


def _kill(gate: Gate, delay_s: float) -> None:
    """In the middle of a visit, where one comes soon."""
    gate.busy.wait(1.0)
    threading.Event().wait(delay_s)
    gate.up.clear()
    gate.lane.daemon.kill()


def _start(gate: Gate) -> None:
    gate.lane.start_daemon()
    gate.up.set()


def _renew(cable: Cable) -> None:
    """TCP would have noticed the hurt piece; a connection that stumbled over it doesn't live on."""
    cable.heal()
    cable.hang_up()


def _lose_power(gate: Gate, clock: Clock) -> None:
    """The whole box dies, and comes back in 1970."""
    gate.up.clear()
    for program in (gate.lane.daemon, gate.lane.sync):
        program.kill()
    clock.jump(_1970_S - time.time())
    gate.lane.start()
    gate.up.set()


def _power(gate: Gate, clock: Clock) -> None:
    """Somebody sets the clock."""
    clock.jump(0.0)


_CABLE = ("a black hole", "cut", "brings no answer", "forgets whom it knew", "slow", "reset")
_WIRE = (*_CABLE, *(f"piece {trick}" for trick in Trick))
_OFFICE = ("killed", "paused", "disk full", "clock", "clock in 1970")
_GATE = (
    *(f"cable {what}" for what in _WIRE),
    *(f"gate {what}" for what in (*_OFFICE, "without its clock's battery")),
    *(f"sync {what}" for what in _OFFICE[:3]),
)
_SERVER = tuple(f"server {what}" for what in _OFFICE)
_BEYOND = (*(f"line {what}" for what in _WIRE), *(f"centre {what}" for what in _OFFICE))
