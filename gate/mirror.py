"""The live picture's socket: packets to the screens that look, and nobody is waited for.

A Unix stream socket, and nothing ever comes up it. Each packet is a length (32 bits, big-endian) and as many bytes: one
line of JSON, `{"kind": "frame" | "portrait" | "gone", "w": …, "h": …, "attempt": …}`, a line feed, and a JPEG picture;
`gone` has none. `frame` is what the camera sees, as it sees it: a screen turns it the mirror's way round. `portrait` is
the picture in the document. `gone` says that nothing is shown any more. Whoever comes late begins with the portrait.

A screen that is behind misses frames; one that takes nothing for `STALL_S` is dropped. The gate opens the socket and
the vision child serves it, so that it outlives a child that died.
"""

from __future__ import annotations

import grp
import json
import logging
import os
import socket
import stat
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_log = logging.getLogger("gate.mirror")

LENGTH = struct.Struct(">I")
MOST_ONLOOKERS = 8
MOST_WAITING = 8
STALL_S = 1.0
SEND_BUFFER = 1 << 18  # room for a few frames of 640 x 480


def packet(kind: str, attempt: int, jpeg: bytes = b"", width: int = 0, height: int = 0) -> bytes:
    """One packet, as it goes over the socket."""
    head = json.dumps({"kind": kind, "w": width, "h": height, "attempt": attempt}, separators=(",", ":")).encode()
    return LENGTH.pack(len(head) + 1 + len(jpeg)) + head + b"\n" + jpeg


def listen(path: Path, group: str = "") -> socket.socket:
    """The socket at `path`, for `group` as well. What a dead gate left there is replaced.

    Raises `OSError` where something else stands, or somebody serves it.
    """
    if path.exists():
        _clear_away(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IWGRP)
    if group:
        os.chown(path, -1, grp.getgrnam(group).gr_gid)
    listener.listen(MOST_ONLOOKERS)
    listener.setblocking(False)
    return listener


def _clear_away(path: Path) -> None:
    if not path.is_socket():
        raise OSError(f"{path} is there and is no socket: move it away, or give [socket] mirror another name")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial, suppress(ConnectionRefusedError):
        trial.connect(str(path))
        raise OSError(f"{path} is in use: give [socket] mirror another name")
    path.unlink(missing_ok=True)


class Gone(Exception):
    """An onlooker has left, or takes nothing."""


class Onlooker:
    """One screen at the other end. It is never waited for."""

    def __init__(self, sock: socket.socket, now: float) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.socket = sock
        self._left = memoryview(b"")
        self._waiting: deque[bytes] = deque()
        self._moved_mono = now

    @property
    def behind(self) -> bool:
        """Whether it has yet to take what was offered."""
        return bool(self._left or self._waiting)

    def offer(self, told: bytes, now: float, *, may_be_missed: bool) -> None:
        """Send `told` as far as the socket takes it now. Raises `Gone`."""
        if self.behind and may_be_missed:
            self.flush(now)
            return
        if len(self._waiting) >= MOST_WAITING:
            raise Gone
        if not self.behind:
            self._moved_mono = now
        self._waiting.append(told)
        self.flush(now)

    def flush(self, now: float) -> None:
        """Send on. Raises `Gone` when it has taken nothing for `STALL_S`, or is not there."""
        while self.behind:
            self._left = self._left or memoryview(self._waiting.popleft())
            try:
                sent = self.socket.send(self._left, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                if now - self._moved_mono > STALL_S:
                    raise Gone from None
                return
            except OSError as error:
                raise Gone from error
            self._left, self._moved_mono = self._left[sent:], now

    def hear(self) -> None:
        """Screens have nothing to say here. Raises `Gone` when it has hung up."""
        try:
            if not self.socket.recv(1024):
                raise Gone
        except BlockingIOError:
            return
        except OSError as error:
            raise Gone from error


class Onlookers:
    """All who look, and the socket they come in by. Belongs to one thread."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._all: dict[socket.socket, Onlooker] = {}

    def __bool__(self) -> bool:
        return bool(self._all)

    @property
    def sockets(self) -> list[socket.socket]:
        """What to wait at: somebody comes, or somebody leaves."""
        return [self._listener, *self._all]

    @property
    def behind(self) -> list[socket.socket]:
        """Those whose socket was full."""
        return [sock for sock, one in self._all.items() if one.behind]

    def admit(self, greeting: bytes, now: float) -> None:
        """Let in all who wait at the door, as many as there is room for; each is told `greeting` first."""
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if len(self._all) >= MOST_ONLOOKERS:
                _log.warning("more than %d screens want the live picture; the latest is turned away", MOST_ONLOOKERS)
                sock.close()
                continue
            self._all[sock] = Onlooker(sock, now)
            if greeting:
                self._each([self._all[sock]], lambda one: one.offer(greeting, now, may_be_missed=False))

    def tell(self, told: bytes, now: float, *, may_be_missed: bool = False) -> None:
        """Offer it to everybody."""
        self._each(list(self._all.values()), lambda one: one.offer(told, now, may_be_missed=may_be_missed))

    def attend(self, ready: list[socket.socket], now: float) -> None:
        """Send on what was left, and let go of who has hung up."""
        self._each([self._all[sock] for sock in ready if sock in self._all], Onlooker.hear)
        self._each(list(self._all.values()), lambda one: one.flush(now))

    def _each(self, some: list[Onlooker], do: Callable[[Onlooker], None]) -> None:
        for one in some:
            try:
                do(one)
            except Gone:
                self._all.pop(one.socket, None)
                one.socket.close()
