"""What holds for every request: sizes, patience, and what browsers are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from sync.server import edge
from sync.server.edge import Edge


async def _reads_all(scope: Any, receive: Any, send: Any) -> None:
    """A program that reads the body, even where that fails, and says how long it was."""
    length, more = 0, True
    try:
        while more:
            message = await receive()
            length, more = length + len(message["body"]), message["more_body"]
        words, status = b"%d" % length, 200
    except Exception:  # as frameworks do
        words, status = b"can't read", 400
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"max-age=9")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words})


def _ask(pieces: list[bytes], path: str = "/x", length: bytes | None = None) -> tuple[int, bytes, dict[bytes, bytes]]:
    """Status, body and headers of the answer. Beyond the pieces the client says nothing more, for ever."""
    said: list[Any] = []
    left = list(pieces)

    async def receive() -> Any:
        if not left:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left) or length is not None}

    async def send(message: Any) -> None:
        said.append(message)

    headers = [] if length is None else [(b"content-length", length)]
    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(Edge(_reads_all, {"/small": 10})(scope, receive, send))
    return said[0]["status"], said[1]["body"], dict(said[0]["headers"])


def test_an_answer_bears_what_browsers_must_know_unless_the_route_says_otherwise() -> None:
    status, body, headers = _ask([b"abc", b"de"])
    assert (status, body) == (200, b"5")
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
    assert headers[b"cache-control"] == b"max-age=9"


@pytest.mark.parametrize(
    "ask",
    [
        lambda: _ask([], "/small", b"11"),
        lambda: _ask([], "/small", b"-1"),
        lambda: _ask([], "/small/below", b"999999999999999999999"),
        lambda: _ask([b"123456", b"789012"], "/small"),
        lambda: _ask([], "/other", b"%d" % (edge.LARGEST_BODY + 1)),
    ],
)
def test_what_is_too_large_is_refused_however_it_is_announced(
    ask: Callable[[], tuple[int, bytes, dict[bytes, bytes]]],
) -> None:
    status, body, headers = ask()
    assert (status, json.loads(body)["code"]) == (413, "too_large")
    assert headers[b"connection"] == b"close"


def test_a_size_of_its_own_holds_for_a_path_and_no_other() -> None:
    assert _ask([b"1234567890"], "/small")[0] == 200
    assert _ask([b"12345678901"], "/smaller")[0] == 200


def test_a_body_that_trickles_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "BODY_PAUSE_S", 0.05)
    status, body, _ = _ask([b"{"], length=b"100")
    assert (status, json.loads(body)["code"]) == (408, "too_slow")
