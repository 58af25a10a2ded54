"""Who a request comes from, through the whole program."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from sync.server import problems, tables
from sync.server.devices import Enrolled, Signed, directory, spend
from sync.server.hub import Hub
from sync.signing import Signer

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def client(hub: Hub) -> Iterator[TestClient]:
    """A program with two routes, and one enrolled gate."""
    with hub.begin() as connection:
        connection.execute(insert(tables.site).values(one=1, name="hall", made_at=0.0))
        connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
        connection.execute(
            insert(tables.device).values(
                device="gate-1",
                kind="gate",
                name="G1",
                venue="v",
                signing_key=KEY.public_key().public_bytes_raw(),
                device_key=bytes(32),
                certificate="",
                state="enrolled",
                made_at=0.0,
            )
        )
    app = FastAPI()
    app.state.hub = hub
    problems.install(app)

    @app.post("/told")
    def told(caller: Signed) -> dict[str, str]:
        return {"name": caller.name, "revoked": str(caller.revoked)}

    @app.post("/upload")
    def upload(caller: Enrolled) -> dict[str, str]:
        with hub.begin() as connection:
            spend(connection, caller)
        return {}

    with TestClient(app) as made:
        yield made


def _post(client: TestClient, signer: Signer, target: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    answer = client.post(target, content=b"{}", headers=headers or signer.headers("POST", target, b"{}"))
    return answer.status_code, answer.json().get("code", "")


def test_an_enrolled_device_is_known_by_its_signature(client: TestClient, hub: Hub) -> None:
    assert _post(client, Signer("hall", "gate-1", KEY, hub.clock), "/upload") == (200, "")


def test_another_key_another_site_another_device_are_refused(client: TestClient, hub: Hub) -> None:
    other = Ed25519PrivateKey.generate()
    for signer in (
        Signer("hall", "gate-1", other, hub.clock),
        Signer("arena", "gate-1", KEY, hub.clock),
        Signer("hall", "gate-2", KEY, hub.clock),
    ):
        assert _post(client, signer, "/told") == (401, "not_signed")


def test_an_upload_can_not_be_replayed(client: TestClient, hub: Hub) -> None:
    headers = Signer("hall", "gate-1", KEY, hub.clock).headers("POST", "/upload", b"{}")
    assert _post(client, Signer("hall", "gate-1", KEY, hub.clock), "/upload", headers) == (200, "")
    assert _post(client, Signer("hall", "gate-1", KEY, hub.clock), "/upload", headers) == (409, "replayed")
    with hub.begin() as connection:
        assert connection.execute(select(tables.device.c.last_number)).scalar_one() == int(headers["Menshen-Number"])


def test_a_revoked_device_is_told_and_may_do_nothing_else(client: TestClient, hub: Hub) -> None:
    with hub.begin() as connection:
        connection.execute(update(tables.device).values(state="revoked"))
    directory(hub).forget("gate-1")
    signer = Signer("hall", "gate-1", KEY, hub.clock)
    assert _post(client, signer, "/upload") == (401, "revoked")
    assert _post(client, signer, "/told") == (200, "")
