"""A lane goes on as it was run before the process ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.ordered import NOBODY_RENEWED_IT, mode_at_start
from gate.shifts import LONGEST_S
from models.ledger import EntryKind
from models.record import ModeBody
from models.store.ledger_db import Ledger
from models.view import Mode

NIGHT = 1_800_000_000.0


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    key = Ed25519PrivateKey.generate()
    with Ledger.open(tmp_path / "ledger.db", key, gate="G1", clock=lambda: NIGHT) as opened:
        yield opened


def test_a_new_lane_was_ordered_nothing(ledger: Ledger):
    assert mode_at_start(ledger, NIGHT) is None


@pytest.mark.parametrize("mode", Mode)
def test_the_last_word_counts(ledger: Ledger, mode: Mode):
    ledger.append(EntryKind.MODE, ModeBody(Mode.FREE, "v1"), NIGHT - 60.0)
    ledger.append(EntryKind.MODE, ModeBody(mode, "v2", "why", NIGHT + 60.0), NIGHT)
    ledger.append(EntryKind.STOP, {}, NIGHT)
    assert mode_at_start(ledger, NIGHT) == ModeBody(mode, "v2", "why", NIGHT + 60.0)


def test_a_word_of_an_older_program_is_understood(ledger: Ledger):
    ledger.append(EntryKind.MODE, {"mode": "paused", "actor": "v1", "why": ""}, NIGHT)
    assert mode_at_start(ledger, NIGHT) == ModeBody(Mode.PAUSED, "v1")


@pytest.mark.parametrize(
    ("mode", "until", "forgotten"),
    [(Mode.FREE, None, True), (Mode.FREE, NIGHT + 1.0, False), (Mode.PAUSED, None, False)],
)
def test_a_barrier_left_open_the_day_before_is_not_opened_again(
    ledger: Ledger, mode: Mode, until: float | None, forgotten: bool
):
    ledger.append(EntryKind.MODE, ModeBody(mode, "v1", "", until), NIGHT)
    later = NIGHT + LONGEST_S
    assert mode_at_start(ledger, later - 1.0) is not None
    assert (mode_at_start(ledger, later) is None) is forgotten
    last = ledger.latest(EntryKind.MODE)[0].body
    assert (last["mode"] == "controlled" and last["why"] == NOBODY_RENEWED_IT) is forgotten


def test_a_word_that_only_a_newer_program_understands_is_passed_over(ledger: Ledger):
    ledger.append(EntryKind.MODE, {"mode": "sideways", "actor": "v1"}, NIGHT)
    assert mode_at_start(ledger, NIGHT) is None
