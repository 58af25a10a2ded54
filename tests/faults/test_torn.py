"""The disk gives back less than was written, or something else: a torn tail of the database or of its write-ahead log.

`synchronous=FULL` promises that this does not happen; cheap cards and power cuts make it happen all the same.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest

from models.ledger import EntryKind
from models.passage import Passage
from models.store.errors import StoreError
from models.store.ledger_db import read_ledger, verify
from tests.models.ledgers import NIGHT, admit, an_evening, end, open_ledger

TRIALS = 50
SEED = int(os.environ.get("MENSHEN_SEED", "20260501"))
TAIL = 0.4
"""The part of a file, from its end, that may be hit: what was written last."""

FILES = ("ledger.db", "ledger.db-wal")


Damage = Callable[[bytes, int, random.Random], bytes]


@dataclass(frozen=True, slots=True)
class Original:
    """A ledger as it lay on the disk while its writer was at work."""

    folder: Path
    hashes: tuple[bytes, ...]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """230 lines in the database, 60 more in the log."""
    folder, kept = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("kept")
    an_evening(folder / "ledger.db")
    with open_ledger(folder / "ledger.db") as ledger:
        for number in range(30):
            end(ledger, admit(ledger, f"L{number}"), Passage.PASSED)
        for name in FILES:
            shutil.copyfile(folder / name, kept / name)
        return Original(kept, tuple(entry.hash for entry in ledger.entries(limit=1000)))


def cut(data: bytes, at: int, chance: random.Random) -> bytes:
    """The rest was never written."""
    return data[:at]


def blank(data: bytes, at: int, chance: random.Random) -> bytes:
    """The file system knows the length, the blocks were never filled."""
    return data[:at] + bytes(len(data) - at)


def garble(data: bytes, at: int, chance: random.Random) -> bytes:
    """A block of something else."""
    length = min(chance.choice((1, 16, 512, 4096)), len(data) - at)
    return data[:at] + chance.randbytes(length) + data[at + length :]


def tear(original: Original, folder: Path, chance: random.Random, name: str, damage: Damage) -> None:
    """A copy of the ledger with one of its files damaged at a random place of its tail."""
    for each in FILES:
        data = (original.folder / each).read_bytes()
        if each == name:
            data = damage(data, chance.randrange(int(len(data) * (1 - TAIL)), len(data)), chance)
        (folder / each).write_bytes(data)


def start_anew(path: Path) -> str:
    """What a gate does with its ledger at a start. Returns `refused` when the ledger says so."""
    try:
        with open_ledger(path) as ledger:
            ledger.tail(1)
            ledger.append(EntryKind.START, {}, NIGHT + 5_000)
            ledger.settle_left_open()
            ledger.tail(100)
            ledger.uses(["T0", "L1"], "p0")
    except StoreError as error:
        return "refused" if str(path) in str(error) else "refused, without the file's name"
    return "opened"


def judge(path: Path, original: Original) -> str:
    """What became of it: `whole`, `shorter`, or `told`, where verification speaks of damage."""
    if not verify(path).ok:
        return "told"
    with read_ledger(path) as ledger:
        entries = ledger.entries(limit=1000)
    kept = [entry.hash for entry in takewhile(lambda entry: entry.kind is not EntryKind.START, entries)]
    assert kept == list(original.hashes[: len(kept)]), "it verifies, and is not what was written"
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1)), "what was lost shows in the numbers"
    return "whole" if len(kept) == len(original.hashes) else "shorter"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [cut, blank, garble])
def test_a_torn_ledger_is_a_shorter_one_or_says_so(
    original: Original, tmp_path: Path, name: str, damage: Damage
) -> None:
    """It opens with a sound beginning of what was written, or is refused, or fails verification; nothing else."""
    outcomes: Counter[str] = Counter()
    for trial in range(TRIALS):
        folder = tmp_path / str(trial)
        folder.mkdir()
        tear(original, folder, random.Random(f"{SEED} {name} {damage.__name__} {trial}"), name, damage)
        outcome = start_anew(folder / "ledger.db")
        outcomes[judge(folder / "ledger.db", original) if outcome == "opened" else outcome] += 1
    assert outcomes.keys() <= {"whole", "shorter", "told", "refused"}
    assert outcomes["whole"] < TRIALS, "nothing was damaged"


def test_an_untouched_copy_is_whole(original: Original, tmp_path: Path) -> None:
    """Else the damage above would prove nothing."""
    for name in FILES:
        shutil.copyfile(original.folder / name, tmp_path / name)
    assert start_anew(tmp_path / "ledger.db") == "opened"
    assert judge(tmp_path / "ledger.db", original) == "whole"
