"""The Unix socket where screens and commands meet the gate: one JSON object a line, both ways (`models.command`).

Every listener gets the same snapshots. One that doesn't read is dropped rather than waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import logging
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

from models import wire
from models.command import Answer, Command, Line, Snapshot

_log = logging.getLogger("gate.socket")

MOST_BACKLOG = 1 << 20
MOST_LINE = 16_384

Obey = Callable[[Command], Awaitable[Answer]]


class Hall:
    """The listeners, and the socket they come in by."""

    def __init__(self, path: Path, group: str, obey: Obey) -> None:
        self._path, self._group, self._obey = path, group, obey
        self._writers: set[asyncio.StreamWriter] = set()
        self._last: bytes = b""
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. A socket file that a dead process left behind is replaced; a living one raises `OSError`."""
        await _clear_away(self._path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=MOST_LINE)
        self._path.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IWGRP)
        if self._group:
            os.chown(self._path, -1, grp.getgrnam(self._group).gr_gid)

    async def close(self) -> None:
        """Send everybody home and take the socket away."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.close()
        self._path.unlink(missing_ok=True)

    def tell(self, snapshot: Snapshot) -> None:
        """Send to all listeners; whoever comes later begins with the latest."""
        self._last = _line(Line(snapshot=snapshot))
        for writer in tuple(self._writers):
            self._send(writer, self._last)

    def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if writer.transport.get_write_buffer_size() > MOST_BACKLOG:
            _log.warning("a listener does not read and is dropped")
            self._writers.discard(writer)
            writer.transport.abort()
            return
        writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self._last:
            writer.write(self._last)
        try:
            async for line in reader:
                self._send(writer, _line(Line(answer=await self._answer(line))))
        except ConnectionError:
            _log.info("a listener left")
        except ValueError:
            _log.warning("a listener sent a line of more than %d bytes and is dropped", MOST_LINE)
            self._send(writer, _line(Line(answer=Answer(0, ok=False, error=f"a line has up to {MOST_LINE} bytes"))))
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(Exception):
                writer.close()

    async def _answer(self, line: bytes) -> Answer:
        try:
            command = wire.from_json(Command, line)
        except wire.WireError as error:
            return Answer(0, ok=False, error=str(error))
        return await self._obey(command)


async def _clear_away(path: Path) -> None:
    """Remove a socket nobody listens on; take nothing away that is somebody's, or no socket."""
    if not path.exists():
        return
    if not path.is_socket():
        raise OSError(f"{path} is there and is no socket: move it away, or give [socket] path another name")
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
        return
    writer.close()
    raise OSError(f"{path} is in use: another gate is running on this lane")


def _line(line: Line) -> bytes:
    return wire.to_json(line) + b"\n"
