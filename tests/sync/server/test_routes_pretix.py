"""The routes of the link to pretix: who may, what is refused, and that the credential never comes back."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from sync.server.app import make_app
from sync.server.hub import Hub
from sync.server.permissions import Role
from sync.server.pretix_link import NewLink, make_link
from sync.sources.pretix_client import Access
from tests.sync.pretix_fake import TOKEN
from tests.sync.server.organiser import EVENT, furnish, make_event, token

PATH = f"/v1/admin/events/{EVENT}/pretix"
NOBODY = "http://127.0.0.1:9"  # nobody listens there


@pytest.fixture
def client(hub: Hub) -> TestClient:
    """An organiser with an event."""
    furnish(hub)
    made = TestClient(make_app(hub), headers=token(hub))
    make_event(made)
    return made


def _body(**changes: Any) -> dict[str, Any]:
    body = {"base_url": NOBODY, "organizer": "hall", "pretix_event": "gala", "check_in_list": 1, "api_token": TOKEN}
    return body | changes


def _linked(hub: Hub) -> None:
    with hub.begin() as connection:
        make_link(hub, connection, "li", EVENT, NewLink(Access(NOBODY, "hall", "gala", "Token", TOKEN), 1))


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({}, 502, "pretix_failed"),
        ({"api_token": ""}, 422, "one_credential"),
        ({"device_code": "x"}, 422, "one_credential"),
        ({"base_url": "http://tickets.example"}, 422, "bad_address"),
        ({"base_url": "ftp://x"}, 422, "not_as_documented"),
        ({"period_s": 1}, 422, "not_as_documented"),
        ({"reading": {"kind": "library card"}}, 422, "not_as_documented"),
    ],
)
def test_a_link_that_can_not_work_is_refused(
    client: TestClient, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = client.put(PATH, json=_body(**changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert TOKEN not in answer.text
    assert client.get(PATH).json()["code"] == "not_linked"


def test_a_link_is_shown_without_its_credential_and_removed(hub: Hub, client: TestClient) -> None:
    _linked(hub)
    shown = client.get(PATH)
    assert (shown.status_code, shown.json()["organizer"], shown.json()["positions"]) == (200, "hall", 0)
    assert TOKEN not in shown.text
    assert client.get(f"{PATH}/work").json() == []
    assert client.delete(PATH).status_code == 204
    assert client.delete(PATH).status_code == 404


def test_a_round_on_demand_says_what_went_wrong(hub: Hub, client: TestClient) -> None:
    _linked(hub)
    told = client.post(f"{PATH}/round")
    assert told.status_code == 200
    assert "not reached" in told.json()["trouble"]
    assert "not reached" in client.get(PATH).json()["trouble"]


def test_another_organisation_sees_no_link(hub: Hub, client: TestClient) -> None:
    _linked(hub)
    stranger = token(hub, organisation="other")
    for method, path in (("GET", PATH), ("GET", f"{PATH}/work"), ("DELETE", PATH), ("POST", f"{PATH}/round")):
        assert client.request(method, path, headers=stranger).status_code == 404
    assert client.put(PATH, json=_body(), headers=stranger).status_code == 404


def test_a_supervisor_looks_and_changes_nothing(hub: Hub, client: TestClient) -> None:
    _linked(hub)
    supervisor = token(hub, Role.SUPERVISOR)
    assert client.get(PATH, headers=supervisor).status_code == 200
    assert client.delete(PATH, headers=supervisor).status_code == 403
    assert client.post(f"{PATH}/round", headers=supervisor).status_code == 403
