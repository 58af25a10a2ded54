"""Camera and face engine in a child process: a crash or a hang there refers one visitor, no more.

`Vision` starts the child, listens to it, kills it when it falls silent and starts another. Two devices come of it:
`vision` (the child and its engine) and `camera`. What the child does is in `vision_child`.
"""

from __future__ import annotations

import logging
import socket
import threading

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
from gate.region import WHOLE, Region
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
    Hide,
    Hint,
    NoReference,
    Probed,
    Ready,
    Setup,
    Show,
    VisionLimits,
    Watch,
)
from gate.vision_process import Child, Silence, end, how_it_ended, spawn
from gate.vitals import Backoff, Vitals, bare_trace

_log = logging.getLogger("gate.vision")

VISION, CAMERA = "vision", "camera"


class _ChildLost(Exception):
    """The child is dead, silent or broken; the text says which."""


class Vision:
    """The thread that minds the child. `post` is called from it, and from the callers of `capture`.

    `mirror` is the open socket by which screens come for the live picture; it stays the caller's.
    """

    def __init__(
        self,
        camera_url: str,
        face_url: str,
        post: Post,
        limits: VisionLimits | None = None,
        decoder: Decoder | None = None,
        mirror: socket.socket | None = None,
        region: Region = WHOLE,
    ) -> None:
        self.limits = limits or VisionLimits()
        self.model_version = ""
        mirror_fd = mirror.fileno() if mirror is not None else -1
        self._setup = Setup(camera_url, face_url, self.limits, decoder or Decoder(), mirror_fd, region)
        self._post = post
        self._vision, self._camera = Vitals(VISION), Vitals(CAMERA)
        self._backoff = Backoff(eager=True)
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # guards the four below
        self._child: Child | None = None
        self._attempt: int | None = None  # the capture that waits for its end
        self._shown: Show | None = None  # whom the screens may see
        self._watch = Watch()
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

    def capture(self, attempt: int, timeout_s: float, portrait: bytes = b"", turn: bool = False) -> None:
        """Look for a usable face. `FaceHint`s may follow, then one `FaceProbed` or `FaceFailed`.

        With `turn` the head is to turn first. With a `portrait`, `FaceProbed` brings its reference; `PortraitRefused`
        comes where there is none.
        A capture still under way is dropped without an answer.
        """
        with self._lock:
            fault = self._fault()
            if not fault and self._child is not None:
                self._attempt = attempt
                if self._child.link.send(Capture(attempt, timeout_s, portrait, turn)):
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

    def watch(self, seconds: float, frames: int, apart: dict[str, float]) -> None:
        """How faces are looked at, by this child and those after it; see `gate.vision_link.Watch`."""
        with self._lock:
            self._watch = Watch(seconds, frames, apart)
            if self._child is not None:
                self._child.link.send(self._watch)

    def shows(self, portrait: bytes) -> bool:
        """Whether the screens can be shown a document's `portrait`."""
        can = is_open(portrait) or bool(portrait and self._setup.decoder.command)
        return can and len(portrait) <= MOST_BYTES and self._setup.mirror_fd >= 0

    def show(self, attempt: int, seconds: float, *, live: bool, portrait: bytes = b"") -> None:
        """Let the screens see this person, through a child that is started anew as well."""
        with self._lock:
            self._shown = Show(attempt, seconds, live, portrait)
            if self._child is not None:
                self._child.link.send(self._shown)

    def hide(self, attempt: int) -> None:
        """Let the screens see this person no longer."""
        with self._lock:
            self._shown = None
            if self._child is not None:
                self._child.link.send(Hide(attempt))

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
        child = spawn(self._setup)
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
            end(child.process)
        self._stopping.wait(self._backoff.next_s())

    def _listen(self, child: Child) -> None:
        """Pass on what the child says, until it is lost or we are to stop."""
        ready = False
        silence = Silence(child.process.pid, self.limits.start_s)
        while not self._stopping.is_set():
            try:
                answer = child.link.receive(silence.left_s())
            except EOFError:
                raise _ChildLost(how_it_ended(child.process)) from None
            except msgspec.DecodeError as error:
                raise _ChildLost("the vision child spoke nonsense") from error
            if answer is None:
                if silence.left_s() > 0.0:
                    continue
                raise _ChildLost(f"the vision child was silent for {silence.patience_s:g} s")
            self._take(answer)
            ready = ready or isinstance(answer, Ready)
            if ready:
                wished_s = answer.within_s if isinstance(answer, Beat) else 0.0
                silence.broken(wished_s or self.limits.silence_s)

    def _take(self, answer: Answer) -> None:
        self._vision.beat()
        match answer:
            case Ready(model_version):
                self.model_version = model_version
                self._rise(self._vision)
                self._tell_again()
            case Broken(why):
                raise _ChildLost(why)
            case CameraUp():
                self._rise(self._camera)
            case CameraDown(why):
                if self._camera.fall(why):
                    self._tell(DeviceDown(CAMERA, why))
            case Hint(attempt, problem):
                self._tell_of(attempt, FaceHint(attempt, problem))
            case Probed(attempt, probe, ms, reference, held_s):
                self._tell_of(attempt, FaceProbed(attempt, probe, ms, reference, held_s), last=True)
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

    def _tell_again(self) -> None:
        """A new child learns what holds."""
        with self._lock:
            for told in (self._watch, self._shown):
                if told is not None and self._child is not None:
                    self._child.link.send(told)

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
