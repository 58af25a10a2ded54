"""The daemon as a process: memory after a crowd, time to start, and time to be back after its death."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.crowd import Crowd, Visit, lane
from tests.bench.figures import Figure, Section

READY_S, BACK_S = 5.0, 5.0


def measure(visitors: int = 100, kills: int = 10) -> Section:
    """A lane with face engine: a crowd first, then death after death."""
    section = Section("process")
    with (
        tempfile.TemporaryDirectory(prefix="menshen-bench-") as name,
        lane(Path(name), visitors + kills + 1, faces=True, pace=False) as crowd,
    ):
        crowd.enter(visitors)
        _tell_memory(section, crowd, visitors)
        starts = [_start(crowd) for _ in range(min(kills, 3))]
        backs, admissions = zip(*(_die(crowd) for _ in range(kills)), strict=True)
    section.add(
        Figure("start to ready, median", round(statistics.median(starts), 2), "s", len(starts), READY_S),
        Figure("kill -9 to ready, median", round(statistics.median(backs), 2), "s", kills, BACK_S),
        Figure("kill -9 to first admission, median", round(statistics.median(admissions), 2), "s", kills, BACK_S),
        Figure("kill -9 to first admission, longest", round(max(admissions), 2), "s", kills),
    )
    section.notes.append("ready: every device up, the face networks loaded; a killed daemon is started again at once")
    section.notes.append("admission: card, face and relay of the first visitor after that; the wire's pace is left out")
    return section


def _tell_memory(section: Section, crowd: Crowd, visitors: int) -> None:
    daemon = crowd.rig.process.pid
    for what, pid in (("daemon", daemon), *(("vision child", child) for child in _children(daemon))):
        kind, size_mb = memory_mb(pid)
        section.add(Figure(f"{what}: memory after {visitors} visitors ({kind})", round(size_mb, 1), "MB", 1))


def _start(crowd: Crowd) -> float:
    """End the daemon in good order, and start it: seconds until it is ready."""
    crowd.rig.stop()
    began = time.monotonic()
    crowd.rig.start()
    return time.monotonic() - began


def _die(crowd: Crowd) -> tuple[float, float]:
    """Kill the daemon and start it: seconds until it is ready, and until the next visitor is let in."""
    died = time.monotonic()
    crowd.rig.kill()
    crowd.rig.start()
    ready = time.monotonic()
    visit: Visit = crowd.comes()
    return ready - died, visit.relay_at - died


def memory_mb(pid: int) -> tuple[str, float]:
    """The process's own share of memory (PSS); where we may not read it, its resident size (RSS)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return "PSS", kilobytes / 1024
    except PermissionError:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return "RSS", pages * 4096 / 2**20


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
