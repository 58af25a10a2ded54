"""What a torn disk took, named by the mark of whoever holds the lines: database, write-ahead log and archive."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.ledger import Entry, EntryKind
from models.passage import Passage
from models.store.archive import MOST_LINES, archive_lines
from models.store.chain import entry_hash
from models.store.errors import StoreError
from models.store.ledger_db import Draft, LedgerReader, read_ledger
from models.store.ledger_lost import lost_in_file
from tests.faults.test_torn import blank, cut, garble
from tests.models.ledgers import NIGHT, admit, end, open_ledger

TRIALS = 300 * max(1, int(os.environ.get("MENSHEN_RUNS", "20")) // 100)
SEED = int(os.environ.get("MENSHEN_SEED", "20260501"))
DAMAGES = (cut, blank, garble)


@dataclass(frozen=True, slots=True)
class Original:
    """A ledger as it lay on the disk while its writer was at work; the authority holds all of it."""

    folder: Path
    entries: tuple[Entry, ...]
    files: tuple[str, ...]

    @property
    def mark(self) -> int:
        """The last line that the authority holds."""
        return self.entries[-1].seq


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """A thousand lines in an archive, a hundred in the database, and sixty in the log."""
    folder, kept = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("kept")
    path = folder / "ledger.db"
    with open_ledger(path) as ledger:
        body = {"device": "reader", "up": True}
        ledger.append_many([Draft(EntryKind.DEVICE, body, NIGHT + n) for n in range(MOST_LINES + 100)])
        ledger.acknowledge(ledger.last_seq())
        assert archive_lines(ledger, NIGHT + 9_000, NIGHT + 9_000, keep=50)
    with open_ledger(path) as ledger:
        for number in range(30):
            end(ledger, admit(ledger, f"L{number}"), Passage.PASSED)
        shutil.copytree(folder, kept, dirs_exist_ok=True)
        archive = next(kept.glob("archive/*.gz"))
        files = ("ledger.db", "ledger.db-wal", archive.relative_to(kept).as_posix())
        return Original(kept, tuple(ledger.entries(0, limit=10_000)), files)


def tear(original: Original, folder: Path, chance: random.Random) -> tuple[str, str]:
    """A copy with one of its files damaged anywhere: which one, and how."""
    shutil.copytree(original.folder, folder)
    for name in ("ledger.db-shm", "ledger.db.lock"):
        (folder / name).unlink(missing_ok=True)  # after a power cut nobody has the file open
    name, damage = chance.choice(original.files), chance.choice(DAMAGES)
    path = folder / name
    data = path.read_bytes()
    path.write_bytes(damage(data, chance.randrange(len(data)), chance))
    return name, damage.__name__


def first_gone(original: Original, folder: Path) -> int | None:
    """The first line that can't be had as it was; `None` where all can. With a look of its own at each line."""
    archive = original.files[2]
    if (folder / archive).read_bytes() != (original.folder / archive).read_bytes():
        return 1
    try:
        with read_ledger(folder / "ledger.db") as ledger:
            return next((one.seq for one in original.entries[MOST_LINES:] if not is_there(ledger, one)), None)
    except (StoreError, sqlite3.Error):
        return 1


def is_there(ledger: LedgerReader, entry: Entry) -> bool:
    """Whether the ledger has this very line."""
    try:
        found = ledger.entry(entry.seq)
    except (StoreError, sqlite3.Error, ValueError):
        return False
    return found is not None and found.hash == entry.hash == entry_hash("north", found)


def test_what_is_lost_is_found_each_time_and_named_from_the_authoritys_mark(
    original: Original, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The range named ends at the mark, and begins with the first lost line, or before it where more is in doubt."""
    outcomes: Counter[str] = Counter()
    for trial in range(TRIALS):
        folder = tmp_path / "torn"
        name, damage = tear(original, folder, random.Random(f"{SEED} {trial}"))
        lost, first = lost_in_file(folder / "ledger.db", original.mark), first_gone(original, folder)
        what = f"trial {trial}, {damage} of {name}: {lost} named, line {first} is the first that is gone"
        if first is not None:
            assert lost is not None, what
            assert lost[0] <= first, what
            assert lost[1] == original.mark, what
        outcomes["whole" if first is None else "exact" if lost and lost[0] == first else "and more"] += 1
        shutil.rmtree(folder)
    with capfd.disabled():
        print(f"\n{TRIALS} torn ledgers: {dict(outcomes)}", file=sys.stderr)
    assert outcomes["exact"] >= 0.7 * (TRIALS - outcomes["whole"])
    assert outcomes["whole"] < 0.5 * TRIALS, "hardly anything was damaged"


def test_nothing_is_named_where_nothing_is_lost(original: Original, tmp_path: Path) -> None:
    shutil.copytree(original.folder, tmp_path / "copy")
    assert lost_in_file(tmp_path / "copy" / "ledger.db", original.mark) is None
    assert lost_in_file(tmp_path / "copy" / "ledger.db", original.mark + 3) == (original.mark + 1, original.mark + 3)


def test_of_a_file_that_is_none_everything_is_lost(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"\0" * 4096)
    assert lost_in_file(tmp_path / "ledger.db", 9) == (1, 9)
    assert lost_in_file(tmp_path / "none.db", 9) == (1, 9)
    assert lost_in_file(tmp_path / "none.db", 0) is None
