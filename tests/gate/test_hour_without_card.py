"""Somebody stands before the camera for an hour and brings no card: what is left of that, and where."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.camera import _visitors as visitors
from drivers.camera.sim import Stage
from drivers.face import sim
from drivers.face.sim import marked, template
from drivers.interfaces import Frame
from gate.look_ahead import LookAhead
from gate.sight import Sight
from gate.vision_link import VisionLimits, Watch
from models.face import FaceProbe, FaceProblem
from tests.gate.test_before_card import APART, waits_until_looked
from tests.gate.test_vision import VISITOR, Bench, running

SECONDS = 2.0
HOUR_S, STEP_S = 3600.0, 0.1
NOTHING_S = 10.0


WAYS = [marked(VISITOR, offset=each / 100) for each in range(30)]
SEEN = [sim.Engine().probe(frame) for frame in WAYS]


class Somebody:
    """A camera before which one person stands and moves a little, until she goes."""

    def __init__(self) -> None:
        self.taken = 0
        self.gone = False

    def grab(self, timeout: float) -> Frame:
        self.taken += 1
        return WAYS[self.taken % len(WAYS)]

    def close(self) -> None:
        pass


class Knowing:
    """An engine that has worked it all out before: an hour of looks in little time."""

    model_version = sim.MODEL_VERSION

    def __init__(self, camera: Somebody) -> None:
        self._camera = camera

    def probe(self, frame: Frame) -> FaceProbe:
        if self._camera.gone:
            return FaceProbe(sim.MODEL_VERSION, problem=FaceProblem.NO_FACE)
        return SEEN[self._camera.taken % len(WAYS)]

    enrol = probe

    def close(self) -> None:
        pass


class Handed:
    """A clock in the test's hand."""

    def __init__(self, now: list[float]) -> None:
        self._now = now

    def monotonic(self) -> float:
        return self._now[0]


def test_in_a_simulated_hour_no_template_grows_older_than_the_policys_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now, beats, camera = [1000.0], [0.0], Somebody()
    for module in ("look_ahead", "sight"):
        monkeypatch.setattr(f"gate.{module}.time", Handed(now))
    engine, sight = Knowing(camera), Sight()
    sight.open(camera)
    ahead = LookAhead(sight, VisionLimits(), lambda: beats.append(now[0]))
    ahead.want(Watch(SECONDS, 1, APART), sim.MODEL_VERSION)
    oldest_s, most = 0.0, 0
    while now[0] < 1000.0 + HOUR_S:
        now[0] += max(STEP_S, ahead.patience_s())
        ahead.turn(engine)
        oldest_s, most = max(oldest_s, ahead.held.oldest_s(now[0])), max(most, len(ahead.held))
        sight.fence()
    assert camera.taken == len(beats) - 1 > 10_000
    assert 0.0 < oldest_s < SECONDS
    assert 0 < most <= 8
    camera.gone = True
    now[0] += 0.2
    ahead.turn(engine)
    assert not len(ahead.held)


def memory(pid: int) -> Iterator[bytes]:
    """What the process has in memory, region by region; also of one that may not be dumped, for root."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as mem:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights, *_ = line.split()
            if "w" not in rights:
                continue
            start, end = (int(edge, 16) for edge in place.split("-"))
            mem.seek(start)
            try:
                yield mem.read(end - start)
            except OSError:
                continue


def copies(pid: int, wanted: bytes) -> int:
    return sum(region.count(wanted) for region in memory(pid))


def files_of(pid: int) -> list[str]:
    """The files on a disk that the process has open for writing."""
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        if int(each.name) <= 2:  # the test's own
            continue
        flags = int(Path(f"/proc/{pid}/fdinfo/{each.name}").read_text().split("flags:")[1].split()[0], 8)
        target = str(each.readlink())
        if flags & (os.O_WRONLY | os.O_RDWR) and target.startswith("/") and not target.startswith("/dev/"):
            found.append(target)
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the memory of a process that may not be dumped")
def test_when_she_has_left_her_template_is_nowhere_in_the_childs_memory_and_nothing_was_written(tmp_path: Path) -> None:
    core = template(VISITOR)[64:-64]
    with running(Bench(tmp_path)) as bench:
        pid = bench.vision.pid
        assert pid is not None
        before = set(tmp_path.rglob("*"))
        assert copies(pid, core) == 0, "nobody was looked at before the policy said so"
        bench.vision.watch(SECONDS, 1, APART)
        waits_until_looked(bench, 3)
        assert copies(pid, core) > 0, "else this test sees nothing"
        bench.stage.clear()
        ends = time.monotonic() + NOTHING_S
        waits_until_looked(bench, 2)
        while (left := copies(pid, core)) and time.monotonic() < ends:
            with pytest.raises(queue.Empty):
                bench.next(0.1)
        assert left == 0
        assert files_of(pid) == []
        assert set(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the memory of a process that may not be dumped")
def test_a_policy_of_on_card_has_no_template_made_of_who_only_stands_there(tmp_path: Path) -> None:
    with running(Bench(tmp_path)) as bench:
        pid = bench.vision.pid
        assert pid is not None
        bench.vision.watch(0.0, 1, APART)
        with pytest.raises(queue.Empty):
            bench.next(0.5)
        assert copies(pid, template(VISITOR)[64:-64]) == 0
        assert bench.stage.frames_taken == 0
        assert isinstance(bench.stage, Stage)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the memory of a process that may not be dumped")
def test_the_real_engine_forgets_her_as_well(tmp_path: Path) -> None:
    pytest.importorskip("dlib")
    from drivers.face.dlib import Engine

    who = visitors.render(visitors.identity(visitors.CHOSEN[0]))
    core = Engine(follow=False).probe(who).template[64:128]
    with running(Bench(tmp_path, engine="dlib:?follow=no")) as bench:
        pid = bench.vision.pid
        assert pid is not None
        bench.stage.show([who])
        bench.vision.watch(SECONDS, 1, {bench.vision.model_version: 0.4})
        waits_until_looked(bench, 3)
        assert copies(pid, core) > 0, "else this test sees nothing"
        bench.stage.clear()
        ends = time.monotonic() + NOTHING_S
        while (left := copies(pid, core)) and time.monotonic() < ends:
            with pytest.raises(queue.Empty):
                bench.next(0.1)
        assert left == 0
