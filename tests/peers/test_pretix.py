"""A real pretix sells, our server publishes, a gate admits, and both sides end up knowing the same.

One evening, from the first sale to the last check-in; the steps follow each other, so it is one test with many words.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from drivers.face.sim import Mark, stamp
from models.decision import Reason
from models.ids import DocumentType
from models.ticket import TicketStatus
from sync.server import tables
from sync.server.app import make_app
from sync.server.database import migrate
from sync.server.hub import Hub, open_hub
from sync.server.permissions import Person as Account
from sync.server.permissions import Role
from sync.server.pretix_round import Round, do_round
from sync.server.publish import publish
from sync.server.sessions import make_token
from sync.server.settings import Settings
from sync.server.tickets import find_ticket
from tests.peers.pretix_gate import Gate
from tests.peers.pretix_office import Office, Person, number
from tests.peers.pretix_stack import Stall, installed, running

EVENT = "gala"
PEOPLE, PER_ORDER = 200, 8
LINK = f"/v1/admin/events/{EVENT}/pretix"

pytestmark = pytest.mark.slow


class Clock:
    """The real time, from which a test can go ahead."""

    ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@dataclass
class Evening:
    """Everything that takes part."""

    stall: Stall
    office: Office
    hub: Hub
    clock: Clock
    gate: Gate
    client: TestClient
    orders: list[dict[str, Any]]

    def round(self, **more: Any) -> Round:
        """Bring both sides up to date, and the gate."""
        self.gate.upload()
        done = do_round(self.hub, EVENT, **more)
        self.gate.pull()
        return done

    def work(self) -> Counter[str]:
        """The work list, by what is on it."""
        answer = self.client.get(f"{LINK}/work", params={"limit": 500})
        assert answer.status_code == 200, answer.text
        return Counter(each["what"] for each in answer.json())

    def standing(self) -> dict[str, Any]:
        """How our side believes to stand."""
        told: dict[str, Any] = self.client.get(LINK).json()
        return told

    def at_pretix(self) -> Counter[tuple[bool, str | None]]:
        """Check-ins there: successful ones, and failed ones by their reason."""
        return Counter((one["successful"], one["error_reason"]) for one in self.office.checkins())


class LostAnswers(httpx.BaseTransport):
    """Carries everything to pretix; of check-ins, the first answers get lost on the way back."""

    def __init__(self, lost: int) -> None:
        self._wire, self._lost = httpx.HTTPTransport(), lost

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._wire.handle_request(request)
        if request.method == "POST" and self._lost:
            self._lost -= 1
            answer.read()
            answer.close()
            raise httpx.ReadTimeout("lost", request=request)
        return answer


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    """200 people have bought; the event is linked, and nothing is known here yet."""
    began = time.monotonic()
    pretix = installed()
    with running(pretix, tmp_path / "pretix", PEOPLE) as stall:
        ready = time.monotonic()
        office = Office(stall.url, stall.made)
        orders = [office.sell(people) for people in _crowd()]
        print(f"pretix up in {ready - began:.1f} s, {PEOPLE} sold in {time.monotonic() - ready:.1f} s")
        clock = Clock()
        hub = open_hub(Settings(tmp_path / "hub", face="sim:"), clock)
        migrate(hub.engine)
        headers = _site(hub)
        client = TestClient(make_app(hub), headers=headers)
        _link(client, stall)
        gate = Gate(hub, tmp_path, "A1", EVENT)
        yield Evening(stall, office, hub, clock, gate, client, orders)
        gate.close()
        hub.engine.dispose()


def test_an_evening_with_a_real_pretix(evening: Evening) -> None:
    _everybody_is_taken_in(evening)
    _half_are_admitted_and_told_once_although_answers_get_lost(evening)
    _refunds_changes_and_resales_reach_the_gate(evening)
    _refusals_and_forced_checkins_are_right_on_both_sides(evening)
    _nothing_personal_or_secret_lies_open(evening)


def _everybody_is_taken_in(evening: Evening) -> None:
    began = time.monotonic()
    answer = evening.client.post(f"{LINK}/round")
    assert answer.status_code == 200, answer.text
    print(f"first round in {time.monotonic() - began:.1f} s")
    done = answer.json()
    assert (done["trouble"], done["orders"]) == ("", PEOPLE // PER_ORDER)
    # 200 positions: one parking place, and five with which something is wrong.
    assert evening.work() == {"no_number": 2, "bad_number": 1, "no_such_document": 1, "rule": 1, "portrait": 2}
    assert (done["taken"]["new"], done["taken"]["odd"]) == (PEOPLE - 1 - 5, 5)
    publish(evening.hub, "li", EVENT)
    assert evening.gate.pull() == ["base"]
    assert evening.gate.tickets == PEOPLE - 6
    with evening.hub.begin() as connection:
        portrayed = find_ticket(evening.hub, connection, EVENT, _ref(evening, 10)).ticket
        worker = find_ticket(evening.hub, connection, EVENT, _ref(evening, 20)).ticket
    assert portrayed.reference is not None
    assert portrayed.reference.legal_basis == f"pretix {evening.orders[1]['code']}"
    assert (worker.category, worker.entitlement.gates) == ("work", ("A1", "B1"))
    assert evening.gate.knows("E1234567", DocumentType.PASSPORT) == {_ref(evening, 13): TicketStatus.VALID}


def _half_are_admitted_and_told_once_although_answers_get_lost(evening: Evening) -> None:
    assert {evening.gate.present(number(serial)) for serial in range(100, 200)} == {"in"}
    began = time.monotonic()
    lossy = LostAnswers(2)
    for _ in range(2):
        assert "not reached" in evening.round(transport=lossy).trouble
        evening.clock.ahead_s += 60  # after its pause
    done = evening.round(transport=lossy)
    print(f"100 check-ins told in {time.monotonic() - began:.1f} s")
    assert (done.trouble, done.sent.told) == ("", 100)
    assert evening.at_pretix() == {(True, None): 100}
    assert (evening.standing()["told"], evening.standing()["queued"]) == (100, 0)
    assert evening.round().sent.told == 0


def _refunds_changes_and_resales_reach_the_gate(evening: Evening) -> None:
    office, orders = evening.office, evening.orders
    office.cancel(orders[3]["code"])  # 24 to 31, none of whom has come
    office.cancel_position(orders[4]["code"], orders[4]["positions"][0]["id"])  # 32
    office.cancel_position(orders[13]["code"], orders[13]["positions"][0]["id"])  # 104 is inside already
    office.change_holder(_position(orders, 40)["id"], Person("李四", number(300)))
    office.change_holder(_position(orders, 105)["id"], Person("王五", number(301)))  # 105 is inside already
    office.change_holder(_position(orders, 0)["id"], Person("赵六", number(302)))  # had no number
    office.sell([Person("孙七", number(303), seat="S24")])  # from the waiting list, the seat of 24
    began = time.monotonic()
    done = evening.round()
    print(f"refunds and re-sales at the gate in {time.monotonic() - began:.1f} s")
    assert done.trouble == ""
    assert (done.taken.new, done.taken.revoked) == (3, 8 + 1 + 1 + 1)
    assert evening.work() == {
        "no_number": 1,
        "bad_number": 1,
        "no_such_document": 1,
        "rule": 1,
        "portrait": 2,
        "in_use": 1,
    }
    assert set(evening.gate.knows(number(24)).values()) == {TicketStatus.REVOKED}
    assert set(evening.gate.knows(number(40)).values()) == {TicketStatus.REVOKED}
    assert evening.gate.knows(number(300)) == {f"{_ref(evening, 40)}.2": TicketStatus.VALID}
    assert evening.gate.knows(number(301)) == {}


def _refusals_and_forced_checkins_are_right_on_both_sides(evening: Evening) -> None:
    gate = evening.gate
    gate_says = [gate.present(number(serial)) for serial in (24, 32, 40, 300, 302, 303, 2, 999)]
    assert gate_says == ["revoked", "revoked", "revoked", "in", "in", "in", "unknown", "unknown"]
    gate.refuse(_ref(evening, 60), Reason.FACE_MISMATCH, evening.hub.clock())
    gate.leave(_ref(evening, 100))
    late = _position(evening.orders, 61)
    assert gate.present(number(61)) == "in"
    evening.office.cancel_position(evening.orders[7]["code"], late["id"])  # while the gate had not heard of it
    assert gate.present(number(64)) == "in"
    evening.office.cancel(evening.orders[8]["code"])
    assert evening.round().trouble == ""
    # Pretix takes a forced check-in of a cancelled order, and none of a single position that was cancelled.
    found = evening.at_pretix()
    assert found == {
        (True, None): 100 + 3 + 1 + 1,
        (False, "canceled"): 3 + 1,
        (False, "error"): 1,
        (False, "invalid"): 1,
    }
    told = [one for one in evening.office.checkins() if one["error_reason"] != "invalid"]
    assert Counter(one["type"] for one in told if one["successful"]) == {"entry": 104, "exit": 1}
    assert {one["error_explanation"] for one in told if one["error_reason"] == "error"} == {"refused by staff (A1)"}
    assert _position(evening.orders, 64)["id"] in {one["position"] for one in told if one["successful"]}
    refused = {one["position"] for one in told if not one["successful"]}
    assert refused == {_position(evening.orders, serial)["id"] for serial in (24, 32, 40, 60, 61)}
    standing = evening.standing()
    assert (standing["told"], standing["queued"], standing["refused"]) == (len(told) - 1, 0, 1)
    assert evening.work()["check_in"] == 1


def _nothing_personal_or_secret_lies_open(evening: Evening) -> None:
    secrets = [evening.orders[1]["positions"][0]["secret"], number(100), "张三丰"]
    with evening.hub.begin() as connection:
        for table in tables.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                shown = b"|".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in row)
                assert not [one for one in secrets if one.encode() in shown], table.name
    log = evening.stall.log.read_text(errors="replace")
    assert evening.stall.made["office"] not in log
    assert evening.stall.made["device"] not in log


def _crowd() -> Iterator[list[Person]]:
    """Orders of eight, with everything that occurs."""
    people = [Person(number=number(serial), seat=f"S{serial}") for serial in range(PEOPLE)]
    people[0] = replace(people[0], number="")
    people[1] = replace(people[1], number="")
    people[2] = replace(people[2], number="110105194912310020"[:17] + "Z")
    people[3] = Person(item="parking")
    people[4] = replace(people[4], document="library")
    people[5] = replace(people[5], number=number(6))  # the other one for 6 comes after it
    people[10] = replace(people[10], portrait=_picture(1), consent=True)
    people[11] = replace(people[11], portrait=_picture(2))
    people[12] = replace(people[12], portrait=_picture(None), consent=True)
    people[13] = replace(people[13], document="passport", number="E1234567")
    people[20] = replace(people[20], item="work", seat="")
    for start in range(0, PEOPLE, PER_ORDER):
        yield people[start : start + PER_ORDER]


def _picture(identity: int | None) -> bytes:
    """A portrait that the simulated engine takes, or a wall."""
    frame = np.full((480, 360, 3), 127, np.uint8)
    if identity is not None:
        frame = stamp(frame, Mark(identity))
    return bytes(cv2.imencode(".png", frame)[1])


def _site(hub: Hub) -> dict[str, str]:
    with hub.begin() as connection:
        connection.execute(insert(tables.site).values(one=1, name="hall", made_at=0.0))
        connection.execute(insert(tables.organisation).values(organisation="o", name="O"))
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
        values = {"account": "li", "name": "Li", "organisation": "o", "role": Role.ORGANISER, "password": "none"}
        connection.execute(insert(tables.account).values(**values, made_at=0.0))
        person = Account("li", "Li", Role.ORGANISER, "o", "en")
        return {"Authorization": f"Bearer {make_token(hub, connection, person, 'test')}"}


def _link(client: TestClient, stall: Stall) -> None:
    made = stall.made
    event = {"event": EVENT, "venue": "v", "name": "Gala", "profile": "concert"}
    times = {"begins_at": made["begins_at"], "ends_at": made["begins_at"] + 14_400}
    assert client.post("/v1/admin/events", json=event | times).status_code == 201
    link = {
        "base_url": stall.url,
        "organizer": "hall",
        "pretix_event": "gala",
        "check_in_list": made["list"],
        "device_code": made["device"],
        "reading": {
            "document": "document",
            "documents": {"card": "resident_id", "passport": "passport"},
            "portrait": "portrait",
            "consent": "consent",
            "categories": {str(made["items"]["work"]): "work"},
            "gates": {str(made["items"]["work"]): ["A1", "B1"]},
        },
    }
    answer = client.put(LINK, json=link)
    assert answer.status_code == 200, answer.text


def _position(orders: list[dict[str, Any]], serial: int) -> dict[str, Any]:
    found: dict[str, Any] = orders[serial // PER_ORDER]["positions"][serial % PER_ORDER]
    return found


def _ref(evening: Evening, serial: int) -> str:
    return f"{evening.orders[serial // PER_ORDER]['code']}-{serial % PER_ORDER + 1}"
