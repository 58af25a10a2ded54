"""One of the gate's Unix sockets, as Qt hears it: comes when it comes, and is tried again when it is gone."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject, QSocketNotifier, Qt, QTimer, pyqtSignal

FIRST_RETRY_S, LONGEST_RETRY_S = 0.05, 1.0
CHUNK, MOST_AT_ONCE = 1 << 16, 1 << 22


class UnixSocket(QObject):
    """A connection that mends itself. `opened`, `came` with all bytes that are there, `lost` when the peer hung up."""

    opened = pyqtSignal()
    came = pyqtSignal(bytes)
    lost = pyqtSignal()

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._socket: socket.socket | None = None
        self._notifier: QSocketNotifier | None = None
        self._retry_s = FIRST_RETRY_S
        self._retry = single_shot(self, self._connect)

    @property
    def is_open(self) -> bool:
        """Whether somebody listens at the other end, as far as is known."""
        return self._socket is not None

    def start(self) -> None:
        """Connect now, or as soon as somebody listens."""
        if self._socket is None:
            self._connect()

    def stop(self) -> None:
        """Hang up, and stay away."""
        self._hang_up()
        self._retry.stop()

    def settle(self) -> None:
        """What came made sense: should the peer hang up, it is tried again at once."""
        self._retry_s = FIRST_RETRY_S

    def drop(self) -> None:
        """Hang up on a peer that makes no sense, and try again later."""
        if self._socket is not None:
            self._hang_up()
            self._try_later()
            self.lost.emit()

    def send(self, data: bytes) -> bool:
        """Send all of `data`; `False` where that failed. After half of it there is no way on: the peer is dropped."""
        if self._socket is None:
            return False
        try:
            whole = self._socket.send(data) == len(data)
        except OSError:
            whole = False
        if not whole:
            self.drop()
        return whole

    def read(self) -> None:
        """Tell all that has come so far."""
        data, hung_up = bytearray(), False
        while self._socket is not None and len(data) < MOST_AT_ONCE:
            try:
                chunk = self._socket.recv(CHUNK)
            except BlockingIOError:
                break
            except OSError:
                chunk = b""
            if not chunk:
                hung_up = True
                break
            data += chunk
        if data:
            self.came.emit(bytes(data))
        if hung_up:
            self.drop()

    def _connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        connection.setblocking(False)
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            self._try_later()
            return
        self._socket = connection
        self._notifier = QSocketNotifier(connection.fileno(), QSocketNotifier.Read, self)  # type: ignore[arg-type]
        self._notifier.activated.connect(self.read)
        self.opened.emit()

    def _try_later(self) -> None:
        self._retry.start(milliseconds(self._retry_s))
        self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)

    def _hang_up(self) -> None:
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier.deleteLater()
        if self._socket is not None:
            self._socket.close()
        self._socket = self._notifier = None


def single_shot(parent: QObject, slot: Callable[[], None]) -> QTimer:
    """A timer that calls `slot` once each time that it is started."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setTimerType(Qt.PreciseTimer)  # two seconds are two, and not two and a tenth
    timer.timeout.connect(slot)
    return timer


def milliseconds(seconds: float) -> int:
    """As Qt's timers want it."""
    return round(seconds * 1000)
