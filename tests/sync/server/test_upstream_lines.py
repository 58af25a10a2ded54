"""A venue hub passes its gates' lines on: every one once, in order, whatever is lost on the way. On both engines."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, func, insert, select, update

from models.wire import to_json
from sync.contract import LedgerLine, LedgerReceipt
from sync.server import tables, upstream_lines, upstream_mirror
from sync.server.hub import Hub
from sync.server.ingest import Forked, keep_fork, take
from tests.sync.server.conftest import Clock
from tests.sync.server.venue_world import Line, enrol_hub, furnish, gate_at
from tests.sync.server.world import GateBox, hall


@pytest.fixture
def line(hub: Hub, venue: Hub) -> Line:
    """A centre, and a venue hub that is enrolled there."""
    hall(hub)
    furnish(venue)
    return Line(hub, venue, enrol_hub(hub))


@pytest.fixture
def gate(line: Line, tmp_path: Path) -> Callable[[str], GateBox]:
    """Makes gates at the hub, of which the centre knows."""

    def make(name: str) -> GateBox:
        made = gate_at(line.venue, tmp_path, name)
        line.meet()
        return made

    return make


def _push(line: Line, *gates: GateBox) -> None:
    for gate in gates:
        with line.venue.begin() as connection:
            take(line.venue, connection, gate.device, gate.name, gate.batch())


def _held(hub: Hub, table: object = tables.entry) -> list[tuple[object, ...]]:
    with hub.begin() as connection:
        device, epoch, seq = table.c.device, table.c.epoch, table.c.seq  # type: ignore[attr-defined]
        rows = connection.execute(select(device, epoch, seq).order_by(device, epoch, seq))
        return [tuple(row) for row in rows]


def _waiting(hub: Hub) -> int:
    with hub.begin() as connection:
        return upstream_mirror.waiting(connection)


def _refusals(hub: Hub) -> list[str]:
    with hub.begin() as connection:
        return list(connection.execute(select(tables.forwarded.c.refusal)).scalars())


def _passing(gate: GateBox, tickets: Iterable[int]) -> None:
    for n in tickets:
        gate.passes(f"T{n}")


def test_all_lines_and_seals_come_to_the_centre(line: Line, gate: Callable[[str], GateBox]) -> None:
    one, two = gate("G1"), gate("G2")
    _passing(one, range(5))
    one.ledger.checkpoint(1.0)
    _passing(two, range(5, 8))
    _push(line, one, two)
    assert _waiting(line.venue) == 16
    assert line.pass_on() == 2
    assert _waiting(line.venue) == line.pass_on() == 0
    assert _held(line.centre) == _held(line.venue)
    assert _held(line.centre, tables.checkpoint) == _held(line.venue, tables.checkpoint) != []


def test_a_seal_that_comes_after_its_line_goes_alone(line: Line, gate: Callable[[str], GateBox]) -> None:
    one = gate("G1")
    _passing(one, range(2))
    _push(line, one)
    line.pass_on()
    one.ledger.checkpoint(1.0)
    _push(line, one)
    assert line.pass_on() == 1
    assert len(_held(line.centre, tables.checkpoint)) == 1


def test_answers_that_are_lost_lose_nothing(
    line: Line, gate: Callable[[str], GateBox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of any size, every third answer lost on its way back; each line is there once, in its place."""
    monkeypatch.setattr(upstream_lines, "MOST_LINES", 3)
    dice = random.Random(5)
    gates = [gate(f"G{n}") for n in range(3)]
    for _ in range(60):
        one = dice.choice(gates)
        if dice.random() < 0.5:
            one.passes(f"T{dice.randrange(50)}")
            _push(line, one)
        with line.venue.begin() as connection:
            pending = upstream_lines.pending(connection, line.venue.clock())
            batch = upstream_lines.batch_for(connection, dice.choice(pending)) if pending else None
        if batch is not None:
            line.hand_over(batch, heard=dice.random() < 0.66)
    line.pass_on()
    assert _held(line.centre) == _held(line.venue)
    assert _refusals(line.centre) == []


def test_a_centre_that_was_restored_from_a_backup_gets_its_lines_again(
    line: Line, clock: Clock, gate: Callable[[str], GateBox]
) -> None:
    one = gate("G1")
    _passing(one, range(6))
    _push(line, one)
    line.pass_on()
    with line.centre.begin() as connection:
        entry, ledger = tables.entry, tables.ledger
        connection.execute(delete(entry).where(entry.c.seq > 4))
        connection.execute(delete(tables.use).where(tables.use.c.seq > 4))
        kept = connection.execute(select(entry.c.hash).where(entry.c.seq == 4)).scalar_one()
        connection.execute(update(ledger).values(seq=4, hash=kept))
    one.passes("T9")
    _push(line, one)
    line.pass_on()
    clock.now += 5
    line.pass_on()
    assert _held(line.centre) == _held(line.venue)


def test_a_gate_that_was_not_told_is_told_and_goes_on(line: Line, clock: Clock, tmp_path: Path) -> None:
    one = gate_at(line.venue, tmp_path, "G1")
    one.passes("T1")
    _push(line, one)
    line.pass_on()
    assert _refusals(line.venue) == ["no_such_gate"]
    line.meet()
    assert line.pass_on() == 0
    clock.now += 2
    line.pass_on()
    assert (_refusals(line.venue), len(_held(line.centre))) == ([""], 2)


def test_a_copied_card_shows_at_the_centre_too_and_holds_nobody_up(line: Line, gate: Callable[[str], GateBox]) -> None:
    one, two = gate("G1"), gate("G2")
    _passing(one, range(2))
    _passing(two, range(2, 4))
    _push(line, one, two)
    good = one.batch().lines[3]
    odd = LedgerLine(4, good.version, good.at, good.kind, '{"odd":1}', "ab" * 32)
    with line.venue.begin() as connection:
        refused = keep_fork(line.venue, connection, Forked(one.device, one.ledger.epoch, (odd,)))
    assert refused.code == "forked"
    two.passes("T4")
    _push(line, two)
    line.pass_on()
    assert line.pass_on() == 0
    assert _held(line.centre) == _held(line.venue)
    with line.centre.begin() as connection:
        kept = connection.execute(select(tables.fork.c.line)).scalars().all()
        states = connection.execute(select(tables.ledger.c.device, tables.ledger.c.state)).all()
    assert kept == [to_json(odd).decode()]
    assert {row.device: row.state for row in states} == {one.device: "forked", two.device: "good"}


def test_seals_that_the_centre_does_not_believe_hold_no_line_up(line: Line, gate: Callable[[str], GateBox]) -> None:
    one = gate("G1")
    _passing(one, range(2))
    one.ledger.checkpoint(1.0)
    _push(line, one)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    with line.centre.begin() as connection:
        mine = update(tables.device).where(tables.device.c.device == one.device)
        connection.execute(mine.values(signing_key=other))
    line.pass_on()
    assert _held(line.centre) == _held(line.venue)
    assert _held(line.centre, tables.checkpoint) == []


def test_a_seal_by_a_key_that_was_changed_meanwhile_is_believed(line: Line, gate: Callable[[str], GateBox]) -> None:
    """Twice renewed while the centre was away: it learns of the key between as well."""
    one = gate("G1")
    fresh = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    between = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    _passing(one, range(2))
    one.ledger.checkpoint(1.0)
    _push(line, one)
    with line.venue.begin() as connection:
        device, old = tables.device, tables.old_key
        first = connection.execute(select(device.c.signing_key)).scalar_one()
        for key in (first, between):
            connection.execute(insert(old).values(device=one.device, signing_key=key, until=1.0))
        connection.execute(update(device).values(signing_key=fresh))
    line.meet()
    line.pass_on()
    assert len(_held(line.centre, tables.checkpoint)) == 1
    with line.centre.begin() as connection:
        known = set(connection.execute(select(tables.old_key.c.signing_key)).scalars())
    assert known == {first, between}


def test_large_lines_go_in_small_batches(
    line: Line, gate: Callable[[str], GateBox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_lines, "MOST_BYTES", 700)
    one = gate("G1")
    _passing(one, range(6))
    _push(line, one)
    line.pass_on()
    assert _held(line.centre) == _held(line.venue)
    assert len(line.batches) > 2
    assert all(len(batch.lines) == 1 or _size(batch.lines) <= 700 for batch in line.batches)


def test_an_acknowledgement_beyond_what_was_sent_is_not_believed(line: Line, gate: Callable[[str], GateBox]) -> None:
    one = gate("G1")
    _passing(one, range(2))
    _push(line, one)
    with line.venue.begin() as connection:
        batch = upstream_lines.batch_for(connection, (one.device, one.ledger.epoch))
        assert batch is not None
        half = replace(batch, lines=batch.lines[:2])
        upstream_lines.acknowledge(connection, half, LedgerReceipt(one.ledger.epoch, 10**9))
        assert connection.execute(select(func.max(tables.forwarded.c.seq))).scalar_one() == 2


def _size(lines: Iterable[LedgerLine]) -> int:
    return sum(len(line.body.encode()) for line in lines)
