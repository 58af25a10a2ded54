"""The live picture: a thread of the vision child that shows the screens what the camera sees, while it may be seen.

It takes pictures only while a person is in the lane and somebody looks, beside the face engine and never before it: the
engine takes its own picture, or the one that this thread has just taken. A picture is made small and packed after the
engine has it, and it goes to sockets alone, never to a disk.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import cv2

from drivers.errors import DriverError
from drivers.interfaces import Frame
from gate.mirror import Onlookers, packet
from gate.sight import Sight

EVERY_S = 0.03  # as fast as most cameras: pictures that nobody fetched would be old ones
WIDEST_PX = 640
QUALITY = 80
LINGER_S = 0.2  # between two tries of the camera the screens go on showing the person
IDLE_S = 0.25
REST_S = 0.1  # after a picture that did not come


@dataclass(frozen=True, slots=True)
class Shown:
    """What the screens may see now: nobody (attempt 0), or this person live, in the document, or both."""

    attempt: int = 0
    live: bool = False
    portrait: bytes = b""  # the packet


NOBODY = Shown()


class LivePicture:
    """The thread. `show` says what may be seen; `trouble` is what the camera said when it gave no picture."""

    def __init__(self, listener: socket.socket, sight: Sight, grab_s: float) -> None:
        self._onlookers = Onlookers(listener)
        self._sight, self._grab_s = sight, grab_s
        self._wanted = self._shown = NOBODY
        self._ends_mono = self._due_mono = self._sent_mono = 0.0
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self._wake.setblocking(False)
        self.trouble: DriverError | None = None
        threading.Thread(target=self._run, name="live-picture", daemon=True).start()

    def show(self, shown: Shown) -> None:
        """From now on the screens may see this and nothing else; from any thread."""
        if shown != self._wanted:
            self._wanted = shown
            with suppress(BlockingIOError):
                self._wake.send(b".")

    def _run(self) -> None:
        while True:
            self._listen()
            self._change(self._wanted, time.monotonic())
            if self._shown.live and self._onlookers and time.monotonic() >= self._due_mono:
                self._send_frame(self._shown.attempt)

    def _listen(self) -> None:
        """Wait until something is to be done, and tend to who comes, goes or has room again."""
        sockets = [self._woken, *self._onlookers.sockets]
        ready, _, _ = select.select(sockets, self._onlookers.behind, [], self._patience_s())
        if self._woken in ready:
            self._woken.recv(64)
        now = time.monotonic()
        self._onlookers.attend(ready, now)
        self._onlookers.admit(self._shown.portrait, now)

    def _patience_s(self) -> float:
        now = time.monotonic()
        if self._shown.live and self._onlookers:
            return max(0.0, min(IDLE_S, self._due_mono - now))
        return max(0.0, min(IDLE_S, self._ends_mono - now)) if self._ends_mono else IDLE_S

    def _change(self, wanted: Shown, now: float) -> None:
        """Follow what may be seen. After a person is gone from view the screens are told a moment later."""
        shown = self._shown
        if wanted == shown:
            self._ends_mono = 0.0
            return
        if wanted == NOBODY:
            self._ends_mono = self._ends_mono or now + LINGER_S
            if shown.live:  # not one picture more
                self._shown = Shown(shown.attempt, live=False, portrait=shown.portrait)
            if now < self._ends_mono:
                return
        self._ends_mono = 0.0
        if shown != NOBODY and (wanted.attempt != shown.attempt or not _covers(wanted, shown)):
            self._onlookers.tell(packet("gone", shown.attempt), now)
            shown = NOBODY
        if wanted.portrait and wanted.portrait != shown.portrait:
            self._onlookers.tell(wanted.portrait, now)
        self._shown, self._due_mono = wanted, now

    def _send_frame(self, attempt: int) -> None:
        try:
            shot = self._sight.look(self._grab_s, self._sent_mono, follow=True)
        except DriverError as error:
            self.trouble, self._due_mono = error, time.monotonic() + REST_S
            return
        self._sent_mono, self._due_mono = shot.began_mono, max(self._due_mono + EVERY_S, time.monotonic())
        if self._wanted.live and self._wanted.attempt == attempt:  # the person may have left while it was taken
            self._onlookers.tell(pack("frame", attempt, shot.frame, QUALITY), time.monotonic(), may_be_missed=True)


def _covers(wanted: Shown, shown: Shown) -> bool:
    """Whether all that is shown may be shown on."""
    return wanted.live >= shown.live and (not shown.portrait or wanted.portrait == shown.portrait)


def pack(kind: str, attempt: int, frame: Frame, quality: int) -> bytes:
    """A packet with `frame` as JPEG, made smaller where it is wider than a screen shows it."""
    height, width = frame.shape[:2]
    if width > WIDEST_PX:
        width, height = WIDEST_PX, max(1, round(height * WIDEST_PX / width))
        frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    _, jpeg = cv2.imencode(".jpg", frame, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return packet(kind, attempt, jpeg.tobytes(), width, height)
