"""Figures over the network: the gate's and the sync process's own, on an address that somebody named."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from models.exposition import CONTENT_TYPE, gauge, render
from models.link import Reach, Refusal, SyncStatus
from models.ticket import ManifestState
from sync.metrics import MetricsAddress, families, serving
from tests.exposition import read_exposition

NOW = 1_790_000_000.0
STATUS = SyncStatus(
    "hall",
    "d1",
    "https://hub",
    Reach.VENUE,
    contact_at=NOW - 12,
    manifest=ManifestState("gala", 7, 0.0, 1.0),
    written=90,
    acknowledged=50,
    refusals=(Refusal("bundle", "expired", "old", 0.0),),
)


def asked(gate: Path, path: str = "/metrics", method: str = "GET") -> httpx.Response:
    async def scene() -> httpx.Response:
        place = MetricsAddress("127.0.0.1:0", gate, lambda: STATUS, lambda: NOW)
        async with place.listening() as port, httpx.AsyncClient(trust_env=False) as client:
            return await client.request(method, f"http://127.0.0.1:{port}{path}")

    return asyncio.run(scene())


def test_this_process_tells_its_own(tmp_path: Path) -> None:
    answer = asked(tmp_path / "no-gate.sock")
    assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
    told = read_exposition(answer.text)
    assert told["menshen_gate_up"].value() == 0
    assert told["menshen_sync_reach"].value(reach="venue") == 1
    assert told["menshen_sync_contact_age_seconds"].value() == 12
    assert told["menshen_sync_unsent_entries"].value() == 40
    assert told["menshen_sync_refusals"].value() == 1
    assert told["menshen_sync_manifest_version"].value() == 7


def test_the_gates_figures_come_first(tmp_path: Path) -> None:
    path = tmp_path / "gate.sock"

    async def gate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = render([gauge("menshen_inside_persons", "People inside.", 12)])
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body.encode())
        await writer.drain()
        writer.close()

    async def scene() -> str:
        server = await asyncio.start_unix_server(gate, str(path))
        place = MetricsAddress("127.0.0.1:0", path, lambda: STATUS, lambda: NOW)
        async with server, place.listening() as port, httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://127.0.0.1:{port}/metrics")).text

    told = read_exposition(asyncio.run(scene()))
    assert (told["menshen_inside_persons"].value(), told["menshen_gate_up"].value()) == (12, 1)


@pytest.mark.parametrize(("path", "method"), [("/", "GET"), ("/status", "GET"), ("/metrics", "POST")])
def test_nothing_else_is_there(tmp_path: Path, path: str, method: str) -> None:
    assert asked(tmp_path / "no-gate.sock", path, method).status_code == 404


def test_without_an_address_nobody_listens_and_a_bad_one_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(address: str) -> None:
        async with serving(address, tmp_path / "gate.sock", lambda: STATUS, lambda: NOW):
            pass

    asyncio.run(scene(""))
    assert caplog.text == ""
    asyncio.run(scene("192.0.2.1:9464"))
    assert "no figures are told on 192.0.2.1:9464" in caplog.text


def test_what_was_never_is_left_out() -> None:
    told = read_exposition(render(families(SyncStatus("hall", "d1", "https://hub"), NOW, gate_up=True)))
    assert not {"menshen_sync_contact_age_seconds", "menshen_sync_manifest_version"} & set(told)
