"""Receipts and counts: that no gate holds a withdrawn entry any more, and how often one was met; nobody's name.

A server knows what its gates hold by their own word, with every sign of life. A receipt is made once all of them have
passed the revision that took an entry away, and once those to whom it was handed on have sent theirs.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models.wire import WireError, from_json, to_json
from sync.contract import Contact
from sync.contract_partner import MOST_ITEMS, HitCount, HitCounts, Receipt, Receipts, receipt_is_good, sign_receipt
from sync.server import tables
from sync.server.devices import ENROLLED, REVOKED
from sync.server.hub import Hub
from sync.server.partner_entrusted import incoming
from sync.server.partners import TRUSTED
from sync.server.site import site_name
from sync.server.watch_tables import watch_hit, watch_hit_count, watch_partner, watch_received, watch_shared

DAYS = 2
"""Today's counts and yesterday's are told; older ones have been."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOST_HITS = 10_000_000


@dataclass(frozen=True, slots=True)
class Passed:
    """The revision of our list that all gates hold, or a newer one; with no gate that holds a list, infinity."""

    revision: float
    gates: int
    silent: int


def passed(connection: Connection) -> Passed:
    """What our gates say that they hold. A venue hub speaks for its own."""
    row = tables.device.c
    asked = select(row.contact, row.state, row.wiped_at).where(row.hub.is_(None), row.state.in_([ENROLLED, REVOKED]))
    reached, gates, silent = math.inf, 0, 0
    for one in connection.execute(asked):
        held = _held(one.contact)
        if one.state == ENROLLED:
            gates += 1
            reached = min(reached, held)
        elif held < math.inf and one.wiped_at is None:
            silent += 1
    return Passed(reached, gates, silent)


def due(hub: Hub, connection: Connection, partner: str) -> Receipts | None:
    """Receipts that the partner is to get; `None`: none."""
    row = watch_received.c
    open_ones = select(watch_received).where(
        row.source.in_([partner, incoming(partner)]), row.removed, row.receipted_at.is_(None)
    )
    if connection.execute(open_ones.limit(1)).first() is None:  # as nearly always
        return None
    gates = passed(connection)
    if gates.revision < math.inf:
        open_ones = open_ones.where(row.revision <= int(gates.revision))
    handed_on = select(watch_shared.c.entry).join(
        watch_partner, and_(watch_partner.c.partner == watch_shared.c.partner, watch_partner.c.state == TRUSTED)
    )
    held = handed_on.where(or_(~watch_shared.c.removed, watch_shared.c.gates_told_at.is_(None)))
    nowhere = or_(row.local.is_(None), row.local.not_in(held))
    found = connection.execute(open_ones.where(nowhere).order_by(row.revision).limit(MOST_ITEMS)).all()
    holder, now = site_name(connection), hub.clock()
    made = [sign_receipt(hub.issuer_key, holder, partner, one.item, now, gates.gates, gates.silent) for one in found]
    return Receipts(tuple(made)) if made else None


def sent(connection: Connection, partner: str, receipts: Receipts) -> None:
    """The partner has these."""
    row = watch_received.c
    for one in receipts.receipts:
        where = row.source.in_([partner, incoming(partner)]), row.item == one.item, row.removed
        connection.execute(update(watch_received).where(*where).values(receipted_at=one.since))


def take_receipts(connection: Connection, partner: str, key: bytes, told: Receipts) -> int:
    """Keep a partner's receipts (its raw issuer's `key`) for what we removed from its copy; how many were new."""
    owner, row, new = site_name(connection), watch_shared.c, 0
    for one in told.receipts[:MOST_ITEMS]:
        if receipt_is_good(one, key, partner, owner):
            where = row.partner == partner, row.item == one.item, row.removed, row.gates_told_at.is_(None)
            kept = {"gates_told_at": one.since, "receipt": to_json(one).decode()}
            changed = update(watch_shared).where(*where).values(**kept, signature=bytes.fromhex(one.signature))
            new += connection.execute(changed.returning(row.item)).first() is not None
    return new


def receipt_of(text: str) -> Receipt | None:
    """A receipt as it was kept."""
    try:
        return from_json(Receipt, text)
    except WireError:
        return None


def counts_for(hub: Hub, connection: Connection, partner: str) -> list[HitCount]:
    """How often what this partner handed us was met in the last days, at our gates and those it was handed on to."""
    row = watch_received.c
    asked = select(row.item, row.local).where(row.source.in_([partner, incoming(partner)]), row.local.is_not(None))
    names = {one.local: one.item for one in connection.execute(asked)}
    first = datetime.fromtimestamp(hub.clock(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first -= timedelta(days=DAYS - 1)
    found: dict[tuple[str, str], int] = {}
    met = select(watch_hit.c.item, watch_hit.c.at).where(watch_hit.c.at >= first.timestamp())
    for one in connection.execute(met):
        if one.item in names:
            _add(found, names[one.item], f"{datetime.fromtimestamp(one.at, UTC):%Y-%m-%d}", 1)
    count = watch_hit_count.c
    others = select(watch_hit_count).where(count.partner.not_in(["", partner]), count.day >= f"{first:%Y-%m-%d}")
    for row_ in connection.execute(others):
        if row_.entry in names:
            _add(found, names[row_.entry], row_.day, row_.hits)
    return [HitCount(item, day, hits) for (item, day), hits in sorted(found.items())]


def take_counts(connection: Connection, partner: str, told: HitCounts) -> int:
    """Keep how often a partner's gates met our entries; how many of the counts are ours."""
    named = {one.item for one in told.counts[:MOST_ITEMS]}
    shared = watch_shared.c
    asked = select(shared.item, shared.entry).where(shared.partner == partner, shared.item.in_(named))
    entries = {one.item: one.entry for one in connection.execute(asked)}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = 0
    for one in told.counts[:MOST_ITEMS]:
        if one.item in entries and _DAY.fullmatch(one.day) and 0 < one.hits <= _MOST_HITS:
            values = {"entry": entries[one.item], "partner": partner, "day": one.day, "hits": one.hits}
            made = dialect.insert(watch_hit_count).values(**values)
            most = func.greatest if connection.dialect.name == "postgresql" else func.max
            higher = {"hits": most(watch_hit_count.c.hits, made.excluded.hits)}
            connection.execute(made.on_conflict_do_update(index_elements=["entry", "partner", "day"], set_=higher))
            new += 1
    return new


def _held(contact: str | None) -> float:
    """The revision that a device said it holds; infinity: it holds no list."""
    try:
        told = from_json(Contact, contact or "").watch
    except WireError:  # it was never in contact
        return math.inf
    return math.inf if told is None else told.revision


def _add(found: dict[tuple[str, str], int], item: str, day: str, hits: int) -> None:
    found[item, day] = found.get((item, day), 0) + hits
