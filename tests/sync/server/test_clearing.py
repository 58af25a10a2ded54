"""Old bundles go, and no gate misses one. On both engines."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from sync.server import tables
from sync.server.clearing import GRACE_S, clear
from sync.server.hub import Hub
from sync.server.problems import Refused
from sync.server.publish import publish, publish_again, publish_changes
from sync.server.tickets import remove_tickets, revoke_tickets
from tests.sync.server.conftest import Clock
from tests.sync.server.test_publish import EVENT, Gate, gate

__all__ = ["gate"]

DAY_S = 86_400.0


def _change(hub: Hub, ticket: str) -> None:
    with hub.begin() as connection:
        revoke_tickets(hub, connection, "li", EVENT, [ticket])
        publish_changes(hub, connection, "li", EVENT)


def _versions(hub: Hub) -> list[int]:
    with hub.begin() as connection:
        return list(connection.execute(select(tables.bundle.c.version).order_by(tables.bundle.c.version)).scalars())


def _later(hub: Hub, clock: Clock, seconds: float) -> int:
    """Clear when so much time has gone by."""
    for path in _files(hub):
        os.utime(path, (clock.now, clock.now))
    clock.now += seconds
    return clear(hub)


def _files(hub: Hub) -> list[Path]:
    return sorted((hub.settings.state_dir / "bundles").rglob("*.bundle"))


def test_what_is_older_than_the_newest_base_goes_and_every_gate_finds_its_way(
    hub: Hub, gate: Callable[[str], Gate], clock: Clock
) -> None:
    first, behind, late = gate("G1"), gate("G2"), gate("G3")
    publish(hub, "li", EVENT)
    behind.pull()
    _change(hub, "T0")
    first.pull()
    publish(hub, "li", EVENT)
    _change(hub, "T1")
    _change(hub, "T2")
    assert _later(hub, clock, GRACE_S / 2) == 0
    assert _versions(hub) == [1, 2, 3, 4, 5]
    assert _later(hub, clock, GRACE_S + 1) == 2
    assert _versions(hub) == [3, 4, 5]
    assert [path.stem for path in _files(hub)] == ["3", "4", "5"]
    for one in (first, behind, late):
        assert one.pull() == ["base", "delta", "delta"]
    assert first.writer.state() == behind.writer.state() == late.writer.state()


def test_all_deltas_on_the_newest_base_stay(hub: Hub, gate: Callable[[str], Gate], clock: Clock) -> None:
    one = gate("G1")
    publish(hub, "li", EVENT)
    one.pull()
    for ticket in ("T0", "T1", "T2"):
        _change(hub, ticket)
    assert _later(hub, clock, 10 * GRACE_S) == 0
    assert one.pull() == ["delta"] * 3


def test_files_that_nobody_names_go_and_fresh_ones_stay(hub: Hub, gate: Callable[[str], Gate], clock: Clock) -> None:
    gate("G1")
    publish(hub, "li", EVENT)
    folder = _files(hub)[0].parent
    left, fresh = folder / ".7.bundle.99", folder / "draft.bundle"
    for path, at in ((left, clock.now - 2 * GRACE_S), (fresh, clock.now), (_files(hub)[0], 0.0)):
        path.touch()
        os.utime(path, (at, at))
    assert clear(hub) == 1
    assert (left.exists(), fresh.exists(), _versions(hub)) == (False, True, [1])


def test_when_the_manifest_has_run_out_versions_go_on_counting(
    hub: Hub, gate: Callable[[str], Gate], clock: Clock
) -> None:
    one = gate("G1")
    publish(hub, "li", EVENT)
    one.pull()
    _change(hub, "T0")
    assert _later(hub, clock, 100 * DAY_S) == 1
    assert _versions(hub) == [2]
    with pytest.raises(Refused, match="publish it"), hub.begin() as connection:
        publish_again(hub, connection, "li", EVENT)
    assert publish(hub, "li", EVENT).version == 3
    assert one.pull() == ["base"]


def test_tombstones_and_codes_that_nobody_needs_go(hub: Hub, gate: Callable[[str], Gate], clock: Clock) -> None:
    one = gate("G1")
    publish(hub, "li", EVENT)
    one.pull()
    with hub.begin() as connection:
        remove_tickets(hub, connection, "li", EVENT, ["T3"])
        code = {"event": EVENT, "ticket": "T1", "step": 7, "claim": "a", "device": "G1", "at": clock.now}
        connection.execute(insert(tables.code_claim).values(**code))
    clear(hub)
    with hub.begin() as connection:
        assert len(connection.execute(select(tables.removed_ticket)).all()) == 1  # no bundle has it yet
        publish_changes(hub, connection, "li", EVENT)
    one.pull()
    _later(hub, clock, 2 * DAY_S)
    with hub.begin() as connection:
        for table in (tables.removed_ticket, tables.code_claim):
            assert connection.execute(select(table)).all() == []
    assert one.finds(3) == []
