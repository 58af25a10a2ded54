"""The lane's figures: what it decided and how fast, how its devices, its data, its disk and its clock are.

Counters begin at zero with the process, as is the custom; the ledger knows what was before. Nothing here names a person
or a ticket.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gate.ballast import Ballast, Room
from gate.messages import DeviceHealth
from models.command import Snapshot
from models.exposition import Family, Histogram, Kind, Sample, by_label, gauge, one_of
from models.ledger import EntryKind
from models.link import Reach
from models.record import Body, DecisionBody, PassageBody
from models.view import Mode, Phase


@dataclass(frozen=True, slots=True)
class LedgerMarks:
    """The last entry, and the last one that the authority holds."""

    last: int
    acknowledged: int


class Figures:
    """Counts what is written into the ledger. Belongs to the event loop."""

    def __init__(self, version: str, started_at: float, root: Path = Path("/")) -> None:
        self._version, self._started_at, self._root = version, started_at, root
        self._decisions: Counter[tuple[str, str]] = Counter()
        self._passages: Counter[str] = Counter()
        self._entries: Counter[str] = Counter()
        self._steps = Histogram("menshen_step_seconds", "Time taken by each step of an attempt.")
        self._whole = Histogram("menshen_decision_seconds", "Time from the card to the word, without a person's.")

    def wrote(self, kind: EntryKind, body: Body) -> None:
        """The ledger took an entry."""
        self._entries[kind] += 1
        if isinstance(body, DecisionBody):
            self._decisions[body.decision.verdict, body.decision.reason] += 1
            for step, ms in body.ms.items():
                self._steps.observe(ms / 1000, step=step)
            if "steward" not in body.ms:
                self._whole.observe(sum(body.ms.values()) / 1000, verdict=body.decision.verdict)
        elif isinstance(body, PassageBody):
            self._passages[body.passage] += 1

    def counted(self) -> Iterator[Family]:
        """What was counted since the start."""
        said = tuple(
            Sample(number, {"verdict": verdict, "reason": reason})
            for (verdict, reason), number in sorted(self._decisions.items())
        )
        yield Family("menshen_decisions_total", Kind.COUNTER, "Words said, by verdict and reason.", said)
        passages = sorted(self._passages.items())
        yield by_label("menshen_passages_total", Kind.COUNTER, "How releases ended.", "passage", passages)
        entries = sorted(self._entries.items())
        yield by_label("menshen_entries_total", Kind.COUNTER, "Entries written into the ledger.", "kind", entries)
        yield self._steps.family()
        yield self._whole.family()

    def process(self) -> Iterator[Family]:
        """This process, and the machine it runs on."""
        yield gauge("menshen_build_info", "The program's version.", 1, version=self._version)
        yield gauge("menshen_start_time_seconds", "When the process began, Unix seconds.", self._started_at)
        yield gauge("menshen_resident_bytes", "Memory of the gate process.", _resident(self._root))
        yield gauge("menshen_open_files", "Files and sockets open.", sum(1 for _ in self._root.glob("proc/self/fd/*")))
        zones = sorted((self._root / "sys/class/thermal").glob("thermal_zone*/temp"))
        heats = [(path.parent.name, heat) for path in zones if (heat := _celsius(path)) is not None]
        yield by_label("menshen_temperature_celsius", Kind.GAUGE, "Temperature of the machine.", "zone", heats)


def of_lane(told: Snapshot, waiting: int) -> Iterator[Family]:
    """The lane as the screens are told. `waiting` events are in its queue."""
    yield one_of("menshen_lane_phase", "What the lane is doing.", "phase", Phase, told.view.phase)
    yield one_of("menshen_lane_mode", "How the lane is run.", "mode", Mode, told.view.mode)
    yield gauge("menshen_queue_events", "Events that the lane has still to take.", waiting)
    yield gauge("menshen_inside_persons", "Entries less exits at this gate.", told.inside)
    yield gauge("menshen_admissions_per_minute", "Admissions a minute, over the last five.", told.per_minute)
    yield gauge("menshen_clock_trusted", "Whether the clock may be believed.", told.clock_trusted)
    reach = told.reach or "none"
    yield one_of("menshen_reach", "Whom the sync process reaches.", "reach", (*Reach, "none"), reach)
    held = told.manifest
    if held is not None:
        yield gauge("menshen_manifest_age_seconds", "How old the tickets are.", max(0.0, told.at - held.issued_at))
        yield gauge("menshen_manifest_expires_seconds", "Seconds until they are too old.", held.expires_at - told.at)
        yield gauge("menshen_manifest_tickets", "Tickets held.", held.tickets)
        yield gauge("menshen_manifest_version", "Version of the manifest.", held.version)


def of_devices(devices: list[DeviceHealth]) -> Iterator[Family]:
    """How each device fares."""

    def each(name: str, kind: Kind, about: str, field: str) -> Family:
        return by_label(name, kind, about, "device", ((one.name, float(getattr(one, field))) for one in devices))

    yield each("menshen_device_up", Kind.GAUGE, "Whether the device works.", "up")
    yield each("menshen_device_reconnects_total", Kind.COUNTER, "How often it came back.", "reconnects")
    yield each("menshen_device_errors_total", Kind.COUNTER, "How often it spoke nonsense or was silent.", "bad_answers")
    yield each("menshen_device_uses_total", Kind.COUNTER, "How often it did what it is there for.", "uses")


def of_stores(marks: LedgerMarks | None, ballast: Ballast) -> Iterator[Family]:
    """The ledger, as far as it answers, and the disk beneath it."""
    if marks is not None:
        behind = marks.last - marks.acknowledged
        yield gauge("menshen_ledger_last_entry", "Number of the ledger's last entry.", marks.last)
        yield gauge("menshen_ledger_unacknowledged", "Entries that the authority does not hold yet.", behind)
    yield gauge("menshen_ledger_up", "Whether the ledger answers.", marks is not None)
    yield gauge("menshen_disk_free_bytes", "Space left for the lane.", ballast.free_bytes)
    yield gauge("menshen_disk_size_bytes", "Size of the lane's file system.", ballast.total_bytes)
    yield one_of("menshen_disk_room", "Whether that is enough.", "room", Room, ballast.room)


def _resident(root: Path) -> float | None:
    with suppress(OSError, ValueError, IndexError):
        return float((root / "proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None


def _celsius(path: Path) -> float | None:
    with suppress(OSError, ValueError):
        return int(path.read_text()) / 1000
    return None
