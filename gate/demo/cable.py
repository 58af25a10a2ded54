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


class Cable:
    """Passes TCP connections on from `port` to `to`, until told otherwise. Each direction of each has a thread.

    `delay_s` holds every piece back. `truncate()` lets half of the next piece through and hangs up.
    """

    def __init__(self, to: int, host: str = "127.0.0.1") -> None:
        self._to = (host, to)
        self._listener = socket.create_server((host, 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.delay_s = 0.0
        self.passed = 0  # bytes
        self._flows, self._over = threading.Event(), threading.Event()
        self._flows.set()
        self._refusing = self._truncating = False
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._spawn(self._accept)

    @property
    def is_cut(self) -> bool:
        """Whether nothing passes."""
        return self._refusing or not self._flows.is_set()

    def cut(self, how: Break = Break.SILENT) -> None:
        """From now on nothing passes."""
        if how is Break.SILENT:
            self._flows.clear()
        else:
            self._refusing = True
            self.hang_up()

    def heal(self) -> None:
        """As new. What was under way in a silent cut is lost: its connections are reset."""
        if not self._flows.is_set():
            self.hang_up()
        self._refusing, self.delay_s, self._truncating = False, 0.0, False
        self._flows.set()

    def truncate(self) -> None:
        """The next piece arrives by half, and then the connection is reset."""
        self._truncating = True

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
        back = threading.Thread(target=self._pass, args=(far, near), name="cable", daemon=True)
        back.start()
        self._pass(near, far)
        back.join()
        with self._lock:
            self._ends -= {near, far}
        near.close()
        far.close()

    def _pass(self, giver: socket.socket, taker: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := giver.recv(_CHUNK):
                self._flows.wait()
                if self.delay_s:
                    self._over.wait(self.delay_s)
                if self._truncating:
                    self._truncating = False
                    taker.sendall(piece[: len(piece) // 2])
                    break
                taker.sendall(piece)
                self.passed += len(piece)
            else:
                taker.shutdown(socket.SHUT_WR)
                return
        _reset(giver)
        _reset(taker)


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
