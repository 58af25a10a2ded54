"""How it stands with partners, for the pages: what went over, what is still to be receipted, what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from sync.server.authority import spoken
from sync.server.hub import Hub
from sync.server.partner_entrusted import incoming
from sync.server.partners import Terms, card_of, find_partner, fingerprint, list_partners, own_card, terms_of
from sync.server.watch_tables import watch_hit_count, watch_received, watch_shared, watch_source


@dataclass(frozen=True, slots=True)
class PartnerStanding:
    """One partner. `handed` entries of ours it holds, `unreceipted` it was told to drop and gave no receipt for.

    `received` entries of its list our gates hold, `left` were not taken, `entrusted` it put on our own list.
    `confirmed_at` is when its list was last confirmed; 0: never. `hits` are those of its gates with our entries.
    """

    row: Row[Any]
    terms: Terms
    fingerprint: str
    handed: int
    unreceipted: int
    receipts: int
    received: int
    left: int
    entrusted: int
    confirmed_at: float
    hits: int


def own_fingerprint(hub: Hub, connection: Connection) -> str:
    """This site's fingerprint, in groups of four."""
    return spoken(fingerprint(own_card(hub, connection)))


def standings(connection: Connection) -> list[PartnerStanding]:
    """All partners, by name."""
    return [_standing(connection, row) for row in list_partners(connection)]


def standing(connection: Connection, partner: str) -> PartnerStanding:
    """One of them. Raises `Refused`: 404."""
    return _standing(connection, find_partner(connection, partner))


def _standing(connection: Connection, row: Row[Any]) -> PartnerStanding:
    shared, received, source = watch_shared.c, watch_received.c, watch_source.c
    theirs, here = shared.partner == row.partner, and_(received.source == row.partner, ~received.removed)
    confirmed = connection.execute(select(source.issued_at).where(source.source == row.partner)).scalar()
    hits = select(func.coalesce(func.sum(watch_hit_count.c.hits), 0)).where(watch_hit_count.c.partner == row.partner)
    return PartnerStanding(
        row,
        terms_of(row),
        spoken(fingerprint(card_of(row))),
        _count(connection, theirs, ~shared.removed),
        _count(connection, theirs, shared.removed, shared.gates_told_at.is_(None)),
        _count(connection, theirs, shared.removed, shared.gates_told_at.is_not(None)),
        _count(connection, here, received.local.is_not(None)),
        _count(connection, here, received.local.is_(None)),
        _count(connection, received.source == incoming(row.partner), ~received.removed),
        confirmed or 0.0,
        int(connection.execute(hits).scalar_one()),
    )


def _count(connection: Connection, *where: Any) -> int:
    return int(connection.execute(select(func.count()).where(*where)).scalar_one())
