"""What the nemesis of a storm can break, and how it is mended again."""

from __future__ import annotations

import random
import resource
import threading
from collections.abc import Callable
from dataclasses import dataclass

from gate.demo.cable import Break, Cable
from gate.demo.program import Program
from tests.faults.evidence import BEYOND
from tests.faults.house import Clock, Gate, House

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


def draw_blows(house: House, chance: random.Random, number: int, until_s: float) -> list[Blow]:
    """Up to `number` blows, one after the other or on top of each other, that begin before `until_s`."""
    chosen = [_draw(house, chance, chance.uniform(0.5, until_s)) for _ in range(number)]
    targets: set[str] = set()
    kept = []
    for blow in chosen:  # one blow a kind and place, or mending one would mend the other
        place = f"{blow.kind.split()[0]} {blow.gate}"
        if place not in targets:
            targets.add(place)
            kept.append(blow)
    return kept


def _draw(house: House, chance: random.Random, at_s: float) -> Blow:
    gate = chance.choice(house.gates)
    lasts_s = chance.uniform(0.3, 3.0)
    blows = _at_gate(house, chance, gate) | _at_server(house, chance)
    if house.line is not None:
        blows |= _beyond(house, chance, house.line)
    kind = chance.choice(list(blows))
    strike, mend = blows[kind]
    where = {"server": "", "line": BEYOND, "centre": BEYOND}.get(kind.split()[0], gate.name)
    return Blow(kind, where, at_s, lasts_s, strike, mend)


def _at_gate(house: House, chance: random.Random, gate: Gate) -> dict[str, Deeds]:
    lane, cable, clock = gate.lane, gate.cable, house.clocks[gate.name]
    delay_s = chance.uniform(0.0, 0.04)
    return {
        **_of_cable(chance, "cable", cable),
        "gate killed": (lambda: _kill(gate, delay_s), lambda: _start(gate)),
        "gate paused": (lane.daemon.pause, lane.daemon.resume),
        "gate disk full": (lambda: fill_disk(lane.daemon), lambda: clear_disk(lane.daemon)),
        "gate clock": _of_clock(chance, clock),
        "sync killed": (lane.sync.kill, lane.sync.start),
        "sync paused": (lane.sync.pause, lane.sync.resume),
        "sync disk full": (lambda: fill_disk(lane.sync), lambda: clear_disk(lane.sync)),
    }


def _at_server(house: House, chance: random.Random) -> dict[str, Deeds]:
    server = house.server
    return {
        "server killed": (server.program.kill, server.start),
        "server paused": (server.program.pause, server.program.resume),
        "server disk full": (lambda: fill_disk(server.program), lambda: clear_disk(server.program)),
        "server clock": _of_clock(chance, house.clocks["venue" if house.line else "hub"]),
    }


def _beyond(house: House, chance: random.Random, line: Cable) -> dict[str, Deeds]:
    centre = house.centre
    return {
        **_of_cable(chance, "line", line),
        "centre killed": (centre.program.kill, centre.start),
        "centre paused": (centre.program.pause, centre.program.resume),
    }


def _of_cable(chance: random.Random, name: str, cable: Cable) -> dict[str, Deeds]:
    delay_s = chance.uniform(0.05, 0.5)
    return {
        f"{name} cut silently": (lambda: cable.cut(Break.SILENT), cable.heal),
        f"{name} cut": (lambda: cable.cut(Break.REFUSED), cable.heal),
        f"{name} slow": (lambda: setattr(cable, "delay_s", delay_s), lambda: setattr(cable, "delay_s", 0.0)),
        f"{name} torn": (cable.truncate, cable.hang_up),
        f"{name} reset": (cable.hang_up, cable.hang_up),
    }


def _of_clock(chance: random.Random, clock: Clock) -> Deeds:
    jump_s = chance.choice((-7200.0, -90.0, 90.0, 7200.0))
    return (lambda: clock.jump(jump_s), lambda: clock.jump(0.0))


def _kill(gate: Gate, delay_s: float) -> None:
    """In the middle of a visit, where one comes soon."""
    gate.busy.wait(1.0)
    threading.Event().wait(delay_s)
    gate.up.clear()
    gate.lane.daemon.kill()


def _start(gate: Gate) -> None:
    gate.lane.start_daemon()
    gate.up.set()
