"""One JSON object a line over any byte stream: the wire of simulated devices that live in another process."""

from __future__ import annotations

import json
import time
from typing import Any, Protocol

from drivers.errors import BadAnswer

_LONGEST_LINE = 4096


class Stream(Protocol):
    """What both ends of a line can do."""

    def read(self, timeout: float, /) -> bytes:
        """What has arrived."""

    def write(self, data: bytes, /) -> object:
        """Send."""


class JsonLines:
    """Messages over `stream`, from either end."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = b""

    def send(self, **message: Any) -> None:
        """Send one message."""
        self._stream.write(json.dumps(message, ensure_ascii=True).encode() + b"\n")

    def receive(self, timeout: float) -> dict[str, Any] | None:
        """The next message, or `None` when none was complete within `timeout` seconds.

        Raises `BadAnswer` for a line that is no JSON object; the next call goes on behind it.
        """
        ends = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            data = self._stream.read(max(0.0, ends - time.monotonic()))
            self._buffer += data
            if len(self._buffer) > _LONGEST_LINE and b"\n" not in self._buffer:
                size, self._buffer = len(self._buffer), b""
                raise BadAnswer(f"{size} bytes without a line end")
            if not data and time.monotonic() >= ends:
                return None
        line, _, self._buffer = self._buffer.partition(b"\n")
        return _parse(line)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"a line of {len(line)} bytes is no JSON") from error
    if not isinstance(message, dict):
        raise BadAnswer(f"a line of {len(line)} bytes is JSON, but no object")
    return message
