"""Events and tickets over HTTP, on both engines: what a ticketing platform does, and what the gates hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, insert, select, update

from models.wire import to_json
from sync.contract import Contact, HeldManifest
from sync.server import tables
from sync.server.app import make_app
from sync.server.hub import Hub
from sync.server.permissions import Role
from tests.sync.server.organiser import EVENING, EVENT, add_gate, buyer, furnish, make_event, number, ticket, token

HERE = f"/v1/admin/events/{EVENT}"


@pytest.fixture
def client(hub: Hub) -> Iterator[TestClient]:
    """An organiser's program, at a site with a hall."""
    furnish(hub)
    with TestClient(make_app(hub), base_url="https://hub", headers=token(hub)) as made:
        yield made


@pytest.fixture
def published(hub: Hub, client: TestClient) -> TestClient:
    """As `client`, with a concert of four tickets that is published to one gate."""
    make_event(client)
    add_gate(hub)
    put(client, *(ticket(n) for n in range(4)))
    answer = client.post(f"{HERE}/publish")
    assert answer.status_code == 200, answer.text
    return client


def put(client: TestClient, *tickets: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = client.put(f"{HERE}/tickets", json={"tickets": tickets})
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


def post(client: TestClient, what: str, body: Any = None, status: int = 200) -> dict[str, Any]:
    answer = client.post(f"{HERE}/{what}", json=body)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


def status_of(client: TestClient, name: str) -> str:
    found: str = client.get(f"{HERE}/tickets/{name}").json()["status"]
    return found


def rings(hub: Hub) -> int:
    with hub.begin() as connection:
        return int(connection.execute(select(func.count()).select_from(tables.change)).scalar_one())


class TestEvents:
    def test_an_event_begins_as_a_draft_by_its_profile(self, client: TestClient) -> None:
        make_event(client, claims=True)
        (told,) = client.get("/v1/admin/events").json()
        assert (told["event"], told["state"], told["profile"], told["version"]) == (EVENT, "draft", "concert", 0)
        policy = client.get(f"{HERE}/policy").json()["policy"]
        assert (policy["claims"], policy["needs_face"], policy["event"]) == (True, True, EVENT)

    def test_the_same_event_twice_is_refused(self, client: TestClient) -> None:
        make_event(client)
        body = {"event": EVENT, "venue": "hall-of-o", "name": "Gala", "profile": "card", "begins_at": 1, "ends_at": 2}
        answer = client.post("/v1/admin/events", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "event_exists")

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"ends_at": EVENING}, "bad_times"),
            ({"event": "a/b"}, "not_as_documented"),
            ({"event": "场" * 64}, "bad_identifier"),
            ({"changes": {"no_such_rule": 1}}, "bad_policy"),
            ({"changes": {"event": "other"}}, "bad_policy"),
            ({"changes": {"face_tries": "many"}}, "bad_policy"),
            ({"changes": {"pulse_s": -1}}, "bad_policy"),
        ],
    )
    def test_what_is_no_event_is_refused_in_plain_words(
        self, client: TestClient, change: dict[str, Any], code: str
    ) -> None:
        body = {"event": "x", "venue": "hall-of-o", "name": "X", "profile": "card"}
        times = {"begins_at": EVENING, "ends_at": EVENING + 1}
        answer = client.post("/v1/admin/events", json=body | times | change)
        assert (answer.status_code, answer.json()["code"]) == (422, code)

    def test_an_event_may_be_named_in_chinese(self, hub: Hub, client: TestClient) -> None:
        body = {"event": "元宵晚会", "venue": "hall-of-o", "name": "晚会", "profile": "card"}
        assert client.post("/v1/admin/events", json=body | {"begins_at": 1, "ends_at": 2}).status_code == 201
        assert client.get("/v1/admin/events/元宵晚会").json()["name"] == "晚会"

    def test_a_closed_event_takes_no_tickets_but_erases_them(self, published: TestClient) -> None:
        assert post(published, "close")["state"] == "closed"
        assert post(published, "close")["state"] == "closed"
        assert put(published, ticket(9), status=409)["code"] == "event_closed"
        assert post(published, "publish", status=409)["code"] == "event_closed"
        assert post(published, "erasures", {"tickets": ["T1"]})["written"]["removed"] == 1


class TestScope:
    def test_another_organisations_event_is_as_if_it_were_not_there(self, hub: Hub, published: TestClient) -> None:
        other = token(hub, organisation="other")
        assert published.get("/v1/admin/events", headers=other).json() == []
        for path in ("", "/policy", "/tickets", "/tickets/T1", "/findings", "/publication", "/bundles"):
            assert published.get(HERE + path, headers=other).status_code == 404, path
        answer = published.post(f"{HERE}/revocations", json={"tickets": ["T1"]}, headers=other)
        assert (answer.status_code, status_of(published, "T1")) == (404, "valid")
        body = {"event": "x", "venue": "hall-of-o", "name": "X", "profile": "card", "begins_at": 1, "ends_at": 2}
        assert published.post("/v1/admin/events", json=body, headers=other).status_code == 404

    @pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.AUDITOR])
    def test_who_only_watches_changes_nothing(self, hub: Hub, published: TestClient, role: Role) -> None:
        watching = token(hub, role)
        assert published.get(f"{HERE}/tickets/T1", headers=watching).status_code == 200
        for way, path in [("PUT", "/tickets"), ("POST", "/revocations"), ("POST", "/publish"), ("PUT", "/policy")]:
            assert published.request(way, HERE + path, json={"tickets": ["T1"]}, headers=watching).status_code == 403
        assert status_of(published, "T1") == "valid"

    def test_nobody_without_a_token_sees_anything(self, published: TestClient) -> None:
        for path in ("", "/tickets/T1"):
            assert published.get(HERE + path, headers={"Authorization": ""}).status_code == 401


class TestTickets:
    def test_writing_the_same_again_changes_nothing(self, client: TestClient) -> None:
        make_event(client)
        assert put(client, ticket(1), ticket(2))["written"]["new"] == 2
        again = put(client, ticket(1), ticket(2, seat="B2"), ticket(3))["written"]
        assert (again["new"], again["changed"], again["same"]) == (1, 1, 1)

    def test_tickets_come_out_masked(self, client: TestClient) -> None:
        make_event(client)
        put(client, *(ticket(n) for n in range(5)))
        told = client.get(f"{HERE}/tickets/T1").json()
        assert (told["masked_name"], told["documents"]) == ("张**", ["resident_id 110***********" + number(1)[-4:]])
        page = client.get(f"{HERE}/tickets", params={"limit": 3}).json()
        rest = client.get(f"{HERE}/tickets", params={"limit": 3, "after": page["after"]})
        assert [each["ticket"] for each in page["tickets"] + rest.json()["tickets"]] == [f"T{n}" for n in range(5)]
        assert (rest.json()["after"], number(1) in rest.text) == ("", False)

    def test_a_wrong_number_is_told_with_its_place_and_without_itself(self, client: TestClient) -> None:
        make_event(client)
        wrong = ticket(2, documents=[{"number": "110105194912310021"}])
        told = put(client, ticket(1), wrong, status=422)
        assert told["detail"].startswith("tickets.1.documents.0.number: expected an 18-character ID number")
        assert "110105194912310021" not in told["detail"]
        assert client.get(f"{HERE}/tickets/T1").status_code == 404

    @pytest.mark.parametrize(
        "change", [{"ticket": ""}, {"ticket": "a\u0000b"}, {"not_after": 1}, {"not_before": 1e300}, {"documents": []}]
    )
    def test_what_is_no_ticket_is_refused(self, client: TestClient, change: dict[str, Any]) -> None:
        make_event(client)
        put(client, ticket(1, **change), status=422)
        put(client, ticket(1), ticket(1), status=422)

    def test_a_name_with_a_slash_is_found(self, client: TestClient) -> None:
        make_event(client)
        put(client, ticket(1, ticket="2026/17"))
        assert client.get(f"{HERE}/tickets/2026/17").json()["ticket"] == "2026/17"

    def test_no_text_that_a_database_cannot_hold_makes_it_fail(self, client: TestClient) -> None:
        make_event(client)
        for path in (f"{HERE}/tickets/a%00b", "/v1/admin/events/a%00b", f"{HERE}/tickets?after=%00", f"{HERE}%ff"):
            assert client.get(path).status_code in (404, 422), path
        assert client.put(f"{HERE}/tickets", content=b'{"tickets": [{"ticket": "\\ud800"}]}').status_code == 422


class TestPublished:
    def test_every_change_goes_to_the_gates_in_the_same_request(self, hub: Hub, published: TestClient) -> None:
        before = rings(hub)
        versions = [
            put(published, ticket(9))["published"]["version"],
            post(published, "revocations", {"tickets": ["T9"]})["published"]["version"],
            post(published, "erasures", {"tickets": ["T9", "nobody's"]})["published"]["version"],
        ]
        body = {"changes": {"claims": True}}
        versions.append(published.put(f"{HERE}/policy", json=body).json()["published"]["version"])
        assert (versions, rings(hub) - before) == ([2, 3, 4, 5], 4)

    def test_what_changes_nothing_publishes_nothing(self, hub: Hub, published: TestClient) -> None:
        before = rings(hub)
        assert put(published, ticket(1))["published"] is None
        assert post(published, "erasures", {"tickets": ["nobody's"]})["published"] is None
        assert rings(hub) == before

    def test_a_revocation_needs_no_gate(self, hub: Hub, published: TestClient) -> None:
        with hub.begin() as connection:
            connection.execute(update(tables.device).values(event=None))
        assert post(published, "revocations", {"tickets": ["T1"]})["written"]["revoked"] == 1

    def test_the_issuers_hash_stands_beside_the_gates(self, hub: Hub, published: TestClient) -> None:
        newest = published.get(f"{HERE}/bundles").json()[0]
        add_gate(hub, "A2")
        held = HeldManifest(EVENT, newest["version"], newest["digest"], newest["tickets"])
        with hub.begin() as connection:
            contact = to_json(Contact(hub.clock(), manifest=held)).decode()
            chosen = update(tables.device).where(tables.device.c.name == "A1")
            connection.execute(chosen.values(contact=contact, last_contact_at=hub.clock() - 7))
        told = published.get(f"{HERE}/publication").json()
        assert told["newest"]["digest"] == newest["digest"]
        assert [(gate["name"], gate["current"], gate["silent_s"]) for gate in told["gates"]] == [
            ("A1", True, 7.0),
            ("A2", False, None),
        ]
        post(published, "revocations", {"tickets": ["T1"]})
        assert [gate["current"] for gate in published.get(f"{HERE}/publication").json()["gates"]] == [False, False]

    def test_a_gate_that_comes_later_has_the_manifest_issued_again(self, hub: Hub, published: TestClient) -> None:
        post(published, "revocations", {"tickets": ["T1"]})
        add_gate(hub, "A2")
        told = post(published, "publish?again=true")
        assert (told["kind"], told["version"], told["tickets"]) == ("delta", 4, 4)
        kinds = [each["kind"] for each in published.get(f"{HERE}/bundles").json()]
        assert kinds == ["delta", "base", "delta", "base"]

    def test_without_gates_nothing_is_published(self, client: TestClient) -> None:
        make_event(client)
        put(client, ticket(1))
        assert post(client, "publish", status=409)["code"] == "no_gates"


class TestRules:
    def test_an_event_that_breaks_a_rule_is_not_published_and_says_why(self, hub: Hub, client: TestClient) -> None:
        make_event(client)
        add_gate(hub)
        put(client, ticket(1), ticket(2, documents=[{"number": number(1)}]))
        told = post(client, "publish", status=409)
        assert (told["code"], told["errors"]) == ("rules_broken", 1)
        assert told["findings"][0] == {
            "rule": "same_identity",
            "severity": "error",
            "tickets": ["T1", "T2"],
            "words": "one ticket per identity: tickets T1 and T2 have the same resident_id",
        }
        assert client.get(f"{HERE}/findings").json()["by_rule"] == {"same_identity": 1}
        post(client, "revocations", {"tickets": ["T2"]})
        assert client.get(f"{HERE}/findings").json()["errors"] == 0
        assert post(client, "publish")["version"] == 1

    def test_a_change_that_would_break_a_rule_of_a_published_event_is_undone(self, published: TestClient) -> None:
        told = put(published, ticket(8), ticket(9, documents=[{"number": number(1)}]), status=409)
        assert (told["code"], told["findings"][0]["tickets"]) == ("rules_broken", ["T1", "T9"])
        assert published.get(f"{HERE}/tickets/T8").status_code == 404

    def test_rules_that_the_tickets_break_are_not_put_in_force(self, hub: Hub, client: TestClient) -> None:
        make_event(client, "card")
        add_gate(hub)
        told = put(client, ticket(1), ticket(2, documents=[{"number": number(1)}]))
        assert [found["severity"] for found in told["findings"]] == ["warning"]
        post(client, "publish")
        answer = client.put(f"{HERE}/policy", json={"profile": "concert"})
        assert (answer.status_code, answer.json()["code"]) == (409, "rules_broken")
        assert client.get(f"{HERE}/policy").json()["policy"]["profile"] == "card"


class TestHandingOver:
    def test_a_seat_changes_hands_in_one_bundle(self, published: TestClient) -> None:
        told = post(published, "resales", {"seller": "T1", "buyer": buyer(21)})
        assert told["handed_over"] == [{"seller": "T1", "buyer": "T21"}]
        assert (told["published"]["version"], told["written"]["revoked"], told["written"]["new"]) == (2, 1, 1)
        assert (status_of(published, "T1"), status_of(published, "T21")) == ("revoked", "valid")
        assert published.get(f"{HERE}/tickets/T21").json()["seat"] == "A1"

    def test_once_more_is_harmless_and_to_somebody_else_it_is_refused(self, published: TestClient) -> None:
        post(published, "resales", {"seller": "T1", "buyer": buyer(21)})
        assert post(published, "resales", {"seller": "T1", "buyer": buyer(21)})["written"]["same"] == 1
        told = post(published, "resales", {"seller": "T1", "buyer": buyer(22)}, status=409)
        assert (told["code"], published.get(f"{HERE}/tickets/T22").status_code) == ("already_revoked", 404)

    def test_a_ticket_with_which_somebody_is_inside_is_not_sold_again(self, hub: Hub, published: TestClient) -> None:
        values = {"event": EVENT, "ticket": "T1", "claim": "c", "device": "gate-A1", "gate": "A1", "at": 0.0}
        with hub.begin() as connection:
            connection.execute(insert(tables.claim).values(**values))
        assert post(published, "resales", {"seller": "T1", "buyer": buyer(21)}, status=409)["code"] == "ticket_in_use"

    def test_a_buyer_needs_a_ticket_of_a_new_name(self, published: TestClient) -> None:
        told = post(published, "resales", {"seller": "T1", "buyer": buyer(21, ticket="T2")}, status=409)
        assert (told["code"], status_of(published, "T1")) == ("ticket_exists", "valid")

    def test_who_has_a_ticket_already_gets_no_second_seat(self, published: TestClient) -> None:
        body = {"seller": "T1", "buyer": buyer(21, documents=[{"number": number(2)}])}
        assert post(published, "resales", body, status=409)["code"] == "rules_broken"
        assert status_of(published, "T1") == "valid"

    def test_seats_given_back_go_to_those_who_wait_in_order(self, published: TestClient) -> None:
        told = post(published, "waitlist", {"released": ["T3", "T0"], "waiting": [buyer(n) for n in (21, 22, 23)]})
        assert [(each["seller"], each["buyer"]) for each in told["handed_over"]] == [("T3", "T21"), ("T0", "T22")]
        assert (told["still_waiting"], told["unsold"]) == (["T23"], [])
        assert published.get(f"{HERE}/tickets/T22").json()["seat"] == "A0"

    def test_a_seat_for_which_nobody_waits_stays_with_its_holder(self, published: TestClient) -> None:
        told = post(published, "waitlist", {"released": ["T3", "T0"], "waiting": [buyer(21)]})
        assert (told["unsold"], status_of(published, "T0")) == (["T0"], "valid")
