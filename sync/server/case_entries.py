"""The entries about a person who asks, and whether every partner that held one has let go of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from models.watch_domain import person_key
from sync.holding import Document
from sync.server.hub import Hub
from sync.server.watch_items import own_domain, state_of
from sync.server.watch_tables import watch_entry, watch_shared


@dataclass(frozen=True, slots=True)
class Receipt:
    """Whether a partner still holds an entry: its signed word that none of its gates does, once it has said so."""

    partner: str
    removed: bool
    gone_at: float | None


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry about the person who asks. `receipts` are of the partners it was shared with."""

    entry: str
    owner: str
    purpose: str
    state: str
    valid_to: float
    erased: bool
    ours: bool
    receipts: tuple[Receipt, ...]


def entries_about(hub: Hub, connection: Connection, document: Document | None, entry: str | None) -> Sequence[Row[Any]]:
    """Everything about the document; where its number is gone, the `entry` that the case was about."""
    if document is None:
        return connection.execute(select(watch_entry).where(watch_entry.c.entry == entry)).all()
    key = bytes.fromhex(person_key(own_domain(hub, connection)[1], document.kind, document.number))
    wanted = select(watch_entry).where(watch_entry.c.person_key == key).order_by(watch_entry.c.made_at)
    return connection.execute(wanted).all()


def listed(hub: Hub, connection: Connection, rows: Sequence[Row[Any]]) -> tuple[Listed, ...]:
    """The entries of `rows` as a case shows them."""
    return tuple(
        Listed(
            one.entry,
            one.owner,
            one.purpose,
            state_of(one, hub.clock()),
            one.valid_to,
            one.erased_at is not None,
            one.partner is None,
            _receipts(connection, one.entry),
        )
        for one in rows
    )


def _receipts(connection: Connection, entry: str) -> tuple[Receipt, ...]:
    row = watch_shared.c
    columns = row.partner, row.removed, row.gates_told_at
    found = connection.execute(select(*columns).where(row.entry == entry).order_by(row.partner))
    return tuple(Receipt(*one) for one in found)
