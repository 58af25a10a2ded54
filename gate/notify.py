"""Tells systemd how the gate is, by its notification protocol (sd_notify(3)): one datagram per message.

Without `NOTIFY_SOCKET` in the environment everything here does nothing, so that the gate runs by hand just the same.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

_SEND_S = 1.0


class Notifier:
    """A line to the service supervisor. A message that can't be delivered is lost: the gate goes on."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._socket: socket.socket | None = None
        self.interval_s = _interval_s(environment)
        address = environment.get("NOTIFY_SOCKET", "")
        if address.startswith(("/", "@")):
            self._address = "\0" + address[1:] if address.startswith("@") else address  # "@": the abstract name space
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.settimeout(_SEND_S)

    def ready(self, status: str = "") -> bool:
        """The gate is up. With `status` in the same message."""
        return self._send("READY=1", *_status(status))

    def at_work(self) -> bool:
        """Up, and alive: for a process that says both by the same piece of work, time and again."""
        return self._send("READY=1", "WATCHDOG=1")

    def alive(self) -> bool:
        """The watchdog's sign of life, due every `interval_s` seconds (`None`: nobody asks for one)."""
        return self._send("WATCHDOG=1")

    def status(self, text: str) -> bool:
        """One line for people, shown by `systemctl status`. Nothing personal belongs into it."""
        return self._send(*_status(text))

    def stopping(self) -> bool:
        """The gate is going down on purpose."""
        return self._send("STOPPING=1")

    def close(self) -> None:
        """Give the socket back; may be called twice."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def _send(self, *lines: str) -> bool:
        """Whether the message was delivered."""
        if self._socket is None or not lines:
            return False
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            return False
        return True


def _status(text: str) -> tuple[str, ...]:
    """A status must be one line: what looks like a second assignment would be one."""
    line = " ".join(text.split())
    return (f"STATUS={line}",) if line else ()


def _interval_s(environment: Mapping[str, str]) -> float | None:
    """Half of the watchdog's patience (sd_watchdog_enabled(3)), or `None` where it is not ours or not asked for."""
    allowed_us, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not (allowed_us.isascii() and allowed_us.isdigit() and int(allowed_us)):
        return None
    return int(allowed_us) / 2e6 if process in ("", str(os.getpid())) else None
