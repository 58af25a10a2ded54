"""An evening at the page, in a real browser, with a real server and a gate that signs what it sends."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import openpyxl  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.decision import Decision, Facts, LookupFacts, Reason, Verdict
from models.ids import check_digit
from models.ledger import EntryKind
from models.passage import Direction, Passage
from models.record import DecisionBody, PassageBody
from models.store.ledger_db import Ledger, Release, Settlement
from models.store.vault import DeviceKey
from models.ticket import ManifestState
from models.wire import to_json
from sync.push import next_batch
from sync.signing import Signer
from tests.chromium import Chromium, chromium, programs
from tests.sync.server.album import Album
from tests.sync.server.test_process import Running

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(programs() is None, reason="Chromium is not installed here (Debian: chromium, chromium-driver)"),
]
PASSWORD = "a horse in the rain"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path / "hub", "--site", "hall")
    yield made
    made.stop()


def test_an_evening(server: Running, tmp_path: Path) -> None:
    with server.client() as api, chromium(tmp_path / "profile") as browser:
        album = Album(browser, tmp_path)
        open_house(api, server)
        log_in(browser, server)
        import_tickets(browser, tmp_path, album)
        gate = enrol_gate(browser, api, tmp_path, album)
        publish(browser, album)
        gate.admits("T1")
        watch(browser, server)
        gate.admits("T1")
        settle(browser, server, album)
        revoke(browser, server, album)
        change_rules(browser, server, album)
        hand_out_account(browser, server, album)
        gate.ledger.close()
        assert browser.errors() == []
        assert album.faults == []


def open_house(api: httpx.Client, server: Running) -> None:
    """The first owner, a venue, and an event in English."""
    said = {"code": server.told["setup_code"], "password": PASSWORD, "account": "olga", "name": "Olga"}
    api.post("/v1/account-code", json=said).raise_for_status()
    me = api.post("/v1/log-in", json={"account": "olga", "password": PASSWORD}).json()
    headers = {"Menshen-CSRF": me["csrf"]}
    api.post("/v1/admin/organisations/o", json={"name": "O"}, headers=headers).raise_for_status()
    api.post("/v1/admin/venues/v", json={"name": "V", "organisation": "o"}, headers=headers).raise_for_status()
    event = {"event": "gala", "venue": "v", "name": "Gala", "profile": "card"}
    times = {"begins_at": time.time(), "ends_at": time.time() + 7200}
    api.post("/v1/admin/events", json=event | times, headers=headers).raise_for_status()


def log_in(browser: Chromium, server: Running) -> None:
    browser.open(f"{server.url}/language/en?next=/events/gala")
    browser.fill("#account", "olga")
    browser.fill("#password", PASSWORD)
    browser.click(".card button")
    assert "Nothing has been published yet." in browser.wait_for("Gala")


def import_tickets(browser: Chromium, folder: Path, album: Album) -> None:
    """Three bad rows are named one by one; the corrected file goes in."""
    upload(browser, write_table(folder / "bad.xlsx", bad=3))
    text = browser.wait_for("Rows that need a correction")
    assert [f"Row {row}" in text for row in (2, 3, 4, 5)] == [False, True, True, True]
    upload(browser, write_table(folder / "good.xlsx", bad=0))
    browser.wait_for("What the import will change")
    album.here("walk-import")
    browser.click(".buttons form .button")
    browser.wait_for("The import is written")


def upload(browser: Chromium, table: Path) -> None:
    browser.click('.tabs a[href$="/import"]')
    browser.fill("#file", str(table))
    browser.click("form[enctype] .button")


def write_table(path: Path, bad: int) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["ticket", "name", "number", "not_before", "not_after", "seat"])
    now = datetime.now(UTC)
    times = [(now + timedelta(hours=hours)).isoformat(timespec="seconds") for hours in (-1, 3)]
    for serial in range(6):
        stem = f"11010519491{serial:06d}"
        number = stem + ("?" if 1 <= serial <= bad else check_digit(stem))
        sheet.append([f"T{serial}", "王小明", number, *times, f"A{serial}"])
    book.save(path)
    return path


class Gate:
    """What a gate sends, signed with the key that it was enrolled with."""

    def __init__(self, api: httpx.Client, folder: Path, code: str) -> None:
        self.api, self.key, self.attempt, self.sent = api, Ed25519PrivateKey.generate(), 0, 0
        self.ledger = Ledger.open(folder / "ledger.db", self.key, gate="G1", clock=time.time)
        keys = self.key.public_key().public_bytes_raw(), DeviceKey.make(folder / "device.key").public
        asked = {"code": code, "name": "G1", "signing_key": keys[0].hex(), "device_key": keys[1].hex()}
        answer = api.post("/v1/enrol", json=asked)
        answer.raise_for_status()
        self.signer = Signer("hall", answer.json()["device"], self.key, time.time)

    def admits(self, ticket: str) -> None:
        """Somebody comes in; the lines go to the server."""
        self.attempt += 1
        now = time.time()
        facts = Facts("G1", lookup=LookupFacts(ManifestState("gala", 1, now - 60, now + 7200)))
        body = DecisionBody(self.attempt, facts, Decision(Verdict.ADMIT, Reason.OK, ticket=ticket), now)
        opens = Release(Direction.ENTRY, ticket, "a person")
        line = self.ledger.append(EntryKind.DECISION, body, now, opens=opens).seq
        ended = PassageBody(self.attempt, Passage.PASSED, ticket=ticket)
        self.ledger.append(EntryKind.PASSAGE, ended, now, settles=Settlement(line, Passage.PASSED))
        batch = to_json(next_batch(self.ledger, self.sent, 500))
        headers = self.signer.headers("POST", "/v1/gate/ledger", batch) | {"Content-Type": "application/json"}
        answer = self.api.post("/v1/gate/ledger", content=batch, headers=headers)
        answer.raise_for_status()
        self.sent = answer.json()["acknowledged"]


def enrol_gate(browser: Chromium, api: httpx.Client, folder: Path, album: Album) -> Gate:
    browser.click('.top a[href="/devices"]')
    browser.fill("#name", "G1")
    browser.click("main form .button")
    browser.wait_for("It is shown only now.")
    album.here("walk-code")
    code = re.search(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", browser.text(".code"))
    assert code is not None
    gate = Gate(api, folder, code[0])
    browser.click('.top a[href="/devices"]')
    browser.click("tbody th a")
    browser.choose("#event", "gala")
    browser.click('form[action$="/assign"] .button')
    browser.wait_for("Assigned.")
    return gate


def publish(browser: Chromium, album: Album) -> None:
    browser.click('.top a[href="/events"]')
    browser.click("tbody th a")
    browser.wait_for("Nothing is against the rules.")
    browser.click('form[action$="/publish"] .button')
    browser.wait_for("Version 1 is out: 6 tickets.")
    album.here("walk-published")


def watch(browser: Chromium, server: Running) -> None:
    browser.open(f"{server.url}/events/gala/board")
    browser.wait_for("Inside\n1")


def settle(browser: Chromium, server: Running, album: Album) -> None:
    """The page that is still open tells of the second one by itself."""
    browser.wait_for("Inside\n2")
    browser.open(f"{server.url}/events/gala/conflicts")
    browser.wait_for("Ticket T1, entry no. 2")
    browser.choose("main select", "holder_first")
    browser.click("main form .button")
    assert "The holder came first" in browser.wait_for("There is no open conflict.")
    album.here("walk-settled")


def revoke(browser: Chromium, server: Running, album: Album) -> None:
    browser.click('.tabs a[href$="/tickets"]')
    browser.choose("#by", "seat")
    browser.fill("#what", "A2")
    browser.fill("#why", "refund at the desk")
    browser.click("main form .button")
    browser.wait_for("Category")
    album.here("walk-found")
    browser.click("tbody th a")
    browser.fill('form[action$="/revoke"] #why', "refund at the desk")
    browser.click('form[action$="/revoke"] input[name="sure"]')
    browser.click('form[action$="/revoke"] .button')
    browser.wait_for("Ticket T2 is revoked")
    album.here("walk-revoked")
    browser.open(f"{server.url}/events/gala")
    assert re.search(r"Issued\s+2\s+6\b", browser.wait_for("Issued"))  # a delta is out: version 2, six tickets


def change_rules(browser: Chromium, server: Running, album: Album) -> None:
    """A rule is changed with the keyboard's own words, and is on its way to the gates."""
    browser.open(f"{server.url}/events/gala/rules")
    browser.choose("#reentry", "timed")
    browser.click('fieldset input[name="claims"]')
    browser.click('form[action$="/rules"] > .button')
    browser.wait_for("on its way to the gates")
    album.here("walk-rules")


def hand_out_account(browser: Chromium, server: Running, album: Album) -> None:
    """A code is handed out; its person chooses a password and sees what supervisors see."""
    browser.open(f"{server.url}/accounts")
    browser.fill("#account", "wang")
    browser.fill("#name", "王五")
    browser.click('form[action="/accounts"] .button')
    browser.wait_for("Code for 王五")
    album.here("walk-account-code")
    code = browser.text(".code")
    browser.click('form[action="/log-out"] button')
    browser.wait_for("I have a code")
    browser.click('a[href="/open-account"]')
    browser.fill("#code", code)
    for field in ("#password", "#again"):
        browser.fill(field, PASSWORD)
    browser.click(".card .button")
    browser.wait_for("The password is set.")
    album.here("walk-opened")
    browser.fill("#account", "wang")
    browser.fill("#password", PASSWORD)
    browser.click(".card button")
    text = browser.wait_for("Gala")
    assert "Accounts" not in text
