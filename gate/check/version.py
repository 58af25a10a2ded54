"""Does the program that runs come from the version that is installed?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from models.ledger import EntryKind
from models.store.errors import StoreError
from models.store.ledger_read import read_ledger
from models.version import VERSION


@dataclass(frozen=True, slots=True)
class Facts:
    """Two versions; empty where unknown."""

    installed: str
    running: str


def gather(around: Around) -> Facts | None:
    """The running gate's version stands in the ledger's last entry of a start."""
    if around.snapshot is None or around.state_dir is None:
        return None
    try:
        with closing(read_ledger(around.state_dir / "ledger.db")) as reader:
            starts = reader.latest(EntryKind.START)
        return Facts(VERSION, str(starts[-1].body.get("version", "")) if starts else "")
    except StoreError:
        return None


def judge(facts: Facts) -> Iterator[Finding]:
    """They should be one."""
    if facts.running and facts.installed and facts.running != facts.installed:
        yield Finding(Code.OLD_PROGRAM_RUNS, "gate", f"{facts.running} runs, {facts.installed} is installed")
