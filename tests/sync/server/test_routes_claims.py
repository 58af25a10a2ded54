"""Claims through the whole program, signed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from sync.server import tables
from sync.server.app import make_app
from sync.server.devices import directory
from sync.server.hub import Hub
from sync.signing import Signer
from tests.sync.server.world import SHOW, WARD, GateBox, hall

Post = Callable[[GateBox, object], tuple[int, Any]]


@pytest.fixture
def gates(hub: Hub, tmp_path: Path) -> tuple[GateBox, GateBox]:
    """Two gates of one show."""
    hall(hub)
    return GateBox(hub, tmp_path, "G1"), GateBox(hub, tmp_path, "G2")


@pytest.fixture
def post(hub: Hub, gates: tuple[GateBox, GateBox]) -> Iterator[Post]:
    """Sends a body as a gate does."""
    signers = {gate.name: Signer("hall", gate.device, gate.key, hub.clock) for gate in gates}
    with TestClient(make_app(hub)) as client:

        def send(gate: GateBox, body: object) -> tuple[int, Any]:
            content = json.dumps(body).encode()
            headers = signers[gate.name].headers("POST", "/v1/gate/claims", content)
            answer = client.post("/v1/gate/claims", content=content, headers=headers)
            return answer.status_code, answer.json()

        yield send


def _claim(name: str, ticket: str = "T1") -> dict[str, object]:
    return {"claims": [{"claim": name, "event": SHOW, "ticket": ticket, "at": 9.0}]}


def test_the_first_gate_has_the_ticket_and_the_second_hears_where(post: Post, gates: tuple[GateBox, GateBox]) -> None:
    one, two = gates
    assert post(one, _claim("a")) == (200, {"answers": [{"answer": "granted", "claim": "a", "first": None}]})
    status, answer = post(two, _claim("b"))
    assert status == 200
    assert answer["answers"] == [
        {"answer": "refused", "claim": "b", "first": {"at": 9.0, "gate": "G1", "passage": "held"}}
    ]


def test_of_two_lanes_that_are_shown_one_code_at_once_one_lets_it_in(
    post: Post, gates: tuple[GateBox, GateBox]
) -> None:
    answers: list[str] = []
    barrier = threading.Barrier(len(gates))

    def ask(gate: GateBox) -> None:
        barrier.wait(10)
        for ticket in ("T1", "T2", "T3", "T4"):
            wish = {"claim": f"{gate.name}:{ticket}", "event": WARD, "ticket": ticket, "code_step": 7, "at": 9.0}
            answers.extend(one["answer"] for one in post(gate, {"claims": [wish]})[1]["answers"])

    threads = [threading.Thread(target=ask, args=(gate,)) for gate in gates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == ["code_used"] * 4 + ["granted"] * 4


def test_a_gate_can_not_give_another_gates_name(post: Post, gates: tuple[GateBox, GateBox]) -> None:
    one, two = gates
    post(one, {"claims": [{"claim": "a", "event": SHOW, "ticket": "T1", "gate": "G9"}]})
    assert post(two, _claim("b"))[1]["answers"][0]["first"]["gate"] == "G1"


@pytest.mark.parametrize("body", [[], {}, {"claims": [{}]}, {"claims": "x"}, {"claims": [{"claim": 1}]}])
def test_what_is_no_batch_is_refused_and_named(post: Post, gates: tuple[GateBox, GateBox], body: object) -> None:
    status, answer = post(gates[0], body)
    assert (status, answer["code"]) == (422, "not_as_documented")


def test_too_many_claims_are_refused(post: Post, gates: tuple[GateBox, GateBox]) -> None:
    many = {"claims": [_claim(str(n))["claims"][0] for n in range(501)]}  # type: ignore[index]
    assert post(gates[0], many)[0] == 413


def test_a_revoked_gate_claims_nothing(hub: Hub, post: Post, gates: tuple[GateBox, GateBox]) -> None:
    with hub.begin() as connection:
        connection.execute(update(tables.device).values(state="revoked"))
    directory(hub).forget(gates[0].device)
    assert post(gates[0], _claim("a"))[1]["code"] == "revoked"
