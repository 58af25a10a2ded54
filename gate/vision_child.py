"""The process that alone has the camera: `python -m gate.vision_child FD`, FD being its end of the link.

One loop, beside it the thread of the live picture, and no other process but a customer's portrait decoder. Each turn
does one thing (listen, open the camera, look at one frame) and then sends a beat, so a grab or a probe that hangs is
heard as silence. A frame is taken only while a capture is asked for, or a person is shown to the staff who are to
compare, or where the policy has faces looked at before the card (`gate.held_faces`), or where the camera stood still
(`gate.stillness`) and is tried again; it stays in this process's memory, which is never dumped, and in that of the
screens that show it.
"""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
import time
from dataclasses import replace

from drivers import connect
from drivers.errors import DeviceLost, DriverError
from drivers.interfaces import FaceEngine
from gate.core.agreement import agree, best_first, joined
from gate.core.life import Turn
from gate.hardened import harden, one_thread
from gate.live_picture import LivePicture
from gate.look_ahead import LookAhead
from gate.portrait import PortraitUnusable
from gate.portrait_face import Opening
from gate.showing import Showing
from gate.sight import Sight
from gate.vision_job import Job
from gate.vision_link import (
    Ask,
    Beat,
    Broken,
    CameraDown,
    CameraUp,
    Cancel,
    Capture,
    Failed,
    Hide,
    Hint,
    Link,
    NoReference,
    Probed,
    Ready,
    Setup,
    Show,
    Watch,
    child_end,
)
from gate.vitals import bare_trace
from models.face import FaceProbe, FaceProblem

BAD_IN_A_ROW = 4  # frames that fail one after another before the camera is opened anew
WAIT_S = 0.005  # a face was seen, and the portrait is not open yet
STUCK_WAITS = 10  # a camera that gives one picture for ever is tried more seldom: each try takes a picture
POLL_S = 0.5  # an idle camera is asked this often whether it is still there


class Watcher:
    """Camera and engine behind the link."""

    def __init__(self, link: Link[Ask], setup: Setup) -> None:
        self._link, self._setup, self._limits = link, setup, setup.limits
        self._engine: FaceEngine | None = None
        self._sight = Sight(setup.region, setup.limits.still_s)
        self._ahead = LookAhead(self._sight, self._limits, lambda: link.send(Beat()))
        self._picture = _live_picture(setup, self._sight)
        self._showing = Showing(self._picture, self._sight, setup.decoder)
        self._reopen_mono = self._poll_mono = 0.0
        self._job: Job | None = None
        self._bad = 0

    def run(self) -> None:
        """Work until the gate hangs up (`EOFError`). Raises `DriverError` when the engine can't be loaded."""
        self._engine = connect("face", self._setup.face)
        self._open_camera()
        one_thread()
        self._link.send(Ready(self._engine.model_version))
        while True:
            self._turn(self._engine)
            self._link.send(Beat())

    def _turn(self, engine: FaceEngine) -> None:
        self._hear(self._link.receive(self._patience_s()))
        if self._job is not None and self._job.opening is not None:
            self._open_portrait(self._job, self._job.opening, engine)
        self._showing.turn(self._job.attempt if self._job is not None and self._sight.up else 0)
        if not self._sight.up:
            if time.monotonic() >= self._reopen_mono:
                self._open_camera()
        elif self._job is not None and self._job.seen is None:
            self._look(engine, self._job)
        elif self._job is None:
            self._poll()
            self._look_ahead(engine)

    def _patience_s(self) -> float:
        """How long to listen before the next thing is done."""
        if self._job is None:
            return WAIT_S if self._showing.decoding else self._ahead.patience_s()
        return 0.0 if self._job.seen is None else WAIT_S

    def _look_ahead(self, engine: FaceEngine) -> None:
        try:
            if self._ahead.turn(engine):
                self._bad = 0
        except DriverError as error:
            self._count_miss(error)

    def _open_portrait(self, job: Job, opening: Opening, engine: FaceEngine) -> None:
        """Go on with the portrait. The camera looks on while a customer's decoder works."""
        try:
            with job.timed("portrait"):
                job.reference = opening.poll(engine)
        except PortraitUnusable as unusable:
            self._end_job(NoReference(job.attempt, unusable.why, unusable.detail))
            return
        if job.reference is not None:
            job.opening = None
            self._link.send(Beat())
            if job.seen is not None:
                self._answer(job, job.seen)

    def _poll(self) -> None:
        """Notice an unplugging before a visitor does, by the live picture or where the driver can tell without."""
        if time.monotonic() < self._poll_mono:
            return
        self._poll_mono = time.monotonic() + POLL_S
        try:
            if self._picture is not None and isinstance(self._picture.trouble, DeviceLost):
                raise self._picture.trouble
            self._sight.poll()
        except DriverError as error:
            self._lose_camera(str(error))

    def _hear(self, ask: Ask | None) -> None:
        match ask:
            case Show() | Hide():
                self._showing.hear(ask)
            case Watch() if self._engine is not None:
                self._ahead.want(ask, self._engine.model_version)
            case Capture(attempt, timeout_s) if not self._sight.up:
                self._link.send(Failed(attempt, "the camera is not connected"))
            case Capture(attempt, timeout_s, portrait, turn):
                self._drop_job()
                now = self._sight.fence()
                self._job = Job(attempt, now, now + timeout_s, turn=Turn() if turn else None)
                self._begin(self._job, portrait)
            case Cancel(attempt) if self._job is not None and self._job.attempt == attempt:
                self._drop_job()
            case _:
                pass

    def _begin(self, job: Job, portrait: bytes) -> None:
        """Make a reference of the portrait, where there is one; answer at once where the face was seen already."""
        job.use(self._ahead.held, job.since_mono)
        try:
            if portrait:
                job.open(portrait, self._setup.decoder)
        except PortraitUnusable as unusable:
            self._end_job(NoReference(job.attempt, unusable.why, unusable.detail))
            return
        if job.seen is not None:
            self._answer(job, job.seen)

    def _look(self, engine: FaceEngine, job: Job) -> None:
        """Take one frame and look at it."""
        try:
            with job.timed("grab"):
                shot = self._sight.look(self._limits.grab_s, job.since_mono)
        except DriverError as error:
            self._miss(error, job)
            return
        self._bad = 0
        self._link.send(Beat())
        job.frames, job.since_mono = job.frames + 1, shot.began_mono
        try:
            with job.timed("probe"):
                probe = engine.probe(shot.frame)
        except DriverError as error:
            self._end_job(Failed(job.attempt, str(error)))
        else:
            self._weigh(job.judge(probe), job)

    def _weigh(self, probe: FaceProbe, job: Job) -> None:
        if probe.problem is not None and (job.last is None or job.last.problem is not probe.problem):
            self._link.send(Hint(job.attempt, probe.problem))
        job.last = probe
        if probe.problem is None:
            self._gather(probe, job)
        if job.seen is None and self._job is job and time.monotonic() >= job.ends_mono:
            few = replace(probe, template=b"", problem=probe.problem or FaceProblem.NO_FACE, frames=job.frames)
            self._answer(job, few)

    def _gather(self, probe: FaceProbe, job: Job) -> None:
        """One more good frame: answer as soon as there are enough of one person."""
        if job.usable and not agree(probe.template, job.usable[-1].template, self._ahead.held.apart):
            job.usable.clear()
        job.usable.append(probe)
        if len(job.usable) >= self._ahead.held.frames:
            self._answer(job, joined(best_first(job.usable), job.frames))

    def _answer(self, job: Job, probe: FaceProbe) -> None:
        """Tell what was seen, once it is known beside what."""
        if job.opening is not None:
            job.seen = probe
        else:
            self._end_job(Probed(job.attempt, probe, job.ms, job.reference, job.held_s))

    def _end_job(self, answer: Probed | NoReference | Failed) -> None:
        self._link.send(answer)
        self._drop_job()

    def _drop_job(self) -> None:
        if self._job is not None:
            self._job.stop()
            self._ahead.rest()
        self._job = None

    def _miss(self, error: DriverError, job: Job) -> None:
        """No frame came: perhaps the next one does, perhaps the camera is gone."""
        if not self._count_miss(error) and time.monotonic() >= job.ends_mono:
            if job.last is not None:
                self._answer(job, replace(job.last, frames=job.frames))
            else:
                self._end_job(Failed(job.attempt, str(error)))

    def _count_miss(self, error: DriverError) -> bool:
        """Whether the camera counts as lost now."""
        self._bad += 1
        lost = isinstance(error, DeviceLost) or self._bad >= BAD_IN_A_ROW
        if lost:
            self._lose_camera(str(error))
        return lost

    def _open_camera(self) -> None:
        self._link.send(Beat(self._limits.open_s))
        try:
            self._sight.open(connect("camera", self._setup.camera))
            self._link.send(Beat())
            self._sight.recheck(self._limits.grab_s)
        except DriverError as error:
            self._lose_camera(str(error))
        else:
            self._bad = 0
            self._link.send(CameraUp())

    def _lose_camera(self, why: str) -> None:
        self._sight.close()
        self._ahead.held.drop()
        if self._picture is not None:
            self._picture.trouble = None
        self._reopen_mono = time.monotonic() + self._limits.reopen_s * (STUCK_WAITS if self._sight.stuck else 1)
        self._link.send(CameraDown(why))
        if self._job is not None:
            self._end_job(Failed(self._job.attempt, why))


def _live_picture(setup: Setup, sight: Sight) -> LivePicture | None:
    if setup.mirror_fd < 0:
        return None
    return LivePicture(socket.socket(fileno=setup.mirror_fd), sight, setup.limits.grab_s)


def main(fd: int, parent: int) -> int:
    """Serve the link until the gate hangs up; returns the exit status."""
    harden(parent)
    link = child_end(socket.socket(fileno=fd))
    try:
        setup = link.receive(5.0)
        if isinstance(setup, Setup):
            Watcher(link, setup).run()
    except EOFError:
        return 0
    except DriverError as error:
        link.send(Broken(str(error)))
    except Exception as error:  # a bug, or a library's own error: told without the words it may quote
        link.send(Broken(f"the vision child met {type(error).__name__}"))
        print(bare_trace(error), file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    faulthandler.enable()  # a crash inside dlib or OpenCV tells where
    status = main(int(sys.argv[1]), int(sys.argv[2]))
    sys.stderr.flush()
    os._exit(status)  # the thread of the live picture may be inside a library that can't be torn down around it
