"""Alarms: when each is raised, that it stays until it is over and noticed, and who may see it. On both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update
from starlette.testclient import TestClient

from models.wire import to_json
from sync.contract import Contact, HeldManifest
from sync.server import alarms, tables
from sync.server.alarm_rules import (
    BEFORE_S,
    DATA_OLD_S,
    SILENT_S,
    WARN_PERSONS,
    AlarmKind,
    EventFacts,
    GateFacts,
    of_event,
    of_gate,
    of_site,
)
from sync.server.app import make_app
from sync.server.board import Tallied
from sync.server.hub import Hub
from sync.server.ingest import mark_forked, take
from sync.server.permissions import Role
from tests.sync.server.conftest import Clock
from tests.sync.server.organiser import token
from tests.sync.server.pages_client import browsing, enrol_person
from tests.sync.server.world import NIGHT, SHOW, GateBox, hall

NOW = NIGHT + 600.0
WELL = GateFacts(
    "gate-1", "G1", "o", SHOW, NIGHT, NIGHT + 10_000, NOW - 5, Contact(NOW - 5, proved_at=NOW, proved=True)
)


def kinds(gate: GateFacts, now: float = NOW) -> list[str]:
    return [one.kind.value for one in of_gate(gate, now)]


@pytest.mark.parametrize(
    ("gate", "raised"),
    [
        (WELL, []),
        (replace(WELL, contact_at=NOW - SILENT_S - 1), ["device_silent"]),
        (replace(WELL, contact_at=None), ["device_silent"]),
        (replace(WELL, behind_since=NOW - DATA_OLD_S - 1), ["data_old"]),
        (replace(WELL, behind_since=NOW - DATA_OLD_S + 1), []),
        (replace(WELL, forked=True), ["ledger_forked"]),
        (replace(WELL, contact=Contact(NOW, faults=("camera", "disk_low"))), ["disk_low"]),
        (replace(WELL, contact=Contact(NOW, faults=("disk_tight",))), ["disk_tight"]),
        (replace(WELL, contact=Contact(NOW, clock_trusted=False)), ["clock_untrusted"]),
        (replace(WELL, contact=Contact(NOW, proved_at=NOW - 9, proved=False)), ["proof_failed"]),
        (replace(WELL, contact=Contact(NOW)), []),
        (replace(WELL, contact_at=NOW - 300, contact=Contact(0, clock_trusted=False)), ["device_silent"]),
    ],
)
def test_what_is_wrong_with_a_gate_is_found(gate: GateFacts, raised: list[str]) -> None:
    assert kinds(gate) == raised


@pytest.mark.parametrize(
    ("now", "raised"),
    [(NIGHT - BEFORE_S - 1, []), (NIGHT - BEFORE_S, ["device_silent"]), (NIGHT + 10_001, [])],
)
def test_gates_are_missed_only_while_they_have_to_be_there(now: float, raised: list[str]) -> None:
    assert kinds(replace(WELL, contact_at=None), now) == raised
    assert kinds(replace(WELL, contact_at=None, event=""), now) == []


def test_a_share_that_is_too_high_is_an_alarm_of_the_event() -> None:
    minute = int(NOW // 60)
    rows = [Tallied(minute - 1, "d", "admit", "ok", 60), Tallied(minute - 1, "d", "deny", "no_ticket", 20)]
    found = {one.kind: one for one in of_event(EventFacts(SHOW, "Show", "o", rows), NOW)}
    assert set(found) == {AlarmKind.REFUSED, AlarmKind.UNKNOWN}
    assert found[AlarmKind.UNKNOWN].detail == {"name": "Show", "share": 0.25, "limit": 0.03}


def test_eighty_thousand_faces_are_told_of() -> None:
    assert list(of_site(WARN_PERSONS - 1)) == []
    assert [one.kind for one in of_site(WARN_PERSONS)] == [AlarmKind.PERSONS]


# --- kept in the database -------------------------------------------------------------------------------------------


@pytest.fixture
def gate(hub: Hub, clock: Clock, tmp_path: Path) -> Iterator[GateBox]:
    """A gate that serves a show which is on, heard a moment ago."""
    hall(hub)
    clock.now = NOW
    box = GateBox(hub, tmp_path, "G1")
    hears(hub, box, Contact(NOW))
    yield box
    box.ledger.close()


def hears(hub: Hub, gate: GateBox, contact: Contact, at: float = NOW) -> None:
    with hub.begin() as connection:
        connection.execute(
            update(tables.device)
            .where(tables.device.c.device == gate.device)
            .values(last_contact_at=at, contact=to_json(contact).decode())
        )


def rows(hub: Hub) -> list[tuple[str, str, bool]]:
    """Kind, object and whether it is over, as they were raised."""
    table = tables.alarm
    with hub.engine.connect() as connection:
        found = connection.execute(select(table).order_by(table.c.alarm)).all()
    return [(row.kind, row.object, row.ended_at is not None) for row in found]


def acts(hub: Hub) -> list[str]:
    with hub.engine.connect() as connection:
        told = connection.execute(select(tables.audit.c.act).order_by(tables.audit.c.seq)).scalars()
        return [act for act in told if act.startswith("alarm.")]


def test_an_alarm_that_goes_on_is_one_and_one_that_comes_again_is_another(hub: Hub, gate: GateBox) -> None:
    hears(hub, gate, Contact(NOW, clock_trusted=False))
    alarms.look(hub)
    alarms.look(hub)
    assert rows(hub) == [("clock_untrusted", gate.device, False)]
    hears(hub, gate, Contact(NOW))
    alarms.look(hub)
    assert rows(hub) == [("clock_untrusted", gate.device, True)]
    hears(hub, gate, Contact(NOW, clock_trusted=False))
    alarms.look(hub)
    assert rows(hub) == [("clock_untrusted", gate.device, True), ("clock_untrusted", gate.device, False)]
    assert acts(hub) == ["alarm.raised", "alarm.ended", "alarm.raised"]


def test_each_is_found_in_the_rows_of_the_server(hub: Hub, gate: GateBox) -> None:
    gate.passes("T1")
    with hub.begin() as connection:
        connection.execute(
            insert(tables.bundle).values(
                event=SHOW,
                version=2,
                kind="base",
                after=0,
                revision=1,
                digest="d",
                tickets=1,
                size=1,
                file_name="f",
                issued_at=NOW - DATA_OLD_S - 1,
                expires_at=NOW + 9,
                made_by="server",
            )
        )
    hears(hub, gate, Contact(NOW, manifest=HeldManifest(SHOW, 1, "d", 1), faults=("disk_tight",), proved_at=NOW))
    with hub.begin() as connection:
        take(hub, connection, gate.device, gate.name, gate.batch())
        mark_forked(hub, connection, gate.device, gate.ledger.epoch, 1)
    alarms.look(hub)
    assert sorted(kind for kind, _, _ in rows(hub)) == ["data_old", "disk_tight", "ledger_forked", "proof_failed"]
    hears(hub, gate, Contact(NOW, manifest=HeldManifest(SHOW, 2, "d", 1)), NOW - SILENT_S - 1)
    alarms.look(hub)
    going_on = [kind for kind, _, over in rows(hub) if not over]
    assert going_on == ["ledger_forked", "device_silent"]


def test_faces_are_counted_over_all_events(hub: Hub, gate: GateBox, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.begin() as connection:
        for number in range(3):
            connection.execute(
                insert(tables.ticket).values(
                    event=SHOW,
                    ticket=f"T{number}",
                    status="valid",
                    category="standard",
                    has_reference=number > 0,
                    sealed_holding=b"",
                    source="api",
                    revision=1,
                    changed_at=NOW,
                )
            )
        assert alarms.persons_kept(connection) == 2
    monkeypatch.setattr("sync.server.alarm_rules.WARN_PERSONS", 2)
    alarms.look(hub)
    assert rows(hub) == [("persons", "site", False)]


@pytest.fixture
def desk(hub: Hub, gate: GateBox) -> Callable[..., tuple[int, object]]:
    """Requests of a supervisor, or of another `role`."""
    held: dict[Role, dict[str, str]] = {}
    client = TestClient(make_app(hub))  # without its lifespan: nobody looks but the test

    def ask(method: str, path: str, body: object = None, role: Role = Role.SUPERVISOR) -> tuple[int, object]:
        if role not in held:
            held[role] = token(hub, role)
        answer = client.request(method, f"/v1/admin{path}", json=body, headers=held[role])
        return answer.status_code, answer.json() if answer.content else None

    return ask


def test_it_stays_until_it_is_over_and_somebody_took_notice(
    hub: Hub, gate: GateBox, desk: Callable[..., tuple[int, object]]
) -> None:
    hears(hub, gate, Contact(NOW), NOW - 300)
    alarms.look(hub)
    status, told = desk("GET", "/alarms")
    assert (status, [(one["kind"], one["detail"]["name"]) for one in told]) == (200, [("device_silent", "G1")])
    number = told[0]["alarm"]
    hears(hub, gate, Contact(NOW))
    alarms.look(hub)
    assert [one["ended_at"] for one in desk("GET", "/alarms")[1]] == [NOW], "over, and nobody has seen it"
    assert desk("POST", f"/alarms/{number}/notice", {"words": "cable"})[0] == 204
    assert desk("GET", "/alarms") == (200, [])
    assert [one["words"] for one in desk("GET", "/alarms?closed=true")[1]] == ["cable"]
    assert desk("POST", f"/alarms/{number}/notice", {})[0] == 404, "once"
    assert desk("POST", "/alarms/999/notice", {})[0] == 404
    assert acts(hub) == ["alarm.raised", "alarm.ended", "alarm.noticed"]


def test_who_may_look_may_not_always_take_notice(
    hub: Hub, gate: GateBox, desk: Callable[..., tuple[int, object]]
) -> None:
    hears(hub, gate, Contact(NOW), NOW - 300)
    alarms.look(hub)
    assert desk("GET", "/alarms", role=Role.AUDITOR)[0] == 200
    assert desk("POST", "/alarms/1/notice", {}, Role.AUDITOR)[0] == 403


def test_the_page_shows_them_in_both_languages_and_takes_notice(hub: Hub, gate: GateBox) -> None:
    enrol_person(hub, "sup", Role.SUPERVISOR, "o")
    hears(hub, gate, Contact(NOW, faults=("disk_low",)))
    with browsing(hub) as browser:
        alarms.look(hub)
        browser.log_in("sup")
        shown = browser.get("/alarms").text
        assert "闸机存储空间不足" in shown
        assert "G1" in shown
        browser.get("/language/en?next=/alarms")
        assert "storage is short" in browser.get("/alarms/live").text
        browser.get("/alarms")
        browser.post("/alarms/1")
        assert "sup sees to it" in browser.get("/alarms").text
    with hub.engine.connect() as connection:
        noticed = select(func.count()).select_from(tables.alarm).where(tables.alarm.c.noticed_by == "sup")
        assert connection.execute(noticed).scalar_one() == 1


def test_other_peoples_gates_are_not_shown(hub: Hub, gate: GateBox, desk: Callable[..., tuple[int, object]]) -> None:
    with hub.begin() as connection:
        connection.execute(insert(tables.organisation).values(organisation="p", name="P"))
        connection.execute(update(tables.venue).values(organisation="p"))
    hears(hub, gate, Contact(NOW, clock_trusted=False))
    alarms.look(hub)
    assert desk("GET", "/alarms") == (200, [])
    assert desk("POST", "/alarms/1/notice", {})[0] == 404
