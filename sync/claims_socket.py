"""The sync process's socket, where the gate process and technicians come in: one JSON object a line (`models.link`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from models import wire
from models.link import Ask, FromGate, FromSync, LaneWord, SyncStatus, Told

_log = logging.getLogger("sync.socket")

MOST_LINE = 16_384
MOST_BACKLOG = 1 << 20
MOST_ASKING = 64
"""How many claims of one listener may be under way; a lane has one."""


@dataclass(frozen=True, slots=True)
class Office:
    """Who answers behind the socket. `greeting` gives what a listener has to hear first."""

    ask: Callable[[Ask], Awaitable[Told]]
    wrote: Callable[[int], None]
    lane: Callable[[LaneWord], None]
    status: Callable[[], SyncStatus]
    greeting: Callable[[], list[FromSync]]


class ClaimsSocket:
    """The socket and those who came in."""

    def __init__(self, path: Path, office: Office) -> None:
        self._path, self._office = path, office
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. A socket that a dead process left behind is replaced; a living one raises `OSError`."""
        await _clear_away(self._path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o117)  # the whole process's: nobody else may come in between
        try:
            listener.bind(str(self._path))
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(before)
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MOST_LINE)
        self._path.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IWGRP)

    async def close(self) -> None:
        """Send everybody home and take the socket away."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        for writer in tuple(self._writers):
            writer.close()
        self._path.unlink(missing_ok=True)

    def tell(self, word: FromSync) -> None:
        """Send to all listeners."""
        for writer in tuple(self._writers):
            self._send(writer, word)

    def _send(self, writer: asyncio.StreamWriter, word: FromSync) -> None:
        if writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > MOST_BACKLOG:
            _log.warning("a listener does not read and is dropped")
            writer.transport.abort()
            return
        writer.write(wire.to_json(word) + b"\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            for word in self._office.greeting():
                self._send(writer, word)
            async for line in reader:
                self._hear(line, writer)
        except ConnectionError:
            _log.info("a listener left")
        except ValueError:
            _log.warning("a listener sent a line of more than %d bytes and is dropped", MOST_LINE)
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(Exception):
                writer.close()

    def _hear(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            said = wire.from_json(FromGate, line)
        except wire.WireError as error:
            _log.warning("a listener said what can't be read: %s", error)
            return
        if said.ask is not None and len(self._tasks) < MOST_ASKING:
            task = asyncio.get_running_loop().create_task(self._answer(said.ask, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if said.wrote is not None:
            self._office.wrote(said.wrote)
        if said.lane is not None:
            self._office.lane(said.lane)
        if said.status:
            self._send(writer, FromSync(status=self._office.status()))

    async def _answer(self, ask: Ask, writer: asyncio.StreamWriter) -> None:
        self._send(writer, FromSync(told=await self._office.ask(ask)))


async def _clear_away(path: Path) -> None:
    """Remove a socket nobody listens on; take nothing away that is somebody's, or no socket."""
    if not path.exists():
        return
    if not path.is_socket():
        raise OSError(f"{path} is there and is no socket: move it away, or give [sync] socket another name")
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
        return
    writer.close()
    raise OSError(f"{path} is in use: another sync process is running for this gate")
