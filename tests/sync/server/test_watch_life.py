"""The life of an entry on a list of persons, from a proposal to its end, and who may move it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import cv2
import pytest
from sqlalchemy import select, update

from drivers.face.sim import marked
from models.face import FaceProblem
from models.ids import DocumentType
from models.watch import DEFAULT_TERM_S, WatchState
from sync.holding import Document
from sync.server import tables, watch_entries, watch_erasure, watch_evidence, watch_items, watch_life, watch_look
from sync.server.hub import Hub
from sync.server.permissions import Role
from sync.server.problems import Refused
from sync.server.watch_rules import DAY_S, Fault, faults_of
from sync.server.watch_tables import watch_entry
from sync.server.watch_tables import watch_evidence as evidence_table
from tests.sync.server.conftest import Clock
from tests.sync.server.organiser import number
from tests.sync.server.watch_people import OLGA, OTTO, SAM, STRANGER, approve, listed, person, proposal

NOW = 1_780_000_000.0


def held(hub: Hub) -> list[tuple[str, int]]:
    with hub.begin() as connection:
        return watch_items.held(connection)


def told(hub: Hub, entry: str, who: Any = OLGA) -> Any:
    with hub.begin() as connection:
        return watch_look.look_at(hub, connection, who, entry)


def audit(hub: Hub) -> list[tuple[str, str]]:
    with hub.begin() as connection:
        rows = connection.execute(select(tables.audit.c.actor, tables.audit.c.act).order_by(tables.audit.c.seq))
        return [(row.actor, row.act.removeprefix("watch.")) for row in rows]


def test_two_people_of_different_roles_put_an_entry_in_force(hub: Hub) -> None:
    entry = listed(hub)
    assert held(hub) == []
    assert approve(hub, entry, OLGA) == WatchState.PROPOSED
    assert held(hub) == []
    assert approve(hub, entry, SAM) == WatchState.ACTIVE
    assert held(hub) == [(entry, 1)]
    assert audit(hub) == [("otto", "proposed"), ("otto", "evidence"), ("olga", "approved"), ("sam", "approved")]
    seen = told(hub, entry)
    assert [(step.act, step.state) for step in reversed(seen.history)] == [
        ("watch.proposed", "proposed"),
        ("watch.evidence", "proposed"),
        ("watch.approved", "proposed"),
        ("watch.approved", "active"),
    ]
    assert [(one.account, one.role) for one in seen.approvals] == [("olga", "owner"), ("sam", "supervisor")]
    assert seen.masked_number == "110***********" + number(1)[-4:]
    assert seen.told.valid_to == hub.clock() + DEFAULT_TERM_S


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (OTTO, None, "watch_own_proposal"),
        (OLGA, OLGA, "watch_approved_already"),
        (SAM, person("sina", Role.SUPERVISOR), "watch_same_role"),
        (STRANGER, None, "no_such_watch_entry"),
    ],
)
def test_some_approvals_are_none(hub: Hub, first: Any, second: Any, code: str) -> None:
    entry = listed(hub)
    people = [one for one in (first, second) if one]
    with pytest.raises(Refused) as refused:
        approve(hub, entry, *people)
    assert refused.value.code == code
    assert told(hub, entry).told.approvals == len(people) - 1


def test_without_evidence_nobody_approves(hub: Hub) -> None:
    entry = listed(hub, evidence=False)
    assert told(hub, entry).hindrance == "watch_no_evidence"
    with pytest.raises(Refused, match="evidence"):
        approve(hub, entry)


def test_a_change_of_what_gates_would_do_needs_both_approvals_anew(hub: Hub) -> None:
    entry = listed(hub)
    approve(hub, entry)
    with hub.begin() as connection:
        assert watch_entries.amend(hub, connection, OTTO, entry, "quieter", action="notify") == 2
    assert held(hub) == []
    with pytest.raises(Refused) as refused:
        approve(hub, entry, OLGA, version=1)
    assert refused.value.code == "watch_changed"
    assert approve(hub, entry, version=2) == "active"
    assert held(hub) == [(entry, 2)]


@pytest.mark.parametrize("state", [WatchState.CONTESTED, WatchState.SUSPENDED])
def test_an_entry_that_rests_leaves_the_gates_and_comes_back_by_two_approvals(hub: Hub, state: WatchState) -> None:
    entry = listed(hub)
    approve(hub, entry)
    with hub.begin() as connection:
        watch_life.rest(hub, connection, SAM, entry, state, "she has written")
    assert (told(hub, entry).told.state, held(hub)) == (state, [])
    with hub.begin() as connection, pytest.raises(Refused):
        watch_life.rest(hub, connection, SAM, entry, state, "once more")
    with hub.begin() as connection:
        assert watch_life.resume(hub, connection, SAM, entry, "looked into") == 2
    assert told(hub, entry).hindrance == ""
    assert told(hub, entry, SAM).hindrance == "watch_own_proposal"
    approve(hub, entry, OLGA, OTTO, version=2)
    assert held(hub) == [(entry, 2)]


def test_what_is_withdrawn_stays_so(hub: Hub) -> None:
    entry = listed(hub)
    approve(hub, entry)
    with hub.begin() as connection:
        watch_life.withdraw(hub, connection, OTTO, entry, "it was somebody else")
    assert (held(hub), told(hub, entry).told.state) == ([], WatchState.WITHDRAWN)
    steps: list[Any] = [
        lambda c: watch_life.withdraw(hub, c, OTTO, entry, "again"),
        lambda c: watch_life.resume(hub, c, OTTO, entry, "again"),
        lambda c: watch_life.rest(hub, c, OTTO, entry, WatchState.SUSPENDED, "again"),
        lambda c: watch_entries.amend(hub, c, OTTO, entry, "again", action="notify"),
        lambda c: watch_evidence.attach(hub, c, OTTO, entry, "x", "text/plain", b"x"),
    ]
    for step in steps:
        with hub.begin() as connection, pytest.raises(Refused) as refused:
            step(connection)
        assert refused.value.status == 409


def test_a_step_without_a_reason_is_none(hub: Hub) -> None:
    entry = listed(hub)
    with hub.begin() as connection, pytest.raises(Refused, match="characters why"):
        watch_life.withdraw(hub, connection, OTTO, entry, " a ")


def test_the_time_begins_and_ends_an_entry_and_it_is_written_down(hub: Hub, clock: Clock) -> None:
    entry = listed(hub, valid_from=clock() + 2 * DAY_S, valid_to=clock() + 5 * DAY_S)
    assert approve(hub, entry) == "approved"
    seen = []
    for passes in (1.5 * DAY_S, DAY_S, 3 * DAY_S, 0):
        clock.now += passes
        watch_life.tell_time(hub)
        seen.append((told(hub, entry).told.state.value, held(hub) != []))
    assert seen == [("approved", True), ("active", True), ("expired", False), ("expired", False)]
    assert audit(hub)[-2:] == [("server", "began"), ("server", "ended")]
    assert watch_life.tell_time(hub) == 0


def test_who_is_over_for_long_is_erased(hub: Hub, clock: Clock) -> None:
    entry, other = listed(hub), listed(hub, 2)
    with hub.begin() as connection:
        watch_life.withdraw(hub, connection, OTTO, entry, "it was somebody else")
    clock.now += watch_erasure.KEEP_S + 1
    assert [watch_erasure.erase_old(hub), watch_erasure.erase_old(hub)] == [1, 0]
    with hub.begin() as connection:
        row = connection.execute(select(watch_entry).where(watch_entry.c.entry == entry)).one()
        kept = connection.execute(select(evidence_table).where(evidence_table.c.entry == entry)).one()
        assert (row.sealed_person, row.person_key, row.sealed_template, kept.sealed) == (None, None, None, None)
        with pytest.raises(Refused, match="erased"):
            watch_evidence.read_evidence(hub, connection, OLGA, entry, 1)
    assert told(hub, entry).masked_number == ""
    assert told(hub, other).masked_number != ""


def test_evidence_comes_back_as_it_was_and_each_look_is_written_down(hub: Hub) -> None:
    entry = listed(hub)
    with hub.begin() as connection:
        row, content = watch_evidence.read_evidence(hub, connection, SAM, entry, 1)
        assert row.sha256 == hashlib.sha256(content).hexdigest()
        assert content not in row.sealed
    assert audit(hub)[-1] == ("sam", "evidence_read")
    with hub.begin() as connection, pytest.raises(Refused) as refused:
        watch_evidence.attach(hub, connection, OTTO, entry, "x", "x", bytes(watch_evidence.EVIDENCE_LIMIT + 1))
    assert refused.value.status == 413
    for _ in range(watch_evidence.PIECES_LIMIT - 1):
        with hub.begin() as connection:
            watch_evidence.attach(hub, connection, OTTO, entry, "x", "text/plain", b"x")
    with hub.begin() as connection, pytest.raises(Refused) as refused:
        watch_evidence.attach(hub, connection, OTTO, entry, "x", "text/plain", b"x")
    assert refused.value.code == "watch_much_evidence"


def test_the_same_person_twice_is_shown(hub: Hub) -> None:
    first, second, third = listed(hub), listed(hub, purpose="order"), listed(hub, 2)
    assert [one.entry for one in told(hub, first).others] == [second]
    assert [told(hub, one).told.same_person for one in (first, second, third)] == [1, 1, 0]
    with hub.begin() as connection:
        watch_life.withdraw(hub, connection, OTTO, first, "enough")
    assert [told(hub, one).told.same_person for one in (first, second)] == [1, 0]


def test_a_photographs_template_makes_another_version_and_wants_a_basis(hub: Hub) -> None:
    entry, bare = listed(hub, legal_basis="PIPL 26"), listed(hub, 2)
    face = {"template": b"\0\0\x80?" * 4, "model_version": "m1"}
    with hub.begin() as connection:
        assert watch_entries.amend(hub, connection, OTTO, entry, "", **face) == 2
        with pytest.raises(Refused) as refused:
            watch_entries.amend(hub, connection, OTTO, bare, "", **face)
    assert refused.value.more == {"faults": [Fault.NO_BASIS_FACE]}
    assert told(hub, entry).told.has_face
    approve(hub, entry, version=2)
    assert held(hub) == [(entry, 2)]


def test_a_photograph_becomes_a_template_and_is_gone(hub: Hub) -> None:
    seeing = replace(hub, settings=replace(hub.settings, face="sim:"))
    before = sorted(hub.settings.state_dir.iterdir())
    picture = bytes(cv2.imencode(".png", marked(1))[1])
    assert watch_entries.enrol_photograph(seeing, picture).model_version == "sim-1"
    for bad in (b"no picture", bytes(cv2.imencode(".png", marked(1, problem=FaceProblem.BLURRED))[1])):
        with pytest.raises(Refused) as refused:
            watch_entries.enrol_photograph(seeing, bad)
        assert refused.value.code == "bad_photograph"
    assert sorted(hub.settings.state_dir.iterdir()) == before


def test_a_list_is_asked_by_state_purpose_and_owner(hub: Hub, clock: Clock) -> None:
    running, order = listed(hub), listed(hub, 2, purpose="order", owner="Two")
    approve(hub, running)
    ended = listed(hub, 3, valid_to=clock() + DAY_S)
    clock.now += 2 * DAY_S

    def names(who: Any = OLGA, **wanted: str) -> set[str]:
        with hub.begin() as connection:
            found = watch_look.list_entries(hub, connection, who, watch_look.Wanted(**wanted))
        assert found.count == len(found.entries)
        return {one.entry for one in found.entries}

    assert names() == {running, order, ended}
    assert [names(state=one) for one in ("active", "proposed", "expired", "withdrawn")] == [
        {running},
        {order},
        {ended},
        set(),
    ]
    assert names(purpose="order") == names(owner="Two") == {order}
    assert names(STRANGER) == set()


def test_many_are_approved_at_once_and_the_rest_is_counted(hub: Hub) -> None:
    good, bare, own = listed(hub), listed(hub, 2, evidence=False), listed(hub, 3, by=OLGA)
    with hub.begin() as connection:
        first = watch_life.approve_all(hub, connection, OLGA, [good, bare, own])
        second = watch_life.approve_all(hub, connection, SAM, [good, bare, own])
    assert (first.approved, first.complete) == (1, 0)
    assert first.left == {"watch_no_evidence": 1, "watch_own_proposal": 1}
    assert (second.approved, second.complete) == (2, 1)
    assert held(hub) == [(good, 1)]


FACE = {"template": b"\0\0\x80?", "model_version": "m1"}


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"owner": " "}, [Fault.NO_OWNER]),
        ({"purpose": "dislike"}, [Fault.NO_PURPOSE]),
        ({"action": "deny"}, [Fault.NO_ACTION]),
        ({"appeal": ""}, [Fault.NO_APPEAL]),
        ({"document": None}, [Fault.NO_PERSON]),
        (FACE, [Fault.NO_BASIS_FACE]),
        (FACE | {"legal_basis": "law", "document": None}, []),
        ({"action": "refuse_unless_cleared"}, [Fault.NO_BASIS_REFUSE]),
        (
            FACE | {"legal_basis": "law", "document": None, "action": "refuse_unless_cleared"},
            [Fault.REFUSE_BY_FACE],
        ),
        ({"document": Document(DocumentType.RESIDENT_ID, "11010519491231002")}, [Fault.BAD_NUMBER]),
        ({"valid_from": NOW, "valid_to": NOW}, [Fault.BAD_TIMES]),
        ({"valid_to": NOW - DAY_S}, [Fault.EXPIRED]),
        ({"valid_from": NOW - 9, "valid_to": NOW}, [Fault.EXPIRED]),
        ({"valid_to": NOW + 4 * 365 * DAY_S}, [Fault.TOO_LONG]),
        ({"valid_to": NOW + 4 * 365 * DAY_S, "purpose": "court_ban"}, []),
        ({"valid_from": NOW + 366 * DAY_S}, [Fault.TOO_EARLY]),
        ({"document": Document(DocumentType.RESIDENT_ID, number(1, "20200101"))}, [Fault.UNDER_14]),
        ({"document": Document(DocumentType.RESIDENT_ID, number(1, "20200101")), "purpose": "missing"}, []),
    ],
)
def test_what_an_entry_lacks_is_said(changes: dict[str, Any], faults: list[Fault]) -> None:
    assert faults_of(replace(proposal(), **changes), NOW) == faults


def test_an_entrusted_entry_is_its_owners_to_change_and_ours_to_suspend(hub: Hub) -> None:
    entry = listed(hub)
    with hub.begin() as connection:
        connection.execute(update(watch_entry).values(partner="two", their_entry="x", state="approved"))
        watch_items.project(hub, connection, entry)
        with pytest.raises(Refused) as refused:
            watch_entries.amend(hub, connection, OTTO, entry, "mine", action="notify")
        assert refused.value.code == "watch_not_ours"
        assert watch_items.held(connection) == [(entry, 1)]
        watch_life.rest(hub, connection, OTTO, entry, WatchState.SUSPENDED, "not at our doors")
        assert watch_items.held(connection) == []
