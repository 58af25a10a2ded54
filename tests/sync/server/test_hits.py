"""Hits of lists at the server: once an attempt, with what was done in the end, and never who came. On both engines."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from models.decision import Decision, Facts, LookupFacts, Reason, Verdict
from models.ledger import EntryKind
from models.record import DecisionBody
from models.ticket import ManifestState
from models.watch import HitMeans, WatchAction, WatchDone, WatchEntry, WatchTaken
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.rebuild import rebuild
from sync.server.watch_items import own_domain, put
from sync.server.watch_tables import watch_hit, watch_hit_count
from tests.sync.server.conftest import Clock
from tests.sync.server.world import NIGHT, SHOW, GateBox, hall


@pytest.fixture
def gate(hub: Hub, tmp_path: Path, clock: Clock) -> GateBox:
    hall(hub)
    clock.now = NIGHT + 10
    with hub.begin() as connection:
        domain, secret = own_domain(hub, connection)
        entry = WatchEntry("w-1", "Hall", "scalping", WatchAction.REVIEW, NIGHT, NIGHT + 1e6, domain=domain)
        put(hub, connection, entry, secret, ours="w-1")
    return GateBox(hub, tmp_path, "G1")


def _meets(gate: GateBox, attempt: int, done: WatchDone, by: str = "", entry: str = "w-1") -> None:
    """A line of one attempt that tells of a hit."""
    state = ManifestState(SHOW, 1, NIGHT - 60, NIGHT + 60_000)
    facts = Facts("G1", lookup=LookupFacts(state, "person-key-of-somebody"))
    taken = WatchTaken(entry, 3, HitMeans.DOCUMENT, 0.0, done, by)
    word = Decision(Verdict.REFER, Reason.WATCHLISTED)
    gate.ledger.append(EntryKind.DECISION, DecisionBody(attempt, facts, word, NIGHT, watch=(taken,)), NIGHT)


def _send(hub: Hub, gate: GateBox) -> None:
    with hub.begin() as connection:
        take(hub, connection, gate.device, gate.name, gate.batch())


def _held(hub: Hub) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Hits as done and by whom, and the counts."""
    with hub.begin() as connection:
        hit, count = watch_hit.c, watch_hit_count.c
        hits = connection.execute(select(hit.item, hit.version, hit.done, hit.by).order_by(hit.seq)).all()
        counts = connection.execute(select(count.entry, count.partner, count.hits)).all()
    return [tuple(one) for one in hits], [tuple(one) for one in counts]


def test_a_hit_is_kept_with_what_was_done_and_counted_for_its_day(hub: Hub, gate: GateBox) -> None:
    _meets(gate, 1, WatchDone.CLEARED, "su")
    _meets(gate, 2, WatchDone.NOTED)
    _send(hub, gate)
    assert _held(hub) == (
        [("w-1", 3, "cleared", "su"), ("w-1", 3, "noted", "")],
        [("w-1", "", 2)],
    )


@pytest.mark.parametrize("together", [True, False])
def test_the_last_line_of_an_attempt_counts(hub: Hub, gate: GateBox, together: bool) -> None:
    _meets(gate, 1, WatchDone.REVIEW)
    if not together:
        _send(hub, gate)
    _meets(gate, 1, WatchDone.CLEARED, "su")
    _send(hub, gate)
    assert _held(hub) == ([("w-1", 3, "cleared", "su")], [("w-1", "", 1)])


def test_lines_that_come_again_and_a_rebuild_change_nothing(hub: Hub, gate: GateBox) -> None:
    _meets(gate, 1, WatchDone.REVIEW)
    _meets(gate, 1, WatchDone.CLEARED, "su")
    _meets(gate, 2, WatchDone.NOTED, entry="r-of-a-partner")
    _send(hub, gate)
    before = _held(hub)
    _send(hub, gate)
    assert _held(hub) == before
    with hub.begin() as connection:
        rebuild(hub, connection, "operator")
    assert _held(hub) == before


def test_who_came_is_not_in_it(hub: Hub, gate: GateBox) -> None:
    _meets(gate, 1, WatchDone.NOTED)
    _send(hub, gate)
    with hub.begin() as connection:
        assert "person-key" not in str(connection.execute(select(watch_hit)).all())
