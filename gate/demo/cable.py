"""A network cable between two processes of one machine, with the faults that cables have."""

from __future__ import annotations

import contextlib
import socket
import threading
from enum import StrEnum

_CHUNK = 65536


class Break(StrEnum):
    """How a cable can be broken."""

    SILENT = "silent"  # nothing arrives any more and nobody is told, as when a switch has no power
    REFUSED = "refused"  # whoever tries is told at once, as when the other side is down
    DEAF = "deaf"  # what is sent arrives, no answer comes back, and nobody is told


class Trick(StrEnum):
    """What a cable can do to a single piece."""

    HALF = "half"  # half of it arrives, and then the connection is reset
    LOST = "lost"  # it never arrives, and what follows does
    TWICE = "twice"  # it arrives twice


class Cable:
    """Passes TCP connections on from `port` to `to`, until told otherwise. Each direction of each has a thread.

    `delay_s` holds every piece back. What a silent cut swallowed or a trick hurt is never made good: TCP's own patience
    is not simulated.
    """

    def __init__(self, to: int, host: str = "127.0.0.1") -> None:
        self._to = (host, to)
        self._listener = socket.create_server((host, 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.delay_s = 0.0
        self.passed = 0  # bytes
        self._flows, self._over = threading.Event(), threading.Event()
        self._flows.set()
        self._refusing = self._deaf = False
        self._trick: Trick | None = None
        self._age = 0  # connections that began before the last `forget` have a smaller one
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._spawn(self._accept)

    @property
    def is_cut(self) -> bool:
        """Whether nothing passes."""
        return self._refusing or self._deaf or not self._flows.is_set()

    def cut(self, how: Break = Break.SILENT) -> None:
        """From now on nothing passes."""
        if how is Break.SILENT:
            self._flows.clear()
        elif how is Break.DEAF:
            self._deaf = True
        else:
            self._refusing = True
            self.hang_up()

    def heal(self) -> None:
        """As new. What was under way in a silent cut is lost: its connections are reset."""
        if self._deaf or not self._flows.is_set():
            self.hang_up()
        self._refusing, self._deaf, self.delay_s, self._trick = False, False, 0.0, None
        self._flows.set()

    def play(self, trick: Trick) -> None:
        """With the next piece, whichever way it goes."""
        self._trick = trick

    def forget(self) -> None:
        """The connections there are carry nothing any more, and nobody is told; new ones do. As a router restarts."""
        self._age += 1

    def hang_up(self) -> None:
        """Reset every connection there is."""
        with self._lock:
            ends = list(self._ends)
        for end in ends:
            _reset(end)

    def close(self) -> None:
        """Pull it out for good."""
        self._over.set()
        self._flows.set()
        _reset(self._listener)
        self._listener.close()
        self.hang_up()

    def _spawn(self, work: object, *given: object) -> None:
        threading.Thread(target=work, args=given, name="cable", daemon=True).start()  # type: ignore[arg-type]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._over.is_set():
                near, _ = self._listener.accept()
                self._spawn(self._connect, near)

    def _connect(self, near: socket.socket) -> None:
        self._flows.wait()
        far: socket.socket | None = None
        if not self._refusing:
            with contextlib.suppress(OSError):
                far = socket.create_connection(self._to, 5.0)
        if far is None:
            _reset(near)
            near.close()
            return
        far.settimeout(None)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._ends |= {near, far}
        age = self._age
        back = threading.Thread(target=self._pass, args=(far, near, age, True), name="cable", daemon=True)
        back.start()
        self._pass(near, far, age, False)
        back.join()
        with self._lock:
            self._ends -= {near, far}
        near.close()
        far.close()

    def _pass(self, giver: socket.socket, taker: socket.socket, age: int, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := giver.recv(_CHUNK):
                self._flows.wait()
                if self.delay_s:
                    self._over.wait(self.delay_s)
                if age < self._age or (is_answer and self._deaf):
                    continue
                trick, self._trick = self._trick, None
                taker.sendall(_tricked(piece, trick))
                if trick is Trick.HALF:
                    break
                self.passed += len(piece)
            else:
                if age == self._age:
                    taker.shutdown(socket.SHUT_WR)
                return
        _reset(giver)
        _reset(taker)


def _tricked(piece: bytes, trick: Trick | None) -> bytes:
    match trick:
        case Trick.HALF:
            return piece[: len(piece) // 2]
        case Trick.LOST:
            return b""
        case Trick.TWICE:
            return piece * 2
    return piece


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
