"""Camera and face engine in a child process: a crash or a hang there refers one visitor, no more.

`Vision` starts the child, listens to it, kills it when it falls silent and starts another. Two devices come of it:
`vision` (the child and its engine) and `camera`. What the child does is in `vision_child`.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gate.messages import (
    DeviceDown,
    DeviceHealth,
    DeviceUp,
    FaceFailed,
    FaceHint,
    FaceProbed,
    Message,
    PortraitRefused,
    Post,
    PumpDied,
)
from gate.portrait import MOST_BYTES, is_open
from gate.vision_link import (
    Answer,
    Beat,
    Broken,
    CameraDown,
    CameraUp,
    Cancel,
    Capture,
    Decoder,
    Failed,
    Hint,
    Link,
    NoReference,
    Probed,
    Ready,
    Setup,
    VisionLimits,
    gate_end,
)
from gate.vitals import Backoff, Vitals, bare_trace

_log = logging.getLogger("gate.vision")

VISION, CAMERA = "vision", "camera"


class _ChildLost(Exception):
    """The child is dead, silent or broken; the text says which."""


@dataclass(frozen=True, slots=True)
class _Child:
    """One run of the child process."""

    process: subprocess.Popen[bytes]
    link: Link[Answer]


class Vision:
    """The thread that minds the child. `post` is called from it, and from the callers of `capture`."""

    def __init__(
        self,
        camera_url: str,
        face_url: str,
        post: Post,
        limits: VisionLimits | None = None,
        decoder: Decoder | None = None,
    ) -> None:
        self.limits = limits or VisionLimits()
        self.model_version = ""
        self._setup = Setup(camera_url, face_url, self.limits, decoder or Decoder())
        self._post = post
        self._vision, self._camera = Vitals(VISION), Vitals(CAMERA)
        self._backoff = Backoff(eager=True)
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # guards the two below
        self._child: _Child | None = None
        self._attempt: int | None = None  # the capture that waits for its end
        self._thread = threading.Thread(target=self._run, name="vision", daemon=True)

    def start(self) -> None:
        """Begin. Once in a life; `DeviceUp("vision")` follows when the networks are loaded."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End the child and the thread. Returns whether both ended in time. No message follows."""
        self._stopping.set()
        with self._lock:
            if self._child is not None:
                self._child.link.hang_up()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def opens(self, portrait: bytes) -> str:
        """The model that can make a template of `portrait` here; empty when none can."""
        can = is_open(portrait) or (portrait and self._setup.decoder.command)
        return self.model_version if can and len(portrait) <= MOST_BYTES else ""

    def capture(self, attempt: int, timeout_s: float, portrait: bytes = b"") -> None:
        """Look for a usable face. `FaceHint`s may follow, then one `FaceProbed` or `FaceFailed`.

        With a `portrait`, `FaceProbed` brings its reference; `PortraitRefused` comes where there is none.
        A capture still under way is dropped without an answer.
        """
        with self._lock:
            fault = self._fault()
            if not fault and self._child is not None:
                self._attempt = attempt
                if self._child.link.send(Capture(attempt, timeout_s, portrait)):
                    return
                self._attempt, fault = None, "the vision child takes no orders"
        self._post(FaceFailed(attempt, fault))

    def cancel(self, attempt: int) -> None:
        """Stop looking; nothing is posted for `attempt` any more."""
        with self._lock:
            if self._attempt != attempt:
                return
            self._attempt = None
            if self._child is not None:
                self._child.link.send(Cancel(attempt))

    def health(self) -> tuple[DeviceHealth, DeviceHealth]:
        """How the child (with its engine) and the camera fare; from any thread."""
        return self._vision.health, self._camera.health

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        child = self._child
        return child.process.pid if child else None

    def _fault(self) -> str:
        """Why no picture can be taken now; empty when one can."""
        for health in self.health():
            if not health.up:
                return f"{health.name} is down: {health.why}"
        return ""

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._live_once()
        except Exception as error:  # a bug of our own must be seen, not lost with its thread
            self._tell(PumpDied(VISION, bare_trace(error)))

    def _live_once(self) -> None:
        child = _spawn(self._setup)
        with self._lock:
            self._child = child
        try:
            self._listen(child)
        except _ChildLost as loss:
            self._fall(str(loss))
        finally:
            with self._lock:
                self._child = None
            child.link.close()
            _end(child.process)
        self._stopping.wait(self._backoff.next_s())

    def _listen(self, child: _Child) -> None:
        """Pass on what the child says, until it is lost or we are to stop."""
        ready = False
        patience_s = self.limits.start_s
        ends = time.monotonic() + patience_s
        while not self._stopping.is_set():
            try:
                answer = child.link.receive(ends - time.monotonic())
            except EOFError:
                raise _ChildLost(_how_it_ended(child.process)) from None
            except msgspec.DecodeError as error:
                raise _ChildLost("the vision child spoke nonsense") from error
            if answer is None:
                raise _ChildLost(f"the vision child was silent for {patience_s:g} s")
            self._take(answer)
            ready = ready or isinstance(answer, Ready)
            if ready:
                patience_s = answer.within_s if isinstance(answer, Beat) and answer.within_s else self.limits.silence_s
                ends = time.monotonic() + patience_s

    def _take(self, answer: Answer) -> None:
        self._vision.beat()
        match answer:
            case Ready(model_version):
                self.model_version = model_version
                self._rise(self._vision)
            case Broken(why):
                raise _ChildLost(why)
            case CameraUp():
                self._rise(self._camera)
            case CameraDown(why):
                if self._camera.fall(why):
                    self._tell(DeviceDown(CAMERA, why))
            case Hint(attempt, problem):
                self._tell_of(attempt, FaceHint(attempt, problem))
            case Probed(attempt, probe, ms, reference):
                self._tell_of(attempt, FaceProbed(attempt, probe, ms, reference), last=True)
            case NoReference(attempt, why, detail):
                if detail:
                    self._vision.count_bad()
                    _log.warning("attempt=%d the portrait can't be opened: %s", attempt, detail)
                self._tell_of(attempt, PortraitRefused(attempt, why), last=True)
            case Failed(attempt, why):
                self._camera.count_bad()
                self._tell_of(attempt, FaceFailed(attempt, why), last=True)
            case Beat():
                self._camera.beat()

    def _rise(self, vitals: Vitals) -> None:
        if vitals.rise():
            self._tell(DeviceUp(vitals.health.name))

    def _fall(self, why: str) -> None:
        """The child is lost: say so, and free whoever waits for a picture."""
        if self._vision.steady():
            self._backoff.reset()
        if self._vision.fall(why):
            self._tell(DeviceDown(VISION, why))
        with self._lock:
            attempt, self._attempt = self._attempt, None
        if attempt is not None:
            self._tell(FaceFailed(attempt, why))

    def _tell_of(self, attempt: int, message: Message, *, last: bool = False) -> None:
        """Post what belongs to the capture under way; what belongs to an older one is dropped."""
        with self._lock:
            current = attempt == self._attempt
            if current and last:
                self._attempt = None
        if current:
            self._tell(message)

    def _tell(self, message: Message) -> None:
        if self._stopping.is_set():
            return
        match message:
            case DeviceUp(device):
                _log.info("%s: up", device)
            case DeviceDown(device, why):
                _log.warning("%s: down: %s", device, why)
            case _:
                pass
        self._post(message)


def _spawn(setup: Setup) -> _Child:
    """Start the child. Called from the minding thread: the child dies with the thread that started it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-m", "gate.vision_child", str(theirs.fileno()), str(os.getpid())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            env={**os.environ, **one_thread, "PYTHONPATH": path},
        )
    link = gate_end(ours)
    link.send(setup)
    return _Child(process, link)


def _how_it_ended(process: subprocess.Popen[bytes]) -> str:
    with suppress(subprocess.TimeoutExpired):
        status = process.wait(0.5)
        return f"the vision child died of signal {-status}" if status < 0 else f"the vision child ended with {status}"
    return "the vision child hung up"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill without asking: the child owns nothing that needs tidying, and may be past listening."""
    process.kill()
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:  # stuck in the kernel, by a camera's driver for instance
        _log.error("the vision child %d can't be killed now; it is left behind", process.pid)
