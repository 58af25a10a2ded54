"""The desk where disputes are settled: conflicts, seats, forked ledgers, leases. Over HTTP, on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from starlette.testclient import TestClient

from models.decision import Verdict
from models.passage import Direction
from sync.contract import LedgerLine
from sync.server import tables
from sync.server.app import make_app
from sync.server.hub import Hub
from sync.server.ingest import Forked, keep_fork, take
from sync.server.permissions import Role
from tests.sync.server.organiser import token
from tests.sync.server.venue_world import HUB, enrol_hub
from tests.sync.server.world import SHOW, GateBox, hall

Desk = Callable[..., tuple[int, object]]


@pytest.fixture
def box(hub: Hub, tmp_path: Path) -> Callable[..., GateBox]:
    """Makes gates."""
    hall(hub)
    return lambda name="G1", **more: GateBox(hub, tmp_path, name, **more)


@pytest.fixture
def desk(hub: Hub, box: Callable[..., GateBox]) -> Iterator[Desk]:
    """A supervisor's requests; `role` for another's."""
    tokens: dict[Role, dict[str, str]] = {}
    with TestClient(make_app(hub)) as client:

        def ask(method: str, target: str, body: object = None, role: Role = Role.SUPERVISOR) -> tuple[int, object]:
            if role not in tokens:
                tokens[role] = token(hub, role)
            answer = client.request(method, f"/v1/admin{target}", json=body, headers=tokens[role])
            return answer.status_code, answer.json() if answer.content else None

        yield ask


def _send(hub: Hub, *gates: GateBox) -> None:
    for gate in gates:
        with hub.begin() as connection:
            take(hub, connection, gate.device, gate.name, gate.batch())


def _double(hub: Hub, box: Callable[..., GateBox]) -> int:
    one, two = box("G1"), box("G2")
    one.passes("T1", at=100.0)
    two.passes("T1", at=200.0)
    _send(hub, one, two)
    with hub.begin() as connection:
        return int(connection.execute(select(tables.conflict.c.conflict)).scalar_one())


def test_a_conflict_is_seen_settled_and_taken_up_once_more(hub: Hub, box: Callable[..., GateBox], desk: Desk) -> None:
    number = _double(hub, box)
    here = f"/events/{SHOW}/conflicts"
    status, listed = desk("GET", here)
    assert status == 200
    assert [one["ticket"] for one in listed] == ["T1"]  # type: ignore[attr-defined]
    assert desk("POST", f"{here}/{number}/settle", {"finding": "gate_error", "words": "both hold it"}) == (204, None)
    assert desk("GET", here) == (200, [])
    _, closed = desk("GET", f"{here}?state=closed")
    assert [(one["finding"], one["words"]) for one in closed] == [("gate_error", "both hold it")]  # type: ignore[attr-defined]
    assert desk("POST", f"{here}/{number}/settle", {"finding": "gate_error"})[0] == 404
    assert desk("POST", f"{here}/{number}/reopen", {"why": "  "})[0] == 422
    assert desk("POST", f"{here}/{number}/reopen", {"why": "the wrong seat"}) == (204, None)
    assert len(desk("GET", here)[1]) == 1  # type: ignore[arg-type]
    with hub.begin() as connection:
        told = connection.execute(
            select(tables.audit.c.detail).where(tables.audit.c.act == "conflict.reopened")
        ).scalar_one()
    assert "the wrong seat" in told
    assert "both hold it" in told


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        ("settle", {"finding": "no idea"}, 422),
        ("settle", {}, 422),
        ("reopen", {"why": "it is open"}, 404),
    ],
)
def test_what_does_not_fit_is_refused(
    hub: Hub, box: Callable[..., GateBox], desk: Desk, target: str, body: dict[str, str], status: int
) -> None:
    number = _double(hub, box)
    assert desk("POST", f"/events/{SHOW}/conflicts/{number}/{target}", body)[0] == status


def test_an_auditor_looks_and_settles_nothing(hub: Hub, box: Callable[..., GateBox], desk: Desk) -> None:
    number = _double(hub, box)
    assert desk("GET", f"/events/{SHOW}/conflicts", role=Role.AUDITOR)[0] == 200
    body = {"finding": "gate_error"}
    assert desk("POST", f"/events/{SHOW}/conflicts/{number}/settle", body, Role.AUDITOR)[0] == 403
    assert desk("POST", f"/events/{SHOW}/lease", {"device": HUB}, Role.AUDITOR)[0] == 403


def test_at_the_seat_one_sees_who_passed_first(hub: Hub, box: Callable[..., GateBox], desk: Desk) -> None:
    _double(hub, box)
    _, seen = desk("GET", f"/events/{SHOW}/tickets/T1/seat-check")
    assert isinstance(seen, dict)
    assert (seen["first"]["gate"], seen["first"]["at"], seen["inside"]) == ("G1", 100.0, 2)
    assert [one["gate"] for one in seen["passages"]] == ["G1", "G2"]
    assert desk("GET", f"/events/{SHOW}/tickets/T9/seat-check")[0] == 404


def test_at_the_seat_one_sees_whom_staff_let_in_as_the_holder(
    hub: Hub, box: Callable[..., GateBox], desk: Desk
) -> None:
    first, second = box("G1"), box("G2")
    first.passes("T1", at=100.0)
    second.end(second.decide(Verdict.ADMIT, "T1", at=200.0, flags=("settled_already_admitted", "seat_check")))
    for gate in (first, second):
        _send(hub, gate)
    _, seen = desk("GET", f"/events/{SHOW}/tickets/T1/seat-check")
    assert isinstance(seen, dict)
    assert [(one["gate"], one["holder_here"]) for one in seen["passages"]] == [("G1", False), ("G2", True)]


def test_a_visit_that_ended_is_not_the_first_one(hub: Hub, box: Callable[..., GateBox], desk: Desk) -> None:
    gate = box("G1")
    for way, at in ((Direction.ENTRY, 1.0), (Direction.EXIT, 2.0), (Direction.ENTRY, 3.0)):
        gate.passes("T1", way, at)
    _send(hub, gate)
    _, seen = desk("GET", f"/events/{SHOW}/tickets/T1/seat-check")
    assert isinstance(seen, dict)
    assert (seen["first"]["at"], seen["inside"]) == (3.0, 1)


def _forked(hub: Hub, gate: GateBox, at: int) -> LedgerLine:
    """The other box's line with number `at`."""
    odd = replace(gate.batch().lines[at - 1], hash="ab" * 32)
    with hub.begin() as connection:
        keep_fork(hub, connection, Forked(gate.device, gate.ledger.epoch, (odd,)))
    return odd


def test_a_ledger_is_good_again_and_the_held_lines_are_believed(
    hub: Hub, box: Callable[..., GateBox], desk: Desk
) -> None:
    gate = box("G1")
    gate.passes("T1")
    _send(hub, gate)
    _forked(hub, gate, 2)
    _, pairs = desk("GET", f"/devices/{gate.device}/forks")
    assert [pair["seq"] for pair in pairs] == [2]  # type: ignore[attr-defined]
    target = f"/devices/{gate.device}/ledgers/{gate.ledger.epoch}/believe"
    assert desk("POST", target, {"side": "held", "why": "the copy is gone"}) == (200, {"lines": 0})
    assert desk("POST", target, {"side": "held", "why": "again"})[0] == 404
    gate.passes("T2")
    _send(hub, gate)


def test_the_other_side_is_believed_and_this_side_stays_kept(hub: Hub, box: Callable[..., GateBox], desk: Desk) -> None:
    """The held lines from the fork on go aside, what they meant is gone, and the other box sends its own."""
    gate = box("G1")
    for ticket in ("T1", "T2", "T3"):
        gate.passes(ticket)
    gate.ledger.checkpoint(1.0)
    _send(hub, gate)
    batch = gate.batch()
    _forked(hub, gate, 3)
    target = f"/devices/{gate.device}/ledgers/{gate.ledger.epoch}/believe"
    assert desk("POST", target, {"side": "other", "why": " "})[0] == 422
    assert desk("POST", target, {"side": "other", "why": "it was at the gate"}) == (200, {"lines": 4})
    with hub.begin() as connection:
        assert connection.execute(select(tables.use.c.ticket)).scalars().all() == ["T1"]
        assert len(connection.execute(select(tables.fork)).all()) == 5
        ledger = connection.execute(select(tables.ledger)).one()
        assert (ledger.seq, ledger.state, ledger.sealed_seq) == (2, "good", 0)
        assert take(hub, connection, gate.device, gate.name, batch).acknowledged == 6
        assert sorted(connection.execute(select(tables.use.c.ticket)).scalars()) == ["T1", "T2", "T3"]


def test_a_box_of_which_there_are_no_lines_can_not_be_believed(
    hub: Hub, box: Callable[..., GateBox], desk: Desk
) -> None:
    gate = box("G1")
    gate.passes("T1")
    _send(hub, gate)
    with hub.begin() as connection:
        connection.execute(tables.ledger.update().values(state="forked"))
    target = f"/devices/{gate.device}/ledgers/{gate.ledger.epoch}/believe"
    status, problem = desk("POST", target, {"side": "other", "why": "x"})
    assert (status, problem["code"]) == (409, "no_lines")  # type: ignore[index]


def test_an_event_is_leased_and_asked_back(hub: Hub, desk: Desk) -> None:
    enrol_hub(hub)
    assert desk("POST", f"/events/{SHOW}/lease", {"device": "hub-9"})[0] == 404
    assert desk("POST", f"/events/{SHOW}/lease", {"device": HUB}) == (204, None)
    assert desk("POST", f"/events/{SHOW}/lease/return", {}) == (200, {"done": False})
    assert desk("POST", f"/events/{SHOW}/lease/return", {"force": True})[0] == 422
    assert desk("POST", f"/events/{SHOW}/lease/return", {"force": True, "why": "fire"}) == (200, {"done": True})
    assert desk("POST", f"/events/{SHOW}/lease/return", {})[0] == 404


def test_what_is_anothers_is_not_there(hub: Hub, box: Callable[..., GateBox], desk: Desk) -> None:
    _double(hub, box)
    with hub.begin() as connection:
        connection.execute(insert(tables.organisation).values(organisation="p", name="P"))
    with TestClient(make_app(hub)) as client:
        headers = token(hub, Role.SUPERVISOR, "p")
        answer = client.get(f"/v1/admin/events/{SHOW}/conflicts", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_event")
