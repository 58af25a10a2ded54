"""The report box: kept, anonymous, bounded, and nothing in it is believed or run. On both engines."""

from __future__ import annotations

import json
import re

import cv2
import numpy as np
import pytest
from httpx import Response
from sqlalchemy import insert, select

from models.ids import DocumentType
from models.watch import WatchState
from sync.holding import Document
from sync.server import reports, tables
from sync.server.attempts import Limit
from sync.server.hub import Hub
from sync.server.pages.public_pages import KINDS
from sync.server.permissions import Person, Role
from sync.server.problems import Refused
from sync.server.reports import LARGEST_PHOTO, LONGEST_TEXT, Outcome, Told
from sync.server.strangers import AT_LEAST_S, AT_MOST_S
from sync.server.watch_tables import report, watch_entry, watch_evidence
from tests.sync.server.conftest import Clock
from tests.sync.server.pages_client import Browser, browsing, enrol_person
from tests.sync.server.world import hall

OWNER = Person("lin", "Lin", Role.OWNER, None, "zh")
SUPERVISOR = Person("su", "Su", Role.SUPERVISOR, "o", "zh")
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> ${7*7} {{7*7}}"
PHOTO = cv2.imencode(".jpg", np.full((40, 60, 3), 90, np.uint8))[1].tobytes()


@pytest.fixture(autouse=True)
def house(hub: Hub) -> None:
    hall(hub)


def _waiting(hub: Hub, person: Person = OWNER) -> list[reports.Report]:
    with hub.begin() as connection:
        return reports.list_reports(hub, connection, person, is_new=True)


def test_a_report_is_kept_sealed_and_asked_for_with_its_number(hub: Hub) -> None:
    number = reports.take(hub, "10.0.0.1", Told("a man in a red cap sells at gate B", "gate B", "v", "", PHOTO))
    (told,) = _waiting(hub)
    assert (told.text, told.venue, told.contact, told.has_photo) == (
        "a man in a red cap sells at gate B",
        "v",
        "",
        True,
    )
    with hub.begin() as connection:
        row = connection.execute(select(report)).one()
        assert b"red cap" not in row.sealed_text
        assert number.encode() not in bytes(str(tuple(row)), "utf-8")
    assert reports.ask(hub, "10.0.0.2", number.lower().replace("-", " ")).state == "new"
    with hub.begin() as connection:
        reports.settle(hub, connection, OWNER, told.report, Outcome.WARNING, "staff spoke to him")
    assert reports.ask(hub, "10.0.0.2", number).answer == "staff spoke to him"
    assert _waiting(hub) == []


def test_a_wrong_number_says_nothing_and_cannot_be_tried_for_ever(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "ASKING", Limit("report_ask", for_address=3, for_all=100))
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            reports.ask(hub, "10.0.0.9", "AAAA-BBBB-CCCC")
        assert refused.value.status == 404
    with pytest.raises(Refused) as refused:
        reports.ask(hub, "10.0.0.9", "AAAA-BBBB-CCCC")
    assert refused.value.status == 429


def test_one_address_cannot_fill_the_box(hub: Hub, clock: Clock) -> None:
    for n in range(reports.BOX.for_address):
        reports.take(hub, "10.0.0.1", Told(f"report {n}"))
    with pytest.raises(Refused) as refused:
        reports.take(hub, "10.0.0.1", Told("one more"))
    assert refused.value.status == 429
    reports.take(hub, "10.0.0.2", Told("from somebody else"))
    assert len(_waiting(hub)) == reports.BOX.for_address + 1
    clock.now += reports.BOX.window_s + 1
    reports.take(hub, "10.0.0.1", Told("later"))


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (Told(" "), "no_text"),
        (Told("x" * (LONGEST_TEXT + 1)), "no_text"),
        (Told("a photograph", photo=b"<svg onload=alert(1)>"), "bad_picture"),
        (Told("a photograph", photo=PHOTO + bytes(LARGEST_PHOTO)), "too_large"),
    ],
)
def test_what_is_no_report_is_refused_and_nothing_is_kept(hub: Hub, told: Told, code: str) -> None:
    with pytest.raises(Refused) as refused:
        reports.take(hub, "10.0.0.1", told)
    assert (refused.value.code, _waiting(hub)) == (code, [])


def test_each_organisation_sees_what_was_told_at_its_venues(hub: Hub) -> None:
    reports.take(hub, "10.0.0.1", Told("here", venue="v"))
    reports.take(hub, "10.0.0.1", Told("nowhere", venue="not a venue"))
    assert [one.text for one in _waiting(hub, SUPERVISOR)] == ["here"]
    assert len(_waiting(hub)) == 2


def test_a_report_becomes_a_proposal_that_does_nothing_by_itself(hub: Hub) -> None:
    reports.take(hub, "10.0.0.1", Told("he sells tickets", "gate B", photo=PHOTO))
    (told,) = _waiting(hub)
    document = Document(DocumentType.RESIDENT_ID, "11010519491231002X")
    with hub.begin() as connection:
        entry = reports.propose_entry(hub, connection, OWNER, told.report, "Hall", "desk 2", document, "")
    with hub.begin() as connection:
        row = connection.execute(select(watch_entry).where(watch_entry.c.entry == entry)).one()
        pieces = connection.execute(select(watch_evidence.c.media_type)).scalars().all()
        assert row.state == WatchState.PROPOSED
        assert sorted(pieces) == ["image/jpeg", "text/plain; charset=utf-8"]
        with pytest.raises(Refused) as refused:
            reports.settle(hub, connection, OWNER, told.report, Outcome.NOTHING, "")
    assert refused.value.code == "report_settled"


def test_settled_reports_are_forgotten_after_a_while(hub: Hub, clock: Clock) -> None:
    number = reports.take(hub, "10.0.0.1", Told("old"))
    (told,) = _waiting(hub)
    with hub.begin() as connection:
        reports.settle(hub, connection, OWNER, told.report, Outcome.NOTHING, "")
    assert reports.forget_old(hub) == 0
    clock.now += reports.KEEP_S + 1
    reports.take(hub, "10.0.0.1", Told("new and not settled"))
    assert reports.forget_old(hub) == 1
    with pytest.raises(Refused):
        reports.ask(hub, "10.0.0.1", number)


# --- the pages --------------------------------------------------------------------------------------------------------


def _form(browser: Browser, path: str) -> dict[str, str]:
    """The hidden fields of a form that anybody may fill in."""
    text = browser.get(path).text
    return {name: re.search(rf'name="{name}" value="([^"]*)"', text)[1] for name in ("stamp", "venue")}  # type: ignore[index]


def _send(browser: Browser, form: dict[str, str], text: str = "he sells", **more: object) -> Response:
    answer: Response = browser.client.post("/report", data=form | {"text": text} | more)
    return answer


def test_a_stranger_fills_in_the_box_and_reads_what_became_of_it(hub: Hub, clock: Clock) -> None:
    with browsing(hub) as browser:
        form = _form(browser, "/report?at=v")
        clock.now += AT_LEAST_S
        files = {"photo": ("me.jpg", PHOTO, "text/html")}
        answer = browser.client.post("/report", data=form | {"text": HOSTILE, "place": HOSTILE[:90]}, files=files)
        number = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", answer.text)[0]  # type: ignore[index]
        assert "he sells" not in browser.client.post("/report/answer", data={"number": number}).text
        enrol_person(hub, "lin", Role.OWNER)
        browser.log_in("lin")
        listing = browser.get("/reports").text
        name = re.search(r"/reports/(report-[0-9a-f]+)", listing)[1]  # type: ignore[index]
        seen = browser.get(f"/reports/{name}").text
        assert "<script>alert" not in listing + seen
        assert "&lt;script&gt;alert(1)" in seen
        photo = browser.get(f"/reports/{name}/photo")
        assert (photo.headers["content-type"], photo.headers["x-content-type-options"]) == ("image/jpeg", "nosniff")
        assert "sandbox" in photo.headers["content-security-policy"]
        browser.get(f"/reports/{name}")
        browser.post(f"/reports/{name}", outcome="nothing", answer="looked into")
        assert "looked into" in browser.client.post("/report/answer", data={"number": number}).text


def test_a_program_that_fills_in_everything_is_refused(hub: Hub, clock: Clock) -> None:
    with browsing(hub) as browser:
        form = _form(browser, "/report")
        assert _send(browser, form).status_code == 422, "quicker than anybody types"
        clock.now += AT_LEAST_S
        assert _send(browser, form, website="http://spam").status_code == 422
        assert _send(browser, form | {"stamp": "1.0-" + "0" * 32}).status_code == 422
        other = browser.client.post("/report", data=form | {"text": "x"}, headers={"sec-fetch-site": "cross-site"})
        assert other.status_code == 403
        clock.now += AT_MOST_S + 1
        assert _send(browser, form).status_code == 422, "an old form"
        assert _waiting(hub) == []


def test_who_proposes_from_a_report_is_taken_to_the_entry_and_back(hub: Hub) -> None:
    reports.take(hub, "10.0.0.1", Told("he sells tickets", "gate B", photo=PHOTO))
    (told,) = _waiting(hub)
    enrol_person(hub, "lin", Role.OWNER)
    with browsing(hub) as browser:
        browser.log_in("lin")
        browser.get(f"/reports/{told.report}")
        fields = {"kind": "resident_id", "number": "11010519491231002X", "owner": "Hall", "appeal": "desk 2"}
        entry = browser.post(f"/reports/{told.report}/propose", **fields, answer="")
        assert (entry.status_code, str(entry.url).partition("/watch/entry/")[1]) == (200, "/watch/entry/")
        link = re.search(r'href="(/watch/[^"]+)"', browser.get(f"/reports/{told.report}").text.partition("<main")[2])
        assert link is not None
        assert browser.get(link[1]).status_code == 200


def test_fifty_megabytes_are_refused_at_the_door(hub: Hub, clock: Clock) -> None:
    with browsing(hub) as browser:
        form = _form(browser, "/report")
        clock.now += AT_LEAST_S
        files = {"photo": ("big.jpg", bytes(50 << 20), "image/jpeg")}
        assert browser.client.post("/report", data=form | {"text": "x"}, files=files).status_code == 413
        assert _send(browser, form).status_code == 200


def test_the_poster_leads_to_the_box_of_its_venue(hub: Hub) -> None:
    enrol_person(hub, "su", Role.SUPERVISOR, "o")
    with hub.begin() as connection:
        connection.execute(insert(tables.organisation).values(organisation="p", name="P"))
        connection.execute(insert(tables.venue).values(venue="w", organisation="p", name="W"))
    with browsing(hub) as browser:
        browser.log_in("su")
        page = browser.get("/reports/poster?venue=v").text
        assert "/report?at=v" in page
        assert "<svg" in page
        assert browser.get("/reports/poster?venue=w").status_code == 404


def test_who_may_not_read_reports_does_not(hub: Hub) -> None:
    enrol_person(hub, "au", Role.AUDITOR)
    reports.take(hub, "10.0.0.1", Told("secret"))
    with browsing(hub) as browser:
        assert browser.client.get("/reports", follow_redirects=False).status_code == 303
        browser.log_in("au")
        assert browser.get("/reports").status_code == 403


def test_that_somebody_read_a_report_is_in_the_audit(hub: Hub) -> None:
    reports.take(hub, "10.0.0.1", Told("x", photo=PHOTO))
    (told,) = _waiting(hub)
    with hub.begin() as connection:
        reports.find_report(hub, connection, OWNER, told.report)
        reports.photo_of(hub, connection, OWNER, told.report)
        acts = connection.execute(select(tables.audit.c.act, tables.audit.c.detail)).all()
    assert [act for act, _ in acts] == ["report.seen", "report.photo_seen"]
    assert all(json.loads(detail) == {} for _, detail in acts)


def test_the_kinds_of_documents_are_those_of_persons() -> None:
    assert "ticket_code" not in KINDS
