"""Card to relay, through real wires: what a visitor waits for once the reader has read the card.

The time runs from just before the card's last bytes leave the simulated SAM module to the moment at which the simulated
relay board has seen the contact close. In between lie the pseudo-terminals, the reader's driver, look-up, camera and
face engine, decision, the durable entry in the ledger, and the relay's driver. The reader's own time is told apart.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path

from gate.demo.rig import Rig
from models import wire
from models.ledger import EntryKind
from models.record import DecisionBody
from models.store.ledger_db import read_ledger
from tests.bench.crowd import PULSE_S, Visit, lane
from tests.bench.figures import Section, spread

BYTES_OF_A_CARD = 1295
"""Base information of a resident's card on the wire, portrait included."""

READY_S = 3.0
WAYS = {
    "card only": (False, 0.0, (60.0, 150.0)),
    "with face": (True, 0.0, (200.0, 350.0)),
    "with face held before the card": (True, READY_S, (60.0, 150.0)),
}
"""Whether a face is compared, how long its features may be held before the card, and the targets p50 and p99, ms."""
WARM_UP = 5


def measure(visitors: int = 300) -> Section:
    """Visitors without a face, with one, and with one seen before the card, each at a lane of their own."""
    section = Section("lane")
    for way, (faces, ready_s, targets) in WAYS.items():
        with tempfile.TemporaryDirectory(prefix="menshen-bench-") as name:
            with lane(Path(name), visitors + WARM_UP, faces=faces, ready_s=ready_s) as crowd:
                visits = crowd.enter(visitors + WARM_UP)[WARM_UP:]
            _tell(section, way, targets, visits, _steps(crowd.rig)[WARM_UP:])
    wire_ms = BYTES_OF_A_CARD * 10 / 115.2
    section.notes += [
        f"the reader's own wire time is left out of card to relay: a card is {BYTES_OF_A_CARD} bytes,"
        f" {wire_ms:.0f} ms at 115,200 baud; it is part of 'reader'",
        f"the first {WARM_UP} visitors of each lane are not counted; the relay's pulse is {PULSE_S:g} s",
    ]
    return section


def _tell(
    section: Section, way: str, targets: tuple[float, float], visits: list[Visit], steps: list[dict[str, float]]
) -> None:
    total = [visit.card_to_relay_ms for visit in visits]
    section.add(spread(f"{way}: card to relay", total, "ms", targets))
    columns: dict[str, list[float]] = defaultdict(list)
    for one in steps:
        for name, ms in one.items():
            columns[name].append(ms)
    for name, values in columns.items():
        section.add(spread(f"{way}: of which {name}", values, "ms"))
    rest = [whole - sum(one.values()) for whole, one in zip(total, steps, strict=True)]
    section.add(spread(f"{way}: of which reading in, commit, relay", rest, "ms"))
    section.add(spread(f"{way}: the reader before that", [visit.reading_ms for visit in visits], "ms"))


def _steps(rig: Rig) -> list[dict[str, float]]:
    """Milliseconds by step of each decision, as the ledger has them."""
    with read_ledger(rig.ledger) as ledger:
        entries = [entry for entry in ledger.entries(0, limit=1_000_000) if entry.kind is EntryKind.DECISION]
    return [wire.from_builtins(DecisionBody, entry.body).ms for entry in entries]
