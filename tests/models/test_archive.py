"""Older lines move into compressed files, and the ledger goes on as if they were still there."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest

from models.ledger import EntryKind
from models.passage import Passage
from models.store import archive
from models.store.archive import archive_lines, archives_of
from models.store.archive_file import FOLDER, problems_of, read_archive
from models.store.errors import StoreFailed
from models.store.ledger_db import Draft, Ledger, read_ledger, verify
from tests.models.ledgers import NIGHT, PUBLIC, admit, an_evening, open_ledger

LINES = 230
LATER = NIGHT + 9e6


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_LINES", 60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    an_evening(tmp_path / "ledger.db", LINES)
    return tmp_path / "ledger.db"


def move_out(ledger: Ledger, acknowledged: int = LINES, keep: int = 20) -> int:
    """As many lines as may go; how many files they make."""
    ledger.acknowledge(acknowledged)
    made = 0
    while archive_lines(ledger, LATER, LATER, keep=keep):
        made += 1
    return made


def in_the_file(path: Path) -> int:
    with sqlite3.connect(path) as conn:
        return int(conn.execute("SELECT count(*) FROM entry").fetchone()[0])


def test_what_moved_out_reads_as_before_and_verifies(path: Path) -> None:
    with open_ledger(path) as ledger:
        before = ledger.entries(0, 1000)
        kinds = ledger.latest(EntryKind.DECISION, 100)
        assert move_out(ledger) == 3
        assert in_the_file(path) == LINES - 180
        assert ledger.entries(0, 1000) == before
        assert ledger.entries(50, 100) == before[50:150]
        assert ledger.entries(170, 20) == before[170:190]
        assert [ledger.entry(seq) for seq in (1, 60, 61, 180, 181, 231)] == [
            *(before[seq - 1] for seq in (1, 60, 61, 180, 181)),
            None,
        ]
        assert ledger.latest(EntryKind.DECISION, 100) == kinds
    found = verify(path, PUBLIC)
    assert (found.ok, found.entries, found.checkpoints, found.last_hash) == (True, LINES, 3, before[-1].hash)


def test_the_ledger_goes_on_behind_an_archive_and_after_a_restart(path: Path) -> None:
    with open_ledger(path) as ledger:
        move_out(ledger)
        uses = ledger.uses(["T0"])
        admit(ledger, "T900")
    with open_ledger(path) as ledger:
        assert (ledger.last_seq(), ledger.uses(["T0"])) == (LINES + 1, uses)
        assert [left.seq for left in ledger.open_releases()] == [LINES + 1]
        ledger.settle_left_open(Passage.UNKNOWN)
    assert verify(path, PUBLIC).ok


def test_an_archive_can_be_verified_by_itself(path: Path) -> None:
    with open_ledger(path) as ledger:
        move_out(ledger)
        files = [one.path(path) for one in archives_of(ledger)]
    assert [problems_of(file) for file in files] == [[], [], []]
    heads = [read_archive(file)[0] for file in files]
    assert [head.prev_hash for head in heads[1:]] == [head.last_hash for head in heads[:-1]]
    assert {file.stat().st_mode & 0o777 for file in files} == {path.stat().st_mode & 0o777}


def test_only_what_the_centre_holds_and_what_is_old_moves_out(path: Path) -> None:
    with open_ledger(path) as ledger:
        assert move_out(ledger, acknowledged=59) == 0
        assert move_out(ledger, acknowledged=60) == 1
        assert archive_lines(ledger, older_than=NIGHT, now=LATER, keep=0) is None
        assert move_out(ledger, keep=LINES - 119) == 0
    with sqlite3.connect(path) as conn:
        for statement in (
            "DELETE FROM entry WHERE seq = 61",
            "DELETE FROM archive",
            "UPDATE archive SET last_seq = 200",
            "INSERT INTO archive VALUES (120, 61, 0, 0, x'00', 'f', x'00', '{}', 0)",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                conn.execute(statement)


def test_a_centre_that_lost_its_copy_gets_the_archived_lines_once_more(path: Path) -> None:
    with open_ledger(path) as ledger:
        move_out(ledger)
        ledger.acknowledge(10)
        assert [one.seq for one in ledger.entries(ledger.acknowledged(), 300)] == list(range(11, LINES + 1))
        assert [seal.seq for seal in ledger.checkpoints(10)] == [100, 200, 205]


@pytest.mark.parametrize("harm", ["missing", "changed", "cut", "no gzip"])
def test_harm_to_an_archive_is_found_and_named(path: Path, harm: str) -> None:
    with open_ledger(path) as ledger:
        move_out(ledger)
        file = archives_of(ledger)[1].path(path)
    raw = file.read_bytes()
    match harm:
        case "missing":
            file.unlink()
        case "changed":
            file.write_bytes(gzip.compress(gzip.decompress(raw).replace(b"T90", b"T91")))
        case "cut":
            file.write_bytes(raw[: len(raw) // 2])
        case _:
            file.write_bytes(b"something else")
    found = verify(path, PUBLIC)
    assert not found.ok
    assert found.first_bad_seq is not None
    assert 61 <= found.first_bad_seq <= 120
    if harm != "changed":
        with read_ledger(path) as reader, pytest.raises(StoreFailed, match="ledger-"):
            reader.entry(61)


def test_a_line_changed_in_an_archive_is_found_by_the_archive_alone(path: Path) -> None:
    with open_ledger(path) as ledger:
        move_out(ledger)
        file = archives_of(ledger)[1].path(path)
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()).replace(b"T90", b"T91")))
    assert problems_of(file) == ["line 91 is not what was hashed"]


def test_a_power_cut_between_the_file_and_the_commit_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_ledger(path) as ledger:
        ledger.acknowledge(LINES)
        with monkeypatch.context() as cut:
            cut.setattr(archive, "_take_out", _power_cut)
            with pytest.raises(KeyboardInterrupt):
                archive_lines(ledger, LATER, LATER, keep=20)
        assert len(list((path.parent / FOLDER).iterdir())) == 1
        assert in_the_file(path) == LINES
        assert move_out(ledger) == 3
    assert verify(path, PUBLIC).ok


def _power_cut(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_folder_that_takes_nothing_leaves_the_lines_where_they_are(path: Path) -> None:
    (path.parent / FOLDER).write_text("in the way")
    with open_ledger(path) as ledger:
        ledger.acknowledge(LINES)
        with pytest.raises(StoreFailed, match="stay where they are"):
            archive_lines(ledger, LATER, LATER, keep=20)
        assert ledger.append_many([Draft(EntryKind.STOP, {}, NIGHT)])[0].seq == LINES + 1
    assert verify(path, PUBLIC).ok
