"""How long the vision child may say nothing, on a machine that is busy with something else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gate.vision_process import MOST_PATIENCE, Silence, kept_waiting_for_processor_s

PATIENCE_S = 100.0
SPIN = """
import os, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
for step in ("ready", "has run"):
    input()
    ends = time.monotonic() + 0.3
    while time.monotonic() < ends and step == "has run":
        pass
    print(step, flush=True)
input()
"""
"""A process that wants the first processor for 0.3 s when it is told to go on."""


@pytest.mark.parametrize(("waited_s", "more_s"), [(0.0, 0.0), (30.0, 30.0), (1e6, (MOST_PATIENCE - 1) * PATIENCE_S)])
def test_time_in_which_others_had_the_processor_is_not_held_against_it_up_to_a_limit(
    waited_s: float, more_s: float
) -> None:
    kept = [5.0]
    silence = Silence(1, PATIENCE_S, lambda pid: kept[0])
    kept[0] += waited_s
    assert silence.left_s() == pytest.approx(PATIENCE_S + more_s, abs=1.0)
    silence.broken(PATIENCE_S)
    assert silence.left_s() == pytest.approx(PATIENCE_S, abs=1.0), "what it waited before it spoke is past"


def test_the_kernel_tells_how_long_a_process_was_kept_waiting() -> None:
    if not kept_waiting_for_processor_s(os.getpid()):
        pytest.skip("this kernel doesn't tell")
    both = [subprocess.Popen([sys.executable, "-c", SPIN], stdin=-1, stdout=-1, bufsize=0) for _ in range(2)]
    try:
        for step in ("ready", "has run"):
            for one in both:
                assert one.stdin is not None
                one.stdin.write(b"\n")
            for one in both:
                assert one.stdout is not None
                assert one.stdout.readline().decode().strip() == step
        waited_s = sum(kept_waiting_for_processor_s(one.pid) for one in both)
    finally:
        for one in both:
            one.kill()
            one.communicate()
    assert waited_s > 0.1, "two that want one processor wait for each other"
    assert kept_waiting_for_processor_s(1 << 30) == 0.0
