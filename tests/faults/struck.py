"""A lane that is struck at a system call, again and again: `python -m tests.faults.struck` with a JSON task on stdin.

Everything is imported once. For each point a child is forked, strace is put upon it, and it plays a scene until the
stroke falls: SIGKILL before the call is made, or an error in its place. What is left is judged at once, and where that
finds nothing, removed.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from models.store.errors import StoreError
from models.view import Phase
from tests.faults.small_lane import SCENES, STATE_S, Scene, Seen, act_out, problems, read_seen

WRITES = (
    *("write", "writev", "pwrite64", "pwritev", "fsync", "fdatasync", "ftruncate", "fallocate"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "chmod", "fchmod"),
)
SYNCS = ("fsync", "fdatasync")
PR_SET_PTRACER, PR_SET_PTRACER_ANY = 0x59616D61, 2**64 - 1 if sys.maxsize > 2**32 else 2**32 - 1
"""With Yama, a process has to say that whoever is not its parent may trace it (prctl(2))."""

REFUSED = 3
"""How a lane ends whose stores don't open or close: it says so, and is to be started anew."""


@dataclass(frozen=True)
class Task:
    """One scene, struck at `most` points that are spread over all calls in `calls`; `share` of `shares` of them."""

    folder: str
    scene: str
    calls: list[str]
    stroke: str  # strace's words for it: signal=KILL, error=EIO
    most: int
    lasting: bool = False  # every call from the point on


@dataclass
class Told:
    """What became of it. `wrong` names each point at which something was."""

    points: int = 0  # there were
    struck: int = 0
    refused: int = 0  # the lane ended by itself
    pulses: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0  # from a card to a defined state
    phases: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def work_off(task: Task) -> Told:
    """Strike at every chosen point."""
    began, folder, scene = time.monotonic(), Path(task.folder), SCENES[task.scene]
    origin = folder / "origin"
    origin.mkdir(parents=True)
    _in_a_child(lambda: scene.before(origin))
    points = _points(scene, origin, folder / "whole", task.calls)
    told, phases = Told(points=len(points)), Counter[str]()
    for call, nth in points[:: max(1, -(-len(points) // task.most))]:
        place = folder / f"{call}-{nth}"
        shutil.copytree(origin, place)
        when = f"{nth}+" if task.lasting else nth
        status, _ = _under_strace(scene, place, call, f"inject={call}:{task.stroke}:when={when}")
        seen, wrong = read_seen(place), _wrong_end(task, status)
        wrong += _wrong_states(seen, task)
        told.pulses += len(seen.pulses)
        told.refused += status == REFUSED
        told.slowest_s = max([told.slowest_s, *(took_s for _, took_s, _ in seen.stood)])
        phases.update(phase for phase, _, _ in seen.stood)
        wrong += problems(place)
        told.struck += 1
        told.wrong += [f"{task.scene}, {call} {nth}: {one}" for one in wrong]
        shutil.rmtree(place)
    told.phases, told.seconds = dict(phases), time.monotonic() - began
    return told


def _points(scene: Scene, origin: Path, place: Path, calls: list[str]) -> list[tuple[str, int]]:
    """Every call of the scene, in the order in which each kind comes; untouched, it must find nothing wrong."""
    shutil.copytree(origin, place)
    status, log = _under_strace(scene, place, ",".join(calls), "")
    if (wrong := problems(place)) or status or not read_seen(place).closed:
        raise RuntimeError(f"the scene went wrong without a stroke: {status}, {wrong}")
    names = re.findall(r"^\d+ +(\w+)\(", log, re.MULTILINE)
    nth: Counter[str] = Counter()
    points = []
    for name in names:
        nth[name] += 1
        points.append((name, nth[name]))
    return points


def _wrong_end(task: Task, status: int) -> list[str]:
    if "KILL" in task.stroke:
        return [] if status == -9 else [f"it was not killed, and ended with {status}"]
    return [] if status in (0, REFUSED) else [f"it ended with {status}"]


def _wrong_states(seen: Seen, task: Task) -> list[str]:
    late = [f"{took_s:.1f} s after a card the lane stood at {one}" for one, took_s, _ in seen.stood if took_s > STATE_S]
    faults = [number for number, (phase, _, _) in enumerate(seen.stood) if phase == Phase.FAULT]
    if task.lasting and faults and any(let_in for _, _, let_in in seen.stood[faults[0] :]):
        return [*late, "somebody was let in while nothing could be written"]
    if not task.lasting and len(faults) > 1:
        return [*late, "the lane did not recover before the next visitor"]
    return late


def _under_strace(scene: Scene, place: Path, calls: str, inject: str) -> tuple[int, str]:
    """The child's end (negative: the signal), and what it called."""
    ready, go = os.pipe()
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(PR_SET_PTRACER_ANY), 0, 0, 0)
        os.close(go)
        os.read(ready, 1)
        _play(lambda: act_out(place, scene.act))
    log = place.with_suffix(".calls")
    words = ["strace", "-f", "-p", str(child), "-o", str(log), "-e", f"trace={calls}"]
    tracer = subprocess.Popen(words + (["-e", inject] if inject else []), stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    attached = tracer.stderr.readline()
    if "attached" not in attached:
        os.kill(child, 9)
        raise RuntimeError(f"strace can't be put upon a process: {attached}")
    os.write(go, b"1")
    os.close(go)
    os.close(ready)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    tracer.stderr.close()
    tracer.wait()
    told = log.read_text("utf-8", "replace")
    log.unlink()
    return status, told


def _in_a_child(work: Callable[[], None]) -> None:
    child = os.fork()
    if child == 0:
        _play(work)
    if status := os.waitpid(child, 0)[1]:
        raise RuntimeError(f"what comes before the scene ended with {status}")


def _play(work: Callable[[], None]) -> None:
    """Ends this process."""
    try:
        work()
    except StoreError:
        os._exit(REFUSED)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    logging.disable()
    print(json.dumps(asdict(work_off(Task(**json.load(sys.stdin))))))
