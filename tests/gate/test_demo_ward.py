"""A morning at a hospital's entrance, as `gatectl demo --profile hospital` plays it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gate.demo.evening import main
from models.decision import Profile
from models.ledger import EntryKind
from models.store.ledger_db import read_ledger, verify

pytestmark = pytest.mark.slow


def test_every_story_of_the_morning_goes_as_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(as_json=True, keep=tmp_path / "kept", profile=Profile.HOSPITAL) == 0
    told = capsys.readouterr().out
    assert json.loads(told[told.index("{") :])
    ledger = next((tmp_path / "kept").rglob("ledger.db"))
    assert verify(ledger).ok
    with read_ledger(ledger) as kept:
        assert kept.count_by_kind()[EntryKind.RED] == 1
