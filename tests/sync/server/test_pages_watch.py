"""Lists of persons as people work on them at the pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert, select

from sync.server import tables, watch_items
from sync.server.hub import Hub
from sync.server.permissions import Role
from sync.server.watch_tables import watch_entry, watch_evidence
from tests.sync.server.organiser import number
from tests.sync.server.pages_client import Browser, browsing, enrol_person
from tests.sync.server.watch_people import OTTO, approve, listed

FORM = {"document": "resident_id", "number": number(1), "purpose": "scalping", "action": "review", "owner": "Hospital"}
FORM |= {"appeal": "desk 3", "legal_basis": "", "evidence": "case 7", "valid_from": "", "valid_to": ""}
FORM |= {"entrances": "A1，A2", "sites": ""}


@pytest.fixture
def people(hub: Hub) -> Hub:
    with hub.begin() as connection:
        connection.execute(insert(tables.site).values(one=1, name="City Hospital", made_at=0.0))
    for name, role in (("olga", Role.OWNER), ("sam", Role.SUPERVISOR), ("otto", Role.ORGANISER), ("ada", Role.AUDITOR)):
        enrol_person(hub, name, role)
    return hub


@pytest.fixture
def browser(people: Hub) -> Iterator[Browser]:
    with browsing(people) as made:
        yield made


def at(browser: Browser, account: str, path: str) -> str:
    """The page as somebody else sees it."""
    browser.client.cookies.clear()
    browser.log_in(account)
    browser.client.cookies.set("menshen-language", "en")
    return browser.get(path).text


def test_somebody_is_proposed_and_approved_by_two_and_withdrawn(browser: Browser, hub: Hub) -> None:
    assert 'value="City Hospital"' in at(browser, "otto", "/watch/propose")
    made = browser.client.post("/watch/propose", data={"csrf": browser.csrf, **FORM})
    here = made.url.path
    assert "PROPOSED" in made.text.upper()
    assert number(1) not in made.text
    assert "You proposed it yourself" in made.text
    for account, state in (("olga", "proposed"), ("sam", "active")):
        assert "I have looked at the evidence" in at(browser, account, here)
        browser.post(f"{here}/approve", version="1", sure="yes")
        assert f"</span>{state}</span>" in browser.get(here).text
    with hub.begin() as connection:
        assert len(watch_items.held(connection)) == 1
        assert connection.execute(select(watch_entry.c.entrances)).scalar() == '["A1", "A2"]'
    browser.post(f"{here}/suspended", why="looking into it")
    browser.post(f"{here}/resume", why="looked into it")
    browser.post(f"{here}/withdraw", why="it was somebody else", sure="yes")
    told = browser.get(here).text
    assert "it was somebody else" in told
    assert "</span>withdrawn</span>" in told


def test_what_is_missing_is_said_beside_what_was_typed(browser: Browser) -> None:
    at(browser, "otto", "/watch/propose")
    answer = browser.post("/watch/propose", **FORM | {"action": "refuse_unless_cleared"})
    assert answer.status_code == 422
    assert "no legal basis for stopping somebody" in answer.text
    assert 'value="desk 3"' in answer.text


def test_a_change_makes_another_version_and_a_wrong_one_is_said(browser: Browser, hub: Hub) -> None:
    entry = listed(hub, by=OTTO)
    approve(hub, entry)
    here = f"/watch/entry/{entry}"
    at(browser, "otto", here)
    same: dict[str, Any] = {"purpose": "scalping", "appeal": "desk 3", "legal_basis": "", "entrances": "", "sites": ""}
    wrong = browser.post(f"{here}/amend", why="no end", action="review", valid_to="2099-01-01", **same)
    assert (wrong.status_code, "the term is too long" in wrong.text) == (422, True)
    browser.post(f"{here}/amend", why="quieter", action="notify", valid_to="2026-12-31", **same)
    with hub.begin() as connection:
        row = connection.execute(select(watch_entry)).one()
    assert (row.version, row.action, row.valid_to, row.state) == (2, "notify", 1_798_732_800.0, "proposed")


def test_evidence_is_attached_and_comes_back_as_a_file(browser: Browser, hub: Hub) -> None:
    here = f"/watch/entry/{listed(hub, evidence=False)}"
    at(browser, "sam", here)
    files = {"file": ("证据<1>.html", b"<script>", "text/html")}
    browser.client.post(f"{here}/evidence", data={"csrf": browser.csrf}, files=files)
    read = browser.client.get(f"{here}/evidence/1")
    assert (read.content, read.headers["content-type"]) == (b"<script>", "application/octet-stream")
    assert read.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E8%AF%81")
    assert "证据&lt;1&gt;.html" in browser.get(here).text
    empty = browser.client.post(f"{here}/evidence", data={"csrf": browser.csrf}, files={"file": ("x", b"")})
    assert empty.status_code == 422


def test_an_auditor_looks_and_does_nothing(browser: Browser, hub: Hub) -> None:
    here = f"/watch/entry/{listed(hub)}"
    page = at(browser, "ada", here)
    assert "scalping" in page.lower()
    assert '<form method="post" action="/watch' not in page
    assert browser.post(f"{here}/withdraw", why="mischief", sure="yes").status_code == 403
    assert browser.client.get(f"{here}/evidence/1").status_code == 403


def test_the_list_is_filtered(browser: Browser, hub: Hub) -> None:
    scalper, order = listed(hub), listed(hub, 2, purpose="order")
    page = at(browser, "olga", "/watch?purpose=order&state=proposed")
    assert (order in page, scalper in page) == (True, False)
    assert browser.get("/watch?state=withdrawn").text.count("/watch/entry/") == 0
    assert browser.get("/watch?state=nonsense").status_code == 200
    assert browser.get("/watch/entry/none").status_code == 404


def test_a_list_comes_in_with_its_report_and_two_approve_it(browser: Browser, hub: Hub) -> None:
    at(browser, "otto", "/watch/import")
    said = {"purpose": "", "action": "review", "owner": "Hospital", "appeal": "desk", "legal_basis": ""}
    said |= {"evidence": "decision 7", "valid_to": ""}
    rows = f"身份证号,姓名,事由\n{number(1)},张三,号贩子\n{number(2)},李四,不喜欢\n"
    files = {"table": ("名单.csv", rows.encode("gb18030"))}
    told = browser.client.post("/watch/import", data={"csrf": browser.csrf, **said}, files=files)
    here = told.url.path
    assert "no purpose, or none of ours" in told.text
    assert number(1) not in told.text
    assert "张三" not in told.text
    browser.post(here, what="propose")
    for account in ("olga", "sam"):
        at(browser, account, here)
        assert "You approved 1" in browser.post(here, what="approve", sure="yes").text
    with hub.begin() as connection:
        assert len(watch_items.held(connection)) == 1
        assert connection.execute(select(watch_evidence.c.name)).scalar() == "reference.txt"
    bad = browser.client.post(
        "/watch/import", data={"csrf": browser.csrf, **said}, files={"table": ("x.csv", b"a,b\n")}
    )
    assert (bad.status_code, "This table cannot be read" in bad.text) == (422, True)
