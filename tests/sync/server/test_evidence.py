"""Cases as files that prove themselves: gathered on both engines, proved with public keys alone."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from models.decision import Decision, Facts, Reason, Verdict
from models.ids import DocumentType
from models.ledger import EntryKind
from models.passage import Direction
from models.record import DecisionBody
from models.store.vault import DeviceKey
from models.watch import HitMeans, WatchAction, WatchDone, WatchPurpose, WatchState, WatchTaken
from sync import evidence
from sync.holding import Document
from sync.server import tables
from sync.server.evidence import export, for_visitor
from sync.server.evidence_lines import lines_of_ticket, prove
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.pages.words import words_in
from sync.server.permissions import Person, Role
from sync.server.problems import Refused
from sync.server.watch_entries import propose
from sync.server.watch_evidence import attach
from sync.server.watch_items import project
from sync.server.watch_rules import Proposal
from sync.server.watch_tables import watch_entry
from tests.sync.server.pages_client import browsing, enrol_person
from tests.sync.server.world import NIGHT, SHOW, GateBox, hall

NUMBER = "11010519491231002X"
OWNER = Person("lin", "Lin", Role.OWNER, None, "zh")


@pytest.fixture
def gate(hub: Hub, tmp_path: Path) -> GateBox:
    """A gate where "T1" came in twice, among others, and once was refused; sealed after all of that."""
    hall(hub)
    gate = GateBox(hub, tmp_path, "G1")
    for ticket in ("T0", "T1", "T10", "T2"):
        gate.passes(ticket)
    gate.decide(Verdict.REFER, "T1")
    gate.passes("T1")
    gate.passes("T3")
    gate.ledger.checkpoint(1.0)
    gate.passes("T1", Direction.EXIT)
    _send(hub, gate)
    return gate


def _send(hub: Hub, gate: GateBox) -> None:
    with hub.begin() as connection:
        take(hub, connection, gate.device, gate.name, gate.batch())


def _keys(hub: Hub, gate: GateBox) -> tuple[set[str], set[str]]:
    site = hub.issuer_key.public_key().public_bytes_raw().hex()
    return {site}, {gate.key.public_key().public_bytes_raw().hex()}


def test_a_tickets_case_is_proved_by_the_sites_and_the_gates_keys(hub: Hub, gate: GateBox) -> None:
    handed = export(hub, OWNER, f"ticket:{SHOW}/T1", "police, case 12")
    proven = evidence.verify(handed.content, *_keys(hub, gate))
    assert proven.whole
    told = [line for excerpt in proven.record.excerpts for line in excerpt.shown]
    assert all('"ticket":"T1"' in line.body for line in told)
    assert [line.kind for line in told].count("decision") == 3
    assert [one["verdict"] for one in proven.record.facts["decisions"]] == ["admit", "refer", "admit", "admit"]


def test_nobody_elses_lines_are_shown(hub: Hub, gate: GateBox) -> None:
    """T10 begins as T1 does, and stands between its lines."""
    text = zipfile.ZipFile(BytesIO(export(hub, OWNER, f"ticket:{SHOW}/T1", "police").content)).read("evidence.json")
    assert b"T10" not in text
    assert b"person of T2" not in text


def test_a_line_without_a_seal_behind_it_is_named_and_not_claimed(hub: Hub, gate: GateBox) -> None:
    assert export(hub, OWNER, f"ticket:{SHOW}/T1", "police").unsealed == 1
    gate.ledger.checkpoint(2.0)
    _send(hub, gate)
    handed = export(hub, OWNER, f"ticket:{SHOW}/T1", "police")
    assert handed.unsealed == 0
    shown = sum(len(one.shown) for one in evidence.verify(handed.content, *_keys(hub, gate)).record.excerpts)
    assert shown == 4


def test_lines_far_apart_are_proved_by_a_seal_each(hub: Hub, gate: GateBox) -> None:
    with hub.begin() as connection:
        places = lines_of_ticket(connection, SHOW, "T1")
        lines = prove(connection, places)
    assert len(lines.excerpts) == 1
    gate.ledger.checkpoint(2.0)
    _send(hub, gate)
    with hub.begin() as connection:
        assert len(prove(connection, places).excerpts) == 2


def test_who_handed_it_out_and_why_is_in_the_audit_and_in_the_next_file(hub: Hub, gate: GateBox) -> None:
    handed = export(hub, OWNER, f"ticket:{SHOW}/T1", "police")
    with hub.begin() as connection:
        act = connection.execute(select(tables.audit).where(tables.audit.c.act == "evidence.exported")).one()
    assert (act.actor, json.loads(act.detail)["sha256"]) == ("lin", handed.sha256)
    again = evidence.verify(export(hub, OWNER, f"ticket:{SHOW}/T1", "court").content)
    assert [(one.actor, one.act) for one in again.record.seen] == [("lin", "evidence.exported")]


def test_a_case_sealed_for_a_court_opens_there_alone(hub: Hub, gate: GateBox, tmp_path: Path) -> None:
    court = DeviceKey.make(tmp_path / "court.key")
    handed = export(hub, OWNER, f"ticket:{SHOW}/T1", "court", receiver=court.public)
    assert b"evidence.json" not in handed.content
    assert evidence.verify(evidence.unseal(handed.content, court), *_keys(hub, gate)).whole


def test_the_holders_report_shows_her_story_and_proves_it_without_a_body(hub: Hub, gate: GateBox) -> None:
    handed = for_visitor(hub, OWNER, SHOW, "T1", "she asked", [words_in("zh"), words_in("en")])
    proven = evidence.verify(handed.content, *_keys(hub, gate))
    assert proven.whole
    assert proven.lines == 0
    with zipfile.ZipFile(BytesIO(handed.content)) as archive:
        assert archive.read("files/001-report.pdf").startswith(b"%PDF")
        assert b"person of" not in archive.read("evidence.json")


def test_a_line_that_was_changed_at_the_server_convinces_nobody(hub: Hub, gate: GateBox) -> None:
    with hub.begin() as connection:
        row = tables.entry
        first = connection.execute(select(row.c.body).where(row.c.seq == 3)).scalar_one()
        changed = first.replace("admit", "deny ")
        connection.execute(row.update().where(row.c.seq == 3).values(body=changed))
    with pytest.raises(evidence.EvidenceRefused, match="sealed"):
        evidence.verify(export(hub, OWNER, f"ticket:{SHOW}/T1", "police").content)


@pytest.mark.parametrize(
    ("case", "why", "code"),
    [
        ("ticket:show/T9", "police", "no_such_ticket"),
        ("ticket:nothing/T1", "police", "no_such_event"),
        ("ticket:show", "police", "no_such_case_kind"),
        ("person:li", "police", "no_such_case_kind"),
        ("entry:w-none", "police", "no_such_watch_entry"),
        ("ticket:show/T1", "  ", "no_reason"),
    ],
)
def test_what_is_no_case_is_refused(hub: Hub, gate: GateBox, case: str, why: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        export(hub, OWNER, case, why)
    assert refused.value.code == code


def test_another_organisations_case_is_nobodys_business(hub: Hub, gate: GateBox) -> None:
    with hub.begin() as connection:
        connection.execute(insert(tables.organisation).values(organisation="p", name="P"))
    with pytest.raises(Refused):
        export(hub, Person("wu", "Wu", Role.OWNER, "p", "zh"), f"ticket:{SHOW}/T1", "curious")


def test_the_file_is_small_and_made_of_plain_parts(hub: Hub, gate: GateBox) -> None:
    """So that a court can read it with what every machine has."""
    with zipfile.ZipFile(BytesIO(export(hub, OWNER, f"ticket:{SHOW}/T1", "police").content)) as archive:
        assert sorted(archive.namelist()) == ["evidence.json", "evidence.sig"]
        record = json.loads(archive.read("evidence.json"))
    assert record["case"] == "ticket:show/T1"


def test_people_get_it_from_their_page(hub: Hub, gate: GateBox) -> None:
    enrol_person(hub, "lin", Role.OWNER)
    enrol_person(hub, "su", Role.SUPERVISOR, "o")
    with browsing(hub) as browser:
        browser.log_in("lin")
        assert f"ticket:{SHOW}/T1" in browser.get("/evidence", params={"case": f"ticket:{SHOW}/T1"}).text
        answer = browser.post("/evidence", case=f"ticket:{SHOW}/T1", why="asked by the police", receiver="")
        assert evidence.verify(answer.content, *_keys(hub, gate)).whole
        wrong = browser.post("/evidence", case=f"ticket:{SHOW}/T1", why="asked by the police", receiver="12")
        assert wrong.status_code == 422
        browser.log_in("su")
        assert browser.get("/evidence").status_code == 403
        browser.get(f"/events/{SHOW}/seat", params={"ticket": "T1"})
        report = browser.post(f"/events/{SHOW}/ticket/report", name="T1", why="she asked for it")
        assert evidence.verify(report.content, *_keys(hub, gate)).record.files[0].media_type == "application/pdf"


@pytest.fixture
def entry(hub: Hub, gate: GateBox) -> str:
    """An entry with a page of evidence, which the gate has met; the line of that is sealed."""
    document = Document(DocumentType.RESIDENT_ID, NUMBER)
    wish = Proposal("Hall", WatchPurpose.SCALPING, WatchAction.REVIEW, "desk 2", document=document)
    with hub.begin() as connection:
        name = propose(hub, connection, "wu", None, wish)
        attach(hub, connection, OWNER, name, "判决书.txt", "text/plain", b"a page of a judgement")
        there = watch_entry.c.entry == name
        connection.execute(update(watch_entry).where(there).values(state=WatchState.APPROVED))
        project(hub, connection, name)
    taken = WatchTaken(name, 1, HitMeans.DOCUMENT, 0.0, WatchDone.CLEARED, "su")
    word = Decision(Verdict.ADMIT, Reason.OK, ticket="T2")
    body = DecisionBody(99, Facts("G1"), word, NIGHT, watch=(taken,))
    gate.ledger.append(EntryKind.DECISION, body, NIGHT)
    gate.ledger.checkpoint(3.0)
    _send(hub, gate)
    return name


def test_an_entrys_case_has_its_hits_proved_and_its_evidence_and_no_person(hub: Hub, gate: GateBox, entry: str) -> None:
    handed = export(hub, OWNER, f"entry:{entry}", "police, case 13")
    proven = evidence.verify(handed.content, *_keys(hub, gate))
    assert proven.whole
    facts = proven.record.facts
    assert (facts["state"], facts["owner"], proven.lines) == ("active", "Hall", 1)
    assert [(hit["done"], hit["by"]) for hit in facts["hits"]] == [("cleared", "su")]
    (attached,) = proven.record.files
    with zipfile.ZipFile(BytesIO(handed.content)) as archive:
        assert archive.read(attached.name) == b"a page of a judgement"
        assert NUMBER.encode() not in archive.read("evidence.json")
    assert any(seen.act == "watch.evidence_read" for seen in proven.record.seen)


def test_whom_an_entry_names_is_told_where_that_is_asked_for(hub: Hub, gate: GateBox, entry: str) -> None:
    handed = export(hub, OWNER, f"entry:{entry}", "police, case 13", with_person=True)
    facts = evidence.verify(handed.content).record.facts
    assert facts["document"] == {"kind": "resident_id", "number": NUMBER}
