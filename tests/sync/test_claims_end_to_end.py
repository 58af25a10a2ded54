"""Claims through the whole: two gate processes' links, their sync processes' sockets, one server, one ticket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from gate.claims import SyncLink
from models.decision import ClaimAnswer
from models.link import Ask, FromGate, FromSync, LaneWord, Reach, claim_name
from models.passage import Direction, Passage
from models.wire import from_json, to_json
from sync.agent import Agent
from sync.claims_socket import MOST_LINE
from sync.server import tables
from tests.sync.site import SHOW, Network, Site, at_work, until

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site") as made:
        yield made


def test_two_gates_and_one_ticket(site: Site):
    boxes = site.enrol("G1"), site.enrol("G2")
    heard: list[FromSync] = []

    async def scene() -> None:
        links = [SyncLink(box.folder / "sync.sock", heard.append) for box in boxes]
        tasks = [asyncio.ensure_future(link.run()) for link in links]
        async with at_work(*(Agent(box.post()) for box in boxes)):
            await until(lambda: all(link.reach is Reach.ONLINE for link in links))
            asks = [Ask(claim_name(box.ledger.epoch, 1), SHOW, "T1", Direction.ENTRY, time.time()) for box in boxes]
            told = await asyncio.gather(*(link.ask(ask) for link, ask in zip(links, asks, strict=True)))
            assert sorted(one.answer for one in told) == ["granted", "refused"]
            winner = next(box.name for box, one in zip(boxes, told, strict=True) if one.answer == "granted")
            loser = next(one for one in told if one.answer == "refused")
            assert (loser.first.gate, loser.first.passage) == (winner, Passage.UNKNOWN)

            times = []
            for attempt in range(2, 42):
                ask = Ask(claim_name("e", attempt), SHOW, f"T{attempt}", Direction.ENTRY, time.time())
                began = time.monotonic()
                assert (await links[0].ask(ask)).answer is ClaimAnswer.GRANTED
                times.append(time.monotonic() - began)
            assert sorted(times)[len(times) // 2] < 0.1
        await until(lambda: all(link.reach is None for link in links))
        assert (await links[0].ask(asks[0])).answer is ClaimAnswer.NO_ANSWER
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    asyncio.run(scene())
    assert any(word.time is not None for word in heard)


def test_what_the_gate_writes_is_sent_at_once_and_acknowledged_back(site: Site):
    box = site.enrol("G1")
    heard: list[FromSync] = []

    async def scene() -> None:
        link = SyncLink(box.folder / "sync.sock", heard.append)
        task = asyncio.ensure_future(link.run())
        async with at_work(Agent(box.post())):
            await until(lambda: link.reach is Reach.ONLINE)
            began = time.monotonic()
            box.writes(3)
            link.wrote(3)
            await until(lambda: any(word.acknowledged and word.acknowledged.seq == 3 for word in heard))
            assert time.monotonic() - began < 1.0
            link.show(LaneWord("idle", "paused", ("camera",), {"admit": 7}))
            await until(lambda: '"mode":"paused"' in str(site.rows(select(tables.device.c.contact))))
            link.show(LaneWord("idle", asked_at=9.0, silent=("reader",)))
            await until(lambda: '"silent":["reader"]' in str(site.rows(select(tables.device.c.contact))))
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(scene())


def test_rubbish_on_the_socket_disturbs_nobody(site: Site):
    box = site.enrol("G1")

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: agent.status().reach is Reach.ONLINE)
            path = str(box.folder / "sync.sock")
            _, endless = await asyncio.open_unix_connection(path)
            endless.write(b"x" * (2 * MOST_LINE))
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"\xff{]\n" + json.dumps({"ask": 7}).encode() + b"\n" + to_json(FromGate(status=True)) + b"\n")
            async for line in reader:
                if from_json(FromSync, line).status is not None:
                    break
            else:
                pytest.fail("no status")
            with pytest.raises(OSError, match="in use"):
                await Agent(box.post()).run()
            endless.close()
            writer.close()

    asyncio.run(scene())


def test_a_hundred_claims_while_the_line_comes_and_goes_each_end_in_time(site: Site):
    box = site.enrol("G1")

    async def scene() -> None:
        line = Network(site.port)
        await line.open()
        agent = Agent(box.post(line.port, contact_s=1.0))
        answers = []
        async with at_work(agent):
            await until(lambda: agent.status().reach is Reach.ONLINE)
            for attempt in range(100):
                line.cut = attempt % 20 >= 10
                if attempt % 10 == 0:
                    line.break_all()
                ask = Ask(f"e:{attempt}", SHOW, f"T{attempt}", Direction.ENTRY, time.time())
                began = time.monotonic()
                answers.append((await agent.ask(ask)).answer)
                assert time.monotonic() - began < 0.4
                await asyncio.sleep(0.01)
            line.cut = False
            await until(lambda: agent.status().reach is Reach.ONLINE)
        await line.close()
        assert set(answers) == {ClaimAnswer.GRANTED, ClaimAnswer.NO_ANSWER}

    asyncio.run(scene())
