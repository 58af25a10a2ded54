"""The daemon is killed without warning, at random moments of a busy evening."""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drivers.relay.lcus import Change
from gate.demo.rig import Rig
from models.ledger import Entry, EntryKind
from models.passage import Passage
from models.store.ledger_db import Ledger, Release, Settlement, read_ledger, verify
from tests.faults.busy_evening import WIRING, Crowd
from tests.faults.history import History, Kill, Pulse, problems

KILLS = int(os.environ.get("MENSHEN_KILLS", "100"))
SEED = int(os.environ.get("MENSHEN_SEED") or random.SystemRandom().randrange(2**32))
BACK_S = 3.0


@pytest.mark.slow
def test_no_admission_is_lost_or_given_twice_when_the_gate_is_killed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """kill -9 at random moments: every pulse keeps its line, no ticket two, and the lane admits again in 3 s."""
    _say(capfd, f"{KILLS} kills, MENSHEN_SEED={SEED}")
    with Rig(tmp_path, WIRING) as rig:
        crowd = Crowd(rig, random.Random(SEED), KILLS)
        history = crowd.evening(KILLS)
        entries = _entries(rig.ledger)
        _say(capfd, _figures(crowd, history, entries))
        assert (crowd.problems, problems(history, entries)) == ([], [])
        assert verify(rig.ledger).ok
    waits = [kill.again_at - kill.at for kill in history.kills if kill.again_at is not None]
    assert len(history.kills) >= KILLS
    assert len(waits) >= len(history.kills) // 2
    assert median(waits) <= BACK_S
    surprised = sum(crowd.helped.values()) - crowd.helped["already_admitted"]
    assert surprised <= 1 + KILLS // 20, "a good ticket needs a person only if its admission was cut off"


def _figures(crowd: Crowd, history: History, entries: list[Entry]) -> str:
    waits = [kill.again_at - kill.at for kill in history.kills if kill.again_at is not None]
    starts = [k.again_at - k.started_at for k in history.kills if k.again_at is not None and k.started_at is not None]
    p90 = quantiles(waits, n=10)[-1] if len(waits) > 1 else waits[0]
    phases = ", ".join(f"{phase} {number}" for phase, number in Counter(k.phase for k in history.kills).most_common())
    helped = ", ".join(f"{reason} {number}" for reason, number in crowd.helped.items()) or "nobody"
    return "\n".join(
        [
            f"{crowd.visits} visits, {len(history.pulses)} pulses, {len(entries)} lines; kills by phase: {phases}",
            f"kill to first admission: median {median(waits):.2f} s, p90 {p90:.2f} s, longest {max(waits):.2f} s; "
            f"from start: median {median(starts):.2f} s; settled by the steward: {helped}",
        ]
    )


def _entries(path: Path) -> list[Entry]:
    with read_ledger(path) as ledger:
        return list(ledger.entries(limit=1_000_000))


def _say(capfd: pytest.CaptureFixture[str], text: str) -> None:
    with capfd.disabled():
        print(f"\n{text}", file=sys.stderr, flush=True)


# --- the checks themselves --------------------------------------------------------------------------------------------


@pytest.fixture
def evening(tmp_path: Path) -> tuple[History, list[Entry]]:
    """Two passages, a no-show who comes again, one cut off in the pulse, and one between line and pulse."""
    path = tmp_path / "ledger.db"
    history = History(pulse_s=0.3)
    with Ledger.open(path, Ed25519PrivateKey.generate(), gate="G1", clock=lambda: 9.0) as ledger:
        ledger.append(EntryKind.START, {}, 1.0)
        for number, (ticket, passage) in enumerate((("A", "passed"), ("B", "no_show"), ("B", "passed"))):
            _pulse(history, _admit(ledger, ticket), 10.0 + number)
            _end(ledger, ledger.last_seq(), Passage(passage))
        _pulse(history, _admit(ledger, "C"), 20.0, closed_s=1.2)
        history.kills.append(Kill(20.1, "pulse", 20.2, back_at=21.2, again_at=22.0))
        _restart(ledger)
        _admit(ledger, "D")
        history.kills.append(Kill(30.0, "inked, not moved", 30.1, back_at=31.0, again_at=31.5))
        _restart(ledger)
        _pulse(history, _admit(ledger, "D", "ok_by_steward"), 31.5)
        _end(ledger, ledger.last_seq(), Passage.PASSED)
    return history, _entries(path)


def _admit(ledger: Ledger, ticket: str, reason: str = "ok") -> Entry:
    body = {"attempt": 1, "decision": {"verdict": "admit", "reason": reason, "ticket": ticket}}
    return ledger.append(EntryKind.DECISION, body, 2.0, opens=Release(ticket=ticket))


def _end(ledger: Ledger, seq: int, passage: Passage) -> None:
    ledger.append(EntryKind.PASSAGE, {"passage": passage}, 3.0, settles=Settlement(seq, passage))


def _restart(ledger: Ledger) -> None:
    ledger.append(EntryKind.START, {}, 4.0)
    ledger.settle_left_open()


def _pulse(history: History, entry: Entry, at: float, closed_s: float = 0.3) -> None:
    history.pulses.append(Pulse(at, entry.seq, entry.hash, entry.body["opens"]["ticket"]))
    history.changes += [Change(at, 1, True), Change(at + closed_s, 1, False)]


Evening = tuple[History, list[Entry]]


def test_the_checks_find_nothing_in_a_sound_evening(evening: Evening) -> None:
    """Else what they find elsewhere would say nothing."""
    assert problems(*evening) == []


def test_the_checks_find_a_pulse_without_a_line(evening: Evening) -> None:
    """The newest line in the ledger belongs to an earlier pulse already, or there is none."""
    history, entries = evening
    history.pulses.insert(1, replace(history.pulses[0], at=10.5))
    history.pulses.insert(0, Pulse(5.0))
    assert problems(history, entries) == [f"pulse {number} came without a line in the ledger" for number in (1, 3)]


def test_the_checks_find_a_lost_line(evening: Evening) -> None:
    """An admission was acknowledged by a pulse, and is gone afterwards."""
    history, entries = evening
    del entries[-2:]
    assert problems(history, entries) == [
        f"pulse 5 stood in line {len(entries) + 1}, which was lost or changed afterwards"
    ]


def test_the_checks_find_a_hole_and_a_changed_line(evening: Evening) -> None:
    """A line was taken out of the middle; a line says something else than when the contact closed."""
    history, entries = evening
    without = [entry for entry in entries if entry.seq != 3]
    assert "line 3 is missing: line 4 stands in its place" in problems(history, without)
    entries[1] = replace(entries[1], hash=bytes(32))
    found = problems(history, entries)
    assert "pulse 1 stood in line 2, which was lost or changed afterwards" in found
    assert "line 3 does not follow from the line before it" in found


def test_the_checks_find_a_line_without_a_pulse(evening: Evening) -> None:
    """The ledger says admitted, nobody was killed, and the contact did not move."""
    history, entries = evening
    del history.pulses[0]
    assert problems(history, entries) == ["line 2 admits, ended as passed, and the contact never moved"]


@pytest.mark.parametrize("ending", [Passage.PASSED, Passage.UNKNOWN])
def test_the_checks_find_a_ticket_that_the_machine_admits_again(tmp_path: Path, ending: Passage) -> None:
    """After a passage, and after a kill when nobody knows: only a person may admit again."""
    path, history = tmp_path / "ledger.db", History(pulse_s=0.3)
    with Ledger.open(path, Ed25519PrivateKey.generate(), gate="G1", clock=lambda: 9.0) as ledger:
        _pulse(history, _admit(ledger, "A"), 1.0)
        if ending is Passage.PASSED:
            _end(ledger, 1, ending)
        _restart(ledger)
        _pulse(history, _admit(ledger, "A"), 3.0)
        _end(ledger, ledger.last_seq(), Passage.PASSED)
    assert problems(history, _entries(path)) == ["line 4 admits a ticket again that line 1 had admitted (ok)"]


def test_the_checks_find_a_release_that_is_left_open(tmp_path: Path) -> None:
    """A process goes on without settling what the one before it left."""
    path, history = tmp_path / "open.db", History(0.3)
    with Ledger.open(path, Ed25519PrivateKey.generate(), gate="G1", clock=lambda: 9.0) as ledger:
        _pulse(history, _admit(ledger, "A"), 1.0)
        ledger.append(EntryKind.START, {}, 4.0)
        ledger.append(EntryKind.POLICY, {}, 4.0)
    assert problems(history, _entries(path)) == [
        "line 3 was written while 1 releases of a killed process were open",
        "lines 1 were never settled",
    ]


def test_the_checks_find_a_contact_that_stays_closed(evening: Evening) -> None:
    """Without a kill, beyond a restart, and at the end."""
    history, entries = evening
    history.changes[1] = replace(history.changes[1], at=10.99)
    history.changes[7] = replace(history.changes[7], at=25.0)
    del history.changes[-1]
    assert problems(history, entries) == [
        "the contact was closed for 1.0 s, and nobody was killed",
        "the contact stayed closed for 4.9 s after a kill, beyond the restart",
        "the contact was closed at the end",
    ]
