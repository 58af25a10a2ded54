"""A whole evening at one lane, as fast as it goes: what the gate's process holds at the end, and what it wrote.

The daemon runs as it does at a venue, with its stores, its socket and a screen that listens; devices are simulated at
the far ends of their wires and lose no time. The next visitor presents the card while the one before walks through.
What is looked at is the process from outside: resident memory, open files, and the bytes that it caused to be written.
"""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from models.store.ledger_verify import verify
from tests.bench.figures import Figure, Section
from tests.faults.fast_lane import FastLane, card
from tests.faults.test_disk_full import sell

VISITORS = 80_000
GROWTH, WRITTEN_KB = 2.0, 24.0
"""Targets: per cent more than after the first tenth; and KiB that an admission may write."""

PATIENCE_S = 20.0
SETTLED_S = 2.0


@dataclass(frozen=True, slots=True)
class Look:
    """The process at one moment."""

    visitors: int
    at: float
    memory_mb: float
    files: int
    written: int


def measure(visitors: int = VISITORS) -> Section:
    """So many people walk in, one behind the other; looks at the process after every tenth."""
    with tempfile.TemporaryDirectory(prefix="menshen-soak-") as name:
        looks, ledger = evening(Path(name), visitors)
        return _told(looks, ledger.stat().st_size)


def evening(folder: Path, visitors: int) -> tuple[list[Look], Path]:
    """What was seen before, and after every tenth of the visitors; and the ledger, which was verified."""
    lane, stop, looks = FastLane(folder, "G1"), threading.Event(), list[Look]()
    tickets = sell(lane.state_dir, visitors)
    try:
        lane.start_daemon()
        lane.link.close()
        threading.Thread(target=_screen, args=(folder / "gate.sock", stop), daemon=True).start()
        looks.append(_look(lane.daemon.pid, 0))
        for number, (_, document) in enumerate(tickets, 1):
            _walk_in(lane, document)
            if number % (visitors // 10) == 0:
                looks.append(_look(lane.daemon.pid, number))
    finally:
        stop.set()
        lane.close()
    if not verify(lane.ledger).ok:
        raise RuntimeError("the ledger of the evening does not verify")
    return looks, lane.ledger


def _walk_in(lane: FastLane, document: str) -> None:
    pulses = lane.relay.pulses
    lane.reader.present(card(document))
    if not lane.relay.wait_for(lambda: lane.relay.pulses > pulses, PATIENCE_S):
        raise TimeoutError(f"visitor {pulses + 1} was not let in")
    lane.sensor.turn()


def _screen(path: Path, stop: threading.Event) -> None:
    """A screen that hears everything and shows nothing."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.connect(str(path))
        while not stop.is_set() and listening.recv(1 << 16):
            pass


def _look(pid: int, visitors: int) -> Look:
    """Once the last one is through, and what the process did beside has come to rest."""
    threading.Event().wait(SETTLED_S)
    counts = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Look(visitors, time.monotonic(), resident_mb(pid), files, int(counts["write_bytes"]))


def resident_mb(pid: int) -> float:
    """The process's resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth(before: float, after: float) -> float:
    """By how many per cent."""
    return round(100 * (after - before) / before, 2)


def _told(looks: list[Look], ledger_bytes: int) -> Section:
    section = Section("soak")
    began, tenth, last = looks[0], looks[1], looks[-1]
    people, seconds = last.visitors, last.at - began.at - SETTLED_S * (len(looks) - 1)
    written_kb = (last.written - began.written) / people / 1024
    grown = growth(tenth.memory_mb, last.memory_mb), growth(tenth.files, last.files)
    section.add(
        Figure("resident memory, growth after the first tenth", grown[0], "%", people, GROWTH),
        Figure("open files, growth after the first tenth", grown[1], "%", people, GROWTH),
        Figure("written to the disk by an admission", round(written_kb, 1), "KiB", people, WRITTEN_KB),
        Figure("of which the ledger keeps", round(ledger_bytes / people / 1024, 1), "KiB", people),
        Figure("admissions", round(people / seconds, 1), "/s", people),
    )
    memory = ", ".join(f"{one.memory_mb:.1f}" for one in looks)
    section.notes.append(f"resident memory at the start and after every tenth: {memory} MB; {last.files} open files")
    section.notes.append("written: /proc/PID/io, whole pages of 4 KiB as the file system takes them")
    return section
