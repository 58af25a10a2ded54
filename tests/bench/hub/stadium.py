"""A stadium at the server: 80,000 tickets read, written, examined, sealed and signed; fetched and loaded by gates."""

from __future__ import annotations

import asyncio
from typing import Any

from models.decision import Profile
from models.wire import to_json
from sync.contract import Contact
from tests.bench import bench_import
from tests.bench.figures import Figure, Section, spread
from tests.bench.hub import loading, processor, wire
from tests.bench.hub.rig import EVENT, Engine, Site, site

TICKETS, GATES, CONTACTS = 80_000, 100, 5_000
BUILT_S, LOADED_S, PAUSE_MS, PEAK_MB = 30.0, 15.0, 50.0, 150.0
_STEPS = {
    "read": "table read and previewed",
    "write": "written, one transaction",
    "others_waited": "somebody else's write meanwhile, longest",
    "findings": "examined by every rule",
    "publish": "examined, sealed, signed",
    "revoke_and_delta": "one revocation and its delta",
}


def measure(on: Engine, quick: bool) -> Section:
    """Seconds of each step."""
    tickets, contacts = (8_000, 1_000) if quick else (TICKETS, CONTACTS)
    section = Section(f"stadium, {on.name}")
    with site(on, GATES, profile=Profile.CONCERT) as at:
        found = bench_import.steps(at.hub, tickets)
        for step, words in _STEPS.items():
            most = BUILT_S if step == "publish" else None
            section.add(Figure(f"{tickets:,} tickets: {words}", found[f"{step}_s"], "s", 1, at_most=most))
        section.add(Figure("bundle", round(found["bundle_bytes"] / 1e6, 1), "MB", 1))
        seconds = wire.run(_fetch(at, found["version"]))
        section.add(Figure(f"{GATES} gates have fetched it, all at once", round(max(seconds), 1), "s", GATES))
        before = processor.used(at)
        told = wire.run(_tell(at, contacts))
        costs = processor.each_us(before, processor.used(at), contacts)
        section.add(
            Figure("contacts over HTTPS, as many as it takes", round(told.rate), "contacts/s", len(told.ms)),
            spread("an answer then", told.ms, "ms"),
            *(
                Figure(f"processor time a contact: {whose}", round(us), "µs", len(told.ms))
                for whose, us in costs.items()
            ),
        )
    if not on.url:  # what the gate does is the same beneath both
        _add_gate(section, tickets)
    return section


def _add_gate(section: Section, tickets: int) -> None:
    found = loading.measure(tickets)
    section.add(
        Figure(f"{tickets:,} with references, `gatectl`: built, signed", round(found["build_s"], 1), "s", 1, BUILT_S),
        Figure(f"{tickets:,} with references: loaded by a gate", round(found["load_s"], 1), "s", 1, LOADED_S),
        Figure(
            "the lane's longest look-up meanwhile", round(found["waited_ms"], 1), "ms", int(found["looks"]), PAUSE_MS
        ),
        Figure("peak memory of the process that loads", round(found["peak_mb"]), "MB", 1, PEAK_MB),
    )


class _Sink(asyncio.Protocol):
    """Takes a large answer in without keeping it."""

    def __init__(self) -> None:
        self.whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head, self._left = b"", -1

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._head += data
            head, found, data = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 200"):
                raise wire.Refusal(head.decode(errors="replace"))
            self._left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        self._left -= len(data)
        if self._left <= 0:
            self.whole.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.whole.done():
            self.whole.set_exception(wire.Refusal("the server closed a connection"))


async def _fetch(at: Site, version: int) -> list[float]:
    """Seconds until each gate has the base, its TLS included, all beginning together."""
    loop, trust, target = asyncio.get_running_loop(), at.trust(), f"/v1/gate/bundles/{EVENT}/{version}"
    began = loop.time()

    async def one(nth: int) -> float:
        to, sink = await loop.create_connection(_Sink, at.host, at.port, ssl=trust, server_hostname="localhost")
        to.write(at.gates[nth].request("GET", target))
        await sink.whole
        to.abort()
        return loop.time() - began

    return list(await asyncio.gather(*(one(nth) for nth in range(len(at.gates)))))


async def _tell(at: Site, number: int) -> wire.Load:
    """Each gate on a connection of its own, for the numbers of its requests rise."""
    lines = await wire.connect(at.host, at.port, at.trust(), len(at.gates))
    body: Any = to_json(Contact(at.hub.clock(), "1.0"))
    shares = [
        [gate.request("POST", "/v1/gate/contact", body) for _ in range(number // len(lines))] for gate in at.gates
    ]
    load = await wire.saturate(lines, [iter(share) for share in shares])
    for line in lines:
        line.close()
    return load
