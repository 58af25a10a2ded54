"""Lists of persons over HTTP: who may do what, and nothing personal in what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from sync.server import tables
from sync.server.app import make_app
from sync.server.hub import Hub
from sync.server.permissions import Role
from tests.sync.server.organiser import furnish, number, token

BODY = {"owner": "Hospital One", "purpose": "scalping", "action": "review", "appeal": "desk 3"}
BODY |= {"number": number(1), "evidence": "case 7"}


@pytest.fixture
def client(hub: Hub) -> Iterator[TestClient]:
    furnish(hub)
    with TestClient(make_app(hub), base_url="https://hub") as made:
        yield made


def put(client: TestClient, by: dict[str, str], **changes: Any) -> str:
    answer = client.post("/v1/watch", json=BODY | changes, headers=by)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["entry"])


def test_an_entry_goes_from_a_proposal_to_its_end(client: TestClient, hub: Hub) -> None:
    owner, organiser, supervisor = (token(hub, role, None) for role in (Role.OWNER, Role.ORGANISER, Role.SUPERVISOR))
    here = f"/v1/watch/{put(client, organiser)}"
    stands = [client.post(f"{here}/approve", json={"version": 1}, headers=by).json() for by in (owner, supervisor)]
    assert [one["state"] for one in stands] == ["proposed", "active"]
    assert client.post(f"{here}/amend", json={"why": "so", "action": "notify"}, headers=owner).json()["version"] == 2
    for step in ("rest/contested", "rest/suspended", "resume", "withdraw"):
        assert client.post(f"{here}/{step}", json={"why": "she wrote"}, headers=owner).status_code == 200
    told = client.get(here, headers=owner)
    assert [step["act"].removeprefix("watch.") for step in told.json()["history"]] == [
        *("withdrawn", "resumed", "suspended", "contested", "amended", "approved", "approved", "proposed")
    ]
    assert number(1) not in told.text
    assert client.get("/v1/watch", params={"state": "withdrawn"}, headers=owner).json()["count"] == 1


def test_evidence_comes_back_byte_for_byte(client: TestClient, hub: Hub) -> None:
    owner, auditor = token(hub, Role.OWNER, None), token(hub, Role.AUDITOR, None)
    here, content = f"/v1/watch/{put(client, owner)}/evidence", bytes(range(256))
    answer = client.post(here, params={"name": "page.bin"}, content=content, headers=owner)
    assert (answer.status_code, answer.json()) == (201, 2)
    read = client.get(f"{here}/2", headers=owner)
    assert (read.content, read.headers["content-type"]) == (content, "application/octet-stream")
    assert client.get(f"{here}/2", headers=auditor).status_code == 403
    assert client.get(f"{here}/3", headers=owner).status_code == 404


def test_another_house_sees_nothing(client: TestClient, hub: Hub) -> None:
    mine, theirs = token(hub), token(hub, Role.ORGANISER, "other")
    here = f"/v1/watch/{put(client, mine)}"
    assert client.get(here, headers=mine).status_code == 200
    assert client.get(here, headers=theirs).status_code == 404
    assert client.post(f"{here}/withdraw", json={"why": "mischief"}, headers=theirs).status_code == 404
    assert client.get("/v1/watch", headers=theirs).json() == {"entries": [], "count": 0}


def test_what_is_missing_is_said_in_codes_and_a_photograph_needs_an_engine(client: TestClient, hub: Hub) -> None:
    owner = token(hub, Role.OWNER, None)
    answer = client.post("/v1/watch", json=BODY | {"action": "refuse_unless_cleared", "number": None}, headers=owner)
    assert answer.status_code == 422
    assert answer.json()["faults"] == ["no_person", "no_basis_refuse", "refuse_by_face"]
    bare = f"/v1/watch/{put(client, owner)}"
    assert client.put(f"{bare}/photograph", content=b"x", headers=owner).json()["faults"] == ["no_basis_face"]
    here = f"/v1/watch/{put(client, owner, legal_basis='law')}"
    assert client.put(f"{here}/photograph", content=b"x", headers=owner).json()["code"] == "no_engine"


def test_a_list_comes_in_and_is_approved_at_once(client: TestClient, hub: Hub) -> None:
    owner, organiser, supervisor = (token(hub, role, None) for role in (Role.OWNER, Role.ORGANISER, Role.SUPERVISOR))
    said = {"owner": "Hospital", "purpose": "scalping", "action": "review", "appeal": "desk", "evidence": "decision"}
    files = {"table": ("list.csv", f"number\n{number(1)}\n{number(2)}\n12345\n".encode())}
    made = client.post("/v1/watch-imports", params=said, files=files, headers=organiser)
    assert (made.status_code, made.json()["state"]) == (202, "ready"), made.text
    assert (made.json()["report"]["rows"], made.json()["report"]["good"]) == (3, 2)
    here = f"/v1/watch-imports/{made.json()['job']}"
    assert client.post(f"{here}/propose", headers=organiser).json() == {"entries": 2}
    for by, complete in ((owner, 0), (supervisor, 2)):
        assert client.post(f"{here}/approve", headers=by).json() == {"approved": 2, "complete": complete, "left": {}}
    assert client.get("/v1/watch", params={"batch": made.json()["job"]}, headers=owner).json()["count"] == 2
    assert client.delete(here, headers=owner).status_code == 409


def test_no_number_is_in_the_audit(client: TestClient, hub: Hub) -> None:
    owner = token(hub, Role.OWNER, None)
    put(client, owner)
    with hub.begin() as connection:
        said = str(connection.execute(select(tables.audit)).all())
    assert "watch.proposed" in said
    assert number(1) not in said
