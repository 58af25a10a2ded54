"""What the centre makes of the gates that a venue hub tells of. On both engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from models.wire import from_json
from sync.contract import ClaimBatch, ClaimRequest
from sync.contract_hub import GateTask, HubGate, HubGates, HubStanding
from sync.server import tables
from sync.server.app import make_app
from sync.server.devices import Caller, directory
from sync.server.hub import Hub
from sync.server.hub_gates import meet_hub
from sync.server.leases import lease
from sync.server.problems import Refused
from tests.sync.server.device_client import Device
from tests.sync.server.venue_world import HUB, HUB_KEY, enrol_hub
from tests.sync.server.world import SHOW, GateBox, hall


@pytest.fixture
def caller(hub: Hub) -> Caller:
    """A venue hub at the centre."""
    hall(hub)
    return enrol_hub(hub)


def _gate(n: int, **more: object) -> HubGate:
    made = HubGate(f"gate-{n}", f"G{n}", f"{n + 1:02x}" * 32, f"{n + 129:02x}" * 32)
    return replace(made, **more)  # type: ignore[arg-type]


def _tell(hub: Hub, caller: Caller, *gates: HubGate) -> tuple[GateTask, ...]:
    with hub.begin() as connection:
        return meet_hub(hub, connection, caller, HubGates(gates)).gates


def _states(hub: Hub) -> dict[str, str]:
    with hub.begin() as connection:
        rows = connection.execute(select(tables.device).where(tables.device.c.hub == HUB))
        return {row.device: row.state for row in rows}


def _acts(hub: Hub) -> list[str]:
    with hub.begin() as connection:
        return list(connection.execute(select(tables.audit.c.act).order_by(tables.audit.c.seq)).scalars())


def test_gates_that_are_told_are_there_and_serve_what_is_leased(hub: Hub, caller: Caller) -> None:
    assert _tell(hub, caller, _gate(1)) == (GateTask("gate-1", ""),)
    with hub.begin() as connection:
        lease(hub, connection, "li", SHOW, HUB)
    assert _tell(hub, caller, _gate(1), _gate(2)) == (GateTask("gate-1", SHOW), GateTask("gate-2", SHOW))
    assert _acts(hub).count("hub_gate.told") == 2


def test_told_again_nothing_changes(hub: Hub, caller: Caller) -> None:
    assert _tell(hub, caller, _gate(1)) == _tell(hub, caller, _gate(1))
    assert _acts(hub) == ["hub_gate.told"]


def test_a_gate_that_is_gone_gives_its_name_free_and_may_come_back(hub: Hub, caller: Caller) -> None:
    _tell(hub, caller, _gate(1))
    _tell(hub, caller, _gate(2, name="G1"))
    assert _states(hub) == {"gate-1": "replaced", "gate-2": "enrolled"}
    assert _tell(hub, caller, _gate(1), _gate(2, name="G1")) == (GateTask("gate-2", ""),)
    _tell(hub, caller, _gate(1))
    assert _tell(hub, caller, _gate(1)) == (GateTask("gate-1", ""),)


def test_a_name_or_an_identifier_of_somebody_else_is_left_out_and_said_once(
    hub: Hub, caller: Caller, tmp_path: Path
) -> None:
    GateBox(hub, tmp_path, "G1")
    for _ in range(3):
        tasks = _tell(hub, caller, _gate(1), _gate(2), _gate(3, device="gate-G1", name="G3"))
        assert [task.device for task in tasks] == ["gate-2"]
    assert _acts(hub).count("hub_gate.refused") == 2
    assert set(_states(hub)) == {"gate-2"}


def test_a_gate_that_the_centre_revoked_is_told_so_and_stays_so(hub: Hub, caller: Caller) -> None:
    _tell(hub, caller, _gate(1))
    with hub.begin() as connection:
        connection.execute(update(tables.device).where(tables.device.c.device == "gate-1").values(state="revoked"))
    assert _tell(hub, caller, _gate(1)) == (GateTask("gate-1", "", revoked=True),)
    assert _tell(hub, caller, _gate(1)) == (GateTask("gate-1", "", revoked=True),)


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        (_gate(1, signing_key="no key"), "bad_key"),
        (_gate(1, device_key="00" * 32), "bad_key"),
        (_gate(1, old_keys=("11",)), "bad_key"),
        (_gate(1, name=" G1"), "bad_name"),
        (_gate(1, name=""), "bad_name"),
    ],
)
def test_keys_and_names_that_are_none_are_refused(hub: Hub, caller: Caller, gate: HubGate, code: str) -> None:
    with pytest.raises(Refused) as refused:
        _tell(hub, caller, gate)
    assert refused.value.code == code
    assert _states(hub) == {}


def test_only_a_hub_has_gates_and_not_too_many(hub: Hub, caller: Caller) -> None:
    with pytest.raises(Refused, match="no venue hub"):
        _tell(hub, replace(caller, kind="gate"))
    with pytest.raises(Refused, match="at most 500"):
        _tell(hub, caller, *[_gate(1)] * 501)


# --- through the whole program --------------------------------------------------------------------------------------


@pytest.fixture
def client(hub: Hub, caller: Caller) -> Iterator[TestClient]:
    """The centre."""
    with TestClient(make_app(hub)) as made:
        yield made


@pytest.fixture
def device(hub: Hub, client: TestClient) -> Device:
    """The hub's requests."""
    return Device.of(client, HUB, HUB_KEY, hub.clock)


def test_over_http_a_hub_tells_and_hears(hub: Hub, device: Device) -> None:
    answer = device.ask("PUT", "/v1/hub/gates", HubGates((_gate(1),)))
    assert from_json(HubStanding, answer.content).gates == (GateTask("gate-1", ""),)
    assert device.ask("GET", f"/v1/hub/claims/{SHOW}?after=").json()["code"] == "not_your_event"
    with hub.begin() as connection:
        lease(hub, connection, "li", SHOW, HUB)
    assert device.ask("GET", f"/v1/hub/claims/{SHOW}?after=").json() == {"claims": []}
    standing = from_json(HubStanding, device.ask("PUT", "/v1/hub/gates", HubGates((_gate(1),))).content)
    assert [(event.event, event.leased) for event in standing.events] == [(SHOW, True)]


def test_a_claim_through_a_hub_is_the_gates_own(hub: Hub, device: Device) -> None:
    device.ask("PUT", "/v1/hub/gates", HubGates((_gate(1),)))
    claim = ClaimBatch((ClaimRequest("e:1", SHOW, "T1", gate="G1"),))
    assert device.ask("POST", "/v1/gate/claims", claim).json()["answers"][0]["answer"] == "granted"
    with hub.begin() as connection:
        row = connection.execute(select(tables.claim)).one()
    assert (row.device, row.gate) == ("gate-1", "G1")


def test_a_gate_behind_a_hub_does_not_speak_to_the_centre(hub: Hub, client: TestClient, tmp_path: Path) -> None:
    box = GateBox(hub, tmp_path, "G9", behind=HUB)
    assert directory(hub).find(box.device) is None
    answer = Device.of(client, box.device, box.key, hub.clock).ask("GET", f"/v1/gate/bundles/{SHOW}/1")
    assert answer.json()["code"] == "not_signed"


def test_a_gate_is_no_hub(hub: Hub, client: TestClient, tmp_path: Path) -> None:
    box = GateBox(hub, tmp_path, "G8")
    answer = Device.of(client, box.device, box.key, hub.clock).ask("PUT", "/v1/hub/gates", HubGates(()))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_a_hub")
