"""A venue hub knows whether it has its centre, and its gates hear of it. On both engines."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from sync.contract import Contact
from sync.server import tables
from sync.server.contact import meet
from sync.server.devices import Caller
from sync.server.hub import Hub
from sync.server.reached import LOST_S, is_alone, note_lost, note_reached
from sync.server.upstream_papers import folder_of
from tests.sync.server.conftest import Clock
from tests.sync.server.world import SHOW, GateBox, hall


@pytest.fixture
def gate(venue: Hub, tmp_path: Path) -> GateBox:
    """A gate of the venue hub, which is enrolled at a centre."""
    hall(venue)
    folder_of(venue.settings).mkdir()
    return GateBox(venue, tmp_path, "G1")


def told(hub: Hub, gate: GateBox) -> bool:
    """What a contact answers."""
    with hub.begin() as connection:
        caller = Caller(gate.device, "gate", gate.name, "v", SHOW, 1)
        return meet(hub, connection, caller, Contact(1.0)).alone


def rings(hub: Hub) -> int:
    with hub.engine.connect() as connection:
        return len(connection.execute(select(tables.change)).all())


def test_a_gate_is_told_whether_its_hub_has_the_centre_and_called_when_that_changes(venue: Hub, gate: GateBox) -> None:
    assert told(venue, gate)
    for note, alone, rung in ((note_reached, False, 1), (note_reached, False, 1), (note_lost, True, 2)):
        note(venue)
        assert (told(venue, gate), rings(venue)) == (alone, rung)
    note_lost(venue)
    assert rings(venue) == 2


def test_a_mark_that_nobody_renews_is_void(venue: Hub, gate: GateBox, clock: Clock) -> None:
    note_reached(venue)
    clock.now += LOST_S - 1
    assert not is_alone(venue)
    clock.now += 1
    assert told(venue, gate)


def test_a_centre_is_never_alone(hub: Hub) -> None:
    assert not is_alone(hub)
