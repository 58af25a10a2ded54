"""The ledger: is it this lane's, can it be read, is it what was written, and is its end signed?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from models.store.errors import StoreError, WrongStore
from models.store.ledger_read import LedgerReader, read_ledger
from models.store.ledger_verify import verify

UNSIGNED_S = 600.0
"""A gate signs what is new once a minute, so that lines without a signature are younger than this."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read. `unsigned_since`: when the first line behind the last checkpoint was written, Unix seconds."""

    now: float
    lane: str
    exists: bool = True
    failed: str = ""
    version: str = ""
    gate: str = ""
    problems: tuple[str, ...] = ()
    unsigned: int = 0
    unsigned_since: float | None = None


def gather(around: Around) -> Facts | None:
    """Open it as a reader; walk through all of it where there is time."""
    if around.config is None:
        return None
    name, path = around.config.gate.name, around.config.gate.state_dir / "ledger.db"
    if not path.exists():
        return Facts(around.now, name, exists=False)
    try:
        problems = verify(path).problems if around.thorough else ()
        with closing(read_ledger(path)) as reader:
            unsigned, since = _unsigned(reader)
            return Facts(around.now, name, True, "", "", reader.gate, problems, unsigned, since)
    except WrongStore as error:
        return Facts(around.now, name, version=str(error))
    except StoreError as error:
        return Facts(around.now, name, failed=str(error))


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with it."""
    if not facts.exists:
        yield Finding(Code.LEDGER_NONE)
    if facts.failed:
        yield Finding(Code.LEDGER_FAILED, "ledger.db", facts.failed)
    if facts.version:
        yield Finding(Code.LEDGER_VERSION, "ledger.db", facts.version)
    if facts.problems:
        more = f" (and {len(facts.problems) - 1} more)" if len(facts.problems) > 1 else ""
        yield Finding(Code.LEDGER_CHANGED, "ledger.db", facts.problems[0] + more)
    if facts.gate and facts.gate != facts.lane:
        yield Finding(Code.LEDGER_OF_ANOTHER, "ledger.db", f"gate {facts.gate}, configured {facts.lane}")
    if facts.unsigned_since is not None and facts.now - facts.unsigned_since > UNSIGNED_S:
        minutes = (facts.now - facts.unsigned_since) / 60
        yield Finding(Code.LEDGER_UNSIGNED, "ledger.db", f"{facts.unsigned} lines, the first {minutes:.0f} min old")


def last_entry_at(path: Path) -> float | None:
    """When the ledger's last entry was written; `None` where there is none or it can't be read."""
    if not path.exists():
        return None
    try:
        with closing(read_ledger(path)) as reader:
            last = reader.tail(1)
            return last[-1].at if last else None
    except StoreError:
        return None


def _unsigned(reader: LedgerReader) -> tuple[int, float | None]:
    (sealed,) = reader.db.conn.execute("SELECT coalesce(max(seq), 0) FROM checkpoint").fetchone()
    first = reader.entries(sealed, limit=1)
    return reader.last_seq() - sealed, first[0].at if first else None
