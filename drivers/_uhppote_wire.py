"""The host's end of what carries a door board's packets: UDP, and the wire of a bench in its place.

Over UDP there are two sockets: one asks and is answered, one hears what the board sends unasked. Both take packets from
the board's own address alone, which is all the proof there is: whoever can forge an address on that network can forge
an event. On a bench each packet is a line of `_bench_wire`: `?` asks, `!` answers, `*` comes unasked.
"""

from __future__ import annotations

import select
import socket
import time
from typing import Protocol

from drivers._bench_wire import LineCutter, encode
from drivers.errors import DeviceLost, DeviceRefused
from drivers.transport import Transport

LONGEST_PACKET = 2048


class Wire(Protocol):
    """Carries packets to one board and back."""

    @property
    def listener(self) -> tuple[bytes, int]:
        """Where the board is to send its events: an IPv4 address and a port; port 0 for nowhere."""

    def send(self, packet: bytes) -> None:
        """Ask."""

    def receive(self, timeout: float) -> tuple[bytes, bool] | None:
        """The next packet, and whether it came as an answer; `None` when none came."""

    def close(self) -> None:
        """Give everything back. Never raises, may be called twice."""


class UdpWire:
    """Over UDP. Without a `listen_port` (0) events can only be asked for."""

    def __init__(self, host: str, port: int, listen_port: int) -> None:
        """Raises `DeviceLost` where no way leads to the board, `DeviceRefused` where somebody listens there already."""
        self._asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._hearing = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._name = f"{host}:{port}"
        try:
            self._asking.connect((host, port))  # packets from elsewhere are not heard, and a dead port is told
            self._board = self._asking.getpeername()[0]
            self._listen(listen_port)
        except OSError as error:
            self.close()
            raise DeviceLost(f"no way to {self._name}: {error}") from error
        except DeviceRefused:
            self.close()
            raise

    @property
    def listener(self) -> tuple[bytes, int]:
        """See `Wire`: our address as seen from the board's side."""
        return socket.inet_aton(self._asking.getsockname()[0]), self._port

    def send(self, packet: bytes) -> None:
        """See `Wire`."""
        try:
            self._asking.send(packet)
        except OSError as error:
            raise DeviceLost(f"{self._name} is gone: {error}") from error

    def receive(self, timeout: float) -> tuple[bytes, bool] | None:
        """See `Wire`. Answers before events, since they may be older."""
        try:
            ready, _, _ = select.select([self._asking, self._hearing], [], [], max(timeout, 0.0))
            if self._asking in ready:
                return self._asking.recv(LONGEST_PACKET), True
            if self._hearing in ready:
                packet, (address, _) = self._hearing.recvfrom(LONGEST_PACKET)
                return (packet, False) if address == self._board else None
        except (OSError, ValueError) as error:  # ValueError: closed
            raise DeviceLost(f"{self._name} is gone: {error}") from error
        return None

    def close(self) -> None:
        """See `Wire`."""
        self._asking.close()
        self._hearing.close()

    def _listen(self, port: int) -> None:
        self._port = port
        if not port:
            return
        try:
            self._hearing.bind(("", port))
        except OSError as error:
            raise DeviceRefused(f"UDP port {port} can't be listened at: {error.strerror}; see listen_port") from error


class BenchWire:
    """Over a byte stream."""

    listener = (bytes(4), 1)

    def __init__(self, stream: Transport) -> None:
        self._stream = stream
        self._cutter = LineCutter()
        self._lines: list[list[str]] = []

    def send(self, packet: bytes) -> None:
        """See `Wire`."""
        self._stream.write(encode("?", packet.hex()))

    def receive(self, timeout: float) -> tuple[bytes, bool] | None:
        """See `Wire`."""
        ends = time.monotonic() + timeout
        self._lines += self._cutter.feed(self._stream.read(0.0 if self._lines else timeout))
        while not self._lines and (left := ends - time.monotonic()) > 0:
            self._lines += self._cutter.feed(self._stream.read(left))
        if not self._lines:
            return None
        mark, packet = (*self._lines.pop(0), "")[:2]
        try:
            return bytes.fromhex(packet), mark == "!"
        except ValueError:
            return None

    def close(self) -> None:
        """See `Wire`."""
        self._stream.close()
