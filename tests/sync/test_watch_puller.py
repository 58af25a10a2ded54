"""A gate's list against the real server over TLS: in within moments, gone within moments, and bad days."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from models.ids import DocumentType
from models.link import SyncStatus
from models.store.watch_db import WatchReader
from models.watch import WatchAction, WatchEntry
from models.watch_domain import person_key
from sync.agent import Agent
from sync.server import tables
from sync.server.watch_items import own_domain, put, remove
from sync.server.watch_tables import watch_item, watch_state
from tests.sync.site import Box, Network, Site, at_work, number, until

pytestmark = pytest.mark.slow
ID = DocumentType.RESIDENT_ID


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site") as made:
        yield made


def enlist(site: Site, *serials: int) -> None:
    """So many persons come onto the list."""
    with site.hub.begin() as connection:
        domain, secret = own_domain(site.hub, connection)
        for one in serials:
            key = person_key(secret, ID, number(one))
            entry = WatchEntry(f"w{one}", "One", "scalping", WatchAction.REVIEW, 1, 4e9, person_key=key, domain=domain)
            put(site.hub, connection, entry, secret)


def take_off(site: Site, serial: int) -> None:
    with site.hub.begin() as connection:
        remove(site.hub, connection, f"w{serial}")


def reader(box: Box) -> WatchReader:
    return WatchReader(box.folder / "watch.db", box.device_key)


def held(agent: Agent) -> int:
    status: SyncStatus = agent.status()
    return status.watch.revision if status.watch else 0


def test_who_is_listed_is_known_at_the_gate_within_moments_and_who_is_taken_off_is_gone(site: Site) -> None:
    box = site.enrol("G1")

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: agent.status().doorbell)
            assert agent.status().watch is None
            began = time.monotonic()
            enlist(site, 1, 2)
            await until(lambda: held(agent) == 2)
            assert [one.entry for one in reader(box).find(ID, number(1))] == ["w1"]
            take_off(site, 1)
            await until(lambda: held(agent) == 3)
            assert time.monotonic() - began < 6.0
            assert reader(box).find(ID, number(1)) == ()
            assert reader(box).find(ID, number(2)) != ()
            await until(lambda: '"revision":3' in str(site.rows(select(tables.device.c.contact))))

    asyncio.run(scene())


def test_a_gate_that_was_away_is_in_step_at_its_first_contact(site: Site) -> None:
    box = site.enrol("G1")
    enlist(site, 1, 2, 3)

    async def scene() -> None:
        network = Network(site.port)
        await network.open()
        agent = Agent(box.post(network.port))
        async with at_work(agent):
            await until(lambda: held(agent) == 3)
            network.cut = True
            network.break_all()
            take_off(site, 2)
            await until(lambda: agent.status().reach == "alone")
            network.cut = False
            await until(lambda: held(agent) == 4)
            assert reader(box).find(ID, number(2)) == ()
        await network.close()

    asyncio.run(scene())


def test_a_revoked_gate_forgets_the_list(site: Site) -> None:
    box = site.enrol("G1")
    enlist(site, 1)

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: held(agent) == 1)
            kept = reader(box)
            site.revoke(box)
            await until(lambda: agent.status().wiped)
            assert agent.status().watch is None
            assert (kept.find(ID, number(1)), kept.state(), dict(kept.secrets())) == ((), None, {})

    asyncio.run(scene())


def test_a_list_that_does_not_add_up_is_fetched_whole(site: Site) -> None:
    box = site.enrol("G1")
    enlist(site, 1, 2)

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: held(agent) == 2)
            with site.hub.begin() as connection:  # a row is gone, and no revision tells of it
                connection.execute(delete(watch_item).where(watch_item.c.item == "w1"))
            enlist(site, 3)
            await until(lambda: held(agent) == 3)
            assert {one.entry for one in reader(box).entries()} == {"w2", "w3"}

    asyncio.run(scene())


def test_a_server_that_was_put_back_to_an_older_day_is_followed(site: Site) -> None:
    box = site.enrol("G1")
    enlist(site, 1, 2)

    async def scene() -> None:
        agent = Agent(box.post(contact_s=0.2))
        async with at_work(agent):
            await until(lambda: held(agent) == 2)
            with site.hub.begin() as connection:
                connection.execute(delete(watch_item).where(watch_item.c.item == "w2"))
                connection.execute(update(watch_state).values(revision=1))
            await until(lambda: held(agent) == 1)
            assert {one.entry for one in reader(box).entries()} == {"w1"}

    asyncio.run(scene())
