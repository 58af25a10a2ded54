"""Processor time of processes and all they started: what a request costs, however busy the machine is."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from tests.bench.hub.rig import Site

_QUIET_S = 0.04  # a worker looks once in a while whether there is anything
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def used(at: Site) -> dict[str, float]:
    """Seconds that the server's, the database's and the load's processes have used so far."""
    found = {"server": used_s(at.process), "load": time.process_time()}
    return found | ({"database": used_s(_postmaster(at.engine.url))} if at.engine.url else {})


def each_us(before: dict[str, float], after: dict[str, float], number: int) -> dict[str, float]:
    """Microseconds between two looks, for each of `number` things done."""
    return {whose: (after[whose] - before[whose]) * 1e6 / number for whose in after}


def _postmaster(url: str) -> int:
    folder = Path(parse_qs(urlsplit(url).query)["host"][0])
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def settle(pid: int) -> None:
    """Return once the process and all it started have nothing more to do: several workers take seconds to begin."""
    before, quiet = used_s(pid), 0
    for _ in range(300):
        time.sleep(0.2)
        now = used_s(pid)
        quiet = quiet + 1 if now - before < _QUIET_S else 0
        before = now
        if quiet == 3:
            return
    raise RuntimeError("the server does not come to rest")


def used_s(pid: int) -> float:
    """Of the process, its living descendants, and those whose end it has seen."""
    parents: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # gone meanwhile
            continue
        number = int(folder.name)
        parents.setdefault(int(fields[1]), []).append(number)
        used[number] = sum(map(int, fields[11:15])) * _TICK_S
    found, left = 0.0, [pid]
    while left:
        each = left.pop()
        found += used.get(each, 0.0)
        left += parents.get(each, [])
    return found
