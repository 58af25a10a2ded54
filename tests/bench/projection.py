"""What one look may cost on a Raspberry Pi: a projection from instructions counted here, not a measurement.

    python -m tests.bench.projection

valgrind's cachegrind counts the instructions of a process that looks once, and of one that looks several times at the
same face; the difference is what a look takes. valgrind knows vectors of 256 bits at most, a Pi's have 128: vector work
needs up to twice as many instructions there, and the rest as many. How many a cycle a core does depends on its caches
and on the code; the spans below are wide on purpose. Who has a board runs `make bench-face` on it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Section

ROOT = Path(__file__).resolve().parents[2]
MORE = 4  # looks beyond the first
WIDER = (1.0, 2.0)  # instructions there for each one here

LOOK = """
import sys
import cv2
from drivers.camera import _visitors as visitors
from drivers.face.dlib import Engine
cv2.setNumThreads(1)
engine = Engine(follow=False, network=sys.argv[2])
frame = visitors.render(visitors.identity(visitors.CHOSEN[0]), distance=0.8)
for _ in range(int(sys.argv[1])):
    assert engine.probe(frame).problem is None
print(engine.computed_by)
"""


@dataclass(frozen=True, slots=True)
class Core:
    """One core of a board: its clock, and how many instructions a cycle such code does on it, least and most."""

    name: str
    ghz: float
    a_cycle: tuple[float, float]


CORES = (Core("Raspberry Pi 5", 2.4, (1.2, 2.5)), Core("Raspberry Pi 4", 1.8, (0.7, 1.5)))


def measure() -> Section:
    """Millions of instructions a look, and milliseconds that may come of them; empty where valgrind is missing."""
    section = Section("projection")
    if not shutil.which("valgrind"):
        section.notes.append("no projection for a Raspberry Pi: valgrind is not installed (apt-get install valgrind)")
        return section
    for network in ("opencv", "auto"):
        by, count = instructions_a_look(network)
        section.notes.append(f"one look, features by {by}: {count / 1e6:.0f} million instructions (valgrind, x86-64)")
        section.notes += [
            f"a projection, not measured: {core.name}, one core at {core.ghz} GHz: {low:.0f} to {high:.0f} ms"
            for core in CORES
            for low, high in (projected_ms(count, core),)
        ]
        if by == "OpenCV" and network == "auto":
            break
    return section


def projected_ms(count: float, core: Core) -> tuple[float, float]:
    """The least and the most for so many instructions."""
    least, most = core.a_cycle
    return count * WIDER[0] / (core.ghz * 1e6 * most), count * WIDER[1] / (core.ghz * 1e6 * least)


def instructions_a_look(network: str) -> tuple[str, float]:
    """Who computes the features, and the instructions of one more look. Raises `RuntimeError` when valgrind fails."""
    (by, first), (_, last) = _counted(1, network), _counted(1 + MORE, network)
    return by, (last - first) / MORE


def _counted(looks: int, network: str) -> tuple[str, int]:
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    alone = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    done = subprocess.run(
        [*command, sys.executable, "-c", LOOK, str(looks), network],
        cwd=ROOT,
        env=os.environ | alone,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"I +refs: +([\d,]+)", done.stderr)
    if done.returncode or not found:
        raise RuntimeError(f"valgrind did not count: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout.strip(), int(found[1].replace(",", ""))


if __name__ == "__main__":
    print(*measure().notes, sep="\n")
