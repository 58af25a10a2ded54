"""A real server's report box under a crowd: a thousand posts a minute, hostile ones and huge ones among them."""

from __future__ import annotations

import re
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import pytest

from sync.server.hub import open_hub
from sync.server.permissions import Person, Role
from sync.server.reports import list_reports
from sync.server.settings import Settings
from tests.sync.server.test_process import Running

pytestmark = pytest.mark.long

POSTS, WITHIN_S = 300, 18.0  # a thousand a minute
CALLERS = 15  # addresses, each under its own limit
HOSTILE = "<script>document.location='http://evil'</script>'; DROP TABLE report; --\x7f {{config}} \u202eevil"
OWNER = Person("olga", "Olga", Role.OWNER, None, "zh")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path / "hub", "--site", "hall")
    yield made
    made.stop()


def _client(server: Running, caller: int) -> httpx.Client:
    """Somebody at an address of his own."""
    trusted = ssl.create_default_context(cafile=str(server.state / "authority.pem"))
    way = httpx.HTTPTransport(verify=trusted, local_address=f"127.0.0.{caller + 2}")
    return httpx.Client(base_url=server.url, transport=way, timeout=30)


def _many(server: Running, caller: int, stamp: str, begin: float) -> list[tuple[int, str, str]]:
    """One caller's share, evenly over the time: status, what was told, the number that came back."""
    told, share = [], POSTS // CALLERS
    with _client(server, caller) as client:
        for n in range(share):
            Event().wait(max(begin + WITHIN_S * (n + caller / CALLERS) / share - time.monotonic(), 0))
            text = f"{caller}-{n} {HOSTILE if n % 3 == 0 else 'he sells tickets'}"
            answer = client.post("/report", data={"stamp": stamp, "venue": "", "text": text})
            number = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", answer.text)
            told.append((answer.status_code, text, number[0] if number else ""))
    return told


def _huge(server: Running, stamp: str) -> list[int]:
    """Five times fifty megabytes; the server may hang up before it has heard them all."""
    found = []
    for _ in range(5):
        with _client(server, 100) as client:
            try:
                files = {"photo": ("big.jpg", bytes(50 << 20), "image/jpeg")}
                found.append(client.post("/report", data={"stamp": stamp, "text": "x"}, files=files).status_code)
            except httpx.TransportError:
                found.append(413)
    return found


def test_what_is_accepted_under_a_crowd_is_kept_and_nothing_is_run(server: Running) -> None:
    with server.client() as calm, ThreadPoolExecutor(CALLERS + 1) as crowd:
        stamp = re.search(r'name="stamp" value="([^"]+)"', calm.get("/report").text)[1]  # type: ignore[index]
        Event().wait(2.2)  # as a person would type
        begin = time.monotonic()
        work = [crowd.submit(_many, server, caller, stamp, begin) for caller in range(CALLERS)]
        huge, slowest = crowd.submit(_huge, server, stamp), 0.0
        while not all(one.done() for one in work):
            asked = time.monotonic()
            assert calm.get("/v1/health").json()["alive"]
            slowest = max(slowest, time.monotonic() - asked)
            Event().wait(0.2)
        told = [one for share in work for one in share.result()]
        assert set(huge.result()) == {413}
        assert Counter(status for status, _, _ in told) == {200: POSTS}
        assert len({number for _, _, number in told}) == POSTS
        assert slowest < 10, "the server answers others meanwhile"
        kept = calm.post("/report/answer", data={"number": told[-1][2]})
        assert kept.status_code == 200
    server.stop()
    hub = open_hub(Settings(server.state))
    with hub.begin() as connection:
        found = list_reports(hub, connection, OWNER, is_new=True, limit=10 * POSTS)
    hub.engine.dispose()
    assert sorted(one.text for one in found) == sorted(text for _, text, _ in told)
