"""Claims: a hundred gates ask at once, one ticket a request; then as many a second as the target says."""

from __future__ import annotations

import json
from itertools import islice

from models.wire import to_json
from sync.contract import ClaimBatch, ClaimRequest
from tests.bench.figures import Figure, Peer, Section, spread
from tests.bench.hub import engine, processor, wire
from tests.bench.hub.rig import EVENT, Engine, Site, site

GATES = 100
PER_S, AIM_PER_S, P99_MS = 2_000, 5_000, 50.0
TARGET = "/v1/gate/claims"


def measure(on: Engine, quick: bool) -> Section:
    """Both runs, and the engine alone beside them."""
    many, raw_s = (6_000, 1.0) if quick else (20_000, 3.0)
    section = Section(f"claims, {on.name}")
    with site(on, GATES) as at:
        saturated, paced, costs = wire.run(_load(at, many))
        alone = engine.rows_per_s(at.engine, at.hub.settings.state_dir, raw_s)
    held = on.name == "postgresql"
    section.add(
        Figure(
            "claims over HTTPS, as many as it takes",
            round(saturated.rate),
            "claims/s",
            len(saturated.ms),
            at_least=PER_S if held else None,
            peers=(Peer("the engine alone", round(alone)),),
        ),
        spread("an answer then", saturated.ms, "ms"),
        *(
            Figure(f"processor time a claim: {whose}", round(us), "µs", len(saturated.ms))
            for whose, us in costs.items()
        ),
        Figure(f"claims at {PER_S:,} a second: answered", round(paced.rate), "claims/s", len(paced.ms)),
        spread("an answer then, from when it was due", paced.ms, "ms", (None, P99_MS if held else None)),
    )
    section.notes.append(f"{GATES} gates, one connection each, one claim a request, {on.workers} worker(s)")
    section.notes.append("the load, the server and the database share this machine's cores")
    section.notes.append("the engine alone: INSERT … ON CONFLICT, one row a durable commit, 8 connections (SQLite: 1)")
    return section


async def _load(at: Site, many: int) -> tuple[wire.Load, wire.Load, dict[str, float]]:
    """Both loads, and the processor time that one claim of the first took, in microseconds."""
    requests = iter(_requests(at, 500 + 2 * many))
    lines = await wire.connect(at.host, at.port, at.trust(), GATES)
    await wire.saturate(lines, [islice(requests, 5) for _ in lines])
    shares = [list(islice(requests, many // GATES)) for _ in lines]
    before = processor.used(at)
    saturated = await wire.saturate(lines, [iter(share) for share in shares])
    costs = processor.each_us(before, processor.used(at), len(saturated.ms))
    paced = await wire.pace(lines, list(requests), PER_S)
    for load in (saturated, paced):
        _check(load)
    for line in lines:
        line.close()
    return saturated, paced, costs


def _requests(at: Site, number: int) -> list[bytes]:
    return [_request(at, nth) for nth in range(number)]


def _request(at: Site, nth: int) -> bytes:
    claim = ClaimRequest(f"epoch:{nth}", EVENT, f"T-2027-{nth:08}", at=at.hub.clock())
    return at.gates[nth % GATES].request("POST", TARGET, to_json(ClaimBatch((claim,))))


def _check(load: wire.Load) -> None:
    """Every ticket was asked for once, so every answer must be the same."""
    odd = [body for body in load.bodies if json.loads(body)["answers"][0]["answer"] != "granted"]
    if odd:
        raise RuntimeError(f"{len(odd)} claims were not granted")
