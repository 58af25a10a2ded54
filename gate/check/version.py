"""Does the program that runs come from the version that is installed, and was the last update taken back?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gate.check.around import Around, read_text
from gate.check.catalogue import Code, Finding
from models.ledger import EntryKind
from models.store.errors import StoreError
from models.store.ledger_read import read_ledger
from models.version import VERSION

SHELF = "opt/menshen"
"""Below the root; `gate.update_shelf` and systemd/trial.sh write there."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Versions; empty where unknown. `returned`: an update that did not come up; the one before was put back for it."""

    installed: str
    running: str
    returned: str = ""


def gather(around: Around) -> Facts | None:
    """The running gate's version stands in the ledger's last entry of a start, the other in a file beside them all."""
    returned, running = _returned(around.root / SHELF), _running(around)
    return Facts(VERSION, running, returned) if running or returned else None


def judge(facts: Facts) -> Iterator[Finding]:
    """Both should be one, and nothing taken back."""
    if facts.running and facts.installed and facts.running != facts.installed:
        yield Finding(Code.OLD_PROGRAM_RUNS, "gate", f"{facts.running} runs, {facts.installed} is installed")
    if facts.returned:
        yield Finding(Code.UPDATE_RETURNED, facts.returned)


def _running(around: Around) -> str:
    if around.snapshot is None or around.state_dir is None:
        return ""
    try:
        with closing(read_ledger(around.state_dir / "ledger.db")) as reader:
            starts = reader.latest(EntryKind.START)
        return str(starts[-1].body.get("version", "")) if starts else ""
    except StoreError:
        return ""


def _returned(shelf: Path) -> str:
    """The version that failed, as long as the one that was put back for it is the one that runs."""
    lines = [PurePosixPath(line).name for line in read_text(shelf / "returned").splitlines()]
    try:
        current = (shelf / "current").readlink().name
    except OSError:
        return ""
    return lines[1] if len(lines) == 2 and lines[0] == current else ""
