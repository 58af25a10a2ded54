"""The ledger: one writer, no holes, nothing lost that was acknowledged, and uses that follow from its lines."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from models.decision import Decision, Reason, Verdict
from models.ledger import EntryKind
from models.passage import Direction, Passage, Use
from models.store.chain import checkpoint_is_genuine, entry_hash, root_hash
from models.store.connection import connect_writer
from models.store.errors import StoreBusy, StoreFailed, UnknownRelease, WrongStore
from models.store.ledger_db import Draft, Ledger, Release, read_ledger, verify
from models.store.migrate import SCHEMA, migrate
from models.wire import WireError
from tests.models.ledgers import NIGHT, PUBLIC, admit, an_evening, end, open_ledger, tamper


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with open_ledger(path) as opened:
        yield opened


# --- lines and their chain ---


def test_lines_are_numbered_from_one_and_chained_from_the_root(ledger: Ledger) -> None:
    first = ledger.append(EntryKind.START, {"version": "1.0"}, NIGHT)
    second = ledger.append(EntryKind.MODE, {"mode": "normal"}, NIGHT + 1)
    assert (first.seq, second.seq) == (1, 2)
    assert first.prev_hash == root_hash("north", ledger.epoch)
    assert second.prev_hash == first.hash == entry_hash("north", first)


def test_what_is_appended_is_what_is_read(ledger: Ledger) -> None:
    body = {"what": "北门", "list": [1, 2.5, None, True], "noun": Decision(Verdict.REFER, Reason.NO_FACE)}
    written = ledger.append(EntryKind.DECISION, body, NIGHT)
    assert ledger.entry(1) == written
    assert written.body["noun"]["reason"] == "no_face"
    assert ledger.entry(2) is None


def test_entries_go_on_behind_a_number_and_tail_gives_the_last_in_order(ledger: Ledger) -> None:
    for number in range(12):
        ledger.append(EntryKind.DEVICE, {"n": number}, NIGHT + number)
    assert [entry.seq for entry in ledger.entries(after_seq=4, limit=3)] == [5, 6, 7]
    assert [entry.seq for entry in ledger.tail(3)] == [10, 11, 12]


def test_the_latest_of_a_kind_are_found_among_others(ledger: Ledger) -> None:
    assert ledger.latest(EntryKind.SHIFT) == ()
    for number in range(12):
        ledger.append(EntryKind.SHIFT if number % 3 == 0 else EntryKind.DEVICE, {"n": number}, NIGHT + number)
    assert [entry.seq for entry in ledger.latest(EntryKind.SHIFT, 3)] == [4, 7, 10]
    assert [entry.seq for entry in ledger.latest(EntryKind.SHIFT)] == [10]


def test_many_lines_go_in_together_or_not_at_all(ledger: Ledger) -> None:
    good = Draft(EntryKind.DEVICE, {"n": 1}, NIGHT)
    with pytest.raises(WireError):
        ledger.append_many([good, Draft(EntryKind.DEVICE, {"n": float("nan")}, NIGHT)])
    assert ledger.last_seq() == 0
    assert [entry.seq for entry in ledger.append_many([good, good])] == [1, 2]


def test_a_body_must_be_an_object_and_leave_the_ledgers_own_keys_alone(ledger: Ledger) -> None:
    for body in ([1], "text", 5, {"opens": 1}, {"settles": None}):
        with pytest.raises(WireError):
            ledger.append(EntryKind.DEVICE, body, NIGHT)
    with pytest.raises(WireError):
        ledger.append(EntryKind.DEVICE, {}, float("nan"))
    assert ledger.append(EntryKind.DEVICE, {}, NIGHT).seq == 1


def test_a_new_file_is_a_new_epoch_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "a.db") as a, open_ledger(tmp_path / "b.db") as b:
        epochs = {a.epoch, b.epoch}
    with open_ledger(tmp_path / "a.db") as again:
        assert len(epochs) == 2
        assert again.epoch in epochs


def test_acknowledged_is_kept_may_go_back_and_never_beyond_the_end(path: Path) -> None:
    with open_ledger(path) as ledger:
        ledger.append_many([Draft(EntryKind.DEVICE, {}, NIGHT)] * 5)
        ledger.acknowledge(4)
    with open_ledger(path) as ledger:
        assert ledger.acknowledged() == 4
        ledger.acknowledge(2)
        assert ledger.acknowledged() == 2
        for wrong in (6, -1):
            with pytest.raises(ValueError, match="ends at 5"):
                ledger.acknowledge(wrong)


def test_counts_and_summaries_follow_the_decisions(path: Path) -> None:
    an_evening(path)
    with read_ledger(path) as reader:
        assert reader.count_by_kind() == {EntryKind.DECISION: 153, EntryKind.PASSAGE: 77}
        assert reader.count_by_verdict() == {Verdict.ADMIT: 77, Verdict.DENY: 76}
        assert reader.count_by_reason() == {Reason.OK: 77, Reason.NO_TICKET: 76}
        newest = reader.summaries(4)
    assert [line.seq for line in newest] == [229, 228, 226, 225]
    assert [(line.verdict, line.ticket, line.passage) for line in newest] == [
        ("admit", "T228", Passage.NO_SHOW),
        ("deny", "", None),
        ("admit", "T225", Passage.PASSED),
        ("deny", "", None),
    ]


# --- checkpoints ---


def test_a_checkpoint_comes_every_hundred_lines_and_when_asked_for(ledger: Ledger) -> None:
    assert ledger.checkpoint(NIGHT) is None
    ledger.append_many([Draft(EntryKind.DEVICE, {}, NIGHT)] * 250)
    asked = ledger.checkpoint(NIGHT + 60)
    assert asked is not None
    assert ledger.checkpoint(NIGHT + 61) is None
    assert [checkpoint.seq for checkpoint in ledger.checkpoints()] == [100, 200, 250]
    assert ledger.checkpoints(after_seq=200) == (asked,)
    assert asked.public_key == PUBLIC
    assert all(checkpoint_is_genuine("north", checkpoint) for checkpoint in ledger.checkpoints())
    assert not checkpoint_is_genuine("south", asked)


def test_the_hundred_lines_are_counted_across_restarts(path: Path) -> None:
    for _ in range(4):
        with open_ledger(path) as ledger:
            ledger.append_many([Draft(EntryKind.DEVICE, {}, NIGHT)] * 30)
    with read_ledger(path) as reader:
        assert [checkpoint.seq for checkpoint in reader.checkpoints()] == [100]


# --- releases and uses ---


def test_a_release_is_used_while_open_and_when_passed_and_free_after_a_no_show(ledger: Ledger) -> None:
    seq = admit(ledger, "T1", "p1")
    open_use = Use("T1", "p1", Direction.ENTRY, Passage.UNKNOWN, NIGHT, "north")
    assert ledger.uses(["T1"]) == ledger.uses([], "p1") == ledger.uses(["T1", "T9"], "p1") == (open_use,)
    end(ledger, seq, Passage.NO_SHOW)
    assert ledger.uses(["T1"], "p1") == ()
    end(ledger, admit(ledger, "T1", "p1"), Passage.PASSED)
    assert [use.passage for use in ledger.uses(["T1"], "p1")] == [Passage.PASSED]


def test_uses_come_in_order_and_by_ticket_or_person(ledger: Ledger) -> None:
    admit(ledger, "T1", "p1", at=NIGHT)
    admit(ledger, "T2", "p1", at=NIGHT + 1)
    admit(ledger, "T3", "p3", at=NIGHT + 2)
    admit(ledger, "T1", "p4", Direction.EXIT, at=NIGHT + 3)
    assert [use.at - NIGHT for use in ledger.uses(["T1"], "p1")] == [0, 1, 3]
    assert [use.at - NIGHT for use in ledger.uses(["T3", "T2"])] == [1, 2]
    assert ledger.uses([], "nobody") == ()


def test_free_passage_is_counted_and_uses_nothing(ledger: Ledger) -> None:
    ledger.append(EntryKind.PASSAGE, {"attempt": 0}, NIGHT, opens=Release(passage=Passage.PASSED))
    assert ledger.inside() == 1
    assert ledger.open_releases() == ()
    assert ledger.uses([""], "") == ()


def test_inside_counts_entries_less_exits_without_no_shows(ledger: Ledger) -> None:
    endings = [Passage.PASSED, Passage.UNKNOWN, Passage.NO_SHOW]
    for number, passage in enumerate(endings):
        end(ledger, admit(ledger, f"T{number}"), passage)
    assert ledger.inside() == 2
    end(ledger, admit(ledger, "T0", way=Direction.EXIT), Passage.NO_SHOW)
    assert ledger.inside() == 2
    end(ledger, admit(ledger, "T0", way=Direction.EXIT), Passage.PASSED)
    assert ledger.inside() == 1
    admit(ledger, "T5")
    assert ledger.inside() == 2


def test_a_release_ends_once(ledger: Ledger) -> None:
    seq = admit(ledger, "T1")
    end(ledger, seq, Passage.PASSED)
    for wrong in (seq, 99):
        with pytest.raises(UnknownRelease):
            end(ledger, wrong, Passage.NO_SHOW)
    assert ledger.last_seq() == 2
    assert ledger.inside() == 1


def test_after_a_restart_what_was_left_open_is_settled_as_unknown(path: Path) -> None:
    with open_ledger(path) as ledger:
        end(ledger, admit(ledger, "T1"), Passage.PASSED)
        left = [admit(ledger, "T2", "p2"), admit(ledger, "T3", way=Direction.EXIT)]
    with open_ledger(path) as ledger:
        assert [release.seq for release in ledger.open_releases()] == left
        written = ledger.settle_left_open()
        assert [entry.body["settles"] for entry in written] == [{"seq": seq, "passage": "unknown"} for seq in left]
        assert [entry.body["attempt"] for entry in written] == [7, 7]
        assert ledger.open_releases() == ()
        assert [use.passage for use in ledger.uses(["T2"])] == [Passage.UNKNOWN]
    assert verify(path, PUBLIC).ok


def test_look_ups_search_an_index_and_scan_nothing(ledger: Ledger) -> None:
    asked: list[str] = []
    ledger.db.conn.set_trace_callback(asked.append)
    ledger.uses(["T1", "T2"], "p1")
    ledger.open_releases()
    ledger.inside()
    ledger.db.conn.set_trace_callback(None)
    for sql in filter(lambda text: text.lstrip().startswith("SELECT"), asked):
        plan = [row[3] for row in ledger.db.conn.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert not [step for step in plan if step.startswith("SCAN release") and "USING" not in step], plan
    assert len(asked) >= 3


# --- who may open it ---


def test_a_second_writer_is_refused_and_told_who_writes(path: Path, ledger: Ledger) -> None:
    with pytest.raises(StoreBusy, match=f"process {os.getpid()}"):
        open_ledger(path)
    ledger.close()
    open_ledger(path).close()


def test_another_gates_ledger_is_refused_and_let_go_of(path: Path) -> None:
    open_ledger(path).close()
    with pytest.raises(WrongStore, match="gate north, not of south"):
        open_ledger(path, gate="south")
    open_ledger(path).close()


def test_a_newer_ledger_is_refused_by_writer_reader_and_verification(path: Path) -> None:
    open_ledger(path).close()
    tamper(path, "PRAGMA user_version = 99")
    for opening in (open_ledger, read_ledger, verify):
        with pytest.raises(WrongStore, match="version 99"):
            opening(path)


def test_what_is_no_ledger_is_refused_with_its_name(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database at all, " * 100)
    for opening in (open_ledger, read_ledger, verify):
        with pytest.raises(StoreFailed, match=r"notes\.txt"):
            opening(text)
        with pytest.raises(StoreFailed, match=r"nowhere"):
            opening(tmp_path / "nowhere" / "ledger.db")
    empty = tmp_path / "empty.db"
    tamper(empty, "CREATE TABLE other (x)")
    with pytest.raises(WrongStore, match="version 0"):
        read_ledger(empty)


def test_a_reader_sees_every_commit_and_can_write_nothing(path: Path, ledger: Ledger) -> None:
    with read_ledger(path) as reader:
        assert (reader.gate, reader.epoch, reader.last_seq()) == ("north", ledger.epoch, 0)
        seq = admit(ledger, "T1", "p1")
        assert reader.last_seq() == seq
        assert reader.uses(["T1"]) == ledger.uses(["T1"])
        for statement in ("UPDATE ledger SET inside = 0", "DELETE FROM release", "PRAGMA user_version = 5"):
            with pytest.raises(sqlite3.OperationalError):
                reader.db.conn.execute(statement)


def test_the_settings_that_durability_needs_are_in_force(ledger: Ledger) -> None:
    found = {
        name: ledger.db.conn.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "mmap_size", "trusted_schema", "secure_delete", "foreign_keys")
    }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "mmap_size": 0,
        "trusted_schema": 0,
        "secure_delete": 1,
        "foreign_keys": 1,
    }


def test_not_even_the_writing_connection_rewrites_a_line(ledger: Ledger) -> None:
    ledger.append(EntryKind.START, {}, NIGHT)
    for statement in ("UPDATE entry SET at = 0", "DELETE FROM entry"):
        with pytest.raises(sqlite3.IntegrityError, match="never re"):
            ledger.db.conn.execute(statement)


# --- from an older program ---


def as_of_the_first_version(path: Path) -> None:
    """The same lines in a file as the first version of this program made it."""
    newer = path.rename(path.with_name("newer.db"))
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.executescript((SCHEMA / "ledger_0001.sql").read_text("utf-8") + "PRAGMA user_version = 1;")
        conn.execute("ATTACH ? AS newer", (str(newer),))
        for table in ("ledger", "entry", "checkpoint", "release", "tally"):
            columns = ", ".join(row[1] for row in conn.execute(f"PRAGMA main.table_info({table})"))
            conn.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")


def test_a_ledger_of_the_first_version_is_brought_up_to_date_and_still_verifies(path: Path) -> None:
    an_evening(path, lines=30)
    with read_ledger(path) as reader:
        before = reader.uses(["T0", "T27"])
    as_of_the_first_version(path)
    with pytest.raises(WrongStore, match="start its writer once"):
        read_ledger(path)
    with open_ledger(path) as ledger:
        assert ledger.uses(["T0", "T27"]) == before != ()
        ledger.append(EntryKind.DECISION, {}, NIGHT, opens=Release(ticket="T9", code_step=7))
    assert verify(path, PUBLIC).ok


def test_a_use_tells_the_step_of_the_code_that_it_was_made_by(path: Path, ledger: Ledger) -> None:
    ledger.append(EntryKind.DECISION, {}, NIGHT, opens=Release(ticket="T1", person_key="p1", code_step=2**40))
    admit(ledger, "T1")
    assert [use.code_step for use in ledger.uses(["T1"])] == [2**40, None]
    assert verify(path, PUBLIC).ok


# --- how much a line wears the disk ---


def test_a_new_ledger_has_small_pages_and_a_log_of_a_few_megabytes(ledger: Ledger) -> None:
    assert ledger.rows("PRAGMA page_size") == [(512,)]
    assert ledger.rows("PRAGMA wal_autocheckpoint") == [((4 << 20) // 512,)]


def test_a_ledger_with_large_pages_keeps_them_and_goes_on(path: Path) -> None:
    with closing(connect_writer(path, page_bytes=4096)) as conn:
        migrate(conn, "ledger")
    an_evening(path, lines=30)
    with open_ledger(path) as ledger:
        assert ledger.rows("PRAGMA page_size") == [(4096,)]
        assert ledger.rows("PRAGMA wal_autocheckpoint") == [((4 << 20) // 4096,)]
    assert verify(path, PUBLIC).ok


def test_an_admission_writes_a_third_of_what_large_pages_cost(path: Path) -> None:
    written = {}
    for size in (512, 4096):
        other = path.with_name(f"{size}.db")
        with closing(connect_writer(other, page_bytes=size)) as conn:
            migrate(conn, "ledger")
        with open_ledger(other) as ledger:
            for number in range(40):
                end(ledger, admit(ledger, f"T{number * 37 % 101}", f"p{number * 59 % 103}"), Passage.PASSED)
            written[size] = other.with_name(f"{size}.db-wal").stat().st_size
    assert written[512] < written[4096] / 3
