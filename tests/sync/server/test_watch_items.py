"""What gates are to hold of lists of persons: revisions, domains, and own entries as they come and go."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import insert, select, update

from models.ids import DocumentType
from models.watch import WatchAction, WatchEntry
from models.watch_domain import person_key, turn
from sync.server import tables, watch_items
from sync.server.hub import Hub
from sync.server.watch_tables import watch_approval, watch_entry, watch_item
from sync.watch_page import WatchChange, open_entry
from tests.sync.server.conftest import Clock

NUMBER = "110105194912310021"
TEMPLATE = np.arange(128, dtype="<f4").tobytes()


def keep(hub: Hub, entry: str = "w1", state: str = "approved", begins_s: float = 0.0, **more: Any) -> None:
    """An entry in the table, approved by two."""
    now = hub.clock()
    values: dict[str, Any] = {"entry": entry, "owner": "Hospital One", "purpose": "scalping", "action": "review"}
    values |= {"appeal": "desk 3", "state": state, "valid_from": now + begins_s, "valid_to": now + begins_s + 1000}
    values |= {"proposed_by": "p", "made_at": now, "changed_at": now, "legal_basis": "law", "entrances": '["A1"]'}
    with hub.begin() as connection:
        _, secret = watch_items.own_domain(hub, connection)
        values["person_key"] = bytes.fromhex(person_key(secret, DocumentType.RESIDENT_ID, NUMBER))
        values["sealed_template"] = hub.seal(TEMPLATE, watch_items.template_place(entry))
        connection.execute(insert(watch_entry).values(**values | more))
        for account, role in (("a", "owner"), ("b", "supervisor")):
            approval = {"entry": entry, "version": 1, "account": account, "role": role, "at": now}
            connection.execute(insert(watch_approval).values(**approval))


def project(hub: Hub, entry: str = "w1") -> int:
    """The list's revision afterwards."""
    with hub.begin() as connection:
        watch_items.project(hub, connection, entry)
        return watch_items.revision(connection)


def item(hub: Hub, name: str = "w1") -> Any:
    with hub.begin() as connection:
        return connection.execute(select(watch_item).where(watch_item.c.item == name)).first()


def test_an_entry_in_force_is_held_in_our_own_domain(hub: Hub) -> None:
    keep(hub)
    assert project(hub) == 1
    row = item(hub)
    with hub.begin() as connection:
        domain, secret = watch_items.own_domain(hub, connection)
        assert watch_items.held(connection) == [("w1", 1)]
        assert connection.execute(select(tables.change.c.event, tables.change.c.device)).all() == [("", "")]
    entry = open_entry(WatchChange("w1", 1, domain, row.sealed), secret)
    assert entry.person_key == person_key(secret, DocumentType.RESIDENT_ID, NUMBER)
    assert entry.template == turn(secret, TEMPLATE) != TEMPLATE
    assert (entry.approvers, entry.entrances, entry.appeal) == (("a", "b"), ("A1",), "desk 3")
    assert (row.entry, row.partner, row.removed) == ("w1", None, False)


def test_what_gates_hold_already_takes_no_revision(hub: Hub) -> None:
    keep(hub)
    assert [project(hub), project(hub), project(hub, "nobody")] == [1, 1, 1]


def test_gates_drop_what_is_suspended_and_take_it_again(hub: Hub) -> None:
    keep(hub)
    project(hub)
    for state, revision, removed in (("suspended", 2, True), ("suspended", 2, True), ("approved", 3, False)):
        with hub.begin() as connection:
            connection.execute(update(watch_entry).values(state=state))
        assert project(hub) == revision
        row = item(hub)
        assert (row.removed, row.revision, row.sealed == b"") == (removed, revision, removed)


def test_the_time_makes_an_entry_begin_and_end(hub: Hub, clock: Clock) -> None:
    keep(hub, begins_s=watch_items.SOON_S + 10)
    seen = []
    for _ in range(4):
        project(hub)
        with hub.begin() as connection:
            row = connection.execute(select(watch_entry)).one()
            seen.append((watch_items.state_of(row, clock()).value, watch_items.held(connection) != []))
        clock.now += [20, watch_items.SOON_S, 1000, 0][len(seen) - 1]
    assert seen == [("approved", False), ("approved", True), ("active", True), ("expired", False)]


def test_a_partners_item_is_put_and_removed_by_its_own_name(hub: Hub) -> None:
    entry = WatchEntry("their-7", "Two", "order", WatchAction.NOTIFY, 0.0, 9.0, version=4, domain="two")
    with hub.begin() as connection:
        secret = watch_items.keep_domain(hub, connection, "two", bytes(32))
        assert watch_items.keep_domain(hub, connection, "two", bytes([1]) * 32) == secret == bytes(32)
        assert watch_items.put(hub, connection, entry, secret, partner="site-two") == 1
        assert watch_items.held(connection) == [("their-7", 4)]
        assert watch_items.remove(hub, connection, "their-7") == 2
        assert watch_items.remove(hub, connection, "their-7") is None
        assert watch_items.remove(hub, connection, "nobody") is None
        assert (watch_items.held(connection), watch_items.revision(connection)) == ([], 2)
