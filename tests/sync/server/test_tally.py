"""What is counted when lines are taken in; on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.decision import Verdict
from models.ledger import EntryKind
from models.passage import Direction, Passage
from models.record import PassageBody
from models.store.ledger_db import Release
from sync.server import tables
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.tally import minute_of
from tests.sync.server.world import NIGHT, SHOW, GateBox, hall

MINUTE = int(NIGHT // 60)


@pytest.fixture
def box(hub: Hub, tmp_path: Path) -> Iterator[Callable[..., GateBox]]:
    made: list[GateBox] = []
    hall(hub)

    def make(name: str = "G1", **more: str) -> GateBox:
        made.append(GateBox(hub, tmp_path, name, **more))
        return made[-1]

    yield make
    for gate in made:
        gate.ledger.close()


def _send(hub: Hub, gate: GateBox, after: int = 0, limit: int = 500) -> int:
    with hub.begin() as connection:
        return take(hub, connection, gate.device, gate.name, gate.batch(after, limit)).acknowledged


def _tally(hub: Hub) -> dict[tuple[str, int, str, str], int]:
    with hub.begin() as connection:
        rows = connection.execute(select(tables.tally)).all()
    return {(row.event, row.minute - MINUTE, row.word, row.reason): row.number for row in rows}


def test_words_and_passages_are_counted_by_the_minute(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    gate.passes("T1", at=NIGHT)
    gate.passes("T2", at=NIGHT - 60)
    gate.decide(Verdict.DENY, "T3")
    gate.end(gate.admit("T4"), Passage.NO_SHOW)
    gate.passes("T1", Direction.EXIT)
    _send(hub, gate)
    assert _tally(hub) == {
        (SHOW, 0, "admit", "ok"): 3,
        (SHOW, -1, "admit", "ok"): 1,
        (SHOW, 0, "deny", "face_mismatch"): 1,
        (SHOW, 0, "in", "passed"): 2,
        (SHOW, 0, "in", "no_show"): 1,
        (SHOW, 0, "out", "passed"): 1,
    }


def test_a_line_that_comes_again_is_not_counted_again(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    gate.passes("T1")
    _send(hub, gate)
    first = _tally(hub)
    _send(hub, gate)
    assert _tally(hub) == first


def test_lines_that_come_one_by_one_count_like_lines_together(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    gate.passes("T1")
    gate.passes("T2")
    done = 0
    while done < 4:
        done = _send(hub, gate, done, 1)
    assert _tally(hub) == {(SHOW, 0, "admit", "ok"): 2, (SHOW, 0, "in", "passed"): 2}


def test_whoever_comes_in_free_passage_is_counted_for_the_event_that_the_gate_serves(
    hub: Hub, box: Callable[..., GateBox]
) -> None:
    gate = box()
    opens = Release(Direction.ENTRY, passage=Passage.PASSED)
    gate.ledger.append(EntryKind.PASSAGE, PassageBody(0, Passage.PASSED), NIGHT, opens=opens)
    _send(hub, gate)
    assert _tally(hub) == {(SHOW, 0, "in", "free"): 1}


@pytest.mark.parametrize(
    ("at", "minute"), [(NIGHT, 0), (NIGHT - 86_400, -1440), (0.0, 0), (NIGHT + 59, 0), (NIGHT + 4e6, 0)]
)
def test_a_clock_at_1970_or_in_the_future_counts_when_its_line_arrives(at: float, minute: int) -> None:
    assert abs(minute_of(at, NIGHT) - MINUTE - minute) <= 1
    assert minute_of(at, NIGHT) <= MINUTE + 1
