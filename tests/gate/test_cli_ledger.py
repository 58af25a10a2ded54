"""`gatectl ledger`: the evening as rows, and a broken record told from a whole one."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.cli import main
from models.command import Settings
from models.decision import Decision, Reason, Verdict
from models.ids import DocumentType
from models.ledger import EntryKind
from models.passage import Passage, SignalKind
from models.record import DeviceBody, ModeBody, SettingsBody, ShiftBody, SignalBody, TypedBody, WrongPinBody
from models.sighting import Sight, SightingBody
from models.store.public_key import KeyUse, PublicKey, write_public_key
from models.view import Mode
from tests.gate.core.strategies import NOW, face, good_facts, lookup
from tests.gate.ledger_of_an_evening import Evening

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def evening(tmp_path: Path):
    """A ledger that is being written."""
    found = Evening(tmp_path)
    yield found
    found.close()


@pytest.fixture
def gatectl(evening):
    """A function that runs `gatectl ledger` on the evening."""

    def run(*arguments: object):
        return CliRunner().invoke(main, ["ledger", *map(str, arguments), "--ledger", str(evening.path)])

    return run


def rows(told) -> list[dict[str, object]]:
    assert told.exit_code == 0, told.stderr
    return [json.loads(line) for line in told.stdout.splitlines()]


def test_a_passage_stands_in_the_row_of_its_admission(evening, gatectl):
    for passage in Passage:
        evening.decide()
        evening.passes(passage)
    evening.decide()
    told = rows(gatectl("tail", "--json"))
    assert [row["passage"] for row in told if row["kind"] == "decision"] == [*Passage, "open"]
    assert {row["kind"] for row in told} == {"policy", "decision"}
    assert told[1]["ms"] == 214.2
    assert told[1]["steps_ms"] == {"lookup": 4.2, "face": 210.0}


def test_the_table_tells_verdicts_in_words(evening, gatectl):
    evening.decide()
    evening.decide(good_facts(lookup=lookup(tickets=())))
    evening.decide(good_facts(face=face(0.5)))
    told = gatectl("tail").stdout.splitlines()
    for words, line in zip(("admitted ok T1", "refused no_ticket", "referred to staff"), told[-3:], strict=True):
        assert words in " ".join(line.split())


def test_everything_else_that_happened_has_a_row_too(evening, gatectl):
    for kind, body in {
        EntryKind.INTRUSION: SignalBody(SignalKind.TURNED),
        EntryKind.MODE: ModeBody(Mode.PAUSED, "steward-4"),
        EntryKind.DEVICE: DeviceBody("camera", up=False),
        EntryKind.START: {"version": "0.1.0"},
        EntryKind.SHIFT: ShiftBody("s7", on=False, why="twelve hours are over"),
        EntryKind.WRONG_PIN: WrongPinBody("s7", "shift", 3, 5.0),
        EntryKind.SETTINGS: SettingsBody("v1", Settings()),
        EntryKind.TYPED: TypedBody("s7", DocumentType.PASSPORT),
        EntryKind.SIGHTING: SightingBody("s7", Sight.OFFERS_TICKETS, 12),
        EntryKind.STOP: {},
    }.items():
        evening.stores.ledger.append(kind, body, NOW.wall)
    told = rows(gatectl("tail", "--json", "-n", 10))
    assert [(row["kind"], row["reason"]) for row in told] == [
        ("intrusion", "turned"),
        ("mode", "paused by steward-4"),
        ("device", "camera lost"),
        ("start", "0.1.0"),
        ("shift", "s7 ends: twelve hours are over"),
        ("wrong_pin", "s7, 3 in a row"),
        ("settings", "by v1"),
        ("typed", "passport typed by s7"),
        ("sighting", "offers_tickets seen by s7"),
        ("stop", ""),
    ]


def test_as_many_rows_as_asked_for_also_beyond_a_page(evening, gatectl):
    for _ in range(120):
        evening.decide()
        evening.passes()
    told = rows(gatectl("tail", "--json", "-n", 115))
    assert len(told) == 115
    assert {row["passage"] for row in told} == {"passed"}
    assert [row["attempt"] for row in told] == list(range(6, 121))


def test_following_tells_what_comes_until_it_is_interrupted(evening):
    command = [sys.executable, "-m", "gate.cli", "ledger", "tail", "--json", "-f", "--ledger", str(evening.path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert json.loads(process.stdout.readline())["kind"] == "policy"
        evening.decide()
        assert json.loads(process.stdout.readline())["verdict"] == "admit"
        evening.passes()
        assert json.loads(process.stdout.readline())["passage"] == "passed"
    finally:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert (process.returncode, told) == (130, "gatectl: interrupted\n")


def test_a_reader_that_has_seen_enough_is_no_trouble(evening):
    for _ in range(50):
        evening.decide()
    shell = f"{sys.executable} -m gate.cli ledger tail -n 50 --ledger {evening.path} | head -n 1"
    told = subprocess.run(shell, shell=True, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=30)
    assert "Traceback" not in told.stderr


def test_a_whole_ledger_verifies_with_its_figures(evening, gatectl, tmp_path):
    evening.decide()
    evening.stores.ledger.checkpoint(NOW.wall)
    write_public_key(
        tmp_path / "ledger.pub", PublicKey(KeyUse.LEDGER, "north", evening.key.public_key().public_bytes_raw())
    )
    told = gatectl("verify", "--public-key", tmp_path / "ledger.pub")
    assert told.exit_code == 0
    assert "2 entries, 1 checkpoints" in told.stdout
    (figures,) = rows(gatectl("verify", "--json"))
    assert (figures["ok"], figures["entries"], figures["first_bad_seq"]) == (True, 2, None)


def test_a_ledger_signed_by_another_key_is_not_right(evening, gatectl, tmp_path):
    evening.decide()
    evening.stores.ledger.checkpoint(NOW.wall)
    write_public_key(tmp_path / "ledger.pub", PublicKey(KeyUse.LEDGER, "north", bytes(32)))
    told = gatectl("verify", "--public-key", tmp_path / "ledger.pub")
    assert told.exit_code == 1
    assert "signed by another key" in told.stdout


def test_a_changed_line_is_named(evening, gatectl):
    evening.decide()
    changed = evening.decide(word=Decision(Verdict.DENY, Reason.NO_TICKET))
    evening.decide()
    evening.close()
    with closing(sqlite3.connect(evening.path)) as tampering:
        triggers = tampering.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'entry'")
        tampering.executescript(
            "".join(f"DROP TRIGGER {name};" for (name,) in triggers.fetchall())
            + f"UPDATE entry SET body = replace(body, 'no_ticket', 'ok') WHERE seq = {changed.seq}"
        )
    told = gatectl("verify")
    assert told.exit_code == 1
    assert f"NOT what was written, from entry {changed.seq} on" in told.stdout
    assert f"line {changed.seq} is not what was hashed" in told.stdout
    machine = json.loads(gatectl("verify", "--json").stdout)
    assert (machine["ok"], machine["first_bad_seq"]) == (False, changed.seq)


def test_a_device_key_is_no_ledgers_key(evening, gatectl, tmp_path):
    write_public_key(tmp_path / "device.pub", PublicKey(KeyUse.DEVICE, "north", bytes(32)))
    told = gatectl("verify", "--public-key", tmp_path / "device.pub")
    assert told.exit_code == 4
    assert "menshen-ledger-ed25519 is needed" in told.stderr


@pytest.mark.parametrize("content", [None, b"", b"no database" * 100])
@pytest.mark.parametrize("question", ["tail", "verify"])
def test_what_is_no_ledger_is_a_store_trouble(tmp_path, question, content):
    path = tmp_path / "some.db"
    if content is not None:
        path.write_bytes(content)
    told = CliRunner().invoke(main, ["ledger", question, "--ledger", str(path)])
    assert told.exit_code == 4
    assert "Traceback" not in told.stderr
