"""A gate's sync process against the real server over TLS: manifests in, ledger out, claims, and bad days."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from models.decision import ClaimAnswer
from models.ids import DocumentType
from models.link import Ask, Reach
from models.passage import Direction, Passage
from models.store.manifest_db import ManifestReader
from sync.agent import Agent
from sync.server import tables
from sync.server.erasure import erase
from sync.server.reached import note_lost, note_reached
from sync.server.upstream_papers import folder_of
from tests.sync.site import SHOW, Box, Network, Site, at_work, number, until

pytestmark = pytest.mark.slow
ID = DocumentType.RESIDENT_ID


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site") as made:
        yield made


def version(agent: Agent) -> int:
    held = agent.status().manifest
    return held.version if held else 0


def claim(name: str, ticket: str = "T1", way: Direction = Direction.ENTRY) -> Ask:
    return Ask(name, SHOW, ticket, way, time.time())


def reader(box: Box) -> ManifestReader:
    return ManifestReader(box.folder / "manifest.db", box.device_key)


def test_a_manifest_comes_in_and_a_change_follows_at_the_ring(site: Site):
    box = site.enrol("G1")

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: agent.status().doorbell)
            first = site.publish(4, box)
            await until(lambda: version(agent) == 1)
            began = time.monotonic()
            site.change([4], ["T1"], tickets=4)
            await until(lambda: version(agent) == 2)
            assert time.monotonic() - began < 3.0
            held = agent.status().manifest
            assert (held.tickets, held.digest != first.digest) == (4, True)
            assert reader(box).find(ID, number(1)).tickets == ()
            assert reader(box).find(ID, number(4)).tickets[0].ticket == "T4"
            await until(lambda: '"version":2' in str(site.rows(select(tables.device.c.contact))))

    asyncio.run(scene())


def test_each_look_at_the_ledger_is_a_sign_of_life(site: Site):
    box, signs = site.enrol("G1"), []

    async def scene() -> None:
        async with at_work(Agent(replace(box.post(), alive=lambda: signs.append(1)))):
            await until(lambda: len(signs) >= 2)

    asyncio.run(scene())


def test_the_ledger_goes_out_in_order_and_at_once(site: Site):
    box = site.enrol("G1")
    box.writes(1200)

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: agent.status().acknowledged == 1200)
            box.writes(3)
            agent._ledger_grew(1203)
            began = time.monotonic()
            await until(lambda: agent.status().acknowledged == 1203)
            assert time.monotonic() - began < 1.0
        rows = site.rows(select(tables.entry.c.seq).order_by(tables.entry.c.seq))
        assert [seq for (seq,) in rows] == list(range(1, 1204))

    asyncio.run(scene())


def test_two_gates_and_one_ticket(site: Site):
    one, two = site.enrol("G1"), site.enrol("G2")

    async def scene() -> None:
        agents = Agent(one.post()), Agent(two.post())
        async with at_work(*agents):
            await until(lambda: all(agent.status().reach is Reach.ONLINE for agent in agents))
            first = await agents[0].ask(claim("a:1"))
            again = await agents[0].ask(claim("a:1"))
            second = await agents[1].ask(claim("b:1"))
            assert (first.answer, again.answer, second.answer) == ("granted", "granted", "refused")
            assert (second.first.gate, second.first.passage) == ("G1", Passage.UNKNOWN)
            assert (await agents[1].ask(claim("b:2", way=Direction.EXIT))).answer is ClaimAnswer.GRANTED
            assert (await agents[1].ask(claim("b:3"))).answer is ClaimAnswer.GRANTED

    asyncio.run(scene())


def test_a_revoked_gate_destroys_its_manifest_and_tells(site: Site):
    box = site.enrol("G1")
    site.publish(50, box)

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: version(agent) == 1 and agent.status().doorbell)
            watching = reader(box)
            (found,) = watching.find(ID, number(3)).tickets
            assert found.ticket == "T3"
            sealed = sqlite3.connect(box.folder / "manifest.db").execute("SELECT sealed FROM ticket").fetchone()[0]
            assert sealed in (box.folder / "manifest.db").read_bytes()
            site.revoke(box)
            await until(lambda: agent.status().wiped)
            assert not agent.status().erased
            assert watching.state() is None
            assert watching.find(ID, number(3)).tickets == ()
            for path in box.folder.glob("manifest.db*"):
                assert sealed not in path.read_bytes()
            assert (await agent.ask(claim("a:1"))).answer is ClaimAnswer.NO_ANSWER
            await until(lambda: '"manifest":null' in str(site.rows(select(tables.device.c.contact))))

    asyncio.run(scene())


def test_a_gate_whose_event_was_erased_destroys_its_manifest_and_says_why(site: Site):
    box = site.enrol("G1")
    site.publish(5, box)

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: version(agent) == 1 and agent.status().doorbell)
            await asyncio.to_thread(erase, site.hub, "li", SHOW, "asked for", early=True)
            await until(lambda: agent.status().wiped)
            assert (agent.status().erased, agent.status().manifest) == (True, None)

    asyncio.run(scene())


def test_without_a_network_a_claim_is_answered_at_once_and_it_heals(site: Site):
    box = site.enrol("G1")

    async def scene() -> None:
        line = Network(site.port)
        await line.open()
        agent = Agent(box.post(line.port, contact_s=1.0))
        async with at_work(agent):
            await until(lambda: agent.status().reach is Reach.ONLINE)
            assert (await agent.ask(claim("a:1"))).answer is ClaimAnswer.GRANTED
            line.cut = True
            line.break_all()
            await until(lambda: agent.status().reach is Reach.ALONE)
            began = time.monotonic()
            assert (await agent.ask(claim("a:2", "T2"))).answer is ClaimAnswer.NO_ANSWER
            assert time.monotonic() - began < 0.05
            box.writes(5)
            line.cut = False
            await until(lambda: agent.status().acknowledged == 5)
            assert (await agent.ask(claim("a:2", "T2"))).answer is ClaimAnswer.GRANTED
        await line.close()

    asyncio.run(scene())


@pytest.mark.parametrize("fault", ["silent", "garbled"])
def test_a_claim_on_a_sick_line_ends_in_time(site: Site, fault: str):
    box = site.enrol("G1")

    async def scene() -> None:
        line = Network(site.port)
        await line.open()
        agent = Agent(box.post(line.port))
        async with at_work(agent):
            await until(lambda: agent.status().reach is Reach.ONLINE)
            setattr(line, fault, True)
            began = time.monotonic()
            assert (await agent.ask(claim("a:1"))).answer is ClaimAnswer.NO_ANSWER
            assert time.monotonic() - began < 0.4
            began = time.monotonic()
            assert (await agent.ask(claim("a:2"))).answer is ClaimAnswer.NO_ANSWER
            assert time.monotonic() - began < 0.05, "one lost claim is enough to know"
        await line.close()

    asyncio.run(scene())


def test_forged_bytes_on_the_line_cost_a_connection_and_no_more(site: Site):
    """Whoever sits on the line can change what is encrypted: the sync process calls its authority away and lives on."""
    box = site.enrol("G1")

    async def scene() -> None:
        line = Network(site.port)
        await line.open()
        agent = Agent(box.post(line.port, contact_s=0.5))
        async with at_work(agent):
            await until(lambda: agent.status().doorbell)
            line.forged = True
            box.writes(7)
            site.publish(4, box)  # the doorbell's own bytes are hit too
            await until(lambda: agent.status().reach is Reach.ALONE and not agent.status().doorbell)
            line.forged = False
            await until(lambda: agent.status().acknowledged == 7 and version(agent) == 1)
        await line.close()

    asyncio.run(scene())


def test_a_bundle_is_gone_on_with_where_the_line_broke(site: Site):
    box = site.enrol("G1")

    async def scene() -> None:
        line = Network(site.port)
        await line.open()
        agent = Agent(box.post(line.port, contact_s=1.0))
        async with at_work(agent):
            await until(lambda: agent.status().doorbell)
            header = site.publish(1500, box)
            size = site.bundle_file(1).stat().st_size
            line.most_bytes = size // 3
            line.break_all()
            await until(lambda: version(agent) == 1, within_s=40)
            assert agent.status().manifest.digest == header.digest
            assert line.connections >= 3
            assert list((box.folder / "bundles").iterdir()) == []
        await line.close()

    asyncio.run(scene())


def test_a_refused_bundle_is_shown_and_holds_nothing_up(site: Site):
    """The bundle was garbled at the centre. The ledger goes on, and the next base is taken."""
    box = site.enrol("G1")
    site.publish(4, box)
    path = site.bundle_file(1)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: agent.status().refusals)
            (refusal,) = agent.status().refusals
            assert (refusal.what, refusal.code) == ("show base 1", "parts_changed")
            box.writes(7)
            await until(lambda: agent.status().acknowledged == 7)
            assert version(agent) == 0
            site.publish(5, box)
            await until(lambda: version(agent) == 2)

    asyncio.run(scene())


def test_what_only_the_clock_speaks_against_is_taken_once_that_is_right(site: Site):
    """The centre's clock was an hour behind while an organiser published at another machine, and then it was set."""
    box = site.enrol("G1")
    site.ahead_s = -3600.0
    site.publish(4, box)

    async def scene() -> None:
        agent = Agent(box.post(contact_s=0.5))
        async with at_work(agent):
            await until(lambda: agent.status().refusals)
            (refusal,) = agent.status().refusals
            assert (refusal.code, version(agent)) == ("clock_behind", 0)
            site.ahead_s = 0.0
            await until(lambda: version(agent) == 1)
            assert agent.status().refusals == ()

    asyncio.run(scene())


def test_a_delta_on_another_manifest_makes_it_ask_for_a_whole_one(site: Site):
    box = site.enrol("G1")
    first = site.publish(4, box)

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: version(agent) == 1)
        database = sqlite3.connect(box.folder / "manifest.db")
        database.execute("UPDATE manifest SET digest = 'other'")
        database.commit()
        database.close()
        site.publish(4, box)
        site.change([9], [], tickets=5)
        site.change([10], [], tickets=5, before=first)
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: version(agent) == 3, within_s=20)
            assert any(one.code == "not_next" for one in agent.status().refusals)

    asyncio.run(scene())


def test_numbers_rise_across_a_restart_with_a_clock_that_fell_back(site: Site):
    box = site.enrol("G1")

    async def scene() -> None:
        for wall in (time.time, lambda: 1000.0):
            agent = Agent(box.post(), wall=wall)
            async with at_work(agent):
                await until(lambda agent=agent: agent.status().reach is Reach.ONLINE)
                assert abs(agent.now() - time.time()) < 5.0, "the authority's signed time"

    asyncio.run(scene())


def test_a_server_of_another_authority_hears_nothing(site: Site, tmp_path: Path):
    with Site(tmp_path / "elsewhere") as other:
        box = site.enrol("G1")

        async def scene() -> None:
            agent = Agent(box.post(other.port))
            async with at_work(agent):
                await until(lambda: agent.status().trouble)
                assert "CERTIFICATE_VERIFY_FAILED" in agent.status().trouble
                assert agent.status().reach is Reach.ALONE

        asyncio.run(scene())


def test_a_gate_knows_whether_its_venues_hub_has_the_centre(site: Site):
    box, folder = site.enrol("A1"), folder_of(site.hub.settings)
    folder.mkdir()

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: agent.status().reach is Reach.VENUE and agent.status().doorbell)
            await asyncio.to_thread(note_reached, site.hub)
            await until(lambda: agent.status().reach is Reach.ONLINE, 5.0)
            await asyncio.to_thread(note_lost, site.hub)
            await until(lambda: agent.status().reach is Reach.VENUE, 5.0)
            assert (await agent.ask(claim("c1"))).answer is ClaimAnswer.GRANTED

    asyncio.run(scene())


def test_a_code_that_was_used_at_another_gate_is_told_of(site: Site):
    box = site.enrol("G2")
    used = {"device": "gate-G1", "epoch": "e", "seq": 1, "event": SHOW, "ticket": "T1", "person_key": "", "at": 1.0}
    with site.hub.begin() as connection:
        connection.execute(insert(tables.use).values(**used, direction="entry", claim="e:1", code_step=7))

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: agent.status().reach is Reach.ONLINE)
            told = [(await agent.ask(replace(claim(f"b:{step}"), code_step=step))).answer for step in (7, 8)]
            assert told == [ClaimAnswer.CODE_USED, ClaimAnswer.GRANTED]

    asyncio.run(scene())


def test_a_manifest_that_is_over_is_destroyed_and_noted(site: Site):
    box = site.enrol("G1")

    async def scene() -> None:
        async with at_work(agent := Agent(box.post())):
            site.publish(4, box)
            await until(lambda: version(agent) == 1)
        held = agent.status().manifest
        site.ahead_s = held.expires_at - time.time() + 2 * 86_400
        async with at_work(agent := Agent(replace(box.post(), manifest_days=1.0))):
            await until(lambda: agent.status().manifest is None and (box.folder / "manifest-gone.json").exists())
        assert reader(box).state() is None

    asyncio.run(scene())
