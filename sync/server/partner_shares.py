"""Which of our entries a partner holds, and the pages that bring them: keyed and turned for this partner alone.

The same person has another key, another name of the entry and another template in each partner's copy, and the copies
come in different orders: two partners who lay theirs side by side find nobody by them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from models.watch import WatchAction, WatchEntry, WatchState
from models.watch_domain import person_key, turn
from sync.server.hub import Hub, new_identifier
from sync.server.partners import ENDED, TRUSTED, Terms, bell_of, covers, secret_for, terms_of
from sync.server.watch_entries import document_of
from sync.server.watch_feed import Part, answer
from sync.server.watch_items import state_of, template_place
from sync.server.watch_tables import watch_entry, watch_partner, watch_shared
from sync.watch_page import PAGE_ITEMS, WatchChange, seal_entry, wrap_domain

DAY_S = 86_400.0


def share_all(hub: Hub) -> int:
    """Bring what every partner is to hold in line with our list; how many copies changed."""
    row = watch_partner.c
    with hub.begin() as connection:
        names = connection.execute(select(row.partner).order_by(row.partner)).scalars().all()
    changed = 0
    for name in names:
        with hub.begin() as connection:
            changed += share(hub, connection, name)
    return changed


def share(hub: Hub, connection: Connection, partner: str) -> int:
    """As `share_all`, for one partner."""
    asked = select(watch_partner).where(watch_partner.c.partner == partner).with_for_update()
    row = connection.execute(asked).one()
    wanted, have = _wanted(hub, connection, row), _shared(connection, partner)
    steps: list[tuple[str, dict[str, Any]]] = []
    for entry, version in wanted.items():
        held = have.get(entry)
        if held is None or held.removed or held.version != version:
            steps.append((entry, {"version": version, "removed": False, "gates_told_at": None}))
    steps += [(one.entry, {"removed": True}) for one in have.values() if not one.removed and one.entry not in wanted]
    secrets.SystemRandom().shuffle(steps)  # in no partner's copy do they stand as in another's
    for number, (entry, values) in enumerate(steps, row.revision + 1):
        values["revision"] = number
        if entry in have:
            where = watch_shared.c.partner == partner, watch_shared.c.entry == entry
            connection.execute(update(watch_shared).where(*where).values(**values))
        else:
            item = new_identifier("w")
            connection.execute(insert(watch_shared).values(partner=partner, entry=entry, item=item, **values))
    if steps:
        raised = update(watch_partner).where(watch_partner.c.partner == partner)
        connection.execute(raised.values(revision=row.revision + len(steps)))
        hub.ring(connection, device=bell_of(partner))
    return len(steps)


def partners_page(hub: Hub, connection: Connection, partner: str, after: int) -> bytes:
    """The answer to a trusted partner that holds its copy up to revision `after`."""
    share(hub, connection, partner)  # nothing goes out that was changed a moment ago and isn't approved anew
    row = connection.execute(select(watch_partner).where(watch_partner.c.partner == partner)).one()
    secret, begin = secret_for(hub, connection, row), after if after <= row.revision else 0
    shared = watch_shared.c
    asked = select(watch_shared).where(shared.partner == partner, shared.revision > begin)
    asked = asked if begin or after else asked.where(~shared.removed)
    found = connection.execute(asked.order_by(shared.revision).limit(PAGE_ITEMS + 1)).all()
    if row.entrusts:  # our entries go there by another way, and it gets no copy
        begin, found = 0, []
    more, found = len(found) > PAGE_ITEMS, found[:PAGE_ITEMS]
    live = connection.execute(select(shared.item, shared.version).where(shared.partner == partner, ~shared.removed))
    part = Part(
        after=begin,
        upto=found[-1].revision if more else row.revision,
        more=more,
        changed=tuple(_changes(hub, connection, row, secret, [one for one in found if not one.removed])),
        removed=tuple(one.item for one in found if one.removed),
        held=[(one.item, one.version) for one in live] if not (row.entrusts or more) else (),
    )
    keys = {row.domain: wrap_domain(row.seal_key, row.domain, secret)}
    return answer(hub, connection, part, keys, audience=partner)


def _wanted(hub: Hub, connection: Connection, row: Row[Any]) -> dict[str, int]:
    """The entries that the partner of `row` is to hold, each with its version."""
    terms, now = terms_of(row), hub.clock()
    if row.state != TRUSTED or not (terms.gets or terms.entrusts):
        return {}
    entry = watch_entry.c
    columns = entry.entry, entry.version, entry.state, entry.valid_from, entry.valid_to, entry.partner
    asked = select(*columns, entry.sites, entry.purpose, entry.owner)
    asked = asked.where(entry.state == WatchState.APPROVED, entry.erased_at.is_(None))
    asked = asked.where(entry.valid_from <= now, entry.valid_to > now)  # few are looked at one by one
    rows: Sequence[Any] = connection.execute(asked).all()
    return {one.entry: one.version for one in rows if _is_for(one, row.partner, terms, now)}


def _is_for(entry: Row[Any], partner: str, terms: Terms, now: float) -> bool:
    if state_of(entry, now) is not WatchState.ACTIVE or entry.partner == partner:
        return False
    if terms.entrusts and entry.partner is not None:  # what others entrusted to us is not ours to entrust
        return False
    for_it = entry.sites == "[]" or partner in json.loads(entry.sites)
    return for_it and covers(terms, entry.purpose, entry.owner)


def _shared(connection: Connection, partner: str) -> dict[str, Row[Any]]:
    asked = select(watch_shared).where(watch_shared.c.partner == partner)
    return {one.entry: one for one in connection.execute(asked)}


def _changes(
    hub: Hub, connection: Connection, row: Row[Any], secret: bytes, shared: list[Row[Any]]
) -> Iterable[WatchChange]:
    for start in range(0, len(shared), 500):
        some = {one.entry: one for one in shared[start : start + 500]}
        asked = select(watch_entry).where(watch_entry.c.entry.in_(some))
        rows = {entry.entry: entry for entry in connection.execute(asked)}
        for one in some.values():  # in the copy's own order, not in that of our table
            if is_as_shared(rows[one.entry], one):
                yield seal_entry(copy_of(hub, rows[one.entry], one.item, row.domain, secret), secret)


def is_as_shared(entry: Row[Any], shared: Row[Any]) -> bool:
    """Whether the entry is still what was to go out: one that was changed meanwhile has to be approved first."""
    same: bool = entry.version == shared.version and entry.state == WatchState.APPROVED
    return same


def copy_of(hub: Hub, row: Row[Any], item: str, domain: str, secret: bytes) -> WatchEntry:
    """Our entry of `row`, as it stands in another domain under another name.

    It says nothing of who approved it here or where its own gates are, and of its time the day alone.
    """
    template = b"" if row.sealed_template is None else hub.unseal(row.sealed_template, template_place(row.entry))
    document = document_of(hub, row)
    return WatchEntry(
        entry=item,
        owner=row.owner,
        purpose=row.purpose,
        action=WatchAction(row.action),
        valid_from=row.valid_from // DAY_S * DAY_S,
        valid_to=row.valid_to // DAY_S * DAY_S if row.valid_to - row.valid_from > DAY_S else row.valid_to,
        legal_basis=row.legal_basis,
        person_key=person_key(secret, document.kind, document.number) if document else "",
        template=turn(secret, template),
        model_version=row.model_version,
        version=row.version,
        appeal=row.appeal,
        domain=domain,
    )


def hand_nothing(hub: Hub, connection: Connection, partner: str) -> None:
    """The partnership is over: all copies are removed."""
    connection.execute(update(watch_partner).where(watch_partner.c.partner == partner).values(state=ENDED))
    share(hub, connection, partner)
    hub.ring(connection, device=bell_of(partner))
