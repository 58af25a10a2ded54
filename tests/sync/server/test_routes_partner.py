"""What partners ask over HTTP: signed for this very site, spent once, and nobody else's business."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import update
from starlette.testclient import TestClient

from sync.contract_partner import EntrustedEntries, HitCount, HitCounts, Receipts
from sync.server import partner_receipts
from sync.server.app import make_app
from sync.server.hub import Hub, open_hub
from sync.server.partner_end import end
from sync.server.partners import Terms
from sync.server.settings import Settings
from sync.server.watch_tables import watch_partner
from sync.watch_page import unpack
from tests.sync.server.conftest import Clock
from tests.sync.server.device_client import Device
from tests.sync.server.partner_world import befriend, enlist, found_site, pull, withdraw


@pytest.fixture
def other(hub: Hub, tmp_path: Path, clock: Clock, migrated_file: Path) -> Iterator[Hub]:
    """A hospital that subscribes to the list of `hub`."""
    (tmp_path / "one").mkdir(mode=0o700)
    shutil.copy(migrated_file, tmp_path / "one" / "hub.db")
    made = found_site(open_hub(Settings(tmp_path / "one"), clock), "one")
    befriend(found_site(hub, "city"), made, Terms(gets=True), Terms(gives=True))
    yield made
    made.engine.dispose()


@pytest.fixture
def client(hub: Hub, other: Hub) -> TestClient:
    return TestClient(make_app(hub))


@pytest.fixture
def hospital(client: TestClient, other: Hub, clock: Clock) -> Device:
    return Device.of(client, "one", other.issuer_key, clock, "city")


def test_a_partner_fetches_its_copy(hub: Hub, hospital: Device) -> None:
    enlist(hub, 1)
    answer = hospital.ask("GET", "/v1/partner/watch?after=0")
    assert answer.status_code == 200
    assert len(unpack(answer.content).keys) == 1


@pytest.mark.parametrize("target", ["watch?after=0", "doorbell?cursor=0"])
@pytest.mark.parametrize(
    ("device", "site", "key"),
    [
        ("two", "city", None),
        ("one", "town", None),
        ("one", "city", Ed25519PrivateKey.generate()),
        ("gate-1", "city", None),
    ],
    ids=["a stranger", "signed for another site", "another key", "a gate"],
)
def test_nobody_else_gets_anything(
    client: TestClient, other: Hub, clock: Clock, target: str, device: str, site: str, key: Ed25519PrivateKey | None
) -> None:
    asker = Device.of(client, device, key or other.issuer_key, clock, site)
    assert asker.ask("GET", f"/v1/partner/{target}").status_code == 401
    assert client.get(f"/v1/partner/{target}").status_code == 401


def test_a_partner_that_is_not_compared_yet_gets_nothing(hub: Hub, hospital: Device) -> None:
    with hub.begin() as connection:
        connection.execute(update(watch_partner).values(state="entered"))
    assert hospital.ask("GET", "/v1/partner/watch?after=0").status_code == 401


def test_a_partners_signature_opens_none_of_the_gates_doors(hospital: Device) -> None:
    assert hospital.ask("GET", "/v1/gate/watch?after=0").status_code == 401


def test_an_upload_is_taken_once(hub: Hub, client: TestClient, hospital: Device) -> None:
    body = HitCounts((HitCount("w-1", "2026-05-01", 2),))
    from models.wire import to_json

    content = to_json(body)
    headers = hospital._signer.headers("POST", "/v1/partner/hits", content) | {"Content-Type": "application/json"}
    answers = [client.post("/v1/partner/hits", content=content, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]


def test_who_may_not_entrust_puts_nothing_on_the_list(hospital: Device) -> None:
    answer = hospital.ask("POST", "/v1/partner/entries", EntrustedEntries(withdrawn=("w-1",)))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_agreed")


def test_after_the_end_receipts_alone_are_taken(hub: Hub, other: Hub, hospital: Device) -> None:
    entry = enlist(hub, 1)
    pull(hub, other)
    withdraw(hub, entry)
    pull(hub, other)
    with other.begin() as connection:
        made = partner_receipts.due(other, connection, "city")
    assert made is not None
    with hub.begin() as connection:
        end(hub, connection, "li", "one")
    for target, body in (("hits", HitCounts(())), ("entries", EntrustedEntries())):
        answer = hospital.ask("POST", f"/v1/partner/{target}", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "partner_ended")
    assert hospital.ask("GET", "/v1/partner/watch?after=0").status_code == 403
    answer = hospital.ask("POST", "/v1/partner/receipts", made)
    assert (answer.status_code, answer.json()) == (200, {"taken": 1})
    forged = Receipts(tuple(replace(one, gates=9) for one in made.receipts))
    assert hospital.ask("POST", "/v1/partner/receipts", forged).json() == {"taken": 0}
