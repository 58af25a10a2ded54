"""Bundles over HTTP: whole, in pieces, for those who serve the event. On both engines."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from starlette.testclient import TestClient

from sync.server import tables
from sync.server.app import make_app
from sync.server.devices import directory
from sync.server.hub import Hub
from tests.sync.server.device_client import Device
from tests.sync.server.world import SHOW, WARD, GateBox, hall

BYTES = bytes(range(256)) * 1000
TAG = '"3.1-d1ge57"'
TARGET = f"/v1/gate/bundles/{SHOW}/3"


@pytest.fixture
def client(hub: Hub) -> Iterator[TestClient]:
    """The whole program, with one bundle on its shelf."""
    hall(hub)
    shelve(hub, BYTES)
    with TestClient(make_app(hub)) as made:
        yield made


def shelve(hub: Hub, content: bytes, version: int = 3) -> None:
    """Put a bundle there."""
    name = f"bundles/{version}.bundle"
    path = hub.settings.state_dir / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    values = {"event": SHOW, "version": version, "kind": "base", "after": 0, "revision": 0, "digest": "d1ge57"}
    values |= {"tickets": 1, "size": len(content), "file_name": name, "made_by": "li"}
    with hub.begin() as connection:
        connection.execute(insert(tables.bundle).values(**values, issued_at=0.0, expires_at=1.0))


@pytest.fixture
def gate(hub: Hub, client: TestClient, tmp_path: Path) -> Device:
    """A gate of the show."""
    box = GateBox(hub, tmp_path, "G1")
    return Device.of(client, box.device, box.key, hub.clock)


def test_a_gate_gets_all_of_its_bundle(gate: Device) -> None:
    answer = gate.ask("GET", TARGET)
    assert (answer.status_code, answer.content) == (200, BYTES)
    assert (answer.headers["etag"], answer.headers["accept-ranges"]) == (TAG, "bytes")


@pytest.mark.parametrize("begin", [1, 65_536, len(BYTES) - 1])
def test_what_was_begun_is_gone_on_with(gate: Device, begin: int) -> None:
    answer = gate.ask("GET", TARGET, headers={"Range": f"bytes={begin}-", "If-Range": TAG})
    assert (answer.status_code, answer.content) == (206, BYTES[begin:])
    assert answer.headers["content-range"] == f"bytes {begin}-{len(BYTES) - 1}/{len(BYTES)}"


def test_another_bundle_than_the_one_begun_is_sent_whole(gate: Device) -> None:
    answer = gate.ask("GET", TARGET, headers={"Range": "bytes=9-", "If-Range": '"2-d1ge57"'})
    assert (answer.status_code, answer.content) == (200, BYTES)


def test_beyond_the_end_there_is_nothing(gate: Device) -> None:
    answer = gate.ask("GET", TARGET, headers={"Range": f"bytes={len(BYTES)}-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(BYTES)}")


def test_a_gate_of_another_event_is_told_so(hub: Hub, client: TestClient, tmp_path: Path) -> None:
    box = GateBox(hub, tmp_path, "G2", event=WARD)
    answer = Device.of(client, box.device, box.key, hub.clock).ask("GET", TARGET)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_event")


def test_a_version_or_a_file_that_is_not_there_is_named(hub: Hub, gate: Device) -> None:
    assert gate.ask("GET", f"/v1/gate/bundles/{SHOW}/4").json()["code"] == "no_such_bundle"
    (hub.settings.state_dir / "bundles/3.bundle").unlink()
    assert gate.ask("GET", TARGET).status_code == 404


@pytest.mark.parametrize("version", ["0", "-1", "x", "9" * 30])
def test_a_version_that_is_none_is_refused(gate: Device, version: str) -> None:
    assert gate.ask("GET", f"/v1/gate/bundles/{SHOW}/{version}").status_code == 422


def test_unsigned_and_revoked_get_nothing(hub: Hub, client: TestClient, gate: Device) -> None:
    assert client.get(TARGET).status_code == 401
    with hub.begin() as connection:
        connection.execute(update(tables.device).values(state="revoked"))
    directory(hub).forget("gate-G1")
    assert gate.ask("GET", TARGET).json()["code"] == "revoked"


def test_a_hub_gets_what_it_leased_and_what_its_gates_serve(hub: Hub, client: TestClient, tmp_path: Path) -> None:
    box = GateBox(hub, tmp_path, "H1", event="")
    with hub.begin() as connection:
        connection.execute(update(tables.device).values(kind="hub", event=None))
    device = Device.of(client, box.device, box.key, hub.clock)
    assert device.ask("GET", TARGET).status_code == 403
    with hub.begin() as connection:
        connection.execute(update(tables.event).where(tables.event.c.event == SHOW).values(lessee=box.device))
    assert device.ask("GET", TARGET).status_code == 200
    with hub.begin() as connection:
        connection.execute(update(tables.event).values(lessee=None))
    GateBox(hub, tmp_path, "G1", behind=box.device)
    assert device.ask("GET", TARGET).status_code == 200


def test_an_event_may_have_a_chinese_name(hub: Hub, client: TestClient, tmp_path: Path) -> None:
    box = GateBox(hub, tmp_path, "G3", event="演出/一")
    answer = Device.of(client, box.device, box.key, hub.clock).ask("GET", "/v1/gate/bundles/%E6%BC%94/1")
    assert answer.json()["code"] == "not_your_event"


def test_a_large_bundle_is_never_in_memory(hub: Hub, gate: Device, client: TestClient) -> None:
    """Streamed to nobody who keeps it: what the server holds at once stays far below the bundle's size."""
    big = hub.settings.state_dir / "bundles/3.bundle"
    with big.open("wb") as file:
        file.truncate(32 << 20)
    sent = 0

    async def send(message: dict[str, object]) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))  # type: ignore[arg-type]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: dict[str, object] = {
        "type": "http",
        "method": "GET",
        "path": TARGET,
        "raw_path": TARGET.encode(),
        "query_string": b"",
    }
    scope |= {
        "headers": gate.signed("GET", TARGET),
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "client": ("127.0.0.1", 1),
    }
    tracemalloc.start()
    try:
        asyncio.run(client.app(scope, receive, send))  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sent == 32 << 20
    assert peak < 4 << 20
