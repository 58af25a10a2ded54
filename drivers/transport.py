"""Byte streams for the drivers that speak a serial protocol, whatever carries the bytes.

    lcus+serial:///dev/gate-relay?baud=9600      a serial port (pyserial)
    sam+tcp://10.0.0.7:7001                      a serial device server
    sam+unix:///run/menshen/sam.sock             a program on this machine
    sam+replay:///var/tmp/monday.tape            the device half of a tape
    sam+spy+serial:///dev/x?tape=/var/tmp/t.tape writes such a tape on the way

All of them raise `DeviceLost` when the other end is gone, `DeviceTimeout` when it takes no more bytes, and nothing else
(replay adds `BadAnswer`, where the host does not write what it wrote on the tape).
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from drivers.errors import DeviceLost, DeviceTimeout, UnknownDevice
from drivers.pty_port import PtyPort
from drivers.traffic import count
from drivers.url import DeviceUrl

if TYPE_CHECKING:
    import serial

__all__ = ["OPTIONS", "WRAPPERS", "PtyPort", "Transport", "open_transport", "options_of", "with_replay"]

WRITE_TIMEOUT_S = 1.0
WRAPPERS = ("spy",)

OPTIONS: dict[str, dict[str, str]] = {
    "serial": {"baud": "speed of the line in bits per second"},
    "tcp": {"connect_s": "longest time to wait for the connection, in seconds (3)"},
    "unix": {},
    "replay": {},
    "spy": {"tape": "file to write the bytes to; it will hold what the cards hold"},
}
"""The options each transport and wrapper adds to those of its driver."""


class Transport(Protocol):
    """A stream of bytes in both directions."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""

    def read(self, timeout: float) -> bytes:
        """What has arrived, after waiting up to `timeout` seconds for the first byte; empty when nothing came."""

    def discard(self) -> None:
        """Throw away what has arrived and was not read."""

    def close(self) -> None:
        """Give the line back. Never raises, may be called twice."""


def open_transport(url: DeviceUrl, default_baud: int = 9600) -> Transport:
    """Open the byte stream a URL names, wrapped as it asks."""
    stream = count(_open_stream(url, default_baud))
    if "spy" not in url.wrappers:
        return stream
    from drivers.tape import Spy

    try:
        return Spy(stream, url.option("tape", Path, Path("menshen.tape")), about=f"{url.driver}+{url.transport}")
    except UnknownDevice:
        stream.close()
        raise


def with_replay(transports: tuple[str, ...]) -> tuple[str, ...]:
    """A driver's transports, plus `replay` where one of them is a byte stream."""
    streams = set(transports) & set(OPTIONS)
    return (*transports, "replay") if streams and "replay" not in transports else transports


def options_of(url: DeviceUrl) -> dict[str, str]:
    """The options which the transport and the wrappers of `url` know, with their explanations."""
    known: dict[str, str] = {}
    for part in (*url.wrappers, url.transport):
        known.update(OPTIONS.get(part, {}))
    return known


def _open_stream(url: DeviceUrl, default_baud: int) -> Transport:
    match url.transport:
        case "serial":
            baud = url.option("baud", int, default_baud, low=50, high=4_000_000)
            return SerialStream(url.require_location("the path of a serial port"), baud)
        case "tcp":
            timeout = url.option("connect_s", float, 3.0, low=0.01, high=60)
            return SocketStream.to_host(url.require_location("host:port"), timeout)
        case "unix":
            return SocketStream.to_path(url.require_location("the path of a socket"))
        case "replay":
            from drivers.tape import Replay

            return Replay(Path(url.require_location("the path of a tape")))
        case other:
            raise UnknownDevice(f"{url}: no byte stream is called {other!r}, there are: serial, tcp, unix, replay")


class SerialStream:
    """A serial port, 8N1 without flow control, for us alone.

    DTR and RTS stay low from the start, since some boards reset on them. Opening fails where another program has the
    port (as long as that program asks for exclusive use too).
    """

    def __init__(self, path: str, baud: int) -> None:
        import serial

        self._path = path
        port = serial.Serial(
            None, baudrate=baud, timeout=0, write_timeout=WRITE_TIMEOUT_S, exclusive=True, rtscts=False, dsrdtr=False
        )
        port.dtr = port.rts = False
        port.port = path
        try:
            port.open()
        except (OSError, termios.error, TypeError, ValueError) as error:
            raise DeviceLost(_why_not_open(path, error)) from error
        self._port: serial.Serial = port

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        import serial

        try:
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise DeviceTimeout(f"{self._path} takes no more bytes") from error
        except (OSError, termios.error, TypeError, ValueError) as error:
            raise DeviceLost(f"{self._path} is gone while writing: {error}") from error

    def read(self, timeout: float) -> bytes:
        """See `Transport.read`."""
        with _lost(self._path):
            fd = self._port.fileno()
            if not _readable(fd, timeout):
                return b""
            data = os.read(fd, 65536)
        if not data:
            raise DeviceLost(f"{self._path} is gone (or another program reads from it)")
        return data

    def discard(self) -> None:
        """See `Transport.discard`."""
        with _lost(self._path):
            self._port.reset_input_buffer()

    def close(self) -> None:
        """See `Transport.close`."""
        with contextlib.suppress(OSError, termios.error, TypeError, ValueError):
            self._port.close()


class SocketStream:
    """A stream socket. The end of the stream is the loss of the device."""

    def __init__(self, peer: socket.socket, name: str) -> None:
        self._socket, self._name = peer, name
        peer.settimeout(WRITE_TIMEOUT_S)

    @classmethod
    def to_host(cls, location: str, timeout: float) -> SocketStream:
        """Connect to `host:port` (or `[v6]:port`)."""
        host, _, port = location.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
            raise UnknownDevice(f"{location!r} is not host:port")
        try:
            peer = socket.create_connection((host.strip("[]"), int(port)), timeout)
        except OSError as error:
            raise DeviceLost(f"no connection to {location}: {error}") from error
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return cls(peer, location)

    @classmethod
    def to_path(cls, path: str) -> SocketStream:
        """Connect to a Unix stream socket."""
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            peer.connect(path)
        except OSError as error:
            peer.close()
            raise DeviceLost(f"no connection to {path}: {error}") from error
        return cls(peer, path)

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise DeviceTimeout(f"{self._name} takes no more bytes") from error
        except OSError as error:
            raise DeviceLost(f"{self._name} is gone while writing: {error}") from error

    def read(self, timeout: float) -> bytes:
        """See `Transport.read`."""
        with _lost(self._name):
            if not _readable(self._socket.fileno(), timeout):
                return b""
            data = self._socket.recv(65536)
        if not data:
            raise DeviceLost(f"{self._name} closed the connection")
        return data

    def discard(self) -> None:
        """See `Transport.discard`."""
        while self.read(0):
            pass

    def close(self) -> None:
        """See `Transport.close`."""
        self._socket.close()


def _readable(fd: int, timeout: float) -> bool:
    """Whether `fd` has bytes, its end or an error to tell within `timeout` seconds."""
    poll = select.poll()
    poll.register(fd, select.POLLIN | select.POLLHUP | select.POLLERR)
    return any(not event & select.POLLNVAL or _closed() for _, event in poll.poll(max(timeout, 0) * 1000))


def _closed() -> bool:
    raise ValueError("closed meanwhile")


@contextlib.contextmanager
def _lost(name: str) -> Iterator[None]:
    """Turn all that a vanished device makes the operating system and pyserial say into `DeviceLost`.

    `termios.error` is no `OSError`; `TypeError` and `ValueError` come when another thread closes the port meanwhile.
    """
    try:
        yield
    except DeviceLost:
        raise
    except (OSError, termios.error, TypeError, ValueError) as error:
        raise DeviceLost(f"{name} is gone: {error}") from error


def _why_not_open(path: str, error: Exception) -> str:
    if not Path(path).exists():
        return f"{path} is not there: is the device plugged in, and is this its link in /dev?"
    if isinstance(error, OSError) and error.errno == 11:
        return f"{path} is in use by another program"
    if isinstance(error, OSError) and error.errno == 13:
        return f"{path} may not be opened by this user: add it to the group of the device (often dialout)"
    return f"{path} does not open: {error}"
