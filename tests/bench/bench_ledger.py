"""How long one durable line takes: `python tests/bench/bench_ledger.py [folder]`, JSON on standard output.

The folder decides: a memory file system measures the program, the gate's own disk measures the gate.
"""

from __future__ import annotations

import json
import platform
import sqlite3
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.credential import Assurance, Medium
from models.decision import CardFacts, Decision, FaceFacts, Facts, LookupFacts, Reason, TicketFacts, Verdict
from models.face import Comparison, FaceQuality
from models.ids import DocumentType
from models.ledger import EntryKind
from models.passage import Passage
from models.store.ledger_db import Draft, Ledger, Release, Settlement, verify
from models.ticket import Entitlement, ManifestState, TicketStatus, Validity

_NIGHT = 1_750_000_000.0


def measure(folder: Path | None = None, appends: int = 2_000, loaded: int = 80_000) -> dict[str, Any]:
    """Milliseconds of single appends; then of look-ups and a whole verification with `loaded` releases in the file."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "ledger.db"
        with Ledger.open(path, Ed25519PrivateKey.generate(), gate="north", clock=time.time) as ledger:
            append_ms = [_append_ms(ledger, number) for number in range(appends)]
            figures = {"appends": appends, "body_bytes": _body_bytes(ledger), **_spread("append", append_ms)}
            _load(ledger, loaded - appends)
            lookup_ms = [_lookup_ms(ledger, number * 37 % loaded) for number in range(appends)]
            figures |= {"releases": loaded, **_spread("lookup", lookup_ms), "file_mb": path.stat().st_size >> 20}
        started = time.perf_counter()
        found = verify(path)
        figures |= {"verify_s": round(time.perf_counter() - started, 2), "verified": found.ok, "entries": found.entries}
    return figures | {"sqlite": sqlite3.sqlite_version, "machine": platform.machine()}


def _append_ms(ledger: Ledger, number: int) -> float:
    body, release = _body(number), _release(number)
    started = time.perf_counter()
    ledger.append(EntryKind.DECISION, body, _NIGHT + number, opens=release)
    return (time.perf_counter() - started) * 1e3


def _lookup_ms(ledger: Ledger, number: int) -> float:
    release = _release(number)
    started = time.perf_counter()
    found = len(ledger.uses([release.ticket], release.person_key))
    ledger.inside()
    elapsed = time.perf_counter() - started
    assert found == 1
    return elapsed * 1e3


def _load(ledger: Ledger, releases: int) -> None:
    first = ledger.last_seq()
    for number in range(first, first + releases, 500):
        batch = range(number, min(number + 500, first + releases))
        opened = ledger.append_many([Draft(EntryKind.DECISION, _body(n), _NIGHT + n, opens=_release(n)) for n in batch])
        ended = [Settlement(entry.seq, Passage.PASSED) for entry in opened]
        ledger.append_many([Draft(EntryKind.PASSAGE, {"attempt": 1}, _NIGHT, settles=end) for end in ended])


def _release(number: int) -> Release:
    return Release(ticket=f"T-2025-{number:08}", person_key=f"{number:032x}")


def _body(number: int) -> dict[str, Any]:
    facts = replace(FACTS, face=replace(_FACE, tries=1 + number % 3))
    decision = Decision(Verdict.ADMIT, Reason.OK, ticket=f"T-2025-{number:08}")
    return {"attempt": number, "facts": facts, "decision": decision, "at": _NIGHT + number, "ms": {"lookup": 4.1}}


def _body_bytes(ledger: Ledger) -> int:
    return int(ledger.db.conn.execute("SELECT avg(length(body)) FROM entry").fetchone()[0])


def _spread(name: str, values_ms: list[float]) -> dict[str, float]:
    ordered = sorted(values_ms)
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {f"{name}_{key}_ms": round(ordered[int((len(ordered) - 1) * part)], 3) for key, part in at.items()}


_FACE = FaceFacts(Comparison(0.31, "dlib-resnet-1"), quality=FaceQuality(212.0, 340.5, 121.0, 0.48), pad_score=0.93)
_TICKET = TicketFacts(
    ticket="T-2025-00000001",
    entitlement=Entitlement("2025-06-15-arena", ("north", "east"), "A 12 34", "Gate B, stairs 4"),
    validity=Validity(_NIGHT, _NIGHT + 20_000),
    status=TicketStatus.VALID,
    category="standard",
    bound_at=_NIGHT - 900_000,
    guardian="",
    face_declined=False,
    notes=(),
    reference_model="dlib-resnet-1",
)
FACTS = Facts(
    gate="north",
    card=CardFacts(Medium.CHIP_CARD, DocumentType.RESIDENT_ID, Assurance.AUTHENTICATED, "2016-03-01", "2036-03-01"),
    lookup=LookupFacts(
        ManifestState("2025-06-15-arena", 17, _NIGHT - 3_600, _NIGHT + 80_000, 60_000, "9f" * 32),
        person_key="5c" * 16,
        tickets=(_TICKET,),
        inside=31_207,
    ),
    face=_FACE,
)

if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]) if len(sys.argv) > 1 else None), indent=2))
