"""What goes into a support bundle, part by part. Nothing here is trusted to be clean: see `gate.diagnose`."""

from __future__ import annotations

import platform
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from statistics import median

from drivers.errors import DriverError
from drivers.url import parse
from gate.blanking import blank_tape
from gate.check.around import Around
from gate.check.walk import check
from gate.config_lane import shareable
from gate.diagnose import MOST_PART_BYTES, Gather, Parts
from models.ledger import Entry, EntryKind
from models.store.ledger_read import LedgerReader, read_ledger
from models.version import VERSION
from models.wire import to_json

LOG_LINES = 20_000
ENTRIES = 5000
_UNITS = ("gate", "gate-sync", "gate-ui", "gate-hub")


def gathers(log: Path | None, *, probe: bool) -> list[tuple[str, Gather]]:
    """All parts with their names. `log`: a file in the journal's place. `probe`: devices may be opened by the check."""

    def logs(around: Around) -> Parts:
        yield from _journal(around) if log is None else _log_file(log)

    def findings(around: Around) -> Parts:
        around.probe, around.thorough = probe, False
        told = [
            {"concern": concern, "code": one.code.value, "severity": one.code.severity.name.lower()}
            | {"subject": one.subject, "detail": one.detail}
            for concern, found in check(around)
            for one in found or ()
        ]
        yield "check.json", to_json(told)

    return [
        ("versions.json", _versions),
        ("config.toml", _config),
        ("log.txt", logs),
        ("check.json", findings),
        ("ledger.json", _ledger),
        ("steps.json", _steps),
        ("tapes", _tapes),
        ("machine.txt", _machine),
    ]


def known_secrets(around: Around) -> Iterator[bytes]:
    """The lane's own keys, where whoever asks may read them: no part may hold one."""
    if around.config is None:
        return
    keys = [getattr(around.config.secrets, name) for name in ("device_key", "signing_key")]
    for path in (*keys, around.config.gate.state_dir / "sync.key"):
        with suppress(OSError):
            yield path.read_bytes().strip()[:4096]


def _versions(around: Around) -> Parts:
    release = around.text("etc/os-release").splitlines()
    told = {
        "menshen": VERSION,
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "machine": platform.machine(),
        "kernel": platform.release(),
        "system": next((line[12:].strip('"') for line in release if line.startswith("PRETTY_NAME=")), ""),
        "libraries": {one.metadata["Name"]: one.version for one in metadata.distributions() if one.metadata["Name"]},
        "at": around.now,
    }
    yield "versions.json", to_json(told)


def _config(around: Around) -> Parts:
    yield "config.toml", shareable(around.config_path).encode()


def _journal(around: Around) -> Parts:
    units = [word for unit in _UNITS for word in ("-u", unit)]
    words = ("journalctl", "--no-pager", "-q", "-o", "short-iso", "-n", str(LOG_LINES), *units)
    if told := around.run(words):
        yield "log.txt", told.encode()


def _log_file(path: Path) -> Parts:
    with path.open("rb") as file:
        file.seek(max(file.seek(0, 2) - MOST_PART_BYTES, 0))
        yield "log.txt", file.read(MOST_PART_BYTES)


def _machine(around: Around) -> Parts:
    for words in (("df", "-h"), ("free", "-m"), ("lsusb",), ("systemctl", "--no-pager", "status", "gate*")):
        if told := around.run(words):
            yield f"machine/{words[0]}.txt", told.encode()


def _ledger(around: Around) -> Parts:
    """How much of what, and how far it is sent; no entry itself."""
    if around.state_dir is None:
        return
    path = around.state_dir / "ledger.db"
    with closing(read_ledger(path)) as ledger:
        told = {
            "gate": ledger.gate,
            "epoch": ledger.epoch,
            "last_seq": ledger.last_seq(),
            "acknowledged": ledger.acknowledged(),
            "open_releases": len(ledger.open_releases()),
            "kinds": ledger.count_by_kind(),
            "verdicts": ledger.count_by_verdict(),
            "reasons": ledger.count_by_reason(),
            "bytes": {one.name: one.stat().st_size for one in sorted(around.state_dir.glob("*.db*"))},
        }
    yield "ledger.json", to_json(told)


def _steps(around: Around) -> Parts:
    """Milliseconds by step and verdict, of the latest attempts; and each device's comings and goings, counted."""
    if around.state_dir is None:
        return
    with closing(read_ledger(around.state_dir / "ledger.db")) as ledger:
        times: dict[str, list[float]] = {}
        for entry in _latest(ledger):
            if entry.kind is EntryKind.DECISION:
                for step, ms in entry.body.get("ms", {}).items():
                    times.setdefault(str(step), []).append(float(ms))
        went = Counter(
            f"{entry.body.get('device', '')} {'back' if entry.body.get('up') else 'lost'}"
            for entry in ledger.latest(EntryKind.DEVICE, ENTRIES)
        )
    told = {"steps": {step: _spread(all_ms) for step, all_ms in times.items()}, "devices": dict(went)}
    if around.snapshot is not None:
        told["health"] = {device.name: asdict(device) for device in around.snapshot.devices}
    yield "steps.json", to_json(told)


def _latest(ledger: LedgerReader) -> Iterator[Entry]:
    last = ledger.last_seq()
    for after in range(max(last - ENTRIES, 0), last, 500):
        yield from ledger.entries(after, 500)


def _spread(values: list[float]) -> dict[str, float]:
    values = sorted(values)
    p95 = values[min(int(len(values) * 0.95), len(values) - 1)]
    return {"n": len(values), "median_ms": median(values), "p95_ms": p95, "max_ms": values[-1]}


def _tapes(around: Around) -> Parts:
    """The tapes that the devices' URLs write (`+spy`), and each one's predecessor."""
    if around.config is None:
        return
    devices = around.config.devices
    one_by_one = {"reader": devices.reader, "exit_reader": devices.exit_reader, "relay": devices.relay}
    many = {f"input{number}": url for number, url in enumerate(devices.inputs)}
    many |= {f"signal{number}": url for number, url in enumerate(devices.signals)}
    for device, url in (one_by_one | {"sensor": devices.sensor} | many).items():
        with suppress(DriverError):
            told = parse(url) if url else None
            if told is None or "spy" not in told.wrappers:
                continue
            tape = Path(told.options.get("tape", "menshen.tape"))
            for path, mark in ((tape, ""), (tape.with_name(f"{tape.name}.old"), ".old")):
                with suppress(OSError):
                    yield f"tapes/{device}{mark}.tape", blank_tape(_end_of_tape(path)).encode()


def _end_of_tape(path: Path) -> str:
    """A long tape's header and its last lines, of which the detector can still see all."""
    text = path.read_text("utf-8", errors="replace")
    if len(text) <= MOST_PART_BYTES:
        return text
    head = text.split("\n", 2)[:2]
    return "\n".join([*head, text[-MOST_PART_BYTES + 1000 :].partition("\n")[2]])
