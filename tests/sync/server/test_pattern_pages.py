"""The pages and routes of patterns and frequent visitors, as people and programs use them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from sync.server import tables
from sync.server.hub import Hub
from sync.server.patterns import Kind
from sync.server.permissions import Role
from sync.server.watch_tables import seen_exempt
from tests.sync.server.conftest import Clock
from tests.sync.server.pages_client import Browser, browsing, enrol_person
from tests.sync.server.test_frequent import OFFICE, Office, document
from tests.sync.server.test_patterns import AUTUMN, SPRING, Site, face, holding


@pytest.fixture
def browser(hub: Hub) -> Iterator[Browser]:
    with browsing(hub) as made:
        yield made


def test_patterns_are_looked_for_on_request_and_say_what_they_do_not_mean(hub: Hub, browser: Browser, tmp_path: Path):
    site = Site(hub, tmp_path)
    site.sells(holding("SEAT0001", 1, reference=face(5)), holding("SEAT0002", 2, AUTUMN, reference=face(5, 0.1)))
    enrol_person(hub, "wen", Role.SUPERVISOR)
    browser.log_in("wen")
    before = browser.get("/patterns")
    assert before.status_code == 200
    assert "SEAT0001" not in before.text  # longer than what a random token has by chance
    with hub.begin() as connection:
        looked = select(tables.audit.c.seq).where(tables.audit.c.act == "patterns.looked")
        assert connection.execute(looked).all() == []
    page = browser.get("/patterns?look=yes")
    assert "SEAT0001" in page.text
    assert "SEAT0002" in page.text
    assert SPRING in page.text
    assert [one["kind"] for one in browser.get("/v1/patterns").json()] == [Kind.ONE_FACE]


def test_a_courier_is_let_come_on_the_page_and_counted_again(hub: Hub, browser: Browser, clock: Clock, tmp_path: Path):
    office = Office(hub, clock, tmp_path)
    for _ in range(4):
        office.comes(1)
    enrol_person(hub, "wen", Role.SUPERVISOR)
    browser.log_in("wen")
    path = f"/events/{OFFICE}/frequent"
    page = browser.get(path)
    assert page.status_code == 200
    assert office.often()[0].key[:12] in page.text
    fields = {"document": "resident_id", "number": document(1).number, "label": "courier", "until": "2026-07-01"}
    assert browser.post(path, **fields).status_code in (200, 303)
    after = browser.get(path)
    assert "courier" in after.text
    assert document(1).number not in after.text
    assert office.items() == []
    with hub.begin() as connection:
        key = connection.execute(select(seen_exempt.c.person_key)).scalar_one().hex()
    browser.post(f"{path}/end", key=key)
    assert len(office.items()) == 1
    assert browser.post(path, **(fields | {"number": "110"})).status_code == 422
    assert browser.post(f"{path}/end", key="zz").status_code == 404
