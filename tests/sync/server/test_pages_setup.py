"""The pages on which an event is set up: its rules, who answers for it, its link to pretix; and disputes at a seat."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from models.decision import Policy, Profile, Reason, ReEntryMode, Verdict
from models.ids import DocumentType
from models.pad import USUAL_ACCEPT, PadChallenge
from models.profiles import MAY_BE_OVERRIDDEN, policy_of
from models.typed import TypedNeed
from models.wire import from_json, to_json
from sync.server import routes_pretix, tables
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.leases import find_lease
from sync.server.pages import rule_fields
from sync.server.pages.rule_fields import FIELDS, Amount, Several, changes
from sync.server.permissions import Role
from sync.server.pretix_link import NewLink, link_of, make_link
from sync.server.tickets import NewEvent, make_event, policy_of_event, put_tickets
from sync.sources.pretix_client import Access, Pretix
from sync.sources.pretix_reading import Reading
from tests.sync.pretix_fake import TOKEN, URL, FakePretix
from tests.sync.server.organiser import furnish
from tests.sync.server.pages_client import Browser, browsing, enrol_person
from tests.sync.server.test_pages import EVENT, holding
from tests.sync.server.world import GateBox

BASE = f"/events/{EVENT}"
HUB = "hub-1"
SECRET = "s3cretdevicetoken"


@pytest.fixture
def owner(hub: Hub) -> Iterator[Browser]:
    """An event of cards with three tickets, a venue hub, and the owner at the page."""
    furnish(hub)
    with hub.begin() as connection:
        new = NewEvent("o", "hall-of-o", "Gala", hub.clock(), hub.clock() + 9000, policy_of(Profile.CARD, EVENT))
        make_event(hub, connection, "server", new)
        put_tickets(hub, connection, "server", EVENT, [holding(f"T{n}", n, f"A{n}") for n in range(3)])
        values: dict[str, Any] = {
            "device": HUB,
            "kind": "hub",
            "name": "场馆机房",
            "venue": "hall-of-o",
            "signing_key": bytes(32),
        }
        values |= {"device_key": bytes(32), "certificate": "", "state": "enrolled", "made_at": 0.0}
        connection.execute(insert(tables.device).values(**values))
    for role in Role:
        enrol_person(hub, role.value, role, None if role is Role.OWNER else "o")
    with browsing(hub) as browser:
        browser.log_in("owner")
        browser.get(BASE)
        yield browser


def policy(hub: Hub) -> Policy:
    with hub.begin() as connection:
        return policy_of_event(connection, EVENT)


def form(of: Policy, **otherwise: str) -> dict[str, str]:
    """The rules as a browser sends them back; `off`: not ticked."""
    said = {field.name: field.shown(of) for field in FIELDS if not isinstance(field, Several)}
    said |= {f"{field.name}.{one}": True for field in FIELDS if isinstance(field, Several) for one in field.shown(of)}
    typed = {name: "yes" if value is True else str(value) for name, value in said.items() if value is not False}
    return {name: value for name, value in (typed | otherwise).items() if value != "off"}


# --- rules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", list(Profile))
def test_a_form_that_nobody_touched_changes_nothing(profile: Profile) -> None:
    odd = replace(policy_of(profile, EVENT), early_s=100.0, guardian_within_s=77.7, stale_after_s=86_401.0)
    assert changes(odd, form(odd)) == {}


def test_rules_are_changed_in_the_units_of_the_page(owner: Browser, hub: Hub) -> None:
    wanted = form(
        policy(hub), early_s="30", reentry="timed", reentry_after_s="15", occupancy_limit="4000", claims="yes"
    )
    assert "下次发布时下发" in owner.post(f"{BASE}/rules", **wanted).text
    now = policy(hub)
    assert (now.early_s, now.reentry, now.reentry_after_s) == (1800.0, ReEntryMode.TIMED, 900.0)
    assert (now.occupancy_limit, now.claims, now.one_per_identity) == (4000, True, True)
    owner.post(f"{BASE}/rules", **form(now, occupancy_limit="", one_per_identity="off"))
    assert (policy(hub).occupancy_limit, policy(hub).one_per_identity) == (None, False)


def test_what_a_supervisor_may_override_is_ticked_one_by_one_and_nothing_else_can_be(owner: Browser, hub: Hub) -> None:
    page = owner.get(f"{BASE}/rules").text
    ticks = set(re.findall(r'name="overridable\.([a-z_]+)"', page))
    assert ticks == {reason.value for reason in MAY_BE_OVERRIDDEN}
    wanted = {"overridable.wrong_gate": "off", "overridable.occupancy": "yes", "overridable.revoked": "yes"}
    owner.post(f"{BASE}/rules", **form(policy(hub), override_by_two="yes", typed_needs="document", **wanted))
    now = policy(hub)
    assert set(now.overridable) == {
        Reason.WEAK_CREDENTIAL,
        Reason.CARD_EXPIRED,
        Reason.NOT_YET_VALID,
        Reason.OCCUPANCY,
    }
    assert (now.override_by_two, now.typed_needs) == (True, TypedNeed.DOCUMENT)
    page = owner.get(f"{BASE}/rules").text
    assert 'name="overridable.occupancy" value="yes" checked' in page
    assert 'name="overridable.wrong_gate" value="yes">' in page


@pytest.mark.parametrize(
    "wrong", [{"early_s": "soon"}, {"early_s": "-1"}, {"reentry": "never"}, {"work_quota": "1.5"}, {"early_s": "nan"}]
)
def test_a_rule_that_can_not_be_is_refused_as_the_interface_does(
    owner: Browser, hub: Hub, wrong: dict[str, str]
) -> None:
    before = policy(hub)
    assert owner.post(f"{BASE}/rules", **form(before, **wrong)).status_code == 422
    assert policy(hub) == before


def test_a_face_that_is_asked_for_gets_its_bands(owner: Browser, hub: Hub) -> None:
    assert policy(hub).bands == ()
    owner.post(f"{BASE}/rules", **form(policy(hub), needs_face="yes"))
    assert (policy(hub).needs_face, policy(hub).bands) == (True, policy_of(Profile.CONCERT, EVENT).bands)


def test_faces_are_looked_at_as_the_page_says(owner: Browser, hub: Hub) -> None:
    wanted = {
        "face_frames": "3",
        "face_wider": "40",
        "face_ready_s": "5",
        "pad_accept": "yes",
        "pad_challenge": "doubt",
    }
    owner.post(f"{BASE}/rules", **form(policy(hub), needs_face="yes", face_cohort="yes", **wanted))
    now = policy(hub)
    assert (now.face_frames, now.face_wider, now.face_cohort, now.face_ready_s) == (3, 0.4, True, 5.0)
    assert (now.pad_accept, now.pad_challenge) == (USUAL_ACCEPT, PadChallenge.DOUBT)
    assert 'name="pad_accept" value="yes" checked' in owner.get(f"{BASE}/rules").text
    owner.post(f"{BASE}/rules", **form(now, pad_accept="off"))
    assert policy(hub).pad_accept is None


def test_a_threshold_that_an_integrator_set_is_left_as_it_is() -> None:
    measured = replace(policy_of(Profile.CONCERT, EVENT), pad_accept=0.93)
    assert changes(measured, form(measured)) == {}
    assert changes(measured, form(measured, pad_accept="off")) == {"pad_accept": None}


@pytest.mark.parametrize(
    "wrong", [{"face_ready_s": "11"}, {"face_frames": "0"}, {"face_frames": "1.5"}, {"face_wider": "201"}]
)
def test_faces_are_not_looked_at_as_no_gate_can(owner: Browser, hub: Hub, wrong: dict[str, str]) -> None:
    before = policy(hub)
    assert owner.post(f"{BASE}/rules", **form(before, **wrong)).status_code == 422
    assert policy(hub) == before


def test_whatever_the_page_does_not_ask_is_named_as_an_integrators() -> None:
    """A new field of the policy is put on the page, or among those that only an integrator sets."""
    asked = {field.name for field in FIELDS}
    assert rule_fields.__doc__ is not None
    left_out = set(re.findall(r"`([a-z_]+)`", rule_fields.__doc__))
    left_out |= {"profile", "event", "bands", "min_assurance", "min_code_assurance"}
    assert asked | left_out == {field.name for field in fields(Policy)}
    assert asked & left_out == set()


def test_a_profile_begins_anew(owner: Browser, hub: Hub) -> None:
    assert owner.post(f"{BASE}/rules/profile", profile="hospital").status_code == 422  # not ticked
    owner.post(f"{BASE}/rules/profile", profile="hospital", sure="yes")
    assert policy(hub) == policy_of(Profile.HOSPITAL, EVENT)
    assert owner.post(f"{BASE}/rules/profile", profile="picnic", sure="yes").status_code == 422


def test_rules_of_a_closed_event_stay(owner: Browser, hub: Hub) -> None:
    assert owner.post(f"{BASE}/close").status_code == 422  # not ticked
    assert "场次已结束" in owner.post(f"{BASE}/close", sure="yes").text
    assert owner.post(f"{BASE}/rules", **form(policy(hub), early_s="30")).status_code == 409
    assert "保存规则" not in owner.get(f"{BASE}/rules").text


# --- who answers ----------------------------------------------------------------------------------------------------


def held(hub: Hub) -> Any:
    with hub.begin() as connection:
        found = find_lease(connection, EVENT)
        return found and (found.device, found.state)


def test_a_venue_hub_gets_the_event_and_gives_it_back(owner: Browser, hub: Hub) -> None:
    assert "由本服务器应答" in owner.get(f"{BASE}/venue-hub").text
    owner.post(f"{BASE}/venue-hub", device=HUB)
    assert held(hub) == (HUB, "leased")
    assert "Gala" in owner.get(f"/devices/{HUB}").text
    assert "场馆机房" in owner.get(f"{BASE}/setup").text
    owner.post(f"{BASE}/venue-hub/return")
    assert held(hub) == (HUB, "returning")


def test_force_needs_a_reason_and_a_tick(owner: Browser, hub: Hub) -> None:
    owner.post(f"{BASE}/venue-hub", device=HUB)
    path = f"{BASE}/venue-hub/return"
    assert owner.post(path, force="yes", sure="yes", why="").status_code == 422
    assert owner.post(path, force="yes", why="it burnt").status_code == 422
    assert owner.post(path, force="yes", sure="yes", why="it burnt").status_code == 200
    assert held(hub) is None


def test_only_who_keeps_devices_gives_leases(owner: Browser, hub: Hub) -> None:
    with browsing(hub) as browser:
        browser.log_in("organiser")
        assert browser.get(f"{BASE}/venue-hub").status_code == 200
        assert browser.post(f"{BASE}/venue-hub", device=HUB).status_code == 403
    assert held(hub) is None


# --- pretix ---------------------------------------------------------------------------------------------------------


def link(hub: Hub, trouble: str = "") -> None:
    with hub.begin() as connection:
        access = Access("https://tickets.example", "hall", "gala", "Device", SECRET)
        make_link(hub, connection, "li", EVENT, NewLink(access, 7))
        connection.execute(update(tables.pretix_link).values(trouble=trouble, round_at=hub.clock() - 5))


def test_how_the_link_stands_is_told_without_its_credential(owner: Browser, hub: Hub) -> None:
    link(hub, "pretix does not take the credential for this (401); pretix can't answer now (503)")
    page = owner.get(f"{BASE}/pretix").text
    assert "pretix 不接受此凭据（401）" in page
    assert "pretix 暂时无法应答（503）" in page
    assert "tickets.example" in page
    assert SECRET not in page


def test_a_link_is_ended_with_a_tick(owner: Browser, hub: Hub) -> None:
    link(hub)
    assert owner.post(f"{BASE}/pretix/stop").status_code == 422
    assert "关联已解除" in owner.post(f"{BASE}/pretix/stop", sure="yes").text
    with hub.begin() as connection:
        assert connection.execute(select(tables.pretix_link)).all() == []


FIELDS_OF_A_LINK = {
    "base_url": "http://127.0.0.1:9",
    "organizer": "hall",
    "pretix_event": "gala",
    "check_in_list": "1",
    "by": "api_token",
    "credential": SECRET,
    "number": "id_number",
}


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({}, 502),
        ({"check_in_list": "one"}, 422),
        ({"base_url": "http://tickets.example"}, 422),
        ({"credential": ""}, 422),
    ],
)
def test_a_link_that_can_not_work_is_not_made(owner: Browser, hub: Hub, wrong: dict[str, str], status: int) -> None:
    answer = owner.post(f"{BASE}/pretix", **FIELDS_OF_A_LINK | wrong)
    assert answer.status_code == status
    assert SECRET not in answer.text
    with hub.begin() as connection:
        assert connection.execute(select(tables.pretix_link)).all() == []


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> FakePretix:
    """A pretix at the other end of the wire."""
    fake = FakePretix()
    monkeypatch.setattr(routes_pretix, "Pretix", partial(Pretix, transport=fake.transport))
    return fake


@pytest.mark.parametrize("elsewhere", [False, True])
def test_exchanging_a_link_keeps_what_the_form_does_not_show(
    owner: Browser, hub: Hub, shop: FakePretix, elsewhere: bool
) -> None:
    """Of another event at pretix the lists and products have other numbers."""
    reading = Reading("passport_no", "kind", {"p": DocumentType.PASSPORT}, categories={"12": "standing"}, consent="ok")
    with hub.begin() as connection:
        access = Access(URL, "hall", "gala" if not elsewhere else "matinee", "Token", "old")
        make_link(hub, connection, "li", EVENT, NewLink(access, 7, reading, gate_lists={"North": 8}))
    assert 'value="passport_no"' in owner.get(f"{BASE}/pretix").text
    wish = {"base_url": URL, "credential": TOKEN, "number": "passport_no", "consent": "ok2"}
    assert owner.post(f"{BASE}/pretix", **FIELDS_OF_A_LINK | wish).status_code == 200
    with hub.begin() as connection:
        held = link_of(hub, connection, EVENT)
    assert (held.check_in_list, held.access.token) == (1, TOKEN)
    assert (held.reading.documents, held.reading.document) == ({"p": DocumentType.PASSPORT}, "kind")
    assert (held.reading.number, held.reading.consent) == ("passport_no", "ok2")
    assert (dict(held.gate_lists), dict(held.reading.categories)) == (
        ({}, {}) if elsewhere else ({"North": 8}, {"12": "standing"})
    )


def test_who_may_not_set_up_an_event_only_looks(owner: Browser, hub: Hub) -> None:
    paths = ("/rules", "/rules/profile", "/close", "/pretix", "/pretix/stop", "/erasure")
    with browsing(hub) as browser:
        for role in ("supervisor", "auditor"):
            browser.log_in(role)
            assert {browser.get(BASE + path).status_code for path in ("/setup", "/rules", "/pretix", "/erasure")} == {
                200
            }
            assert {browser.post(BASE + path, sure="yes").status_code for path in paths} == {403}
            browser.post("/log-out")


def test_without_the_sessions_token_nothing_is_set_up(owner: Browser, hub: Hub) -> None:
    paths = ("/rules", "/close", "/venue-hub", "/venue-hub/return", "/pretix", "/pretix/round", "/ticket/erase")
    assert {owner.post(BASE + path, csrf="guessed", sure="yes").status_code for path in paths} == {403}


# --- disputes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def twice(owner: Browser, hub: Hub, tmp_path: Path) -> Browser:
    """T1 has let two people in, first at G1."""
    with hub.begin() as connection:
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
    boxes = [GateBox(hub, tmp_path, name, EVENT) for name in ("G1", "G2")]
    for later, box in enumerate(boxes):
        seen = ("seat_check",) if later else ()
        box.end(box.decide(Verdict.ADMIT, "T1", at=hub.clock() - 600 + later * 60, flags=seen))
        with hub.begin() as connection:
            take(hub, connection, box.device, box.name, box.batch())
        box.ledger.close()
    return owner


def test_a_seat_check_says_who_came_first(twice: Browser, hub: Hub) -> None:
    with browsing(hub) as browser:
        browser.log_in("supervisor")
        page = browser.get(f"{BASE}/seat", params={"ticket": "T1"}).text
        assert "王*" in page
        assert "A1" in page
        assert page.index("G1") < page.index("G2")
        assert page.count("工作人员认定为持票人") == 1
        assert "没有这张票" in browser.get(f"{BASE}/seat", params={"ticket": "nothing"}).text
        assert browser.get(f"{BASE}/seat", params={"ticket": "\x00"}).status_code == 200
    assert "座位核查" in twice.get(f"{BASE}/ticket", params={"name": "T1"}).text
    assert "王*" in twice.get(f"{BASE}/conflicts").text


def test_a_settled_conflict_is_taken_up_once_more(twice: Browser, hub: Hub) -> None:
    with hub.begin() as connection:
        conflict = connection.execute(select(tables.conflict.c.conflict)).scalar_one()
    path = f"{BASE}/conflicts/{conflict}"
    twice.post(path, finding="gate_error")
    assert twice.post(f"{path}/reopen", why="").status_code == 422
    twice.post(f"{path}/reopen", why="the camera shows two")
    with hub.begin() as connection:
        assert connection.execute(select(tables.conflict.c.state)).scalar_one() == "open"


def test_a_ticket_is_erased_with_a_reason(owner: Browser, hub: Hub) -> None:
    assert owner.post(f"{BASE}/ticket/erase", name="T1", why="", sure="yes").status_code == 422
    assert "已抹除" in owner.post(f"{BASE}/ticket/erase", name="T1", why="asked for it", sure="yes").text
    with hub.begin() as connection:
        assert "T1" not in connection.execute(select(tables.ticket.c.ticket)).scalars().all()


def test_persons_are_erased_before_their_time_with_a_reason_and_a_receipt(owner: Browser, hub: Hub) -> None:
    path = f"{BASE}/erasure"
    assert owner.get(f"{path}/receipt.json").status_code == 404
    assert owner.post(path, sure="yes").status_code == 409  # not due
    assert owner.post(path, sure="yes", early="yes", why="").status_code == 422
    assert owner.post(path, early="yes", why="the show was cancelled").status_code == 422  # not ticked
    assert "个人信息已于" in owner.post(path, sure="yes", early="yes", why="the show was cancelled").text
    told = json.loads(owner.get(f"{path}/receipt.json").json()["text"])
    assert (told["event"], told["why"], told["erased"]["ticket"]) == (EVENT, "the show was cancelled", 3)
    assert "个人信息已于" in owner.get(f"{BASE}/setup").text


def test_amounts_are_shown_as_they_are_typed() -> None:
    hours = next(field for field in FIELDS if isinstance(field, Amount) and field.name == "stale_after_s")
    assert hours.shown(from_json(Policy, to_json(policy_of(Profile.CARD, EVENT)).decode())) == "24"
