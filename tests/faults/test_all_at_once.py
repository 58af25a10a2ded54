"""The evening's network comes back, and thousands of gates with it, all in the same moment: on either database.

Real gates spread their return by chance; these don't. Each makes its own TLS, gives a signed sign of life and hangs on
the doorbell. Who is told that the server is busy (503) tries again as a gate does; any other refusal is a failure. Each
has to hear what happened while it was away, and then of the next change.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from itertools import count
from statistics import quantiles
from typing import Any

import pytest

from models.wire import from_json, to_json
from sync.contract import Contact, Standing
from sync.plan import retry_s
from tests import postgres
from tests.bench.hub import bell, rig, wire
from tests.bench.hub.rig import Site, engines

pytestmark = pytest.mark.slow

GATES = 2_000
BACK_S, HEARD_S = 120.0, 15.0
"""How long a machine that is shared with many may take; the bench says how long a quiet one does."""

OK = b"HTTP/1.1 200"
CONTACT, DOORBELL = "/v1/gate/contact", "/v1/gate/doorbell?cursor={}"


class Gate(asyncio.Protocol):
    """One gate's connection: a sign of life, and then the doorbell from `cursor` on, or from where it is told."""

    def __init__(self, box: rig.Gate, cursor: int | None) -> None:
        self.box, self.cursor = box, cursor
        self.listens, self.rang = (asyncio.get_running_loop().create_future() for _ in range(2))
        self.transport: Any = None
        self.heard = 0
        self._got, self._is_told = b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.transport.write(self.box.request("POST", CONTACT, to_json(Contact(time.time()))))

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._is_told:
            self._take_standing()
        elif not self._got.startswith(OK):
            self._fail(wire.Refusal(self._got.decode(errors="replace")))
        elif b": here" in self._got:
            _resolve(self.listens)
            if self._got.count(b"event: ring") > self.heard:
                _resolve(self.rang)

    def expect_another(self) -> None:
        """From now on `rang` is the next ring."""
        self.heard, self.rang = self._got.count(b"event: ring"), asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or wire.Refusal("the server hung up"))

    def _take_standing(self) -> None:
        head, _, body = self._got.partition(b"\r\n\r\n")
        length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
        if not body or len(body) < int(length.split(b":")[1]):
            return
        if not head.startswith(OK):
            self._fail(wire.Refusal(self._got.decode(errors="replace")))
            return
        told, self._got, self._is_told = from_json(Standing, body).cursor, b"", True
        self.cursor = told if self.cursor is None else self.cursor
        self.transport.write(self.box.request("GET", DOORBELL.format(self.cursor)))

    def _fail(self, why: Exception) -> None:
        for each in (self.listens, self.rang):
            if not each.done():
                each.set_exception(why)
                each.exception()  # whoever waits is told; nobody need


def _resolve(future: asyncio.Future[float]) -> None:
    if not future.done():
        future.set_result(time.perf_counter())


async def all_come(at: Site, cursor: int | None) -> tuple[list[Gate], int]:
    """Every gate, none of them waits for another; how often one was put off."""
    loop, trust = asyncio.get_running_loop(), at.trust()

    async def one(box: rig.Gate) -> Gate:
        for failures in count(1):
            _, gate = await loop.create_connection(
                lambda: Gate(box, cursor),
                at.host,
                at.port,
                ssl=trust,
                server_hostname="localhost",
                ssl_handshake_timeout=BACK_S,
            )
            try:
                await gate.listens
            except wire.Refusal as refusal:
                gate.transport.abort()
                if not str(refusal).startswith("HTTP/1.1 503"):
                    raise
                put_off.append(failures)
                await asyncio.sleep(retry_s(failures, random.random()))
            else:
                return gate
        raise AssertionError

    put_off: list[int] = []
    async with asyncio.timeout(BACK_S):
        gates = list(await asyncio.gather(*map(one, at.gates)))
    return gates, len(put_off)


async def hear(gates: list[Gate], began: float) -> str:
    """All hear it; how long that took."""
    async with asyncio.timeout(HEARD_S):
        each = [moment - began for moment in await asyncio.gather(*(gate.rang for gate in gates))]
    return f"heard after {quantiles(each, n=100)[98]:.2f} s (p99)"


async def scene(at: Site) -> str:
    """They come to a server that was just started, lose it, and come again."""
    began = time.perf_counter()
    gates, busy = await all_come(at, None)
    first_s, missed_from = time.perf_counter() - began, max(gate.cursor or 0 for gate in gates)
    for gate in gates:
        gate.rang.cancel()
        gate.transport.abort()
    await asyncio.to_thread(bell.revoke, at, 0)
    began = time.perf_counter()
    gates, busy_again = await all_come(at, missed_from)
    again_s = time.perf_counter() - began
    missed = await hear(gates, began)
    for gate in gates:
        gate.expect_another()
    began = time.perf_counter()
    await asyncio.to_thread(bell.revoke, at, 1)
    heard = await hear(gates, began)
    for gate in gates:
        gate.transport.abort()
    return (
        f"there in {first_s:.1f} s ({busy} put off), back in {again_s:.1f} s ({busy_again} put off), "
        f"what was missed {missed}; the next change {heard}"
    )


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_two_thousand_gates_that_come_back_at_once_all_hear(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    if name == "postgresql" and postgres.programs() is None:
        assert os.environ.get(postgres.REQUIRED) != "required", "PostgreSQL is missing here"
        pytest.skip("PostgreSQL is missing here")
    with engines([name]) as (engine,), rig.site(engine, GATES) as at:
        bell.open_house(at)
        told = asyncio.run(scene(at))
    with capfd.disabled():
        print(f"\n{GATES} gates at once on {name}: {told}", file=sys.stderr, flush=True)
