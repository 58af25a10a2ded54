"""Failing disks and dying processes: no acknowledged line is lost, none is written by halves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models.ledger import EntryKind
from models.store import connection
from models.store.errors import StoreBusy, StoreFailed
from models.store.ledger_db import Ledger, Release, read_ledger, verify
from tests.models.ledgers import NIGHT, PUBLIC, admit, an_evening, open_ledger, tamper

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def run_out_of_space(ledger: Ledger) -> None:
    """The file can't grow, and a line comes that needs it to."""
    pages = ledger.db.conn.execute("PRAGMA page_count").fetchone()[0]
    ledger.db.conn.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFailed, match="full"):
        ledger.append(EntryKind.DECISION, {"text": "x" * 100_000}, NIGHT, opens=Release(ticket="T9"))


def test_a_full_disk_closes_the_ledger_and_leaves_nothing_half_written(path: Path) -> None:
    with open_ledger(path) as ledger:
        admit(ledger, "T1")
        run_out_of_space(ledger)
        for refused in (lambda: admit(ledger, "T2"), lambda: ledger.uses(["T1"]), lambda: ledger.checkpoint(NIGHT)):
            with pytest.raises(StoreFailed):
                refused()
        with pytest.raises(StoreBusy):
            open_ledger(path)
        assert ledger.reopen() == ()
        assert [left.ticket for left in ledger.open_releases()] == ["T1"]
        assert (ledger.inside(), ledger.uses(["T9"])) == (1, ())
        assert admit(ledger, "T2") == 2
    assert verify(path, PUBLIC).ok


_WRITE_UNTIL_REFUSED = """
import resource, signal, sys
from pathlib import Path
from models.ledger import EntryKind
from models.store import connection
from models.store.errors import StoreFailed
from tests.models.ledgers import open_ledger

ledger = open_ledger(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
written = 0
try:
    while True:
        written = ledger.append(EntryKind.DEVICE, {"text": "x" * 5000}, 0.0).seq
except StoreFailed:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    ledger.reopen()
    print(written, ledger.append(EntryKind.DEVICE, {}, 0.0).seq)
"""


def test_a_write_that_the_kernel_refuses_costs_no_acknowledged_line(path: Path) -> None:
    """A real refusal: the process may not write beyond 200,000 bytes of any file."""
    done = subprocess.run(
        [sys.executable, "-c", _WRITE_UNTIL_REFUSED, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    acknowledged, after = map(int, done.stdout.split())
    assert acknowledged > 5
    assert after == acknowledged + 1
    found = verify(path, PUBLIC)
    assert found.ok
    assert found.last_seq == after


def test_a_line_whose_append_failed_and_that_is_there_all_the_same_uses_no_ticket(path: Path, tmp_path: Path) -> None:
    """A disk may keep what it said it had lost. No relay was pulsed for such a line."""
    more = tmp_path / "more.db"
    with open_ledger(path) as ledger:
        admit(ledger, "T1")
    shutil.copy(path, more)
    with open_ledger(more) as longer:
        admit(longer, "T2")
    with open_ledger(path) as ledger:
        run_out_of_space(ledger)
        shutil.copy(more, path)
        assert [entry.seq for entry in ledger.reopen()] == [2]
        assert [left.ticket for left in ledger.open_releases()] == ["T1"]
        assert (ledger.inside(), ledger.uses(["T2"])) == (1, ())
        assert ledger.tail(1)[0].body["detail"] == "append failed"
    assert verify(path).ok


def test_lines_that_vanished_are_not_gone_over_in_silence(path: Path, tmp_path: Path) -> None:
    less = tmp_path / "less.db"
    with open_ledger(path) as ledger:
        admit(ledger, "T1")
    shutil.copy(path, less)
    with open_ledger(path) as ledger:
        admit(ledger, "T2")
        run_out_of_space(ledger)
        shutil.copy(less, path)
        for _ in range(2):  # asking again doesn't make it better
            with pytest.raises(StoreFailed, match="ends at line 1, but line 2 had been written"):
                ledger.reopen()
            with pytest.raises(StoreFailed):
                admit(ledger, "T3")


def test_reopening_a_ledger_that_does_not_verify_is_refused(path: Path) -> None:
    an_evening(path)
    with open_ledger(path) as ledger:
        run_out_of_space(ledger)
        tamper(path, "UPDATE entry SET at = 0 WHERE seq = 60")
        with pytest.raises(StoreFailed, match="line 60 is not what was hashed"):
            ledger.reopen()


def test_reopening_says_so_when_a_reader_is_in_the_middle_of_a_query(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open query keeps the log from being copied into the file: said plainly, and good once the query is over."""
    monkeypatch.setattr(connection, "BUSY_S", 0.05)
    with open_ledger(path) as ledger, read_ledger(path) as reader:
        admit(ledger, "T1")
        reader.db.conn.execute("BEGIN")
        reader.last_seq()
        admit(ledger, "T2")
        run_out_of_space(ledger)
        with pytest.raises(StoreFailed, match="keeps a query open"):
            ledger.reopen()
        reader.db.conn.execute("COMMIT")
        assert ledger.reopen() == ()


def append_for_ever(path: Path, pipe: int) -> None:
    with open_ledger(path) as ledger:
        while True:
            os.write(pipe, admit(ledger, "T").to_bytes(4, "big"))


@pytest.mark.parametrize("heard", range(1, 61, 3))
def test_what_was_acknowledged_outlives_kill_nine(path: Path, heard: int) -> None:
    """A child appends and tells each number; after so many it is killed in the middle of whatever it does."""
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            append_for_ever(path, mouth)
        finally:
            os._exit(1)
    os.close(mouth)
    with os.fdopen(ear, "rb") as told:
        first = told.read(4 * heard)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        acknowledged = len(first + told.read()) // 4
    assert acknowledged >= heard
    with open_ledger(path) as ledger:
        survived = ledger.last_seq()
        assert acknowledged <= survived <= acknowledged + 1
        assert len(ledger.settle_left_open()) == survived
    assert verify(path, PUBLIC).ok
