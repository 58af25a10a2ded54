"""The vision child for real: a process of its own, a camera whose far end is here, killings and hangings."""

from __future__ import annotations

import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from drivers.camera.sim import Stage, StageCamera
from drivers.face.sim import marked
from gate.messages import DeviceDown, DeviceUp, FaceFailed, FaceHint, FaceProbed, Message
from gate.sight import STILL
from gate.stillness import LEAST_PICTURES
from gate.vision import Vision
from gate.vision_link import Decoder, VisionLimits
from models.face import FaceProblem

ROOT = Path(__file__).resolve().parents[2]
LONG_S = 10.0
VISITOR, KILLER, HANGER = 1, 13, 14
ENGINE = f"sim:?crash_on={KILLER}&hang_on={HANGER}"
NOBODY = np.full((120, 160, 3), 128, np.uint8)
LIMITS = VisionLimits(silence_s=1.0, grab_s=0.2, reopen_s=0.1)


class Bench:
    """A vision child, a stage before its camera, and what was posted."""

    def __init__(
        self,
        folder: Path,
        engine: str = ENGINE,
        decoder: Decoder | None = None,
        mirror: socket.socket | None = None,
        limits: VisionLimits = LIMITS,
        camera_options: str = "",
    ) -> None:
        self._path = folder / "stage"
        self.stage = Stage(NOBODY)
        self.plug()
        self.camera_url = f"sim+unix://{self._path}{camera_options}"
        self.posted: queue.Queue[Message] = queue.Queue()
        self.vision = Vision(self.camera_url, engine, self.posted.put, limits, decoder, mirror)

    def plug(self) -> None:
        """Let the child find a camera."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._path))
        listener.listen()
        self._serving = threading.Thread(target=self.stage.serve, args=(listener,))
        self._serving.start()

    def unplug(self) -> None:
        """Take the camera away."""
        self._path.unlink()
        self.stage.unplug()
        self._serving.join(LONG_S)

    def show(self, identity: int) -> None:
        self.stage.show([marked(identity)])

    def next(self, timeout_s: float = LONG_S) -> Message:
        return self.posted.get(timeout=timeout_s)

    def until(self, *wanted: Message | type, within_s: float = LONG_S) -> list[Message]:
        """What is posted until all of `wanted` were seen, in whatever order."""
        left, seen, ends = list(wanted), [], time.monotonic() + within_s
        while left:
            message = self.next(max(0.0, ends - time.monotonic()))
            seen.append(message)
            left = [w for w in left if not (isinstance(message, w) if isinstance(w, type) else message == w)]
        return seen

    def capture(self, attempt: int, timeout_s: float = 5.0) -> Message:
        """The last word on one capture, hints passed over."""
        self.vision.capture(attempt, timeout_s)
        while isinstance(message := self.next(), FaceHint):
            assert message.attempt == attempt
        return message

    def signal_child(self, number: int) -> None:
        pid = self.vision.pid
        assert pid is not None
        os.kill(pid, number)


@contextmanager
def running(made: Bench) -> Iterator[Bench]:
    """The bench with child and camera up, and everything down in the end."""
    made.vision.start()
    try:
        made.until(DeviceUp("camera"), DeviceUp("vision"))
        made.show(VISITOR)
        yield made
    finally:
        assert made.vision.stop()
        assert made.vision.pid is None
        made.unplug()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running(Bench(tmp_path)) as made:
        yield made


def test_no_frame_is_taken_unless_a_capture_is_asked_for(bench: Bench) -> None:
    assert bench.vision.model_version
    beat = bench.vision.health()[0].beat_mono
    with pytest.raises(queue.Empty):
        bench.next(3 * LIMITS.beat_s)
    assert bench.vision.health()[0].beat_mono > beat
    assert bench.stage.frames_taken == 0
    assert isinstance(bench.capture(1), FaceProbed)
    taken = bench.stage.frames_taken
    assert taken == 1
    with pytest.raises(queue.Empty):
        bench.next(2 * LIMITS.beat_s)
    assert bench.stage.frames_taken == taken


def test_a_camera_that_gives_one_picture_for_ever_is_down_until_it_gives_another(tmp_path: Path) -> None:
    limits = VisionLimits(silence_s=1.0, grab_s=0.2, reopen_s=0.01, still_s=0.0)
    with running(Bench(tmp_path, limits=limits, camera_options="?live=yes")) as bench:
        for attempt in range(1, LEAST_PICTURES):
            assert isinstance(bench.capture(attempt), FaceProbed)
        assert bench.capture(LEAST_PICTURES) == DeviceDown("camera", STILL)
        assert bench.next() == FaceFailed(LEAST_PICTURES, STILL)
        taken = bench.stage.frames_taken
        while bench.stage.frames_taken < taken + 3:  # it is tried again, and stays down
            with pytest.raises(queue.Empty):
                bench.next(0.05)
        assert not bench.vision.health()[1].up
        bench.show(VISITOR + 1)
        assert bench.next() == DeviceUp("camera")
        assert isinstance(bench.capture(99), FaceProbed)


def test_a_capture_gives_a_probe_and_the_time_it_took(bench: Bench) -> None:
    said = bench.capture(7)
    assert isinstance(said, FaceProbed)
    assert (said.attempt, said.probe.problem) == (7, None)
    assert said.probe.model_version == bench.vision.model_version
    assert said.probe.template
    assert said.probe.frames == 1
    assert said.ms["grab"] > 0
    assert said.ms["probe"] > 0


def test_a_head_that_is_to_turn_is_awaited_before_its_face_is_an_answer(bench: Bench) -> None:
    bench.vision.capture(1, LONG_S, turn=True)
    assert bench.next() == FaceHint(1, FaceProblem.TURN_ASKED)
    bench.stage.show([marked(VISITOR), marked(VISITOR, problem=FaceProblem.TURNED)])
    said = bench.next()
    assert isinstance(said, FaceProbed)
    assert (said.probe.problem, said.probe.turned) == (None, True)


def test_a_face_that_only_looks_on_when_it_is_to_turn_is_no_answer(bench: Bench) -> None:
    bench.vision.capture(1, 0.4, turn=True)
    assert bench.next() == FaceHint(1, FaceProblem.TURN_ASKED)
    said = bench.next()
    assert isinstance(said, FaceProbed)
    assert (said.probe.problem, said.probe.template) == (FaceProblem.TURN_ASKED, b"")


def test_what_is_in_the_way_is_told_while_the_camera_looks_and_the_face_is_taken_when_it_comes(bench: Bench) -> None:
    bench.stage.clear()
    bench.vision.capture(1, LONG_S)
    assert bench.next() == FaceHint(1, FaceProblem.NO_FACE)
    bench.show(VISITOR)
    said = bench.next()
    assert isinstance(said, FaceProbed)
    assert said.probe.problem is None
    assert said.probe.frames == bench.stage.frames_taken > 1


def test_without_a_face_the_capture_ends_in_time_with_the_problem(bench: Bench) -> None:
    bench.stage.clear()
    began = time.monotonic()
    said = bench.capture(1, timeout_s=0.3)
    assert isinstance(said, FaceProbed)
    assert said.probe.problem is FaceProblem.NO_FACE
    assert time.monotonic() - began < 1.5


def test_a_cancelled_capture_takes_no_more_frames_and_is_never_answered(bench: Bench) -> None:
    bench.stage.clear()
    bench.vision.capture(1, LONG_S)
    bench.next()
    bench.vision.cancel(1)
    bench.show(VISITOR)
    said = bench.capture(2)
    assert isinstance(said, FaceProbed)
    assert said.attempt == 2


def test_a_new_capture_takes_the_place_of_the_one_before(bench: Bench) -> None:
    bench.stage.clear()
    bench.vision.capture(1, LONG_S)
    bench.next()
    bench.vision.capture(2, LONG_S)
    assert bench.next() == FaceHint(2, FaceProblem.NO_FACE)
    bench.show(VISITOR)
    said = bench.next()
    assert isinstance(said, FaceProbed)
    assert said.attempt == 2


def test_a_child_that_dies_fails_the_capture_at_once_and_another_is_up_within_ten_seconds(bench: Bench) -> None:
    bench.stage.clear()
    bench.vision.capture(1, LONG_S)
    bench.next()
    bench.signal_child(signal.SIGKILL)
    why = "the vision child died of signal 9"
    assert bench.next(1.0) == DeviceDown("vision", why)
    assert bench.next(1.0) == FaceFailed(1, why)
    bench.until(DeviceUp("vision"))
    assert bench.vision.health()[0].reconnects == 1
    bench.show(VISITOR)
    assert isinstance(bench.capture(2), FaceProbed)


@pytest.mark.parametrize(("who", "why"), [(KILLER, "died of signal 6"), (HANGER, "was silent for")])
def test_a_face_that_fells_the_engine_fails_its_own_capture_and_no_other(bench: Bench, who: int, why: str) -> None:
    bench.show(who)
    bench.vision.capture(1, LONG_S)
    down, failed = bench.next(2.0), bench.next(2.0)
    assert isinstance(down, DeviceDown)
    assert why in down.why
    assert failed == FaceFailed(1, down.why)
    bench.until(DeviceUp("vision"))
    bench.show(VISITOR)
    assert isinstance(bench.capture(2), FaceProbed)


def test_a_child_that_hangs_is_killed_within_two_seconds_and_another_is_up_within_ten(bench: Bench) -> None:
    hung = bench.vision.pid
    bench.signal_child(signal.SIGSTOP)
    bench.vision.capture(1, LONG_S)
    why = f"the vision child was silent for {LIMITS.silence_s:g} s"
    assert bench.next(2.0) == DeviceDown("vision", why)
    assert bench.next(1.0) == FaceFailed(1, why)
    bench.until(DeviceUp("vision"))
    assert bench.vision.pid != hung
    assert isinstance(bench.capture(2), FaceProbed)


def test_while_the_child_is_away_a_capture_fails_at_once(tmp_path: Path) -> None:
    posted: queue.Queue[Message] = queue.Queue()
    vision = Vision("sim:", "sim:", posted.put)
    vision.capture(1, LONG_S)
    assert posted.get(timeout=0) == FaceFailed(1, "vision is down: not connected yet")
    assert vision.stop()


def test_a_camera_that_is_unplugged_in_a_capture_fails_it_and_comes_back_when_plugged_in(bench: Bench) -> None:
    bench.stage.clear()
    bench.vision.capture(1, LONG_S)
    bench.next()
    bench.unplug()
    down, failed = bench.next(2.0), bench.next(2.0)
    assert isinstance(down, DeviceDown)
    assert down.device == "camera"
    assert failed == FaceFailed(1, down.why)
    bench.vision.capture(2, LONG_S)
    assert isinstance(bench.next(0.1), FaceFailed)
    assert bench.vision.health()[0].up
    bench.plug()
    bench.until(DeviceUp("camera"))
    bench.show(VISITOR)
    assert isinstance(bench.capture(3), FaceProbed)


@pytest.mark.skipif(not hasattr(StageCamera, "poll"), reason="this camera can't tell without taking a picture")
def test_an_idle_camera_that_is_unplugged_is_noticed_before_a_visitor_comes(bench: Bench) -> None:
    bench.unplug()
    down = bench.next()
    assert isinstance(down, DeviceDown)
    assert down.device == "camera"
    bench.plug()
    assert bench.next() == DeviceUp("camera")
    assert bench.stage.frames_taken == 0


def test_a_camera_that_gives_no_picture_in_time_fails_the_capture(bench: Bench) -> None:
    bench.stage.silent = True
    assert isinstance(bench.capture(1, timeout_s=0.1), FaceFailed)
    assert bench.vision.health()[1].up
    bench.stage.silent = False
    assert isinstance(bench.capture(2), FaceProbed)


def test_a_camera_that_stays_silent_is_opened_anew(bench: Bench) -> None:
    bench.stage.silent = True
    bench.vision.capture(1, LONG_S)
    down = bench.next()
    assert isinstance(down, DeviceDown)
    assert down.device == "camera"
    assert bench.next() == FaceFailed(1, down.why)
    assert bench.next() == DeviceUp("camera")


def test_a_child_that_does_not_start_in_time_is_given_up() -> None:
    posted: queue.Queue[Message] = queue.Queue()
    vision = Vision("sim:", "sim:", posted.put, VisionLimits(start_s=0.0))
    vision.start()
    assert posted.get(timeout=LONG_S) == DeviceDown("vision", "the vision child was silent for 0 s")
    assert vision.stop()
    with pytest.raises(queue.Empty):
        posted.get_nowait()


def test_an_engine_that_cannot_be_loaded_is_told_in_its_own_words() -> None:
    posted: queue.Queue[Message] = queue.Queue()
    vision = Vision("sim:", "nosuch:", posted.put)
    vision.start()
    down = posted.get(timeout=LONG_S)
    assert isinstance(down, DeviceDown)
    assert "nosuch" in down.why
    assert vision.stop()


def test_the_child_goes_when_the_gate_is_killed(bench: Bench) -> None:
    script = (
        "import queue, sys; from gate.vision import Vision; q = queue.Queue();"
        "v = Vision(sys.argv[1], 'sim:', q.put); v.start();"
        "q.get(); q.get(); print(v.pid, flush=True); q.get()"
    )
    gate = subprocess.Popen([sys.executable, "-c", script, bench.camera_url], stdout=subprocess.PIPE, cwd=ROOT)
    assert gate.stdout is not None
    with gate.stdout:
        child = os.pidfd_open(int(gate.stdout.readline()))
        try:
            assert not select.select([child], [], [], 0)[0]
            gate.kill()
            assert select.select([child], [], [], LONG_S)[0]
        finally:
            os.close(child)
            gate.wait()


def test_the_child_can_leave_no_picture_in_a_core_dump(bench: Bench) -> None:
    limits = Path(f"/proc/{bench.vision.pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
