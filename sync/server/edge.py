"""What holds for every request and answer: how large a body may be, how long it may take, and what browsers must know.

Plain ASGI, so that streams stay streams.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 8 * 2**20
BODY_PAUSE_S = 20.0
"""The longest silence within a body."""

# No Strict-Transport-Security: with an authority of our own, a browser that remembers it would lock people out.
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": b"default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    b"frame-ancestors 'none'; object-src 'none'",
    b"cache-control": b"no-store",
}


class Edge:
    """Stands before the whole program. `largest` says for which paths another size holds than `LARGEST_BODY`."""

    def __init__(self, app: ASGIApp, largest: Mapping[str, int]) -> None:
        self._app = app
        self._largest = tuple((prefix, f"{prefix}/", limit) for prefix, limit in largest.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, within its limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(receive, send, self._limit(scope["path"]))
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > exchange.limit:
            exchange.too_large()
        else:
            with suppress(_Stopped):
                await self._app(scope, exchange.receive, exchange.send)
        await exchange.end()

    def _limit(self, path: str) -> int:
        found = [limit for prefix, below, limit in self._largest if path == prefix or path.startswith(below)]
        return max(found, default=LARGEST_BODY)


class _Stopped(Exception):
    """The body is not read any further. Whatever the program makes of it, the answer is a refusal."""


class _Exchange:
    """One request and its answer."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive, self._send = receive, send
        self.limit = self._room = limit
        self._refusal: tuple[int, str, str] | None = None
        self._whole = self._answered = False

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(BODY_PAUSE_S):
                message = await self._receive()
        except TimeoutError:
            self._refusal = 408, "too_slow", f"nothing came for {BODY_PAUSE_S:.0f} seconds"
            raise _Stopped from None
        self._room -= len(message.get("body", b""))
        if self._room < 0:
            self.too_large()
            raise _Stopped
        self._whole = not message.get("more_body", False)
        return message

    def too_large(self) -> None:
        self._refusal = 413, "too_large", f"at most {self.limit} bytes may be sent here"

    async def send(self, message: Message) -> None:
        if self._refusal and not self._answered:
            return
        if message["type"] == "http.response.start":
            self._answered = True
            said = {name.lower() for name, _ in message["headers"]}
            added = [(name, value) for name, value in HEADERS.items() if name not in said]
            message = {**message, "headers": [*message["headers"], *added]}
        await self._send(message)

    async def end(self) -> None:
        """Refuse in place of the program, and let the connection go: the rest of the body is not wanted."""
        if self._refusal is None or self._answered:
            return
        (status, code, detail), self._refusal = self._refusal, None
        body = json.dumps({"code": code, "detail": detail}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
