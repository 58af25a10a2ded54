"""Ledgers in: every line once, none lost, none believed that doesn't fit. With real ledgers, on both engines."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models.command import Settings
from models.decision import Verdict
from models.ledger import EntryKind
from models.passage import Direction, Passage
from models.record import ModeBody, SettingsBody, ShiftBody, WrongPinBody
from models.store.chain import line_hash
from models.view import Mode
from sync.contract import ClaimAnswer, ClaimRequest, LedgerBatch, LedgerLine, LedgerReceipt
from sync.server import tables
from sync.server.claims import Asked, settle
from sync.server.hub import Hub
from sync.server.ingest import Forked, keep_fork, take
from sync.server.problems import Refused
from tests.sync.server.world import SHOW, WARD, GateBox, hall

Send = Callable[[GateBox, LedgerBatch], LedgerReceipt]


@pytest.fixture
def box(hub: Hub, tmp_path: Path) -> Callable[..., GateBox]:
    """Makes gates."""
    hall(hub)
    return lambda name="G1", **more: GateBox(hub, tmp_path, name, **more)


def _send(hub: Hub, box: GateBox, batch: LedgerBatch | None = None) -> LedgerReceipt:
    with hub.begin() as connection:
        return take(hub, connection, box.device, box.name, batch or box.batch())


def _refused(hub: Hub, box: GateBox, batch: LedgerBatch) -> str:
    with pytest.raises(Refused) as refused:
        _send(hub, box, batch)
    return refused.value.code


def _count(hub: Hub, table: object) -> int:
    with hub.begin() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def _claim(hub: Hub, box: GateBox, ticket: str) -> ClaimAnswer:
    with hub.begin() as connection:
        asked = Asked(ClaimRequest(box.claim, box.event, ticket, gate=box.name), box.device)
        return settle(connection, [asked], hub.clock())[0]


def _conflicts(hub: Hub, state: str = "open") -> list[tuple[str, int]]:
    conflict = tables.conflict
    with hub.begin() as connection:
        rows = connection.execute(select(conflict).where(conflict.c.state == state)).all()
    return sorted((row.ticket, row.nth) for row in rows)


def test_lines_are_held_and_acknowledged(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    for n in range(5):
        gate.passes(f"T{n}")
    gate.ledger.checkpoint(1.0)
    assert _send(hub, gate) == LedgerReceipt(gate.ledger.epoch, 10)
    assert _count(hub, tables.entry) == 10
    assert _count(hub, tables.checkpoint) == 1


def test_lines_that_come_again_are_nothing_new(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    gate.passes("T1")
    gate.passes("T2")
    assert _send(hub, gate, gate.batch(limit=2)).acknowledged == 2
    assert _send(hub, gate).acknowledged == 4
    assert _send(hub, gate).acknowledged == 4
    assert _count(hub, tables.entry) == 4
    assert _count(hub, tables.use) == 2


def test_a_gap_is_refused_and_told(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    gate.passes("T1")
    gate.passes("T2")
    assert _refused(hub, gate, gate.batch(after=2)) == "gap"
    assert _send(hub, gate, gate.batch(limit=1)).acknowledged == 1
    assert _refused(hub, gate, gate.batch(after=2)) == "gap"
    assert _count(hub, tables.entry) == 1


@pytest.mark.parametrize("change", [{"body": "{}"}, {"at": 1.0}, {"kind": "stop"}, {"hash": "00" * 32}, {"seq": 9}])
def test_a_changed_line_is_refused(hub: Hub, box: Callable[..., GateBox], change: dict[str, object]) -> None:
    gate = box()
    gate.passes("T1")
    batch = gate.batch()
    lines = (batch.lines[0], replace(batch.lines[1], **change))  # type: ignore[arg-type]
    assert _refused(hub, gate, replace(batch, lines=lines)) == "broken_chain"
    assert _count(hub, tables.entry) == 0


def test_what_a_gate_writes_of_its_people_is_held_and_lets_nobody_in(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    gate.passes("T1")
    for kind, body in (
        (EntryKind.SHIFT, ShiftBody("s7", on=True)),
        (EntryKind.WRONG_PIN, WrongPinBody("s7", "shift", 3, 5.0)),
        (EntryKind.SETTINGS, SettingsBody("v1", Settings())),
        (EntryKind.MODE, ModeBody(Mode.OUT_OF_ORDER, "v1", "", 5.0)),
    ):
        gate.ledger.append(kind, body, 1.0)
    assert _send(hub, gate).acknowledged == 6
    assert (_count(hub, tables.entry), _count(hub, tables.use)) == (6, 1)


def test_a_kind_of_line_that_only_a_newer_gate_knows_is_held_like_any_other(
    hub: Hub, box: Callable[..., GateBox]
) -> None:
    gate = box()
    gate.passes("T1")
    batch = gate.batch()
    last, body = batch.lines[-1], '{"decision":7,"opens":"wide"}'
    words = gate.name, gate.ledger.epoch, last.seq + 1, 5.0, "moonrise", body.encode(), last.version
    hash_ = line_hash(bytes.fromhex(last.hash), *words)
    newer = LedgerLine(last.seq + 1, last.version, 5.0, "moonrise", body, hash_.hex())
    assert _send(hub, gate, replace(batch, lines=(*batch.lines, newer), seals=())).acknowledged == 3
    assert (_count(hub, tables.entry), _count(hub, tables.use)) == (3, 1)


def test_another_gates_ledger_is_refused(hub: Hub, box: Callable[..., GateBox]) -> None:
    one, other = box("G1"), box("G2")
    one.passes("T1")
    assert _refused(hub, other, one.batch()) == "gap"


def test_a_seal_by_another_key_is_refused(hub: Hub, box: Callable[..., GateBox]) -> None:
    one, other = box("G1"), box("G2")
    one.passes("T1")
    other.passes("T1")
    one.ledger.checkpoint(1.0)
    other.ledger.checkpoint(1.0)
    assert _refused(hub, one, replace(one.batch(), seals=other.batch().seals)) == "bad_seal"


def test_a_copied_card_shows_and_its_line_is_kept(hub: Hub, box: Callable[..., GateBox], tmp_path: Path) -> None:
    gate = box()
    gate.passes("T1")
    gate.ledger.close()
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "G1.db", tmp_path / "copy" / "G1.db")
    original = GateBox.__new__(GateBox)
    original.__dict__.update(gate.__dict__)
    copy = GateBox.__new__(GateBox)
    copy.__dict__.update(gate.__dict__)
    for one, folder in ((original, tmp_path), (copy, tmp_path / "copy")):
        one.ledger = type(gate.ledger).open(folder / "G1.db", gate.key, gate="G1", clock=lambda: 0.0)
    original.passes("T2")
    copy.passes("T3")
    assert _send(hub, original).acknowledged == 4
    with pytest.raises(Forked) as forked:
        _send(hub, copy)
    with hub.begin() as connection:
        assert keep_fork(hub, connection, forked.value).code == "forked"
    assert _count(hub, tables.fork) == 2
    assert _refused(hub, original, original.batch()) == "forked"
    with hub.begin() as connection:
        assert connection.execute(select(tables.audit.c.act)).scalars().all() == ["ledger_forked"]
        kept = connection.execute(select(tables.fork.c.line)).scalars().all()
    assert any("T3" in json.loads(line)["body"] for line in kept)


# --- what lines mean for tickets ------------------------------------------------------------------------------------


def test_two_gates_that_let_the_same_ticket_in_are_one_conflict(hub: Hub, box: Callable[..., GateBox]) -> None:
    one, two = box("G1"), box("G2")
    one.passes("T1")
    two.passes("T1")
    _send(hub, one)
    assert _conflicts(hub) == []
    _send(hub, two)
    _send(hub, two)
    assert _conflicts(hub) == [("T1", 2)]
    with hub.begin() as connection:
        uses = json.loads(connection.execute(select(tables.conflict.c.uses)).scalar_one())
    assert [use["gate"] for use in uses] == ["G1", "G2"]


def test_a_third_entry_is_a_second_conflict(hub: Hub, box: Callable[..., GateBox]) -> None:
    gates = [box(f"G{n}") for n in range(3)]
    for gate in gates:
        gate.passes("T1")
        _send(hub, gate)
    assert _conflicts(hub) == [("T1", 2), ("T1", 3)]


def test_nobody_came_through_is_no_conflict(hub: Hub, box: Callable[..., GateBox]) -> None:
    one, two = box("G1"), box("G2")
    one.end(one.admit("T1"), Passage.NO_SHOW)
    two.passes("T1")
    _send(hub, two)
    _send(hub, one)
    assert _conflicts(hub) == []


def test_in_and_out_and_in_again_is_no_conflict_in_whatever_order_it_arrives(
    hub: Hub, box: Callable[..., GateBox]
) -> None:
    one, two = box("G1"), box("G2")
    one.passes("T1", at=100.0)
    two.passes("T1", Direction.EXIT, at=200.0)
    one.passes("T1", at=300.0)
    _send(hub, one)
    _send(hub, two)
    assert _conflicts(hub) == []
    assert _conflicts(hub, "withdrawn") == [("T1", 2)]


def test_a_clock_at_1970_makes_and_hides_no_conflict(hub: Hub, box: Callable[..., GateBox]) -> None:
    one, two = box("G1"), box("G2")
    one.passes("T1", at=0.0)
    two.passes("T1", at=4e9)
    two.passes("T2", at=0.0)
    _send(hub, one)
    _send(hub, two)
    assert _conflicts(hub) == [("T1", 2)]


def test_where_people_come_and_go_there_are_no_conflicts(hub: Hub, box: Callable[..., GateBox]) -> None:
    one, two = box("G1", event=WARD), box("G2", event=WARD)
    one.passes("T1")
    two.passes("T1")
    _send(hub, one)
    _send(hub, two)
    assert _conflicts(hub) == []


def test_who_came_offline_has_the_ticket_from_then_on(hub: Hub, box: Callable[..., GateBox]) -> None:
    one, two = box("G1"), box("G2")
    one.passes("T1")
    _send(hub, one)
    answer = _claim(hub, two, "T1")
    assert answer.answer == "refused"
    assert answer.first is not None
    assert (answer.first.gate, answer.first.passage) == ("G1", "passed")


def test_a_no_show_gives_the_ticket_back(hub: Hub, box: Callable[..., GateBox]) -> None:
    one, two = box("G1"), box("G2")
    line = one.admit("T1")
    assert _claim(hub, one, "T1").answer == "granted"
    one.end(line, Passage.NO_SHOW)
    _send(hub, one)
    two.admit("T1")
    assert _claim(hub, two, "T1").answer == "granted"


def test_a_refused_person_gives_the_ticket_back_and_a_referred_one_keeps_it(
    hub: Hub, box: Callable[..., GateBox]
) -> None:
    one, two = box("G1"), box("G2")
    one.decide(Verdict.REFER, "T1")
    assert _claim(hub, one, "T1").answer == "granted"
    _send(hub, one)
    two.decide(Verdict.REFER, "T1")
    assert _claim(hub, two, "T1").answer == "refused"
    one.decide(Verdict.DENY, "T2")
    assert _claim(hub, one, "T2").answer == "granted"
    _send(hub, one)
    assert _claim(hub, two, "T1").answer == "granted"
    two.decide(Verdict.REFER, "T2")
    assert _claim(hub, two, "T2").answer == "granted"


def test_a_gate_that_was_killed_with_a_claim_in_its_hand_keeps_nobody_out(
    hub: Hub, box: Callable[..., GateBox]
) -> None:
    """Its ledger knows nothing of that attempt, so the next visitor gets the same number, and the same claim's name."""
    one, two = box("G1"), box("G2")
    one.attempt = 1
    assert _claim(hub, one, "T1").answer == "granted"
    one.attempt = 0
    line = one.admit("T2")
    assert _claim(hub, one, "T2").answer == "granted"
    one.end(line)
    one.passes("T3")
    _send(hub, one)
    two.attempt = 1
    assert _claim(hub, two, "T1").answer == "granted"
    answer = _claim(hub, two, "T2")
    assert (answer.answer, answer.first and answer.first.passage) == ("refused", "passed")


def test_an_event_is_what_the_manifest_said_at_the_time(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box("G1", event=WARD)
    gate.passes("T1")
    _send(hub, gate)
    with hub.begin() as connection:
        assert connection.execute(select(tables.use.c.event)).scalars().all() == [WARD]
    assert SHOW != WARD
