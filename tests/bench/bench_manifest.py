"""How fast is the manifest? Look-ups at several sizes, and building and loading a stadium.

    python tests/bench/bench_manifest.py            1,000 and 80,000 tickets
    python tests/bench/bench_manifest.py --full     and a million

A look-up is `ManifestReader.find`, unsealing and decoding of the ticket and its template included; `index_us` is what
could grow with the number of rows: the keyed hash, the snapshot and the two queries. `cpu` leaves out the time in which
other programs had the processor.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models.decision import Policy, Profile
from models.face import FaceReference
from models.ids import DocumentType, check_digit
from models.store.manifest_db import ManifestReader, ManifestWriter
from models.store.manifest_rows import ManifestContents
from models.store.ticket_bytes import ticket_to_bytes
from models.store.vault import DeviceKey, encrypt, lookup_key, row_number, seal_row
from models.ticket import Entitlement, ManifestState, Ticket, Validity
from sync.bundle_build import Issue
from sync.manifest import Tables, build_manifest, load_manifest

EVENT = "bench"
SECRET = bytes(range(32))
POLICY = Policy(Profile.CONCERT, EVENT, needs_face=True)
LOOKUPS = 5_000


def measure(sizes: Sequence[int] = (1_000, 80_000), *, tickets: int = 80_000) -> dict[str, Any]:
    """Look-up times in microseconds by number of rows; and seconds and bytes of building and loading `tickets`."""
    return {"look_up": {str(size): _look_ups(size) for size in sizes}, "stadium": _stadium(tickets)}


def id_number(serial: int) -> str:
    """A well-formed number, of nobody that we know of."""
    stem = f"11010519{serial:09d}"
    return stem + check_digit(stem)


def _ticket(serial: int) -> Ticket:
    reference = FaceReference("dlib-resnet-v1-hog5", os.urandom(512), f"consent-{serial}")
    place = Entitlement(EVENT, ("A", "B"), f"12-{serial}", "Gate B, stairs 4")
    return Ticket(f"T{serial}", place, Validity(1.0, 2.0), masked_name="张*", reference=reference)


def _look_ups(size: int) -> dict[str, float]:
    """Every row is as large as a real one; only those that are asked for are sealed for somebody."""
    with tempfile.TemporaryDirectory() as folder:
        path, key = Path(folder, "manifest.db"), DeviceKey(os.urandom(32))
        asked = random.Random(1).sample(range(size), min(LOOKUPS, size))
        writer = ManifestWriter(path, key)
        writer.apply(_contents(size, set(asked)), 0.0)
        writer.close()
        reader = ManifestReader(path, key)
        numbers = [id_number(serial) for serial in asked]
        find = _times(lambda number: reader.find(DocumentType.RESIDENT_ID, number), numbers, found=True)
        absent = [id_number(serial) for serial in range(size, size + len(numbers))]
        index = _times(lambda number: reader.find(DocumentType.RESIDENT_ID, number), absent, found=False)
        result = {f"{name}_us": value for name, value in find.items()}
        result |= {f"index_{name}_us": value for name, value in index.items()}
        reader.close()
        return result | {"database_mb": round(path.stat().st_size / 1e6, 1)}


def _times(ask: Callable[[str], Any], numbers: list[str], *, found: bool) -> dict[str, float]:
    for number in numbers[:200]:
        ask(number)
    wall, cpu = [], []
    for number in numbers:
        began, began_cpu = time.perf_counter_ns(), time.thread_time_ns()
        answer = ask(number)
        cpu.append((time.thread_time_ns() - began_cpu) / 1000)
        wall.append((time.perf_counter_ns() - began) / 1000)
        assert bool(answer.tickets) == found
    return _quantiles("", wall) | _quantiles("cpu_", cpu)


def _quantiles(prefix: str, times_us: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times_us, n=100)
    return {f"{prefix}p50": round(cuts[49], 1), f"{prefix}p99": round(cuts[98], 1)}


def _contents(size: int, asked: set[int]) -> ManifestContents:
    template = ticket_to_bytes(_ticket(0))
    openings: list[tuple[bytes, int, bytes]] = []

    def tickets() -> Iterator[tuple[int, bytes]]:
        for row, serial in sorted((row_number(SECRET, f"T{serial}"), serial) for serial in range(size)):
            if serial in asked:
                document = (DocumentType.RESIDENT_ID, id_number(serial))
                sealed = seal_row(EVENT, SECRET, f"T{serial}", ticket_to_bytes(_ticket(serial)), [document])
                openings.append((sealed.openings[0][0], row, sealed.openings[0][1]))
                yield row, sealed.sealed
            else:
                openings.append((lookup_key(SECRET, DocumentType.RESIDENT_ID, id_number(serial)), row, os.urandom(60)))
                yield row, encrypt(SECRET, template, b"")

    def in_order() -> Iterator[tuple[bytes, int, bytes]]:
        yield from sorted(openings)

    state = ManifestState(EVENT, 1, 0.0, 1.0, size)
    return ManifestContents(state, "bench", POLICY, SECRET, tickets(), in_order())


def _stadium(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        device, signing = DeviceKey.make(folder / "device.key"), Ed25519PrivateKey.generate()
        issue = Issue("bench", POLICY, 1, 0.0, 1e9, {"A1": device.public}, SECRET, signing)
        references = {f"T{serial}": FaceReference("dlib-resnet-v1-hog5", os.urandom(512)) for serial in range(count)}
        built = build_manifest(Tables(people(folder, count), references=references), folder / "bundle", issue)
        public = signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        loaded = load_manifest(folder / "bundle", folder, gate="A1", issuers={"bench": public}, now=1.0)
        return {
            "tickets": loaded.tickets,
            "build_s": round(built.seconds, 2),
            "load_s": round(loaded.seconds, 2),
            "bundle_mb": round(built.size_bytes / 1e6, 1),
            "database_mb": round((folder / "manifest.db").stat().st_size / 1e6, 1),
        }


def people(folder: Path, count: int) -> Path:
    """A table of so many people."""
    path = folder / "people.csv"
    times = "2025-05-01T18:00+08:00,2025-05-01T22:00+08:00"
    with path.open("w", encoding="utf-8") as file:
        file.write("ticket,name,number,not_before,not_after,gates,seat,way,consent_id\n")
        for serial in range(count):
            seat = f"12-{serial}"
            file.write(f'T{serial},张三,{id_number(serial)},{times},A|B,{seat},"Gate B, stairs 4",consent-{serial}\n')
    return path


if __name__ == "__main__":
    print(json.dumps(measure((1_000, 80_000, 1_000_000) if "--full" in sys.argv else (1_000, 80_000)), indent=2))
