"""`judge` is given a sound history, and then one with every fault that it must find."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from models.ledger import Entry, EntryKind
from sync.contract import LedgerLine
from tests.faults.evidence import BEYOND, Box, Clone, Evidence, Fault, Revocation, Seen, Stall, Visit
from tests.faults.judge import problems


class Pen:
    """Writes a gate's lines, and what a faithful server holds of them."""

    def __init__(self, gate: str) -> None:
        self.gate = gate
        self.entries: list[Entry] = []
        self.uses: list[Seen] = []
        self.attempts = 0

    def write(self, kind: EntryKind, body: dict[str, Any]) -> int:
        before = self.entries[-1].hash if self.entries else bytes(32)
        seq = len(self.entries) + 1
        hash_ = f"{self.gate} line {seq}".encode().ljust(32, b".")
        self.entries.append(Entry("epoch", seq, 0.0, kind, body, before, hash_))
        return seq

    def admit(self, ticket: str, passage: str = "passed", claim: str | None = "granted") -> None:
        self.attempts += 1
        body = {"attempt": self.attempts, "facts": {"claim": claim}, "opens": {"ticket": ticket, "direction": "entry"}}
        seq = self.write(EntryKind.DECISION, body)
        if passage:
            self.write(EntryKind.PASSAGE, {"settles": {"seq": seq, "passage": passage}})
        self.uses.append(Seen(ticket, self.gate, "entry", passage or None))

    def box(self) -> Box:
        lines = tuple(LedgerLine(e.seq, 1, 0.0, e.kind, "{}", e.hash.hex()) for e in self.entries)
        return Box(self.gate, tuple(self.entries), len(self.entries), lines)


@pytest.fixture
def sound() -> Evidence:
    """Two gates: A passes once, B is not taken up and comes again, C passes twice while gate 2 is cut off."""
    one, two = Pen("G1"), Pen("G2")
    one.admit("A")
    one.admit("B", "no_show")
    two.admit("B")
    one.admit("C")
    two.admit("C", claim="no_answer")
    visits = [
        Visit("G1", "A", 10.0, 11.0, 1, "admit", "ok", True),
        Visit("G1", "B", 12.0, 13.0, 2, "admit", "ok"),
        Visit("G2", "B", 14.0, 15.0, 1, "admit", "ok", True),
        Visit("G2", "A", 16.0, 17.0, 9, "deny", "already_admitted"),
        Visit("G1", "C", 60.0, 61.0, 3, "admit", "ok", True),
        Visit("G2", "C", 62.0, 63.0, 2, "admit", "ok", True),
        Visit("G1", "D", 30.0, 30.5, 9, "deny", "revoked"),
    ]
    return Evidence(
        visits,
        [Fault("cut", "G2", 50.0, 70.0)],
        [],
        [Stall(40.0, 40.5)],
        [Revocation("D", 20.0, {"G1": 21.0, "G2": 22.0})],
        [Clone("gate-1", 80.0, 80.4)],
        [one.box(), two.box()],
        one.uses + two.uses,
        {("C", 2): 4.0},
    )


def test_a_sound_history_is_found_sound(sound: Evidence) -> None:
    """Else what the checker finds elsewhere would say nothing."""
    assert problems(sound) == []


def test_it_finds_a_ticket_that_was_granted_twice(sound: Evidence) -> None:
    """Both gates reached the same authority, which gave one ticket to two."""
    two = Pen("G2")
    two.admit("B")
    two.admit("C", claim="granted")
    sound.boxes[1] = two.box()
    sound.uses = [use for use in sound.uses if use.gate == "G1"] + two.uses
    assert problems(sound) == ["ticket C was granted to 2 visits: G1 line 5, G2 line 3"]


def test_it_finds_a_double_entry_without_an_excuse(sound: Evidence) -> None:
    """Nothing was broken, and yet one of the gates went by its offline rule."""
    sound.faults.clear()
    assert problems(sound) == ["ticket C passed at G1 and at G2 while both reached their authority"]


def test_a_fault_excuses_only_its_own_time_and_gate(sound: Evidence) -> None:
    """A cut that had healed long before, or at a third gate, is no excuse."""
    for fault in (Fault("cut", "G2", 1.0, 50.0), Fault("cut", "G3", 50.0, 70.0), Fault("cut", BEYOND, 50.0, 70.0)):
        sound.faults = [fault]
        assert problems(sound) == ["ticket C passed at G1 and at G2 while both reached their authority"]
    for fault in (Fault("killed", "", 50.0, 60.0), Fault("cut", "G1", 50.0, math.inf)):
        sound.faults = [fault]
        assert problems(sound) == []


def test_it_finds_lost_and_changed_lines(sound: Evidence) -> None:
    """What was acknowledged is gone at the server, or reads otherwise."""
    box = sound.boxes[0]
    odd = replace(box.at_server[0], hash="00" * 32)
    sound.boxes[0] = replace(box, at_server=(odd, *box.at_server[1:-1]))
    found = problems(sound)
    assert "G1: line 1 was acknowledged and is another one at the server" in found
    assert f"G1: line {len(box.entries)} was acknowledged and is not at the server" in found
    sound.boxes[0] = replace(box, at_server=box.at_server[:-1], acknowledged=2)
    assert problems(sound) == [f"G1: line {len(box.entries)} was written and is not at the server"]


def test_it_finds_an_acknowledgement_of_what_the_gate_lost(sound: Evidence) -> None:
    """The gate's own disk forgot a line that it had sent."""
    box = sound.boxes[1]
    sound.boxes[1] = replace(box, entries=box.entries[:-1])
    found = problems(sound)
    assert f"G2: line {len(box.entries)} was acknowledged and is gone at the gate" in found
    assert f"G2: line {len(box.entries)} is at the server, and the gate never wrote it" in found


def test_it_finds_a_line_that_arrived_twice(sound: Evidence) -> None:
    """A repeated upload counted again, as a line or as a release."""
    box = sound.boxes[0]
    sound.boxes[0] = replace(box, at_server=(*box.at_server, box.at_server[0]))
    sound.uses.append(sound.uses[0])
    assert problems(sound) == [
        "G1: line 1 is at the server 2 times",
        "G1: the server has 1 release of A as passed that no ledger has",
    ]


def test_it_finds_a_release_that_the_server_forgot_or_ended_otherwise(sound: Evidence) -> None:
    """Lines that arrived, and were not understood."""
    sound.uses[0] = replace(sound.uses[0], passage=None)
    assert problems(sound) == [
        "G1: 1 release of A that ended as passed is unknown to the server",
        "G1: the server has 1 release of A as open that no ledger has",
    ]


@pytest.mark.parametrize(
    ("conflicts", "found"),
    [
        ({}, ["ticket C passed 2 times, and there is no conflict about it"]),
        (
            {("C", 2): 1.0, ("C", 3): 1.0},
            ["there is a conflict about ticket C (3), which did not pass so often"],
        ),
        (
            {("C", 2): 1.0, ("A", 2): 1.0},
            ["there is a conflict about ticket A (2), which did not pass so often"],
        ),
        ({("C", 2): 12.5}, ["the conflict about ticket C (2) came 12.5 s after healing"]),
    ],
)
def test_it_finds_missing_false_and_late_conflicts(
    sound: Evidence, conflicts: dict[tuple[str, int], float], found: list[str]
) -> None:
    """One conflict for each entry too many."""
    sound.conflicts = conflicts
    assert problems(sound) == found


def test_it_finds_a_withdrawal_that_is_late_or_not_kept(sound: Evidence) -> None:
    """A gate in reach took too long; another admitted the ticket afterwards."""
    sound.revocations = [Revocation("D", 20.0, {"G1": 23.5, "G2": 22.0})]
    sound.visits[-1] = replace(sound.visits[-1], verdict="admit")
    assert problems(sound) == [
        "G1: the withdrawal of D took 3.5 s",
        "G1: D was admitted 10.0 s after withdrawal",
    ]
    for gate in ("G1", BEYOND, ""):
        sound.faults[1:] = [Fault("paused", gate, 19.0, 21.0)]
        assert problems(sound) == ["G1: D was admitted 10.0 s after withdrawal"]


def test_time_in_which_the_machine_held_things_up_counts_for_nobody(sound: Evidence) -> None:
    """Only that time; and a claim that timed out makes no withdrawal late."""
    sound.timeouts = [Fault("claim timed out", "G1", 20.0, 21.0)]
    late, heard = Revocation("D", 20.0, {"G1": 23.5, "G2": 22.0}), ["G1: the withdrawal of D took 3.2 s"]
    sound.revocations = [replace(late, starved_s={"G1": 0.6})]
    assert problems(sound) == []
    sound.revocations = [replace(late, starved_s={"G1": 0.3, "G2": 5.0})]
    assert problems(sound) == heard


def test_a_claim_that_timed_out_is_no_answer_of_the_authority(sound: Evidence) -> None:
    """The gate went by its offline rule, though nobody broke anything."""
    sound.faults, sound.timeouts = [], [Fault("claim timed out", "G2", 62.0, 63.0)]
    assert problems(sound) == []


def test_it_finds_somebody_who_was_refused_for_nothing(sound: Evidence) -> None:
    """A gate died with the claim, and nobody gave the ticket back; two who come at once are another thing."""
    refused = Visit("G1", "E", 30.0, 30.5, 9, "deny", "already_admitted")
    sound.visits.append(refused)
    assert problems(sound) == ["G1: E was refused as admitted already, and nobody ever was"]
    sound.visits.append(Visit("G2", "E", 28.0, 29.0))
    assert problems(sound) == []


def _unnoticed(evidence: Evidence) -> None:
    evidence.clones[0] = replace(evidence.clones[0], noticed_at=None)


def _late(evidence: Evidence) -> None:
    evidence.clones[0] = replace(evidence.clones[0], noticed_at=82.1)


def _behind(evidence: Evidence) -> None:
    evidence.boxes[0] = replace(evidence.boxes[0], agrees="behind")


def _hole(evidence: Evidence) -> None:
    box = evidence.boxes[0]
    lines = box.entries[:2] + box.entries[3:]
    evidence.boxes[0] = replace(box, entries=lines)


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (_unnoticed, "nobody noticed the copy of gate-1"),
        (_late, "the copy of gate-1 was noticed 2.1 s after its first contact"),
        (_behind, "G1: its manifest behind at the end"),
        (_hole, "G1: line 3 is missing"),
    ],
)
def test_it_finds_copies_other_counts_and_holes(sound: Evidence, harm: Callable[[Evidence], None], found: str) -> None:
    """Each alone."""
    harm(sound)
    assert found in problems(sound)
