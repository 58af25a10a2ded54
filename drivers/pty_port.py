"""The device's end of a serial line without hardware: a pseudo-terminal with a plug that can be pulled."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import threading
import tty
from pathlib import Path
from types import TracebackType

_WRITE_TIMEOUT_S = 1.0


class PtyPort:
    """What a simulated serial device holds in its hand; the host opens `path` as if it were a serial port.

    with PtyPort(link=Path("/tmp/reader")) as port:
        port.write(b"hello")
        question = port.read(0.1)
        port.unplug()           # the host sees the device go
        port.replug()           # and come back under the same link

    The host may come and go: the port keeps its own handle on the slave, so that reads here never fail. One thread may
    read and write while another pulls the plug.
    """

    def __init__(self, link: Path | None = None) -> None:
        self._link = link
        self._slave_name = ""
        self._master = self._slave = -1
        self._plugged = threading.Event()
        self._lock = threading.Lock()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)
        self.replug()

    @property
    def path(self) -> str:
        """What the host opens: the link where one was asked for, else the slave's own node."""
        return str(self._link) if self._link else self._slave_name

    @property
    def fd(self) -> int:
        """The master's file descriptor; -1 while unplugged."""
        return self._master

    def read(self, timeout: float) -> bytes:
        """What the host wrote, after up to `timeout` seconds; empty when nothing came or while unplugged."""
        if not self._plugged.wait(timeout):
            return b""
        with self._lock:
            if self._master < 0:
                return b""
            ready, _, _ = select.select([self._master, self._wake], [], [], max(timeout, 0))
            return self._take() if self._master in ready else b""

    def write(self, data: bytes) -> int:
        """Send to the host. Gives the number of bytes sent: like a wire, it loses what nobody takes."""
        sent = 0
        with self._lock:
            while self._master >= 0 and sent < len(data):
                ready, writable, _ = select.select([self._wake], [self._master], [], _WRITE_TIMEOUT_S)
                if ready or not writable:
                    break
                try:
                    sent += os.write(self._master, data[sent:])
                except BlockingIOError:
                    continue
                except OSError:
                    break
        return sent

    def unplug(self) -> None:
        """Pull the plug: the host's handle dies and the link goes."""
        self._plugged.clear()
        if self._wake >= 0:
            os.eventfd_write(self._wake, 1)  # a thread that waits in `read` lets go of the lock
        with self._lock:
            if self._link and self._link.is_symlink():
                self._link.unlink()
            for fd in (self._slave, self._master):
                if fd >= 0:
                    os.close(fd)
            self._master = self._slave = -1

    def replug(self) -> None:
        """Come back, on a new pseudo-terminal under the same link."""
        with self._lock:
            if self._master >= 0:
                return
            self._master, self._slave = os.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            self._slave_name = os.ttyname(self._slave)
            if self._link:
                _point(self._link, self._slave_name)
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
        self._plugged.set()

    def close(self) -> None:
        """Unplug for good. May be called twice."""
        self.unplug()
        if self._wake >= 0:
            os.close(self._wake)
            self._wake = -1

    def __enter__(self) -> PtyPort:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self) -> bytes:
        try:
            return os.read(self._master, 65536)
        except OSError as error:
            if error.errno in (errno.EIO, errno.EAGAIN):
                return b""
            raise


def _point(link: Path, target: str) -> None:
    """Make or move a symbolic link in one step."""
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
