"""After an event's erasure nothing leads to its persons: not a table, not a page of the file, not a manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from models.ids import DocumentType
from models.store.vault import lookup_key
from sync.contract import Contact, HeldManifest, Standing
from sync.server import tables
from sync.server.app import make_app
from sync.server.contact import meet
from sync.server.devices import Caller
from sync.server.erasure import DAY_S, LOOKS, Receipt, erase, erase_due, is_genuine
from sync.server.hub import Hub
from sync.server.ingest import take
from sync.server.permissions import Role
from sync.server.problems import Refused
from sync.server.tickets import secret_of
from tests.sync.server.conftest import Clock
from tests.sync.server.organiser import EVENT, add_gate, furnish, make_event, number, ticket, token
from tests.sync.server.world import NIGHT, GateBox

HERE = f"/v1/admin/events/{EVENT}"
PEOPLE = 6
NAME, MASKED = "张三丰", "张**"


@pytest.fixture
def client(hub: Hub) -> Iterator[TestClient]:
    """An organiser's program."""
    furnish(hub)
    with TestClient(make_app(hub), base_url="https://hub", headers=token(hub)) as made:
        yield made


@pytest.fixture
def evening(hub: Hub, client: TestClient, tmp_path: Path) -> list[bytes]:
    """An event after which everything holds something of persons; what may not be found later."""
    make_event(client)
    add_gate(hub)
    answer = client.put(f"{HERE}/tickets", json={"tickets": [ticket(n) for n in range(PEOPLE)]})
    assert answer.status_code == 200, answer.text
    assert client.post(f"{HERE}/publish").status_code == 200
    assert client.post(f"{HERE}/revocations", json={"tickets": ["T0"]}).status_code == 200
    assert client.post(f"{HERE}/erasures", json={"tickets": ["T5"]}).status_code == 200
    with hub.begin() as connection:
        connection.execute(insert(tables.venue).values(venue="v", organisation="o", name="V"))
    box = GateBox(hub, tmp_path, "B1", EVENT)
    box.passes("T1", at=NIGHT)
    with hub.begin() as connection:
        take(hub, connection, box.device, box.name, box.batch())
        _more(hub, connection)
        secret = secret_of(hub, connection, EVENT)
    keys = [lookup_key(secret, DocumentType.RESIDENT_ID, number(n)) for n in range(PEOPLE)]
    hidden = [NAME, MASKED, *(number(n) for n in range(PEOPLE)), "a remark on 张三丰", "POS-SECRET"]
    return [*(one.encode() for one in hidden), *keys]


def _more(hub: Hub, connection: object) -> None:
    """What imports, pretix and people leave behind."""
    rows = hub.seal(NAME.encode(), "import|j1")
    job = {"job": "j1", "event": EVENT, "actor": "li", "file_name": f"{NAME}.xlsx", "state": "ready", "made_at": 1.0}
    link = {"event": EVENT, "base_url": "u", "organizer": "o", "pretix_event": "e", "check_in_list": 1, "reading": "{}"}
    link |= {"scheme": "Token", "sealed_token": b"t", "period_s": 1.0, "made_by": "li", "made_at": 1.0}
    position = {"event": EVENT, "position": 7, "order_code": "ABC", "place": 1, "ticket": "T1", "words": NAME}
    position |= {"sealed_secret": b"POS-SECRET", "changed_at": 1.0}
    checkin = {"device": "d", "epoch": "e", "seq": 1, "event": EVENT, "ticket": "T1", "kind": "entry", "gate": "G"}
    conflict = {"event": EVENT, "ticket": "T1", "nth": 2, "found_at": 1.0, "uses": "[]", "words": f"a remark on {NAME}"}
    code = {"event": EVENT, "ticket": "T1", "step": 1, "claim": "c", "device": "d", "at": 1.0}
    for table, values in (
        (
            tables.import_job,
            job | {"sealed_rows": rows, "preview": json.dumps({"first": [MASKED]}, ensure_ascii=False)},
        ),
        (tables.pretix_link, link),
        (tables.pretix_position, position),
        (tables.pretix_holder, {"event": EVENT, "ticket": "T1", "position": 7}),
        (tables.pretix_checkin, checkin | {"at": 1.0}),
        (tables.conflict, conflict),
        (tables.code_claim, code),
    ):
        connection.execute(insert(table).values(**values))  # type: ignore[attr-defined]
    folder = hub.settings.state_dir / "imports" / "j1"
    folder.mkdir(parents=True)
    (folder / "upload").write_text(f"{NAME},{number(1)}\n")


def _everything(hub: Hub) -> bytes:
    """All rows of all tables, and all bytes of all files."""
    seen = []
    with hub.begin() as connection:
        for table in tables.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                seen += [bytes(cell) if isinstance(cell, bytes) else str(cell).encode() for cell in row]
    seen += [path.read_bytes() for path in hub.settings.state_dir.rglob("*") if path.is_file()]
    return b"\n".join(seen)


def _found(hub: Hub, hidden: list[bytes]) -> list[bytes]:
    everything = _everything(hub)
    return [one for one in hidden if one in everything]


def _erase(hub: Hub) -> Receipt:
    return erase(hub, "li", EVENT, "asked for", early=True)


def test_no_name_and_no_number_is_found_afterwards(hub: Hub, evening: list[bytes]) -> None:
    assert MASKED.encode() in _found(hub, evening)
    assert len(_found(hub, evening)) > PEOPLE  # the scan does see what is there
    _erase(hub)
    assert _found(hub, evening) == []


def test_the_ledger_and_its_uses_stay_and_lead_to_nobody(hub: Hub, evening: list[bytes]) -> None:
    with hub.begin() as connection:
        secret = secret_of(hub, connection, EVENT)
    _erase(hub)
    with hub.begin() as connection:
        assert secret_of(hub, connection, EVENT) != secret
        for table, rows in ((tables.entry, 2), (tables.use, 1), (tables.ledger, 1), (tables.conflict, 1)):
            assert len(connection.execute(select(table)).all()) == rows
        for name in ("ticket", "import_job", "pretix_link", "bundle", "claim", "code_claim"):
            assert connection.execute(select(tables.metadata.tables[name])).all() == []
    assert not (hub.settings.state_dir / "bundles" / EVENT.encode().hex()).exists()
    assert not (hub.settings.state_dir / "imports" / "j1").exists()


def test_the_receipt_is_signed_says_what_went_and_is_given_again(hub: Hub, clock: Clock, evening: list[bytes]) -> None:
    receipt = _erase(hub)
    told = json.loads(receipt.text)
    assert (told["event"], told["site"], told["actor"], told["why"]) == (EVENT, "hall", "li", "asked for")
    assert (told["erased"]["ticket"], told["erased"]["bundle"], told["erased"]["pretix_position"]) == (PEOPLE - 1, 3, 1)
    own = hub.issuer_key.public_key().public_bytes_raw()
    assert is_genuine(receipt, own)
    assert not is_genuine(replace(receipt, text=receipt.text.replace(EVENT, "other")), own)
    assert not is_genuine(receipt, bytes(32))
    clock.now += 60
    assert _erase(hub) == receipt
    with hub.begin() as connection:
        acts = select(tables.audit.c.actor).where(tables.audit.c.act == "event_erased")
        assert connection.execute(acts).scalars().all() == ["li"]


def test_gates_that_hold_the_manifest_are_told_to_destroy_it(hub: Hub, evening: list[bytes]) -> None:
    with hub.begin() as connection:
        gate = connection.execute(select(tables.device).where(tables.device.c.event == EVENT)).first()
        rung = max(connection.execute(select(tables.change.c.cursor)).scalars())
    assert gate is not None
    _erase(hub)
    told = _standing(hub, gate, HeldManifest(EVENT, 1, "d", 6))
    assert (told.wipe, told.erased) == (True, True)
    standing = _standing(hub, gate, None)
    assert (standing.wipe, standing.event) == (False, "")
    with hub.begin() as connection:
        after = connection.execute(select(tables.change.c.device).where(tables.change.c.cursor > rung)).scalars().all()
    assert gate.device in after


def _standing(hub: Hub, gate: object, held: HeldManifest | None) -> Standing:
    caller = Caller(gate.device, "gate", gate.name, gate.venue, "", 1)  # type: ignore[attr-defined]
    with hub.begin() as connection:
        return meet(hub, connection, caller, Contact(1.0, manifest=held))


def test_before_its_time_it_needs_a_reason_and_later_none(hub: Hub, clock: Clock, evening: list[bytes]) -> None:
    for how, code in (({}, "too_early"), ({"early": True}, "no_reason"), ({"early": True, "why": " "}, "no_reason")):
        with pytest.raises(Refused) as refused:
            erase(hub, "li", EVENT, **how)  # type: ignore[arg-type]
        assert refused.value.code == code
    with pytest.raises(Refused) as refused:
        erase(hub, "li", "elsewhere")
    assert refused.value.code == "no_such_event"
    _over(hub, clock)
    assert json.loads(erase(hub, "li", EVENT).text)["early"] is False


def _over(hub: Hub, clock: Clock) -> None:
    with hub.begin() as connection:
        ends = connection.execute(select(tables.event.c.ends_at)).scalar_one()
    clock.now = ends + hub.settings.keep_days * DAY_S + 1


def test_what_is_due_is_erased_by_itself_and_nothing_else(hub: Hub, clock: Clock, evening: list[bytes]) -> None:
    erase_due(hub)
    assert _receipts(hub) == []
    _over(hub, clock)
    _look(hub, LOOKS - 1)
    assert _receipts(hub) == []
    erase_due(replace(hub, settings=replace(hub.settings, keep_days=0)))
    _look(hub, LOOKS - 1)
    assert _receipts(hub) == []
    _look(hub, 2)
    assert _receipts(hub) == [(EVENT, "server")]
    assert _found(hub, evening) == []


def test_a_clock_that_jumps_ahead_for_less_than_a_day_erases_nobody(
    hub: Hub, clock: Clock, evening: list[bytes]
) -> None:
    right, there = clock.now, _found(hub, evening)
    for _ in range(3):
        _over(hub, clock)
        _look(hub, LOOKS - 1)
        clock.now = right
        _look(hub, 1)
    assert _receipts(hub) == []
    assert _found(hub, evening) == there != []


def _look(hub: Hub, times: int) -> None:
    for _ in range(times):
        erase_due(hub)


def _receipts(hub: Hub) -> list[tuple[str, str]]:
    with hub.begin() as connection:
        rows = connection.execute(select(tables.erasure.c.event, tables.erasure.c.actor))
        return [(row.event, row.actor) for row in rows]


def test_over_http_an_organiser_erases_and_shows_the_receipt(
    hub: Hub, client: TestClient, evening: list[bytes]
) -> None:
    assert client.get(f"{HERE}/erasure").status_code == 404
    assert client.post(f"{HERE}/erasure", json={}).json()["code"] == "too_early"
    made = client.post(f"{HERE}/erasure", json={"early": True, "why": "asked for"})
    assert made.status_code == 200, made.text
    assert client.get(f"{HERE}/erasure").json() == made.json()
    assert client.post(f"{HERE}/publish").json()["code"] == "event_closed"
    assert client.put(f"{HERE}/tickets", json={"tickets": [ticket(1)]}).json()["code"] == "event_closed"
    assert client.get(HERE).json()["tickets"] == 0
    assert client.get(f"{HERE}/findings").status_code == 200
    assert client.post(f"{HERE}/erasure", json={"why": "x" * 501}).status_code == 422
    for headers, status in ((token(hub, Role.AUDITOR), 403), (token(hub, organisation="other"), 404)):
        assert client.post(f"{HERE}/erasure", json={}, headers=headers).status_code == status
