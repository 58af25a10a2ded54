"""Many rows in one statement, on both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from sync.server import tables
from sync.server.hub import Hub
from sync.server.many import among, insert_all, insert_new

ENDED = tables.ended_claim


def _rows(*claims: str, at: float = 1.0) -> list[dict[str, object]]:
    return [{"event": "show", "claim": claim, "at": at} for claim in claims]


def _held(hub: Hub) -> dict[str, float]:
    with hub.begin() as connection:
        return {row.claim: row.at for row in connection.execute(select(ENDED))}


def test_what_is_there_already_is_left_alone_where_that_was_asked_for(hub: Hub) -> None:
    with hub.begin() as connection:
        insert_all(connection, ENDED, _rows("a", "b"))
        insert_all(connection, ENDED, _rows("b", "c", at=2.0), ignore=True)
    assert _held(hub) == {"a": 1.0, "b": 1.0, "c": 2.0}


def test_and_refused_where_it_was_not(hub: Hub) -> None:
    with pytest.raises(IntegrityError), hub.begin() as connection:
        insert_all(connection, ENDED, _rows("a", "a"))
    assert _held(hub) == {}


def test_nothing_to_insert_is_no_statement(hub: Hub) -> None:
    with hub.begin() as connection:
        insert_all(connection, ENDED, [])
    assert _held(hub) == {}


def test_rows_are_new_unless_their_key_is_there_or_another_table_has_them(hub: Hub) -> None:
    def row(ticket: str, claim: str) -> dict[str, object]:
        rest = {"device": "d", "gate": "G", "at": 1.0, "passage": "held"}
        return {"event": "show", "ticket": ticket, "claim": claim} | rest

    unless = (ENDED.c.event, ENDED.c.claim)
    with hub.begin() as connection:
        insert_all(connection, ENDED, _rows("over"))
        assert insert_new(connection, tables.claim, [], unless) == set()
        assert insert_new(connection, tables.claim, [row("T1", "a"), row("T2", "over")], unless) == {("show", "T1")}
        assert insert_new(connection, tables.claim, [row("T1", "b"), row("T2", "c")], unless) == {("show", "T2")}
        held = connection.execute(select(tables.claim.c.ticket, tables.claim.c.claim)).all()
    assert sorted(map(tuple, held)) == [("T1", "a"), ("T2", "c")]


@pytest.mark.parametrize("keys", [[], [("show", "b")], [("show", "a"), ("show", "c"), ("other", "b")]])
def test_keys_of_several_columns_are_found(hub: Hub, keys: list[tuple[str, str]]) -> None:
    with hub.begin() as connection:
        insert_all(connection, ENDED, _rows("a", "b", "c"))
        found = connection.execute(select(ENDED.c.claim).where(among(connection, (ENDED.c.event, ENDED.c.claim), keys)))
        assert sorted(found.scalars()) == sorted(claim for event, claim in keys if event == "show")
