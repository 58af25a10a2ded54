"""Signs of life, what is wanted of a device in return, and the bell that calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from sqlalchemy import insert, select, update

from sync.contract import BundleOffer, Contact, HeldManifest, LedgerState
from sync.server import tables
from sync.server.contact import meet
from sync.server.devices import Caller, directory
from sync.server.doorbell import Doorbell, ringing
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.offers import plan
from sync.signing import time_form
from tests.sync.server.world import SHOW, WARD, GateBox, hall


@pytest.fixture
def box(hub: Hub, tmp_path: Path) -> Callable[..., GateBox]:
    """Makes gates."""
    hall(hub)
    return lambda name="G1", **more: GateBox(hub, tmp_path, name, **more)


def _caller(box: GateBox, revoked: bool = False) -> Caller:
    return Caller(box.device, "gate", box.name, "v", box.event, 77, revoked)


def test_a_contact_is_written_down_and_answered_with_a_signed_time(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    with hub.begin() as connection:
        standing = meet(hub, connection, _caller(gate), Contact(5.0, phase="idle"))
        row = connection.execute(select(tables.device)).one()
    assert (standing.event, standing.wipe, standing.time) == (SHOW, False, hub.clock())
    assert (row.last_contact_at, json.loads(row.contact)["phase"]) == (hub.clock(), "idle")
    public = hub.issuer_key.public_key()
    public.verify(bytes.fromhex(standing.time_signature), time_form(gate.device, 77, standing.time))
    with pytest.raises(InvalidSignature):
        public.verify(bytes.fromhex(standing.time_signature), time_form(gate.device, 78, standing.time))


def test_a_revoked_device_is_told_to_wipe(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    with hub.begin() as connection:
        told = meet(hub, connection, _caller(gate, revoked=True), Contact(5.0))
        assert (told.wipe, told.erased) == (True, False)
        assert connection.execute(select(tables.device.c.wiped_at)).scalar_one() == hub.clock()


def test_a_copied_card_shows_at_its_first_contact(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    gate.passes("T1")
    with hub.begin() as connection:
        take(hub, connection, gate.device, gate.name, gate.batch())
        fine = LedgerState(gate.ledger.epoch, 2, gate.batch().lines[-1].hash)
        assert meet(hub, connection, _caller(gate), Contact(5.0, ledger=fine)).acknowledged == 2
        assert connection.execute(select(tables.ledger.c.state)).scalar_one() == "good"
        meet(hub, connection, _caller(gate), Contact(5.0, ledger=LedgerState(gate.ledger.epoch, 2, "00" * 32)))
        assert connection.execute(select(tables.ledger.c.state)).scalar_one() == "forked"


def test_a_ledger_behind_its_own_lines_is_a_copy(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    gate.passes("T1")
    with hub.begin() as connection:
        take(hub, connection, gate.device, gate.name, gate.batch())
        meet(hub, connection, _caller(gate), Contact(5.0, ledger=LedgerState(gate.ledger.epoch, 1)))
        assert connection.execute(select(tables.ledger.c.state)).scalar_one() == "forked"


def _offer(version: int, after: int = 0) -> BundleOffer:
    return BundleOffer(SHOW, version, "delta" if after else "base", after, 10, "d")


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (None, [4, 5]),
        (1, [4, 5]),
        (2, [4, 5]),
        (4, [5]),
        (5, []),
        (9, []),
    ],
)
def test_deltas_lead_to_the_newest_or_the_newest_base_does(held: int | None, wanted: list[int]) -> None:
    made = [_offer(1), _offer(2, 1), _offer(3, 2), _offer(4), _offer(5, 4)]
    have = None if held is None else HeldManifest(SHOW, held, "d", 1)
    assert [one.version for one in plan(made, have)] == wanted


def test_without_bundles_nothing_is_offered() -> None:
    assert plan([], None) == ()
    assert plan([_offer(2, 1)], None) == ()


# --- the bell -------------------------------------------------------------------------------------------------------


def _ring(hub: Hub, **whom: str) -> None:
    with hub.begin() as connection:
        hub.ring(connection, **whom)


def test_the_bell_rings_for_those_whom_it_concerns(hub: Hub, box: Callable[..., GateBox]) -> None:
    show, ward = box("G1"), box("G2", event=WARD)

    async def listen() -> tuple[list[int | None], list[int | None]]:
        async with ringing(hub) as bell:
            heard: dict[str, list[int | None]] = {show.device: [], ward.device: []}

            async def hear(device: str, until: int) -> None:
                async for ring in bell.rings(device, 0):
                    heard[device].append(ring)
                    if ring is not None and ring >= until:
                        return

            tasks = [asyncio.create_task(hear(show.device, 3)), asyncio.create_task(hear(ward.device, 2))]
            await asyncio.to_thread(_ring, hub, event=SHOW)
            await asyncio.to_thread(_ring, hub, event=WARD)
            await asyncio.to_thread(_ring, hub, device=show.device)
            await asyncio.wait_for(asyncio.gather(*tasks), 20)
            return heard[show.device], heard[ward.device]

    at_show, at_ward = asyncio.run(listen())
    assert at_show[-1] == 3
    assert 2 not in at_show
    assert at_ward == [2]


def test_who_was_away_hears_at_once_what_was_missed(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()
    _ring(hub, event=SHOW)
    _ring(hub, event=SHOW)

    async def first(cursor: int) -> int | None:
        async with ringing(hub) as bell:
            return await anext(bell.rings(gate.device, cursor))

    assert asyncio.run(first(0)) == 2
    assert asyncio.run(first(1)) == 2


def test_a_gate_that_changes_its_event_hears_of_the_new_one(hub: Hub, box: Callable[..., GateBox]) -> None:
    gate = box()

    async def listen() -> int | None:
        async with ringing(hub) as bell:
            rings = bell.rings(gate.device, 0)
            task = asyncio.ensure_future(anext(rings))
            await asyncio.sleep(0)
            with hub.begin() as connection:
                connection.execute(update(tables.device).values(event=WARD))
            directory(hub).forget(gate.device)
            await asyncio.to_thread(_ring, hub, event=WARD)
            return await asyncio.wait_for(task, 20)

    assert asyncio.run(listen()) == 1


@pytest.mark.parametrize("turns", range(5))
def test_who_leaves_at_the_very_moment_of_a_ring_is_gone(hub: Hub, box: Callable[..., GateBox], turns: int) -> None:
    """A closing server waits for its listeners: a cancellation that is lost keeps it waiting for ever."""
    gate = box()

    async def leave() -> bool:
        bell = Doorbell(hub)

        async def listen() -> None:
            async for _ in bell.rings(gate.device, 0):
                pass

        task = asyncio.ensure_future(listen())
        await asyncio.to_thread(_ring, hub, event=SHOW)
        while not bell._listeners or bell._listeners.copy().pop().cursor == 0:
            await asyncio.sleep(0.001)
            await bell.look()
        for _ in range(10):  # it has heard, and waits again
            await asyncio.sleep(0)
        bell._listeners.copy().pop().rung.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=2)
        gone = task.cancelled()
        task.cancel()
        return gone

    assert asyncio.run(leave())


def test_a_change_is_not_heard_before_it_holds(hub: Hub, box: Callable[..., GateBox]) -> None:
    """What rings is committed: a transaction that fails rings for nobody."""
    gate = box()

    class Stop(Exception):
        pass

    def fail() -> None:
        with hub.begin() as connection:
            hub.ring(connection, device=gate.device)
            raise Stop

    with pytest.raises(Stop):
        fail()
    with hub.begin() as connection:
        assert connection.execute(select(tables.change)).all() == []
        connection.execute(insert(tables.change).values(at=1.0, device=gate.device))
