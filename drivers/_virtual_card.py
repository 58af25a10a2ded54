"""A card in a virtual reader: the far end of vpcd, the reader that vsmartcard adds to pcscd. For tests and benches.

    card = VirtualCard(UidCard(bytes.fromhex("04A1B2C3D4E5F6")))
    card.insert()
    card.remove()

vpcd has two slots, TCP 35963 and 35964; a card is in the slot for as long as its connection stands. **Never install
vpcd on an appliance**: it listens on all addresses of the machine, so that anybody in the network could lay a card on.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Protocol

PORTS = (35963, 35964)
"""The slots `Virtual PCD 00 00` and `Virtual PCD 00 01`."""

_GET_ATR = 4  # 0, 1 and 2 are power off, power on, reset: they want no answer


class Chip(Protocol):
    """What lies in the card."""

    atr: bytes

    def answer(self, apdu: bytes) -> bytes:
        """Data and SW1 SW2. A chip that takes its time keeps the reader waiting."""


class VirtualCard:
    """A card that can be laid on and taken away."""

    def __init__(self, chip: Chip, port: int = PORTS[0]) -> None:
        self.chip, self._port = chip, port
        self._line: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def insert(self) -> None:
        """Lay it on. `ConnectionRefusedError` when no vpcd listens."""
        self.remove()
        line = socket.create_connection(("127.0.0.1", self._port), timeout=2.0)
        line.settimeout(None)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._line = line
        self._thread = threading.Thread(target=self._serve, args=(line,), name="virtual-card", daemon=True)
        self._thread.start()

    def remove(self) -> None:
        """Take it away. It may be away already, and it may be in the middle of an answer."""
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def lift(self, timeout_s: float) -> bool:
        """Take it away, and wait until the reader has looked and seen that it is gone. Gives whether it has."""
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_WR)  # the reader hangs up when it hears nothing any more
        seen = self.wait(timeout_s)
        self.remove()
        return seen

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing of it runs any more: it was taken away, or the reader is gone."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                message = _receive(line, int.from_bytes(_receive(line, 2), "big"))
                if len(message) != 1:
                    _send(line, self.chip.answer(message))
                elif message[0] == _GET_ATR:
                    _send(line, self.chip.atr)


def _send(line: socket.socket, message: bytes) -> None:
    line.sendall(len(message).to_bytes(2, "big") + message)


def _receive(line: socket.socket, length: int) -> bytes:
    """Exactly `length` bytes. `EOFError` when the reader is gone."""
    data = b""
    while len(data) < length:
        # vpcd sends length and body in two packets and waits for the first one's acknowledgement, which Linux holds
        # back 40 ms unless told not to. The setting wears off: hence each time.
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = line.recv(length - len(data))
        if not part:
            raise EOFError
        data += part
    return data
