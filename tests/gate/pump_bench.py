"""Pumps on the bench: tiny drivers that speak single letters over a socket, and the other end of each wire."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from drivers.errors import BadAnswer, DeviceLost, DeviceRefused, DeviceTimeout
from gate.messages import Message
from gate.pump import Pump
from gate.vitals import Backoff
from models.credential import Assurance, CardFault, Credential, Medium
from models.ids import DocumentType
from models.passage import SensorSignal, SignalKind

LONG_S = 5.0
T = TypeVar("T")


class Line:
    """A device's driver that speaks single letters over a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.closed = 0

    def letter(self, timeout: float) -> str:
        self._sock.settimeout(timeout)
        try:
            data = self._sock.recv(1)
        except TimeoutError:
            return ""
        except OSError as error:
            raise DeviceLost("the line is dead") from error
        if not data:
            raise DeviceLost("the line is dead")
        return data.decode()

    def say(self, letter: str) -> None:
        try:
            self._sock.sendall(letter.encode())
        except OSError as error:
            raise DeviceLost("the line is dead") from error

    def close(self) -> None:
        self.closed += 1
        self._sock.close()


class LineReader(Line):
    def read(self, timeout: float) -> Credential | CardFault | None:
        match self.letter(timeout):
            case "c":
                return Credential(Medium.CODE, DocumentType.TICKET_CODE, "T-1", Assurance.SIGNED)
            case "b":
                raise BadAnswer("checksum")
            case "B":
                raise BadAnswer("checksum in a card's data", card_present=True)
            case "t":
                raise DeviceTimeout("half an answer")
            case "r":
                raise DeviceRefused("status 0x21")
            case "x":
                raise RuntimeError("a bug that quotes 110101199003070000")
        return None


class LineSensor(Line):
    def read(self, timeout: float) -> SensorSignal | None:
        letter = self.letter(timeout)
        if letter == "b":
            raise BadAnswer("one message is missing")
        return SensorSignal(SignalKind.TURNED) if letter == "t" else None


class Bench:
    """The other ends: each connection of the pump is a new socket pair, and the test gets its far side."""

    def __init__(self, make: Callable[[socket.socket], Any]) -> None:
        self._make = make
        self.plugged = threading.Event()
        self.plugged.set()
        self.far_ends: queue.Queue[socket.socket] = queue.Queue()
        self.posted: queue.Queue[Message] = queue.Queue()
        self.made: list[Any] = []

    def connect(self) -> Any:
        if not self.plugged.is_set():
            raise DeviceLost("no such device")
        near, far = socket.socketpair()
        far.settimeout(LONG_S)
        self.far_ends.put(far)
        self.made.append(self._make(near))
        return self.made[-1]

    def far(self) -> socket.socket:
        return self.far_ends.get(timeout=LONG_S)

    def next(self) -> Message:
        return self.posted.get(timeout=LONG_S)

    def expect(self, kind: type[T]) -> T:
        message = self.next()
        assert isinstance(message, kind)
        return message


@contextmanager
def running(kind: Callable[..., Pump[Any]], bench: Bench) -> Iterator[Any]:
    pump = kind("device", bench.connect, bench.posted.put, backoff=Backoff(0.01, 0.02))
    pump.start()
    try:
        yield pump
    finally:
        assert pump.stop(LONG_S)
        assert all(device.closed for device in bench.made)
        while not bench.far_ends.empty():
            bench.far_ends.get().close()


class Board:
    """The far end of a relay's wire: hears letters and answers each, while `answers` is set."""

    def __init__(self, far: socket.socket) -> None:
        self.heard: queue.Queue[str] = queue.Queue()
        self.answers = threading.Event()
        self.answers.set()
        self._far = far
        self._thread = threading.Thread(target=self._run)

    def next(self) -> str:
        return self.heard.get(timeout=LONG_S)

    def pull_plug(self) -> None:
        self._far.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        with suppress(OSError):
            while letter := self._far.recv(1):
                self.heard.put(letter.decode())
                self.answers.wait(LONG_S)
                self._far.sendall(b"!")

    def __enter__(self) -> Board:
        self._far.settimeout(None)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.answers.set()
        with suppress(OSError):
            self.pull_plug()
        self._thread.join(LONG_S)
        self._far.close()
