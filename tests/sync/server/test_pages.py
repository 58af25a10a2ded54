"""The pages over HTTP: who sees what, hostile names, forms of others. On both engines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from models.decision import Profile, Verdict
from models.ids import DocumentType, check_digit
from models.profiles import policy_of
from models.ticket import Entitlement, Ticket, Validity
from models.wire import to_json
from sync.contract import Contact, HeldManifest
from sync.holding import Document, Holding
from sync.server import tables
from sync.server.hub import Hub
from sync.server.import_lock import ImportLock
from sync.server.ingest import take
from sync.server.permissions import Role
from sync.server.publish import publish
from sync.server.site import authority_of
from sync.server.tickets import NewEvent, make_event, put_tickets
from tests.sync.server.pages_client import PASSWORD, Browser, browsing, enrol_person
from tests.sync.server.world import GateBox

EVENT = "gala"
HOSTILE = """<script>alert('x')</script>"&"""
EVENT_PAGES = ("", "/board", "/board/live", "/gates", "/conflicts", "/report")


def number(serial: int) -> str:
    stem = f"11010519491{serial:06d}"
    return stem + check_digit(stem)


def holding(name: str, serial: int, seat: str = HOSTILE) -> Holding:
    ticket = Ticket(name, Entitlement(EVENT, seat=seat), Validity(1.0, 4e9), bound_at=0.5, masked_name="王*")
    return Holding(ticket, (Document(DocumentType.RESIDENT_ID, number(serial)),))


@pytest.fixture
def house(hub: Hub, tmp_path: Path) -> Iterator[GateBox]:
    """An event with a hostile name, four tickets and a gate; one person of each role, and one of another house."""
    with hub.begin() as connection:
        connection.execute(insert(tables.site).values(one=1, name="hall", made_at=0.0))
        for name in ("o", "other"):
            connection.execute(insert(tables.organisation).values(organisation=name, name=name))
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name=HOSTILE))
        new = NewEvent("o", "v", HOSTILE, hub.clock(), hub.clock() + 9000, policy_of(Profile.CARD, EVENT))
        make_event(hub, connection, "server", new)
        put_tickets(hub, connection, "server", EVENT, [holding(f"T/{n}", n) for n in range(3)])
        put_tickets(hub, connection, "server", EVENT, [holding(HOSTILE, 3, "A1")])
    authority_of(hub)
    for role in Role:
        enrol_person(hub, role.value, role, None if role is Role.OWNER else "o")
    enrol_person(hub, "stranger", Role.ORGANISER, "other")
    gate = GateBox(hub, tmp_path, "G1", EVENT)
    with hub.begin() as connection:
        key = {"device_key": bytes(31) + b"\x09"}
        connection.execute(update(tables.device).where(tables.device.c.device == gate.device).values(**key))
    yield gate
    gate.ledger.close()


@pytest.fixture
def browser(hub: Hub, house: GateBox) -> Iterator[Browser]:
    with browsing(hub) as made:
        yield made


@pytest.fixture
def owner(browser: Browser) -> Browser:
    browser.log_in("owner")
    return browser


def upload(hub: Hub, gate: GateBox) -> None:
    with hub.begin() as connection:
        take(hub, connection, gate.device, gate.name, gate.batch())


def acts(hub: Hub) -> list[str]:
    with hub.begin() as connection:
        return list(connection.execute(select(tables.audit.c.act).order_by(tables.audit.c.seq)).scalars())


# --- who ------------------------------------------------------------------------------------------------------------


def test_whoever_is_not_logged_in_is_taken_to_do_so(browser: Browser) -> None:
    for path in ("/", "/events", f"/events/{EVENT}", "/devices", "/audit"):
        answer = browser.client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/log-in")


def test_whoever_goes_astray_sees_a_page_and_a_program_a_problem(browser: Browser, owner: Browser) -> None:
    look = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path in ("/no/such/place", "/events/x/nothing", "/log-out"):
        answer = browser.get(path, headers=look)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (404, "text/html")
        assert "此地址没有内容" in answer.text
    assert browser.get("/v1/nothing", headers=look).json()["code"] == "http"
    assert browser.get("/no/such/place", headers={"accept": "*/*"}).json()["code"] == "http"


def test_a_wrong_password_says_nothing_of_the_account(browser: Browser) -> None:
    wrong = [browser.client.post("/log-in", data={"account": name, "password": "x"}) for name in ("owner", "nobody")]
    assert [answer.status_code for answer in wrong] == [401, 401]
    assert wrong[0].text.replace("owner", "") == wrong[1].text.replace("nobody", "")


def test_logging_in_leads_to_no_other_site(browser: Browser) -> None:
    fields = {"account": "owner", "password": PASSWORD, "next": "//evil.example/"}
    answer = browser.client.post("/log-in", data=fields, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_another_sites_page_logs_nobody_in(browser: Browser) -> None:
    fields = {"account": "owner", "password": PASSWORD}
    answer = browser.client.post("/log-in", data=fields, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_logging_out_ends_it(owner: Browser) -> None:
    owner.post("/log-out")
    assert owner.get("/events").url.path == "/log-in"


@pytest.mark.parametrize(
    ("role", "refused"),
    [
        ("owner", set()),
        ("organiser", {"/audit"}),
        ("supervisor", {"/audit", "/tickets", "/import"}),
        ("auditor", {"/tickets", "/import"}),
        ("stranger", {"/audit", "/tickets", "/import", *EVENT_PAGES}),
    ],
)
def test_each_role_sees_its_pages(browser: Browser, role: str, refused: set[str]) -> None:
    browser.log_in(role)
    pages = {f"/events/{EVENT}{part}": part for part in (*EVENT_PAGES, "/tickets", "/import")}
    pages |= {"/events": "/events", "/devices": "/devices", "/audit": "/audit"}
    said = {part: browser.get(path).status_code for path, part in pages.items()}
    assert {part for part, status in said.items() if status != 200} == refused
    assert set(said.values()) <= {200, 403, 404}


@pytest.mark.parametrize("role", ["auditor", "supervisor"])
def test_who_may_only_look_changes_nothing(browser: Browser, hub: Hub, role: str) -> None:
    browser.log_in(role)
    before = acts(hub)
    for path in ("/publish", "/tickets", "/ticket/revoke", "/ticket/resell", "/import"):
        assert browser.post(f"/events/{EVENT}{path}", why="because", sure="yes").status_code == 403
    assert browser.post("/events").status_code == 403
    assert acts(hub) == before


CHANGES = (
    f"/events/{EVENT}/publish",
    f"/events/{EVENT}/tickets",
    f"/events/{EVENT}/ticket/revoke",
    f"/events/{EVENT}/ticket/resell",
    f"/events/{EVENT}/import",
    f"/events/{EVENT}/conflicts/1",
    "/events",
    "/devices",
    "/devices/gate-G1/assign",
    "/devices/gate-G1/revoke",
    "/devices/gate-G1/trust",
    "/log-out",
)


@pytest.mark.parametrize("token", ["", "guessed"])
def test_without_the_sessions_token_no_form_does_anything(owner: Browser, hub: Hub, token: str) -> None:
    before = acts(hub)
    assert {path: owner.post(path, csrf=token, sure="yes").status_code for path in CHANGES} == dict.fromkeys(
        CHANGES, 403
    )
    assert acts(hub) == before


# --- what -----------------------------------------------------------------------------------------------------------


def test_hostile_names_are_text_everywhere(owner: Browser, hub: Hub, house: GateBox) -> None:
    house.passes(HOSTILE)
    house.decide(Verdict.DENY, HOSTILE)
    upload(hub, house)
    name = {"name": HOSTILE}
    pages = [owner.get(f"/events/{EVENT}{part}") for part in (*EVENT_PAGES, "/tickets", "/import")]
    pages += [owner.get(path) for path in ("/events", "/devices", "/devices/gate-G1", "/audit")]
    pages += [owner.get(f"/events/{EVENT}/ticket", params=name)]
    pages += [owner.post(f"/events/{EVENT}/tickets", by="ticket", what=HOSTILE, why=HOSTILE)]
    for page in pages:
        assert page.status_code == 200, page.url
        assert "<script>alert" not in page.text
        assert "<b>owner" not in page.text
    assert "&lt;script&gt;" in pages[-1].text


def test_what_the_gates_hold_is_put_beside_what_was_issued(owner: Browser, hub: Hub, house: GateBox) -> None:
    owner.get(f"/events/{EVENT}")
    answer = owner.post(f"/events/{EVENT}/publish")
    assert answer.url.query == b"done=published"
    with hub.begin() as connection:
        issued = connection.execute(select(tables.bundle)).one()
    for digest, says in ((issued.digest, "与签发一致"), ("00" * 32, "不一致")):
        contact = Contact(hub.clock(), manifest=HeldManifest(EVENT, issued.version, digest, issued.tickets))
        with hub.begin() as connection:
            values = {"last_contact_at": hub.clock(), "contact": to_json(contact).decode()}
            connection.execute(update(tables.device).values(**values))
        assert says in owner.get(f"/events/{EVENT}/gates").text


def test_two_do_not_publish_one_event_at_once(owner: Browser, hub: Hub) -> None:
    owner.get(f"/events/{EVENT}")
    lock = ImportLock(hub, f"publish-{EVENT.encode().hex()}")
    answer = owner.post(f"/events/{EVENT}/publish")
    lock.release()
    assert (answer.status_code, "他人正在发布此场次" in answer.text) == (409, True)
    assert owner.post(f"/events/{EVENT}/publish").url.query == b"done=published"


def test_quiet_is_told_from_dead(owner: Browser, hub: Hub, clock: Callable[[], float]) -> None:
    for passed, says in ((29.0, "空闲"), (31.0, "失联")):
        with hub.begin() as connection:
            connection.execute(update(tables.device).values(last_contact_at=hub.clock() - passed))
        assert says in owner.get(f"/events/{EVENT}/gates").text


def test_a_quiet_gate_whose_camera_does_not_answer_is_no_quiet_gate(owner: Browser, hub: Hub) -> None:
    at = hub.clock()
    for contact, says in (
        (Contact(at, asked_at=at, proved_at=at, proved=True), ("设备均有应答", "空闲：暂无观众", "自检通行正常")),
        (Contact(at, asked_at=at, silent=("camera",), proved_at=at), ("无人通过，且有设备无应答", "自检通行失败")),
    ):
        with hub.begin() as connection:
            values = {"last_contact_at": at, "contact": to_json(contact).decode()}
            connection.execute(update(tables.device).values(**values))
        page = owner.get(f"/events/{EVENT}/gates").text
        assert all(words in page for words in says)
    assert "camera 无应答" in owner.get(f"/events/{EVENT}/board").text


def test_what_breaks_a_rule_is_shown_and_not_published(owner: Browser, hub: Hub) -> None:
    with hub.begin() as connection:
        policy = to_json(replace(policy_of(Profile.CONCERT, EVENT), bound_before_s=None)).decode()
        connection.execute(update(tables.event).values(policy=policy))
        put_tickets(hub, connection, "server", EVENT, [holding("T9", 1)])
    answer = owner.post(f"/events/{EVENT}/publish")
    assert "一证一票：门票 T/1 和 T9 的居民身份证相同" in answer.text
    with hub.begin() as connection:
        assert connection.execute(select(tables.bundle)).all() == []


def test_a_ticket_is_found_by_its_document_with_a_reason_and_shown_masked(owner: Browser, hub: Hub) -> None:
    answer = owner.post(f"/events/{EVENT}/tickets", by="resident_id", what=number(1).lower(), why="at the desk")
    assert "T/1" in answer.text
    assert "T/2" not in answer.text
    page = owner.get(f"/events/{EVENT}/ticket", params={"name": "T/1"})
    assert "王*" in page.text
    assert number(1) not in page.text + answer.text
    with hub.begin() as connection:
        details = "".join(connection.execute(select(tables.audit.c.detail)).scalars())
    assert "at the desk" in details
    assert number(1) not in details


def test_without_a_reason_nobody_is_looked_up(owner: Browser) -> None:
    assert owner.post(f"/events/{EVENT}/tickets", by="ticket", what="T/1", why=" ").status_code == 422


def test_a_revocation_goes_out_at_once(owner: Browser, hub: Hub) -> None:
    publish(hub, "server", EVENT)
    assert owner.post(f"/events/{EVENT}/ticket/revoke", name="T/1", why="refund").status_code == 422  # not ticked
    answer = owner.post(f"/events/{EVENT}/ticket/revoke", name="T/1", why="refund", sure="yes")
    assert answer.status_code == 200
    with hub.begin() as connection:
        assert connection.execute(select(tables.ticket.c.ticket).where(tables.ticket.c.status == "revoked")).all()
        assert connection.execute(select(tables.bundle.c.kind).order_by(tables.bundle.c.version)).scalars().all() == [
            "base",
            "delta",
        ]


def test_a_seat_is_sold_anew(owner: Browser, hub: Hub) -> None:
    new = {"ticket": "N1", "holder": "赵丽丽", "kind": "resident_id", "number": number(77)}
    answer = owner.post(f"/events/{EVENT}/ticket/resell", name="T/1", why="refund", sure="yes", **new)
    assert answer.status_code == 200
    assert "N1" in answer.text
    assert "赵丽丽" not in answer.text
    with hub.begin() as connection:
        seats = connection.execute(select(tables.ticket.c.seat).where(tables.ticket.c.ticket == "N1")).scalar()
    assert seats == HOSTILE


def test_a_conflict_is_settled_with_a_finding_once(browser: Browser, hub: Hub, house: GateBox, tmp_path: Path) -> None:
    browser.log_in("supervisor")
    other = GateBox(hub, tmp_path, "G2", EVENT)
    for gate in (house, other):
        gate.passes("T/1")
        upload(hub, gate)
    other.ledger.close()
    page = browser.get(f"/events/{EVENT}/conflicts").text
    assert page.index("G1") < page.index("G2")
    with hub.begin() as connection:
        nth = connection.execute(select(tables.conflict.c.conflict)).scalar_one()
    path = f"/events/{EVENT}/conflicts/{nth}"
    assert browser.post(path, finding="").status_code == 422
    assert "后来者为他人" in browser.post(path, finding="holder_first", words="row 3").text
    assert browser.post(path, finding="gate_error").status_code == 404
    with hub.begin() as connection:
        row = connection.execute(select(tables.conflict)).one()
    assert (row.state, row.settled_by, row.finding, row.words) == ("settled", "supervisor", "holder_first", "row 3")


def test_a_code_is_shown_once_with_a_picture_and_a_fingerprint(owner: Browser, hub: Hub) -> None:
    page = owner.post("/devices", name="南门 <b>", kind="gate", venue="v").text
    assert "<svg" in page
    assert authority_of(hub).fingerprint[:4] in page
    assert "南门 <b>" not in page


def test_a_device_is_barred_and_its_wipe_awaited(owner: Browser, hub: Hub) -> None:
    assert "not" not in owner.post("/devices/gate-G1/revoke", sure="yes").headers.get("location", "")
    assert "尚未确认销毁票表" in owner.get("/devices/gate-G1").text
    with hub.begin() as connection:
        connection.execute(update(tables.device).values(wiped_at=hub.clock()))
    assert "已销毁票表" in owner.get("/devices/gate-G1").text


def test_a_forked_ledger_is_shown_line_by_line_and_trusted_again(owner: Browser, hub: Hub, house: GateBox) -> None:
    house.passes("T/1")
    upload(hub, house)
    epoch, line = house.ledger.epoch, house.batch().lines[0]
    odd = to_json(replace(line, hash="ab" * 32)).decode()
    with hub.begin() as connection:
        values = {"device": "gate-G1", "epoch": epoch, "seq": 1, "hash": b"\xab" * 32, "line": odd, "at": 1.0}
        connection.execute(insert(tables.fork).values(**values))
        connection.execute(update(tables.ledger).values(state="forked"))
    page = owner.get("/devices/gate-G1").text
    assert "abab abab" in page
    assert line.hash[:4] in page
    assert owner.post("/devices/gate-G1/trust", epoch=epoch).status_code == 422
    assert owner.post("/devices/gate-G1/trust", epoch=epoch, sure="yes").status_code == 200
    house.passes("T/2")
    upload(hub, house)
    assert "ledger.trusted" in acts(hub)


def test_the_other_box_is_believed_for_a_reason(owner: Browser, hub: Hub, house: GateBox) -> None:
    house.passes("T/1")
    upload(hub, house)
    epoch, line = house.ledger.epoch, house.batch().lines[0]
    odd = to_json(replace(line, hash="ab" * 32)).decode()
    with hub.begin() as connection:
        values = {"device": "gate-G1", "epoch": epoch, "seq": 1, "hash": b"\xab" * 32, "line": odd, "at": 1.0}
        connection.execute(insert(tables.fork).values(**values))
        connection.execute(update(tables.ledger).values(state="forked"))
    wish = {"epoch": epoch, "side": "other", "sure": "yes"}
    assert owner.post("/devices/gate-G1/trust", **wish, why="").status_code == 422
    assert owner.post("/devices/gate-G1/trust", **wish, why="the card was copied").status_code == 200
    with hub.begin() as connection:
        assert connection.execute(select(tables.entry)).all() == []


def test_a_gate_is_assigned(owner: Browser, hub: Hub) -> None:
    owner.post("/devices/gate-G1/assign", event="")
    with hub.begin() as connection:
        assert connection.execute(select(tables.device.c.event)).scalar() is None
    owner.post("/devices/gate-G1/assign", event=EVENT)
    with hub.begin() as connection:
        assert connection.execute(select(tables.device.c.event)).scalar() == EVENT


def test_an_event_is_made(owner: Browser, hub: Hub) -> None:
    fields = {"name": "新春", "event": "spring", "venue": "v", "profile": "concert"}
    answer = owner.post("/events", **fields, begins="2026-06-01T19:30", ends="2026-06-01T22:00")
    assert (answer.status_code, answer.url.path) == (200, "/events/spring")
    with hub.begin() as connection:
        begins = select(tables.event.c.begins_at).where(tables.event.c.event == "spring")
        assert connection.execute(begins).scalar() == 1_780_313_400.0
    assert owner.post("/events", **fields, begins="soon", ends="later").status_code == 422


def test_the_board_says_what_happened(owner: Browser, hub: Hub, house: GateBox) -> None:
    for ticket in ("T/0", "T/1"):
        house.passes(ticket, at=hub.clock() - 61)
    house.decide(Verdict.DENY, "T/2", at=hub.clock() - 61)
    upload(hub, house)
    page = owner.get(f"/events/{EVENT}/board/live").text
    assert "33.3%" in page
    assert "人脸不符" in page
    assert '<rect class="bar"' in page


def test_both_languages_by_switch_account_and_browser(browser: Browser, hub: Hub) -> None:
    assert 'lang="en"' in browser.get("/log-in", headers={"accept-language": "fr, en-GB;q=0.8, zh;q=0.2"}).text
    assert 'lang="zh-CN"' in browser.get("/log-in", headers={"accept-language": "fr"}).text
    browser.log_in("owner")
    assert "场次" in browser.get("/events", headers={"accept-language": "en"}).text
    assert "Events" in browser.get("/language/en?next=/events").text
    assert browser.get("/language/xx?next=//evil.example").url.path == "/events"


def test_another_language_shows_the_same_page(owner: Browser) -> None:
    page = owner.get(f"/events/{EVENT}/ticket", params={"name": "T/1"}).text
    link = re.search(r'href="(/language/en[^"]+)"', page)
    assert link is not None
    assert "Revoke this ticket" in owner.get(link[1]).text


def test_the_report_is_a_spreadsheet_and_a_pdf_and_names_nobody(owner: Browser, hub: Hub, house: GateBox) -> None:
    house.passes("T/1")
    upload(hub, house)
    sheet = owner.get(f"/events/{EVENT}/report.csv")
    assert sheet.content.startswith(b"\xef\xbb\xbf")
    assert "已入场门票,1\r\n" in sheet.text
    assert "王" not in sheet.text
    assert owner.get(f"/events/{EVENT}/report.pdf").content.startswith(b"%PDF-")


def test_files_are_those_that_pages_need(browser: Browser) -> None:
    assert browser.get("/static/page.css").headers["content-type"].startswith("text/css")
    for name in ("../tables.py", "..%2Ftables.py", "nothing"):
        assert browser.get(f"/static/{name}").status_code == 404


def test_no_page_has_a_script_or_style_within(owner: Browser) -> None:
    """The content security policy forbids both; what it forbids would silently not work."""
    for path in (f"/events/{EVENT}", f"/events/{EVENT}/board", "/devices", "/audit", f"/events/{EVENT}/tickets"):
        answer = owner.get(path)
        assert "style=" not in answer.text
        assert " onclick" not in answer.text
        assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_uses_of_a_conflict_are_json_that_pages_read(hub: Hub, house: GateBox) -> None:
    house.passes("T/1")
    house.passes("T/1")
    upload(hub, house)
    with hub.begin() as connection:
        uses = json.loads(connection.execute(select(tables.conflict.c.uses)).scalar_one())
    assert {"gate", "device", "at", "direction", "passage"} <= set(uses[0])
