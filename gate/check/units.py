"""The units of systemd: do those that are installed run, stay up, and come back after a power cut?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.check.around import Around
from gate.check.catalogue import Code, Finding

UNITS = ("gate.service", "gate-sync.service", "gate-ui.service", "gate-hub.service")
MANY_RESTARTS = 3
_ASKED = ("Id", "LoadState", "ActiveState", "Result", "NRestarts", "UnitFileState")


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit as `systemctl show` has it."""

    name: str
    active: str = "active"
    result: str = "success"
    restarts: int = 0
    enabled: str = "enabled"


@dataclass(frozen=True, slots=True)
class Facts:
    """The installed units, whether a gate answers on its socket, and whether one is at work nevertheless."""

    units: tuple[Unit, ...] = ()
    gate_answers: bool = True
    at_work: bool = False


def gather(around: Around) -> Facts | None:
    """Ask systemctl where there is one; a machine without installed units has none to judge."""
    told = around.run(("systemctl", "show", f"--property={','.join(_ASKED)}", *UNITS)) or ""
    blocks = (dict(line.split("=", 1) for line in text.splitlines() if "=" in line) for text in told.split("\n\n"))
    units = tuple(_unit(block) for block in blocks if block.get("LoadState") == "loaded")
    return Facts(units, around.snapshot is not None, around.gate_at_work) if around.config else None


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with them."""
    for unit in facts.units:
        if unit.active == "failed":
            yield Finding(Code.UNIT_FAILED, unit.name, unit.result)
        elif unit.enabled == "enabled" and unit.active not in ("active", "activating", "reloading"):
            yield Finding(Code.UNIT_DOWN, unit.name, unit.active)
        if unit.restarts >= MANY_RESTARTS:
            yield Finding(Code.UNIT_RESTARTS, unit.name, f"{unit.restarts} times")
        if unit.active == "active" and unit.enabled == "disabled":
            yield Finding(Code.UNIT_NOT_ENABLED, unit.name)
    if not facts.gate_answers:
        yield Finding(Code.GATE_HANGS if facts.at_work else Code.GATE_SILENT, "gate")


def _unit(told: dict[str, str]) -> Unit:
    restarts = told.get("NRestarts", "")
    return Unit(
        told.get("Id", ""),
        told.get("ActiveState", ""),
        told.get("Result", ""),
        int(restarts) if restarts.isdigit() else 0,
        told.get("UnitFileState", ""),
    )
