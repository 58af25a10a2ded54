"""Devices kept in memory for a moment, on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from sync.server import tables
from sync.server.directory import Directory, directory
from sync.server.hub import Hub
from tests.sync.server.conftest import Clock
from tests.sync.server.world import GateBox, hall


@pytest.fixture
def kept(hub: Hub, tmp_path: Path) -> Directory:
    """The directory of a house with three gates."""
    hall(hub)
    for name in ("G1", "G2", "G3"):
        GateBox(hub, tmp_path, name)
    return directory(hub)


@contextmanager
def _asked(hub: Hub) -> Iterator[list[str]]:
    """The statements that the database gets."""
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(hub.engine, "before_cursor_execute", note)
    yield statements
    event.remove(hub.engine, "before_cursor_execute", note)


def _selects(statements: list[str]) -> int:
    return sum(each.startswith("SELECT") for each in statements)


def test_old_entries_are_read_anew_together(hub: Hub, kept: Directory, clock: Clock) -> None:
    gates = [f"gate-G{nth}" for nth in (1, 2, 3)]
    for gate in gates:
        assert kept.find(gate) is not None
    clock.now += Directory.KEEP_S
    with _asked(hub) as statements:
        assert [known.name for gate in gates if (known := kept.find(gate))] == ["G1", "G2", "G3"]
    assert _selects(statements) == 1


def test_a_change_is_seen_after_a_moment_or_when_it_is_told(hub: Hub, kept: Directory, clock: Clock) -> None:
    for gate in ("gate-G1", "gate-G2"):
        kept.find(gate)
    with hub.begin() as connection:
        connection.execute(update(tables.device).values(state="revoked"))
    kept.forget("gate-G1")
    assert [known.revoked for gate in ("gate-G1", "gate-G2") if (known := kept.find(gate))] == [True, False]
    clock.now += Directory.KEEP_S
    assert [known.revoked for gate in ("gate-G1", "gate-G2") if (known := kept.find(gate))] == [True, True]


def test_a_device_that_is_unknown_is_asked_for_once_a_moment(hub: Hub, kept: Directory) -> None:
    assert kept.find_all(["nobody", "gate-G1"])["nobody"] is None
    with _asked(hub) as statements:
        assert kept.find("nobody") is None
    assert statements == []


def test_while_a_device_keeps_asking_it_is_read_anew_aside(hub: Hub, kept: Directory, clock: Clock) -> None:
    async def keep_asking() -> list[str]:
        await kept.look_up("gate-G1")
        clock.now += Directory.RENEW_S + 0.1
        with _asked(hub) as statements:
            assert await kept.look_up("gate-G1") is not None
            assert statements == []  # it did not wait
            await kept.renewed()
            clock.now += Directory.RENEW_S  # by now the first reading is too old
            assert await kept.look_up("gate-G1") is not None
        return statements

    assert _selects(asyncio.run(keep_asking())) == 1


def test_who_is_forgotten_at_the_moment_of_being_read_is_found(kept: Directory) -> None:
    """An event may come to a gate just as it asks for the first time: then nothing is kept, and it is no stranger."""

    class Forgetful(dict[str, Any]):
        def __ior__(self, other: Any) -> Forgetful:  # type: ignore[override, misc]
            return self

    kept._kept = Forgetful()
    known = kept.find("gate-G1")
    assert known is not None
    assert known.name == "G1"
    assert kept.find("gate-G9") is None
