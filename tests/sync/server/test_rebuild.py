"""Evenings at several gates, told in any order: what lines mean is always the same, and can be made again."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from models.passage import Direction, Passage
from sync.contract import ClaimRequest
from sync.server import tables
from sync.server.claims import Asked, settle
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.rebuild import rebuild
from tests.examples import examples
from tests.sync.server.conftest import Clock
from tests.sync.server.world import SHOW, WARD, GateBox, hall

PROJECTED = (tables.use, tables.tally, tables.claim, tables.conflict)
MADE = (*PROJECTED, tables.ended_claim, tables.entry, tables.ledger, tables.device, tables.audit)


@pytest.fixture
def box(hub: Hub, tmp_path: Path) -> Callable[..., GateBox]:
    """Makes gates."""
    hall(hub)
    return lambda name="G1", **more: GateBox(hub, tmp_path, name, **more)


def _send(hub: Hub, gate: GateBox, after: int = 0, limit: int = 500) -> int:
    with hub.begin() as connection:
        return take(hub, connection, gate.device, gate.name, gate.batch(after, limit)).acknowledged


def _rebuild(hub: Hub) -> None:
    with hub.begin() as connection:
        rebuild(hub, connection, "li")


def _all(hub: Hub, *but: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the projections."""
    with hub.begin() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(select(*(c for c in table.c if c.name not in but)))), key=repr
            )
            for table in PROJECTED
        }


# One thing that happens: at which gate, to which ticket, which way, and what becomes of it (None: still open).
Happening = tuple[int, int, Direction, Passage | None]
happenings = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 2),
        st.sampled_from(Direction),
        st.sampled_from([Passage.PASSED] * 4 + [Passage.NO_SHOW, Passage.UNKNOWN, None]),
    ),
    max_size=25,
)
sendings = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(0, 3)), max_size=30)


class Evening:
    """Four gates, the last at the hospital; what they wrote, and what of it has been sent."""

    def __init__(self, hub: Hub, clock: Clock, folder: Path) -> None:
        self.hub, self.clock = hub, clock
        self.gates = [GateBox(hub, folder, f"G{n}", WARD if n == 3 else SHOW) for n in range(4)]
        self.sent = [0] * 4

    def happens(self, what: list[Happening]) -> None:
        """People come and go; a gate whose last passage is open ends it first."""
        for at, ticket, way, passage in what:
            gate = self.gates[at]
            line = gate.admit(f"T{ticket}", way)
            if passage is not None:
                gate.end(line, passage)

    def send(self, at: int, lines: int, again: int = 0) -> None:
        """So many lines of a gate, some of them for the second time."""
        gate, after = self.gates[at], max(self.sent[at] - again, 0)
        if gate.ledger.last_seq() > after:
            self.clock.now += 1.0
            self.sent[at] = _send(self.hub, gate, after, lines)

    def send_all(self) -> None:
        """What is left."""
        for at in range(4):
            self.send(at, 500)


def _wipe(hub: Hub) -> None:
    with hub.begin() as connection:
        for table in MADE:
            connection.execute(delete(table))


@pytest.mark.long
@pytest.mark.parametrize("conflicts_are_settled", [False, True])
def test_what_is_made_again_is_what_was_made(hub: Hub, clock: Clock, conflicts_are_settled: bool) -> None:
    hall(hub)

    @settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
    @given(happenings, sendings)
    def property_(what: list[Happening], how: list[tuple[int, int, int]]) -> None:
        folder = Path(tempfile.mkdtemp())
        _wipe(hub)
        evening = Evening(hub, clock, folder)
        evening.happens(what)
        for n, one in enumerate(how):
            evening.send(*one)
            if conflicts_are_settled and n % 5 == 4:
                with hub.begin() as connection:
                    conflict = tables.conflict
                    ours = update(conflict).where(conflict.c.state == "open")
                    connection.execute(ours.values(state="settled", finding="other", settled_by="li", settled_at=1.0))
        evening.send_all()
        before = _all(hub)
        _rebuild(hub)
        assert _all(hub) == before
        for gate in evening.gates:
            gate.ledger.close()
        shutil.rmtree(folder)

    property_()


@pytest.mark.long
def test_conflicts_are_what_a_child_would_count(hub: Hub, clock: Clock) -> None:
    """More people in than came out and one, whatever came first."""
    hall(hub)

    @settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
    @given(happenings, sendings)
    def property_(what: list[Happening], how: list[tuple[int, int, int]]) -> None:
        folder = Path(tempfile.mkdtemp())
        _wipe(hub)
        evening = Evening(hub, clock, folder)
        evening.happens(what)
        for one in how:
            evening.send(*one)
        evening.send_all()
        inside: Counter[str] = Counter()
        for at, ticket, way, passage in what:
            if at != 3 and passage is Passage.PASSED:
                inside[f"T{ticket}"] += 1 if way is Direction.ENTRY else -1
        expected = sorted((ticket, nth) for ticket, count in inside.items() for nth in range(2, count + 1))
        with hub.begin() as connection:
            conflict = tables.conflict
            rows = connection.execute(select(conflict.c.ticket, conflict.c.nth).where(conflict.c.state == "open"))
            assert sorted((row.ticket, row.nth) for row in rows) == expected
        for gate in evening.gates:
            gate.ledger.close()
        shutil.rmtree(folder)

    property_()


def test_whoever_waits_for_an_answer_keeps_it(hub: Hub, box: Callable[..., GateBox]) -> None:
    one, two = box("G1"), box("G2")
    one.passes("T1")
    _send(hub, one)
    two.attempt = 7
    with hub.begin() as connection:
        settle(connection, [Asked(ClaimRequest(two.claim, SHOW, "T2", gate="G2", at=3.0), two.device)], 3.0)
    before = _all(hub)
    _rebuild(hub)
    assert _all(hub) == before


def test_what_was_wrong_is_right_again(hub: Hub, box: Callable[..., GateBox]) -> None:
    one, two = box("G1"), box("G2")
    one.passes("T1")
    two.passes("T1")
    _send(hub, one)
    _send(hub, two)
    good = _all(hub)
    with hub.begin() as connection:
        connection.execute(delete(tables.use).where(tables.use.c.device == one.device))
        connection.execute(update(tables.claim).values(passage="held"))
        connection.execute(delete(tables.tally))
        connection.execute(update(tables.conflict).values(uses="[]", found_at=0.0))
    _rebuild(hub)
    assert _all(hub) == good
    with hub.begin() as connection:
        assert "rebuilt" in connection.execute(select(tables.audit.c.act)).scalars().all()


def test_a_clock_that_went_back_does_not_turn_a_ledger_round(
    hub: Hub, clock: Clock, box: Callable[..., GateBox]
) -> None:
    gate = box()
    gate.passes("T1")
    assert _send(hub, gate, limit=1) == 1
    clock.now -= 5000
    _send(hub, gate, after=1)
    _rebuild(hub)
    with hub.begin() as connection:
        assert connection.execute(select(tables.use.c.passage)).scalar_one() == "passed"


def test_another_person_after_the_second_one_left_is_a_new_conflict(hub: Hub, box: Callable[..., GateBox]) -> None:
    """Withdrawn or settled: what came to rest does not hide the next one."""
    for ticket, settled in (("T1", False), ("T2", True)):
        one, two, three = (box(f"G{n}{ticket}") for n in range(3))
        one.passes(ticket)
        two.passes(ticket)
        _send(hub, one)
        _send(hub, two)
        with hub.begin() as connection:
            if settled:
                mine = update(tables.conflict).where(tables.conflict.c.ticket == ticket)
                connection.execute(mine.values(state="settled", finding="copied_ticket", settled_by="li"))
        one.passes(ticket, Direction.EXIT)
        _send(hub, one)
        three.passes(ticket)
        _send(hub, three)
        with hub.begin() as connection:
            row = connection.execute(select(tables.conflict).where(tables.conflict.c.ticket == ticket)).one()
            assert (row.state, row.nth, row.finding, row.stands) == ("open", 2, "", 1)
            assert row.uses.count('"entry"') == 3


def test_a_settled_conflict_is_not_opened_by_a_line_that_changes_nothing(hub: Hub, box: Callable[..., GateBox]) -> None:
    one, two = box("G1"), box("G2")
    one.passes("T1")
    two.passes("T1")
    _send(hub, one)
    _send(hub, two)
    with hub.begin() as connection:
        connection.execute(update(tables.conflict).values(state="settled", finding="other", settled_by="li"))
    one.end(one.admit("T1"), Passage.NO_SHOW)
    _send(hub, one)
    with hub.begin() as connection:
        assert connection.execute(select(tables.conflict.c.state)).scalar_one() == "settled"


def test_two_gates_whose_lines_come_at_the_same_moment_are_a_conflict(hub: Hub, box: Callable[..., GateBox]) -> None:
    """Both admissions are known already; then both passages are taken in by two workers at once."""
    one, two = box("G1"), box("G2")
    lines = [gate.admit("T1") for gate in (one, two)]
    for gate, line in zip((one, two), lines, strict=True):
        _send(hub, gate)
        gate.end(line)
    begun = threading.Event()

    def second() -> None:
        begun.set()
        _send(hub, two)

    thread = threading.Thread(target=second)
    with hub.begin() as connection:
        take(hub, connection, one.device, one.name, one.batch())
        thread.start()
        assert begun.wait(10)
        thread.join(0.5)  # long enough to run into the first, which is not committed yet
    thread.join(20)
    with hub.begin() as connection:
        assert connection.execute(select(tables.conflict.c.nth)).scalars().all() == [2]
        connection.execute(insert(tables.change).values(at=1.0))
