"""What the gate and its vision child say to each other: one msgpack message a packet on a Unix socket.

The camera's pictures never travel here (to the screens they go by `gate.mirror`); a probe (template and quality) does.
A document's portrait goes to the child, where the face engine is, and a reference comes back. Every answer of the child
is also a sign of life.
"""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from typing import Generic, TypeAlias, TypeVar

import msgspec

from gate.region import WHOLE, Region
from models.face import FaceProbe, FaceProblem, FaceReference

PACKET_SIZE = 1 << 18  # a portrait has up to 200 KB; a probe with 512 numbers takes about 2 KB


class VisionLimits(msgspec.Struct, frozen=True):
    """How long things may take, in seconds. `silence_s` must exceed `grab_s` and what a probe takes on this machine."""

    start_s: float = 20.0  # load the networks, open the camera
    silence_s: float = 1.2  # a child silent for longer is killed; time that others had the processor does not count
    open_s: float = 10.0  # opening the camera again: a network camera is slow
    beat_s: float = 0.25
    grab_s: float = 0.5
    reopen_s: float = 0.5  # between two tries to open the camera
    still_s: float = 30.0  # the same picture for so long: the camera hangs


class Decoder(msgspec.Struct, frozen=True):
    """The customer's program for portraits in a closed format, and how long one may take. Empty: there is none."""

    command: tuple[str, ...] = ()
    seconds: float = 0.5


class Setup(msgspec.Struct, frozen=True, tag=True):
    """The first packet: what to open."""

    camera: str
    face: str
    limits: VisionLimits
    decoder: Decoder = Decoder()
    mirror_fd: int = -1  # the socket that the screens come to for the live picture, where there is one
    region: Region = WHOLE


class Capture(msgspec.Struct, frozen=True, tag=True):
    """Look for a face until `timeout_s`; an earlier capture is dropped. A `portrait` becomes its reference.

    With `turn` the visitor is asked to turn the head, and only a face that did so is an answer.
    """

    attempt: int
    timeout_s: float
    portrait: bytes = b""
    turn: bool = False


class Watch(msgspec.Struct, frozen=True, tag=True):
    """How faces are looked at from now on. What was held before is dropped.

    With `seconds` the features of who stands in the lane are held so long before anybody asks; else no frame is taken
    before a `Capture`. `frames` good ones of one person make an answer: templates no farther than `apart` from each
    other, by the engine's model.
    """

    seconds: float = 0.0
    frames: int = 1
    apart: dict[str, float] = {}


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Stop looking; no answer follows."""

    attempt: int


class Show(msgspec.Struct, frozen=True, tag=True):
    """Let the screens see this person for so long: the camera's picture, the document's portrait, or both.

    An earlier one ends. While a capture is under way the camera's picture is shown without being asked for.
    """

    attempt: int
    seconds: float
    live: bool
    portrait: bytes = b""


class Hide(msgspec.Struct, frozen=True, tag=True):
    """Let the screens see this person no longer."""

    attempt: int


class Beat(msgspec.Struct, frozen=True, tag=True):
    """The child's loop has turned. With `within_s` the next sign of life may take that long."""

    within_s: float = 0.0


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The engine is loaded."""

    model_version: str


class Broken(msgspec.Struct, frozen=True, tag=True):
    """The engine can't be loaded; the child ends."""

    why: str


class CameraUp(msgspec.Struct, frozen=True, tag=True):
    """The camera is open."""


class CameraDown(msgspec.Struct, frozen=True, tag=True):
    """The camera is gone; the child tries on."""

    why: str


class Hint(msgspec.Struct, frozen=True, tag=True):
    """The newest frame's problem, where it is another than before."""

    attempt: int
    problem: FaceProblem


class Probed(msgspec.Struct, frozen=True, tag=True):
    """The capture's end: a usable probe, or the last problem; with the reference where a portrait was given."""

    attempt: int
    probe: FaceProbe
    ms: dict[str, float]
    reference: FaceReference | None = None
    held_s: float | None = None  # the features were held when the capture was asked for, and so old


class NoReference(msgspec.Struct, frozen=True, tag=True):
    """The capture's end: the portrait gives no reference. `detail` tells of a failure of the machinery."""

    attempt: int
    why: str
    detail: str = ""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The capture's end without a picture."""

    attempt: int
    why: str


Ask: TypeAlias = Setup | Watch | Capture | Cancel | Show | Hide
Answer: TypeAlias = Beat | Ready | Broken | CameraUp | CameraDown | Hint | Probed | NoReference | Failed

M = TypeVar("M")


class Link(Generic[M]):
    """One end of the socket; `M` is what arrives here. `send` may be called from any thread.

    The gate never waits for the child to read. The child waits for the gate: nothing it has seen gets lost.
    """

    def __init__(self, sock: socket.socket, decoder: msgspec.msgpack.Decoder[M], *, waits: bool) -> None:
        self._sock = sock
        self._decoder = decoder
        self._flags = socket.MSG_NOSIGNAL | (0 if waits else socket.MSG_DONTWAIT)

    def send(self, message: Ask | Answer) -> bool:
        """Send one message. Returns whether it left: not so when the other end is gone, or doesn't read."""
        try:
            self._sock.send(msgspec.msgpack.encode(message), self._flags)
        except OSError:
            return False
        return True

    def receive(self, timeout_s: float) -> M | None:
        """The next message, or `None` after `timeout_s`. Raises `EOFError` when the other end is gone."""
        if not select.select([self._sock], [], [], max(0.0, timeout_s))[0]:
            return None
        try:
            packet = self._sock.recv(PACKET_SIZE)
        except OSError as error:
            raise EOFError(str(error)) from error
        if not packet:
            raise EOFError("the other end is gone")
        return self._decoder.decode(packet)

    def hang_up(self) -> None:
        """Wake a `receive` in another thread: it meets the end."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back."""
        self._sock.close()


def gate_end(sock: socket.socket) -> Link[Answer]:
    """The parent's end. It has room for a portrait and a few orders more."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * PACKET_SIZE)
    return Link(sock, msgspec.msgpack.Decoder(Answer), waits=False)


def child_end(sock: socket.socket) -> Link[Ask]:
    """The child's end."""
    return Link(sock, msgspec.msgpack.Decoder(Ask), waits=True)
