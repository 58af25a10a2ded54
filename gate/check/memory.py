"""Is there enough memory, and was a process ended for the lack of it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.check.around import Around
from gate.check.catalogue import Code, Finding

LOW_KIB, LOW_SHARE = 100 * 1024, 0.1


@dataclass(frozen=True, slots=True)
class Facts:
    """Memory in KiB, and how many processes the kernel has ended for it since the start."""

    total_kib: int
    available_kib: int
    killed: int = 0


def gather(around: Around) -> Facts | None:
    """Read /proc."""
    told = dict(line.split(":", 1) for line in around.text("proc/meminfo").splitlines() if ":" in line)
    if not {"MemTotal", "MemAvailable"} <= told.keys():
        return None
    counts = dict(line.split(" ", 1) for line in around.text("proc/vmstat").splitlines() if " " in line)
    total, available = (int(told[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    return Facts(total, available, int(counts.get("oom_kill", "0")))


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with it."""
    if facts.available_kib < max(LOW_KIB, facts.total_kib * LOW_SHARE):
        yield Finding(Code.MEMORY_LOW, "memory", f"{facts.available_kib >> 10} of {facts.total_kib >> 10} MiB left")
    if facts.killed:
        yield Finding(Code.KILLED_FOR_MEMORY, "memory", f"{facts.killed} since the machine started")
