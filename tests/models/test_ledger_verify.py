"""Verification: every change to a ledger is found, and the first bad line is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ledger import EntryKind
from models.store.chain import entry_hash
from models.store.errors import StoreFailed, WrongStore
from models.store.ledger_db import Draft, Ledger, Verification, read_ledger, verify
from tests.models.ledgers import NIGHT, PUBLIC, admit, an_evening, open_ledger, tamper


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Verification]:
    """The file of a whole evening, and what verification says of it."""
    path = tmp_path_factory.mktemp("evening") / "ledger.db"
    an_evening(path)
    return path.read_bytes(), verify(path, PUBLIC)


def test_an_untouched_ledger_verifies_with_its_figures(path: Path) -> None:
    an_evening(path)
    found = verify(path, PUBLIC)
    assert found.ok
    assert (found.gate, found.entries, found.checkpoints, found.last_seq) == ("north", 230, 3, 230)
    with read_ledger(path) as reader:
        assert (found.epoch, found.last_hash) == (reader.epoch, reader.tail(1)[0].hash)


def test_an_empty_ledger_verifies(path: Path) -> None:
    open_ledger(path).close()
    assert verify(path).ok


def test_verification_goes_on_beside_a_writer(path: Path) -> None:
    with open_ledger(path) as ledger:
        for number in (1, 2):
            admit(ledger, "T1")
            assert verify(path).entries == number


@pytest.mark.parametrize(
    "change",
    [
        "version = 2",
        "at = at + 0.001",
        "kind = 'decisiom'",
        "body = replace(body, 'T120', 'T121')",
        "body = body || ' '",
        "body = cast(x'ff' AS TEXT)",
        "body = ''",
        "prev_hash = zeroblob(32)",
        "hash = zeroblob(32)",
        "hash = x''",
        "seq = 5000",
    ],
)
def test_a_change_to_any_column_of_a_line_is_named(path: Path, change: str) -> None:
    an_evening(path)
    tamper(path, "PRAGMA foreign_keys = OFF", f"UPDATE entry SET {change} WHERE seq = 121")
    found = verify(path)
    assert found.first_bad_seq == 121
    assert found.problems


@pytest.mark.parametrize("byte", range(32))
def test_no_byte_of_a_hash_may_change(path: Path, byte: int) -> None:
    with open_ledger(path) as ledger:
        ledger.append_many([Draft(EntryKind.DEVICE, {"n": n}, NIGHT) for n in range(5)])
        stored = bytearray(ledger.entries()[2].hash)
    stored[byte] ^= 1
    tamper(path, f"UPDATE entry SET hash = x'{stored.hex()}' WHERE seq = 3")
    assert verify(path).first_bad_seq == 3


@pytest.mark.parametrize(
    "change",
    ["at = at + 1", "hash = zeroblob(32)", "public_key = zeroblob(32)", "public_key = x''", "signature = zeroblob(64)"],
)
def test_a_change_to_any_column_of_a_checkpoint_is_named(path: Path, change: str) -> None:
    an_evening(path)
    tamper(path, f"UPDATE checkpoint SET {change} WHERE seq = 200")
    assert verify(path).first_bad_seq == 200


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE release SET ticket = 'other' WHERE seq = 121", "index of releases disagrees with line 121"),
        ("UPDATE release SET person_key = '' WHERE seq = 121", "index of releases disagrees with line 121"),
        ("UPDATE release SET direction = 'exit' WHERE seq = 121", "index of releases disagrees with line 121"),
        ("UPDATE release SET at = 0 WHERE seq = 121", "index of releases disagrees with line 121"),
        ("UPDATE release SET passage = 'no_show' WHERE seq = 123 - 5", "disagrees with line 119"),
        ("UPDATE release SET settled_by = 3 WHERE seq = 121", "index of releases disagrees with line 122"),
        ("UPDATE release SET settled_by = NULL, passage = NULL WHERE seq = 121", "disagrees with line 122"),
        ("DELETE FROM release WHERE seq = 121", "index of releases disagrees with line 121"),
        (
            "INSERT INTO release VALUES (3, 'x', '', 'entry', 0, NULL, NULL, NULL)",
            "index of releases disagrees with line 3",
        ),
        ("UPDATE release SET code_step = 9 WHERE seq = 121", "index of releases disagrees with line 121"),
        ("UPDATE release SET passage = 'passed', settled_by = 3 WHERE passage IS NULL", "index has 77 releases"),
        ("UPDATE ledger SET inside = inside - 1", "people inside"),
        ("UPDATE tally SET entries = entries + 1 WHERE verdict = 'deny'", "tally"),
        ("DELETE FROM tally WHERE verdict = 'deny'", "tally"),
        ("UPDATE ledger SET gate = 'south'", "line 1 does not follow"),
        ("UPDATE ledger SET epoch = 'other'", "line 1 does not follow"),
        ("DELETE FROM ledger", "line 1 does not follow"),
    ],
)
def test_a_change_to_what_follows_from_the_lines_is_named(path: Path, change: str, says: str) -> None:
    an_evening(path, lines=229)
    tamper(path, "PRAGMA foreign_keys = OFF", change)
    assert any(says in problem for problem in verify(path).problems), verify(path).problems


def test_a_missing_line_is_a_hole(path: Path) -> None:
    an_evening(path)
    tamper(path, "DELETE FROM entry WHERE seq IN (30, 31)")
    found = verify(path)
    assert found.first_bad_seq == 30
    assert any("lines 30 to 31 are missing" in problem for problem in found.problems)


def test_a_tail_cut_off_behind_a_checkpoint_shows(path: Path) -> None:
    an_evening(path)
    tamper(path, "DELETE FROM entry WHERE seq > 190")
    found = verify(path)
    assert found.first_bad_seq == 191
    assert any("checkpoint 205 seals a line that is gone" in problem for problem in found.problems)


def test_removed_checkpoints_are_missed(path: Path) -> None:
    an_evening(path)
    tamper(path, "DELETE FROM checkpoint WHERE seq = 200")
    assert verify(path).ok is False


def test_a_chain_forged_anew_breaks_its_checkpoints(path: Path, tmp_path: Path) -> None:
    """Somebody who can compute hashes, and has not the gate's key, writes the evening again with one line changed."""
    an_evening(path)
    forged, forger = tmp_path / "forged.db", Ed25519PrivateKey.generate()
    Ledger.open(forged, forger, gate="north", clock=lambda: NIGHT).close()
    with read_ledger(path) as true:
        tamper(forged, f"UPDATE ledger SET epoch = '{true.epoch}'")
        with Ledger.open(forged, forger, gate="north", clock=lambda: NIGHT) as false:
            for entry in true.entries(limit=1000):
                body = {key: value for key, value in entry.body.items() if key not in ("opens", "settles")}
                false.append(entry.kind, body | {"forged": entry.seq == 50}, entry.at)
    assert verify(forged).ok
    found = verify(forged, PUBLIC)
    assert found.first_bad_seq == 100
    assert "another key" in found.problems[0]


def test_checkpoints_of_the_true_evening_do_not_fit_a_forged_one(path: Path) -> None:
    """A line changed, and every hash from there on computed again: the next checkpoint knows the true one."""
    an_evening(path)
    with read_ledger(path) as true:
        gate, epoch, lines = true.gate, true.epoch, true.entries(limit=1000)
    changes, prev_hash = [], lines[129].prev_hash
    for entry in lines[129:]:
        at = entry.at + (1 if entry.seq == 132 else 0)  # a refusal, of which no index tells
        hash_ = entry_hash(gate, replace(entry, at=at, prev_hash=prev_hash, epoch=epoch))
        changes.append(
            f"UPDATE entry SET at={at}, prev_hash=x'{prev_hash.hex()}', hash=x'{hash_.hex()}' WHERE seq={entry.seq}"
        )
        prev_hash = hash_
    tamper(path, *changes)
    found = verify(path, PUBLIC)
    assert found.problems == (
        "checkpoint 200 seals another line than the one that stands there",
        "checkpoint 205 seals another line than the one that stands there",
    )


@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
@settings(max_examples=150, deadline=None)
def test_a_damaged_byte_gives_an_answer_and_never_another_ledger(
    evening: tuple[bytes, Verification], tmp_path_factory: pytest.TempPathFactory, place: float, flip: int
) -> None:
    """Any byte of the file: either it is refused or blamed, or it was one that says nothing (free space)."""
    whole, sound = evening
    path = tmp_path_factory.mktemp("damaged", numbered=True) / "ledger.db"
    damaged = bytearray(whole)
    damaged[int(place * len(whole))] ^= flip
    path.write_bytes(damaged)
    try:
        found = verify(path, PUBLIC)
    except (StoreFailed, WrongStore):
        return
    assert not found.ok or found == sound
