"""Whatever happens in whatever order, the ledger has no hole and its answers are those of a list kept beside it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from models.ledger import EntryKind
from models.passage import Direction, Passage, Use
from models.store.errors import StoreFailed, UnknownRelease
from models.store.ledger_db import Draft, Release, Settlement, read_ledger, verify
from tests.models.ledgers import NIGHT, PUBLIC, open_ledger

TICKETS = st.sampled_from(["T1", "T2", "T3", ""])
PEOPLE = st.sampled_from(["p1", "p2", ""])


@dataclass
class Kept:
    """One release as the list beside the ledger has it."""

    seq: int
    release: Release
    passage: Passage | None = None

    @property
    def use(self) -> Use:
        release = self.release
        passage = self.passage or Passage.UNKNOWN
        return Use(release.ticket, release.person_key, release.direction, passage, NIGHT, "north", release.code_step)


class LedgerLife(RuleBasedStateMachine):
    """A gate's ledger through appends, failures and restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "ledger.db"
        self.ledger = open_ledger(self.path)
        self.lines = 0
        self.kept: list[Kept] = []

    @rule(many=st.integers(1, 120))
    def write(self, many: int) -> None:
        written = self.ledger.append_many([Draft(EntryKind.DEVICE, {"n": n}, NIGHT) for n in range(many)])
        assert [entry.seq for entry in written] == list(range(self.lines + 1, self.lines + many + 1))
        self.lines += many

    @rule(
        ticket=TICKETS,
        person=PEOPLE,
        way=st.sampled_from(Direction),
        passage=st.none() | st.sampled_from(Passage),
        code_step=st.none() | st.integers(0, 3),
    )
    def release(self, ticket: str, person: str, way: Direction, passage: Passage | None, code_step: int | None) -> None:
        release = Release(way, ticket, person, passage, code_step)
        self.kept.append(Kept(self.ledger.append(EntryKind.DECISION, {}, NIGHT, opens=release).seq, release, passage))
        self.lines += 1

    @precondition(lambda self: self.kept)
    @rule(data=st.data(), passage=st.sampled_from(Passage))
    def settle(self, data: st.DataObject, passage: Passage) -> None:
        chosen = data.draw(st.sampled_from(self.kept))
        settlement = Settlement(chosen.seq, passage)
        if chosen.passage is None:
            self.ledger.append(EntryKind.PASSAGE, {}, NIGHT, settles=settlement)
            chosen.passage = passage
            self.lines += 1
        else:
            with pytest.raises(UnknownRelease):
                self.ledger.append(EntryKind.PASSAGE, {}, NIGHT, settles=settlement)

    @rule()
    def checkpoint(self) -> None:
        self.ledger.checkpoint(NIGHT)

    @rule()
    def restart(self) -> None:
        self.ledger.close()
        self.ledger = open_ledger(self.path)

    @rule()
    def restart_and_settle(self) -> None:
        self.restart()
        self.lines += len(self.ledger.settle_left_open())
        for release in self.kept:
            release.passage = release.passage or Passage.UNKNOWN

    @rule()
    def fail_and_reopen(self) -> None:
        pages = self.ledger.db.conn.execute("PRAGMA page_count").fetchone()[0]
        self.ledger.db.conn.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreFailed):
            self.ledger.append(EntryKind.DEVICE, {"text": "x" * 1_000_000}, NIGHT, opens=Release(ticket="T1"))
        assert self.ledger.reopen() == ()

    @rule(tickets=st.lists(TICKETS, max_size=3), person=PEOPLE)
    def ask(self, tickets: list[str], person: str) -> None:
        wanted = [
            kept.use
            for kept in self.kept
            if kept.passage is not Passage.NO_SHOW
            and (kept.release.ticket in set(tickets) - {""} or kept.release.person_key in {person} - {""})
        ]
        assert list(self.ledger.uses(tickets, person)) == wanted

    @invariant()
    def counts_agree(self) -> None:
        used = [kept for kept in self.kept if kept.passage is not Passage.NO_SHOW]
        assert self.ledger.inside() == sum(1 if kept.release.direction is Direction.ENTRY else -1 for kept in used)
        left = [kept.seq for kept in self.kept if kept.passage is None]
        assert [release.seq for release in self.ledger.open_releases()] == left
        assert self.ledger.last_seq() == self.lines

    def teardown(self) -> None:
        with read_ledger(self.path) as reader:
            seqs = [entry.seq for entry in reader.entries(limit=100_000)]
        assert seqs == list(range(1, self.lines + 1))
        found = verify(self.path, PUBLIC)
        self.ledger.close()
        self.folder.cleanup()
        assert found.ok, found.problems


TestLedgerLife = LedgerLife.TestCase
TestLedgerLife.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
