"""The doorbell: two thousand gates wait, a ticket is revoked, and each hears of it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from models.ids import DocumentType, check_digit
from sync.server import ticket_changes
from sync.server.events_api import DocumentBody, TicketBody
from sync.server.publish import publish
from tests.bench.figures import Figure, Section, spread
from tests.bench.hub import wire
from tests.bench.hub.rig import EVENT, Engine, Site, site

GATES, TICKETS = 2_000, 200
P99_MS = 2_000.0
TARGET = "/v1/gate/doorbell?cursor={}"
_AT_ONCE = 50
_PATIENCE_S = 60.0


def measure(on: Engine, quick: bool) -> Section:
    """How long a change takes to be heard."""
    gates, rings = (200, 2) if quick else (GATES, 5)
    section = Section(f"doorbell, {on.name}")
    with site(on, gates) as at:
        open_house(at)
        connected_s, heard = wire.run(_listen(at, rings))
    each = [ms for ring in heard for ms in ring]
    section.add(
        Figure(f"{gates:,} gates connected, each with TLS of its own", round(connected_s, 1), "s", gates),
        spread("a revocation is heard", each, "ms", (None, P99_MS)),
        Figure("a revocation is heard by the last gate, longest", round(max(each)), "ms", rings),
    )
    section.notes.append(
        "from the revocation's beginning: its row, delta built and signed, commit, bell, TLS to each gate"
    )
    return section


class _Ear(asyncio.Protocol):
    """One gate's connection. `rings` are the moments at which it rang."""

    def __init__(self) -> None:
        self.here = asyncio.get_running_loop().create_future()
        self.rings: list[float] = []
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.rings += [time.perf_counter()] * data.count(b"event: ring")
        if b": here" in data and not self.here.done():
            self.here.set_result(None)
        if data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 200"):
            raise wire.Refusal(data.decode(errors="replace"))


async def _listen(at: Site, rings: int) -> tuple[float, list[list[float]]]:
    """Seconds until all are on the bell; for each ring the milliseconds until each gate had heard it."""
    began = time.perf_counter()
    ears = await _connect(at)
    connected_s, heard = time.perf_counter() - began, []
    for nth in range(rings):
        await asyncio.sleep(0.5)
        began = time.perf_counter()
        await asyncio.to_thread(revoke, at, nth)
        while not all(len(ear.rings) > nth for ear in ears):
            await asyncio.sleep(0.01)
            if time.perf_counter() - began > _PATIENCE_S:
                raise RuntimeError(f"{sum(len(ear.rings) <= nth for ear in ears)} gates heard nothing")
        heard.append([(ear.rings[nth] - began) * 1e3 for ear in ears])
    for ear in ears:
        ear.transport.abort()
    return connected_s, heard


async def _connect(at: Site) -> list[_Ear]:
    loop, some, trust = asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE), at.trust()
    with at.hub.engine.connect() as connection:
        cursor = connection.exec_driver_sql("SELECT max(cursor) FROM change").scalar() or 0

    async def one(nth: int) -> _Ear:
        async with some:
            to, ear = await loop.create_connection(_Ear, at.host, at.port, ssl=trust, server_hostname="localhost")
            to.write(at.gates[nth].request("GET", TARGET.format(cursor)))
            await ear.here
        return ear

    return list(await asyncio.gather(*(one(nth) for nth in range(len(at.gates)))))


def open_house(at: Site) -> None:
    """Sell some tickets and publish them."""
    now = at.hub.clock()
    with at.hub.begin() as connection:
        tickets = [
            TicketBody(
                ticket=f"T{nth}", documents=(_document(nth),), name="Zhang San", not_before=now, not_after=now + 9e4
            )
            for nth in range(TICKETS)
        ]
        ticket_changes.put(at.hub, connection, "bench", EVENT, tickets)
    publish(at.hub, "bench", EVENT)


def _document(nth: int) -> DocumentBody:
    stem = f"11010519900101{nth:03d}"
    return DocumentBody(stem + check_digit(stem), DocumentType.RESIDENT_ID)


def revoke(at: Site, nth: int) -> None:
    """Withdraw one of them; the delta goes out."""
    with at.hub.begin() as connection:
        ticket_changes.revoke(at.hub, connection, "bench", EVENT, [f"T{nth}"])
