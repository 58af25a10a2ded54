"""A stadium at the server: 80,000 tickets read, written, examined, sealed and signed; and loaded at a gate."""

from __future__ import annotations

from tests.bench import bench_import, bench_manifest
from tests.bench.figures import Figure, Section
from tests.bench.hub.rig import Engine

TICKETS = 80_000
_STEPS = {
    "read": "table read and previewed",
    "write": "written, one transaction",
    "findings": "examined by every rule",
    "publish": "examined, sealed, signed",
    "revoke_and_delta": "one revocation and its delta",
}


def measure(on: Engine, quick: bool) -> Section:
    """Seconds of each step."""
    tickets = 8_000 if quick else TICKETS
    section = Section(f"stadium, {on.name}")
    found = bench_import.measure(tickets, database=on.new().url)
    for step, words in _STEPS.items():
        section.add(Figure(f"{tickets:,} tickets: {words}", found[f"{step}_s"], "s", 1))
    section.add(Figure("bundle", round(found["bundle_bytes"] / 1e6, 1), "MB", 1))
    if not on.url:  # what the gate does is the same beneath both
        loaded = bench_manifest.measure((1_000,), tickets=tickets)["stadium"]
        section.add(Figure(f"{tickets:,} tickets: verified and loaded by a gate", loaded["load_s"], "s", 1))
    return section
