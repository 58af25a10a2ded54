"""The lane's figures over the network: the gate's own, from its Unix socket, and those of this process.

Only this process has a network. The address is off until the configuration names one; what is told there names nobody,
and needs no password. Prometheus asks `http://ADDRESS/metrics`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from models.exposition import CONTENT_TYPE, Family, gauge, one_of, render
from models.link import Reach, SyncStatus

_log = logging.getLogger("sync.metrics")

MOST_HEAD, MOST_BODY = 8192, 1 << 20
PATIENCE_S, GATE_S = 5.0, 3.0
MOST_AT_ONCE = 8


class MetricsAddress:
    """Listens on `address` (host:port). `now` gives the authority's time, `status` how this process stands."""

    def __init__(self, address: str, gate: Path, status: Callable[[], SyncStatus], now: Callable[[], float]) -> None:
        self._host, _, port = address.rpartition(":")
        self._port, self._gate, self._status, self._now = int(port), gate, status, now
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Answer for as long as this holds; the port. Raises `OSError` for an address that can't be had."""
        server = await asyncio.start_server(self._serve, self._host.strip("[]"), self._port, limit=MOST_HEAD)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            async with self._turns, asyncio.timeout(PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._answer(head))
                await writer.drain()
        writer.close()

    async def _answer(self, head: bytes) -> bytes:
        words = head.split(b" ", 2)
        if len(words) < 3 or words[0] != b"GET" or words[1].partition(b"?")[0] != b"/metrics":
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        theirs = await ask_gate(self._gate)
        body = (theirs + render(families(self._status(), self._now(), gate_up=bool(theirs)))).encode()
        told = f"Content-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        return b"HTTP/1.1 200 OK\r\n" + told.encode() + body


async def ask_gate(path: Path) -> str:
    """What the gate process tells; nothing where it does not answer in time."""
    try:
        async with asyncio.timeout(GATE_S):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
            told = await reader.read(MOST_BODY)
            while len(told) < MOST_BODY and (more := await reader.read(MOST_BODY)):
                told += more
            writer.close()
    except (OSError, TimeoutError):
        return ""
    head, _, body = told.partition(b"\r\n\r\n")
    return body.decode(errors="replace") if b" 200 " in head.partition(b"\r\n")[0] else ""


def families(told: SyncStatus, now: float, *, gate_up: bool) -> Iterator[Family]:
    """What this process knows of itself."""
    yield gauge("menshen_gate_up", "Whether the gate process answers.", gate_up)
    yield one_of("menshen_sync_reach", "Whom the sync process reaches.", "reach", Reach, told.reach)
    age_s = max(0.0, now - told.contact_at) if told.contact_at else None
    yield gauge("menshen_sync_contact_age_seconds", "Since the authority last answered.", age_s)
    yield gauge("menshen_sync_doorbell", "Whether a ring would be heard at once.", told.doorbell)
    yield gauge(
        "menshen_sync_unsent_entries", "Entries of the ledger still to be sent.", told.written - told.acknowledged
    )
    yield gauge("menshen_sync_refusals", "Bundles and lines that were refused and are left aside.", len(told.refusals))
    held = told.manifest
    yield gauge("menshen_sync_manifest_version", "Version of the manifest held.", held.version if held else None)


@contextlib.asynccontextmanager
async def serving(
    address: str, gate: Path, status: Callable[[], SyncStatus], now: Callable[[], float]
) -> AsyncIterator[None]:
    """Tell figures where an address is named. One that can't be had is logged: the lane needs the rest."""
    async with contextlib.AsyncExitStack() as stack:
        if address:
            try:
                await stack.enter_async_context(MetricsAddress(address, gate, status, now).listening())
                _log.info("figures are told on %s", address)
            except OSError as error:
                _log.error("no figures are told on %s: %s", address, error.strerror)
        yield
