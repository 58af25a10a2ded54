"""A gate whose ledger lost its tail: the authority holds what is missing, and both ends say which lines those are."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from gate.cli import main
from models.link import Refusal
from models.store.ledger_db import Ledger
from sync.agent import Agent
from sync.server import tables
from tests.sync.site import Box, Site, at_work, until

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site") as made:
        yield made


@pytest.fixture
def torn(site: Site, tmp_path: Path) -> Box:
    """A gate of which the authority holds 40 lines, and whose disk gave 30 of them back."""
    box = site.enrol("G1")
    box.writes(30)
    box.ledger.close()
    shutil.copy(box.folder / "ledger.db", tmp_path / "before.db")
    reopen(box)
    box.writes(10)

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: agent.status().acknowledged == 40)

    asyncio.run(scene())
    box.ledger.close()
    shutil.copy(tmp_path / "before.db", box.folder / "ledger.db")
    reopen(box)
    return box


def reopen(box: Box) -> None:
    box.ledger = Ledger.open(box.folder / "ledger.db", box.key, gate=box.name, clock=time.time)


def config_of(box: Box) -> Path:
    path = box.folder / "gate.toml"
    text = f"""
[gate]
name = "G1"
timezone = "Asia/Shanghai"
state_dir = "{box.folder}"
issuers = []
[devices]
reader = "sim:"
camera = ""
face = "sim:"
relay = "sim:"
[secrets]
device_key = "{box.folder / "device.key"}"
signing_key = "{box.folder / "signing.key"}"
[sync]
socket = "{box.post().socket}"
"""
    path.write_text(text, "utf-8")
    return path


def refusals(agent: Agent) -> list[Refusal]:
    return [one for one in agent.status().refusals if one.what == "ledger"]


def test_lines_that_the_authority_holds_and_the_gate_does_not_are_named(site: Site, torn: Box):
    """By the sync process, by `gatectl ledger verify --against-hub`, and the office sees that something is wrong."""
    config = config_of(torn)

    async def scene() -> tuple[list[Refusal], dict[str, object], str]:
        agent = Agent(torn.post())
        async with at_work(agent):
            await until(lambda: refusals(agent))
            words = ["ledger", "verify", "--against-hub", "--config", str(config)]
            told = await asyncio.to_thread(CliRunner().invoke, main, [*words, "--json"])
            plain = await asyncio.to_thread(CliRunner().invoke, main, words)
            assert (told.exit_code, plain.exit_code) == (1, 1), told.output
            return refusals(agent), json.loads(told.stdout), plain.stdout

    noted, told, plain = asyncio.run(scene())
    assert [one.code for one in noted] == ["lost"]
    assert noted[0].detail.startswith("lines 31 to 40 are held by the server and not here")
    assert (told["held"], told["last_seq"], told["first_bad_seq"]) == (40, 30, 31)
    assert "from entry 31 on" in plain
    assert site.rows(select(tables.ledger.c.state)) == [("forked",)]


def test_a_torn_ledger_that_grew_past_the_mark_is_told_from_its_first_other_line(site: Site, torn: Box):
    torn.writes(15)

    async def scene() -> list[Refusal]:
        agent = Agent(torn.post())
        async with at_work(agent):
            await until(lambda: refusals(agent))
            return refusals(agent)

    (noted,) = asyncio.run(scene())
    assert noted.code == "forked"
    assert "two lines 31" in noted.detail
    assert "the authority holds lines up to 40" in noted.detail


def test_a_whole_ledger_is_whole_beside_the_hub_too(site: Site):
    box = site.enrol("G1")
    box.writes(12)
    words = ["ledger", "verify", "--against-hub", "--config", str(config_of(box))]

    async def scene() -> None:
        agent = Agent(box.post())
        async with at_work(agent):
            await until(lambda: agent.status().acknowledged == 12)
            told = await asyncio.to_thread(CliRunner().invoke, main, words)
            assert told.exit_code == 0, told.output + told.stderr
            assert refusals(agent) == []

    asyncio.run(scene())
    alone = CliRunner().invoke(main, words)
    assert alone.exit_code != 0
    assert "no sync process answers" in alone.stderr
