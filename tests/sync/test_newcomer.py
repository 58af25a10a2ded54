"""A gate that comes to an event in the evening, through its real sync process and a real server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import update

from sync.agent import Agent
from sync.server import tables
from sync.server.enrolment import assign
from sync.server.publish import publish
from sync.server.tickets import put_tickets
from tests.sync.site import SECRET, SHOW, a_site, at_work, holding, until


def test_a_gate_that_is_assigned_while_it_runs_holds_the_manifest_within_seconds(tmp_path: Path) -> None:
    with a_site(tmp_path) as site:
        hub, _, late = site.hub, site.enrol("A1"), site.enrol("A2", event=None)
        with hub.begin() as connection:
            connection.execute(update(tables.event).values(sealed_secret=hub.seal(SECRET, f"event|{SHOW}")))
            put_tickets(hub, connection, "li", SHOW, [holding(serial) for serial in range(3)])
        publish(hub, "li", SHOW)

        async def evening() -> int:
            agent = Agent(late.post())
            async with at_work(agent):
                await until(lambda: agent.status().doorbell)
                assert agent.status().manifest is None
                with hub.begin() as connection:
                    assign(hub, connection, "li", late.device, SHOW)
                await until(lambda: agent.status().manifest is not None, 5.0)
                held = agent.status().manifest
                return held.tickets if held is not None else 0

        assert asyncio.run(evening()) == 3
