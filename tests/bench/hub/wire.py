"""The other end of the wire: HTTPS connections that cost the bench little, so that it measures the server.

Requests are bytes made beforehand. A connection has one of them under way at a time, as a gate has.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
_AT_ONCE = 2  # handshakes


class Refusal(RuntimeError):
    """An answer that is not the one that the bench is about."""


class Line(asyncio.Protocol):
    """One connection. `done` is called with the answer's body, whole."""

    def __init__(self) -> None:
        self.done: Callable[[Line, bytes], None] = lambda line, body: None
        self.lost: Callable[[], None] = lambda: None
        self._got = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost()

    def send(self, request: bytes) -> None:
        self._transport.write(request)

    def close(self) -> None:
        self.lost = lambda: None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0:
            return
        length = self._got.find(b"content-length: ")
        end = head + 4 + int(self._got[length + 16 : self._got.index(b"\r", length)])
        if len(self._got) >= end:
            whole, self._got = self._got[:end], self._got[end:]
            if not whole.startswith(b"HTTP/1.1 200"):
                raise Refusal(whole.decode(errors="replace"))
            self.done(self, whole[head + 4 :])


@dataclass(slots=True)
class Load:
    """What a run found: milliseconds of each request, from when it was due, and the seconds that all took."""

    ms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    bodies: list[bytes] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers each second."""
        return len(self.ms) / self.seconds


async def connect(host: str, port: int, trust: ssl.SSLContext, number: int) -> list[Line]:
    """So many connections."""
    gate = asyncio.Semaphore(_AT_ONCE)
    loop = asyncio.get_running_loop()

    async def one() -> Line:
        async with gate:
            _, line = await loop.create_connection(Line, host, port, ssl=trust, server_hostname="localhost")
        return line

    return list(await asyncio.gather(*(one() for _ in range(number))))


async def saturate(lines: list[Line], queues: list[Iterator[bytes]]) -> Load:
    """Each connection sends the next of its queue as soon as it has an answer, until the queues are empty."""
    load, left = Load(), len(lines)
    over = asyncio.get_running_loop().create_future()

    def serve(line: Line, queue: Iterator[bytes]) -> None:
        began = 0.0

        def next_one() -> None:
            nonlocal began, left
            request = next(queue, None)
            if request is None:
                left -= 1
                if not left and not over.done():
                    over.set_result(None)
                return
            began = time.perf_counter()
            line.send(request)

        def done(_: Line, body: bytes) -> None:
            load.ms.append((time.perf_counter() - began) * 1e3)
            load.bodies.append(body)
            next_one()

        line.done, line.lost = done, _fail(over)
        next_one()

    began = time.perf_counter()
    for line, queue in zip(lines, queues, strict=True):
        serve(line, queue)
    await over
    load.seconds = time.perf_counter() - began
    return load


async def pace(lines: list[Line], requests: list[bytes], rate: float) -> Load:
    """So many requests each second, whether the server keeps up or not. Waiting for a free connection counts."""
    load, idle, late = Load(), deque(lines), deque[tuple[float, bytes]]()
    due: dict[Line, float] = {}
    over = asyncio.get_running_loop().create_future()

    def done(line: Line, body: bytes) -> None:
        load.ms.append((time.perf_counter() - due[line]) * 1e3)
        load.bodies.append(body)
        idle.append(line)
        feed()
        if len(load.ms) == len(requests) and not over.done():
            over.set_result(None)

    def feed() -> None:
        while idle and late:
            line = idle.popleft()
            due[line], request = late.popleft()
            line.send(request)

    for line in lines:
        line.done, line.lost = done, _fail(over)
    began, sent = time.perf_counter(), 0
    while sent < len(requests):
        ripe = min(len(requests), int((time.perf_counter() - began) * rate) + 1)
        late.extend((began + nth / rate, requests[nth]) for nth in range(sent, ripe))
        sent = ripe
        feed()
        await asyncio.sleep(0.001)
    await over
    load.seconds = time.perf_counter() - began
    return load


def _fail(over: asyncio.Future[None]) -> Callable[[], None]:
    def lost() -> None:
        if not over.done():
            over.set_exception(Refusal("the server closed a connection"))

    return lost


def run(work: Coroutine[Any, Any, T]) -> T:
    """On uvloop, which costs the bench half as much."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        loop, failed = runner.get_loop(), list[BaseException]()
        task = loop.create_task(work)

        def stop(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            failed.append(context.get("exception") or RuntimeError(context["message"]))
            task.cancel()

        loop.set_exception_handler(stop)
        try:
            return loop.run_until_complete(task)
        except asyncio.CancelledError:
            raise failed[0] if failed else RuntimeError("cancelled") from None
