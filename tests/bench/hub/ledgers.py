"""Ledgers in: an evening's lines of twenty gates, each batch signed, its chain and its seals verified by the server."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from models.decision import Decision, Reason, Verdict
from models.ledger import EntryKind
from models.passage import Passage
from models.record import DecisionBody, PassageBody
from models.store.ledger_db import Draft, Ledger, Release, Settlement
from models.ticket import ManifestState
from models.wire import to_json
from sync.push import MOST_LINES, next_batch
from tests.bench.bench_ledger import FACTS
from tests.bench.figures import Figure, Peer, Section, spread
from tests.bench.hub import engine, processor, wire
from tests.bench.hub.rig import EVENT, Engine, Gate, Site, site

GATES = 20
PER_S = 8_000
TARGET = "/v1/gate/ledger"


def measure(on: Engine, quick: bool) -> Section:
    """How fast a site's ledgers are taken in."""
    batches, raw_s = (2, 1.0) if quick else (8, 3.0)
    section = Section(f"ledgers, {on.name}")
    with tempfile.TemporaryDirectory(prefix="menshen-bench-") as name, site(on, GATES) as at:
        uploads = [_uploads(at, gate, Path(name), batches) for gate in at.gates]
        before = processor.used(at)
        load = wire.run(_load(at, uploads))
        costs = processor.each_us(before, processor.used(at), MOST_LINES * len(load.ms))
        body = uploads[0][0].decode()[: len(uploads[0][0]) // MOST_LINES]
        alone = engine.lines_per_s(at.engine, at.hub.settings.state_dir, raw_s, body)
    lines = MOST_LINES * len(load.ms)
    section.add(
        Figure(
            "ledger lines, verified and held",
            round(lines / load.seconds),
            "lines/s",
            lines,
            at_least=PER_S,
            peers=(Peer("the engine alone", round(alone)),),
        ),
        spread(f"a batch of {MOST_LINES}, {GATES} gates at once", load.ms, "ms"),
        *(Figure(f"processor time a line: {whose}", round(us, 1), "µs", lines) for whose, us in costs.items()),
        Figure("a line over the wire", round(len(uploads[0][0]) / MOST_LINES), "bytes", lines),
    )
    section.notes.append(
        "an admission and a passage for each visitor; uses, claims, tally and conflicts are drawn up too"
    )
    section.notes.append("the engine alone: INSERT of lines as long, 500 a durable commit, one connection")
    return section


async def _load(at: Site, uploads: list[list[bytes]]) -> wire.Load:
    lines = await wire.connect(at.host, at.port, at.trust(), GATES)
    load = await wire.saturate(lines, [iter(each) for each in uploads])
    for line in lines:
        line.close()
    return load


def _uploads(at: Site, gate: Gate, folder: Path, batches: int) -> list[bytes]:
    """A real ledger's batches, signed in their order."""
    now = at.hub.clock() - 3600
    made = []
    with Ledger.open(folder / f"{gate.name}.db", gate.key, gate=gate.name, clock=at.hub.clock) as ledger:
        for nth in range(batches):
            _write(ledger, gate.name, now, range(nth * 250, (nth + 1) * 250))
            batch = next_batch(ledger, nth * MOST_LINES)
            assert batch is not None
            assert len(batch.lines) == MOST_LINES
            made.append(gate.request("POST", TARGET, to_json(batch)))
    return made


def _write(ledger: Ledger, gate: str, now: float, visitors: range) -> None:
    """One after the other, as they come."""
    drafts, seq = [], ledger.last_seq()
    for visitor in visitors:
        at, ticket = now + visitor * 2.0, f"{gate}-{visitor:08}"
        release = Release(ticket=ticket, person_key=f"{visitor:032x}")
        drafts.append(Draft(EntryKind.DECISION, _decision(gate, visitor + 1, ticket, at), at, opens=release))
        end = Settlement(seq + len(drafts), Passage.PASSED)
        drafts.append(Draft(EntryKind.PASSAGE, PassageBody(visitor + 1, Passage.PASSED), at + 1, settles=end))
    ledger.append_many(drafts)


def _decision(gate: str, attempt: int, ticket: str, at: float) -> DecisionBody:
    assert FACTS.lookup is not None
    lookup = replace(FACTS.lookup, manifest=ManifestState(EVENT, 1, at - 3600, at + 80_000, 60_000, "9f" * 32))
    facts = replace(FACTS, gate=gate, lookup=lookup)
    return DecisionBody(attempt, facts, Decision(Verdict.ADMIT, Reason.OK, ticket=ticket), at, ms={"lookup": 4.1})
