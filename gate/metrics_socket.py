"""The figures on a Unix socket, as an HTTP answer: `curl --unix-socket /run/menshen/metrics.sock http://gate/metrics`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

from models.exposition import CONTENT_TYPE

_log = logging.getLogger("gate.metrics")

MOST_HEAD = 8192
PATIENCE_S = 5.0
MOST_AT_ONCE = 8

Tell = Callable[[], Awaitable[str]]


class MetricsSocket:
    """Whoever asks gets what `tell` gives at that moment. A socket that can't be had is logged, and stops nothing."""

    def __init__(self, path: Path, tell: Tell) -> None:
        self._path, self._tell = path, tell
        self._server: asyncio.Server | None = None
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def open(self) -> None:
        """Listen, in the place of whatever was left there by a process that died."""
        try:
            if self._path.is_socket():
                self._path.unlink()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=MOST_HEAD)
            self._path.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IWGRP)
        except OSError as error:
            _log.error("no figures are told on %s: %s", self._path, error.strerror)

    async def close(self) -> None:
        """Take the socket away."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            async with self._turns, asyncio.timeout(PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await answer(head, self._tell))
                await writer.drain()
        writer.close()


async def answer(head: bytes, tell: Tell) -> bytes:
    """The answer to a request with this head."""
    method, _, rest = head.partition(b" ")
    target = rest.partition(b" ")[0].partition(b"?")[0]
    if method not in (b"GET", b"HEAD"):
        return _response("405 Method Not Allowed", "only GET\n")
    if target not in (b"/", b"/metrics"):
        return _response("404 Not Found", "the figures are at /metrics\n")
    return _response("200 OK", await tell(), only_head=method == b"HEAD")


def _response(status: str, text: str, *, only_head: bool = False) -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if only_head else body)
