"""What our gates hold of lists of persons: the rows of `watch_item`, and the secrets of the domains they lie in.

Each change of a row takes the next revision of the whole list and rings every device. The bell comes first: whoever
rings holds it until the end, so that nobody waits for a revision who is waited for at the bell.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models.store.vault import SECRET_BYTES
from models.watch import WatchAction, WatchEntry, WatchState
from models.watch_domain import turn
from sync.server.database import insert_or_ignore
from sync.server.hub import Hub
from sync.server.watch_tables import watch_approval, watch_domain, watch_entry, watch_item, watch_state
from sync.watch_page import seal_entry

OWN = "own"
"""The domain of this site's own entries."""

SOON_S = 86_400.0
"""So long before it begins an approved entry goes to the gates: they know its time and keep still until then."""

_MANY = 500  # names in one question


def own_domain(hub: Hub, connection: Connection) -> tuple[str, bytes]:
    """The name and the secret of this site's own domain, which is made when first asked for."""
    held = domain_secret(hub, connection, OWN)
    return OWN, held or keep_domain(hub, connection, OWN, os.urandom(SECRET_BYTES))


def domain_secret(hub: Hub, connection: Connection, domain: str) -> bytes | None:
    """The secret of a domain, if it is known here."""
    row = watch_domain.c
    sealed: bytes | None = connection.execute(select(row.sealed_secret).where(row.domain == domain)).scalar()
    return None if sealed is None else hub.unseal(sealed, _domain_place(domain))


def keep_domain(hub: Hub, connection: Connection, domain: str, secret: bytes) -> bytes:
    """Keep a domain's secret; the one that counts: of two who make it at once, the first one's."""
    values = {"domain": domain, "sealed_secret": hub.seal(secret, _domain_place(domain)), "made_at": hub.clock()}
    connection.execute(insert_or_ignore(connection, watch_domain).values(**values))
    held = domain_secret(hub, connection, domain)
    assert held is not None
    return held


def renew_domain(hub: Hub, connection: Connection, domain: str) -> None:
    """Forget a domain's secret for another that nobody was told: what was keyed by the old one is dumb."""
    sealed = hub.seal(os.urandom(SECRET_BYTES), _domain_place(domain))
    connection.execute(update(watch_domain).where(watch_domain.c.domain == domain).values(sealed_secret=sealed))


def put(
    hub: Hub,
    connection: Connection,
    entry: WatchEntry,
    secret: bytes,
    *,
    ours: str | None = None,
    partner: str | None = None,
) -> int:
    """Let our gates hold `entry`, under its name and in its domain as they stand in it; the list's new revision.

    `ours` is the own entry it was made of, `partner` the site that sent it. `secret` is that of `entry.domain`.
    """
    change = seal_entry(entry, secret)
    revision = next_revision(hub, connection)
    values: dict[str, Any] = {"domain": entry.domain, "entry": ours, "partner": partner, "version": entry.version}
    values |= {"revision": revision, "removed": False, "valid_to": entry.valid_to, "sealed": change.sealed}
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    insertion = dialect.insert(watch_item).values(item=entry.entry, **values)
    connection.execute(insertion.on_conflict_do_update(index_elements=["item"], set_=values))
    return revision


def remove(hub: Hub, connection: Connection, item: str) -> int | None:
    """Let our gates drop an item; the list's new revision, or `None` where they didn't hold it."""
    row = watch_item.c
    if not connection.execute(select(row.item).where(row.item == item, ~row.removed)).first():
        return None
    revision = next_revision(hub, connection)
    gone = update(watch_item).where(row.item == item).values(removed=True, sealed=b"", revision=revision)
    connection.execute(gone)
    return revision


def next_revision(hub: Hub, connection: Connection) -> int:
    """Take the list's next revision, and ring every device. Whoever has one holds the others up until the commit."""
    hub.ring(connection)
    connection.execute(insert_or_ignore(connection, watch_state).values(one=1))
    raised = update(watch_state).values(revision=watch_state.c.revision + 1).returning(watch_state.c.revision)
    return int(connection.execute(raised).scalar_one())


def revision(connection: Connection) -> int:
    """The list's revision, as gates compare it."""
    return int(connection.execute(select(watch_state.c.revision)).scalar() or 0)


def held(connection: Connection) -> list[tuple[str, int]]:
    """Name and version of every item that gates are to hold, as `sync.watch_page.digest_of` wants them."""
    row = watch_item.c
    return [(one.item, one.version) for one in connection.execute(select(row.item, row.version).where(~row.removed))]


def state_of(row: Row[Any], now: float) -> WatchState:
    """Where the entry of `row` stands: what was decided, and what the time made of it."""
    state = WatchState(row.state)
    if state is WatchState.WITHDRAWN:
        return state
    if now >= row.valid_to:
        return WatchState.EXPIRED
    return WatchState.ACTIVE if state is WatchState.APPROVED and now >= row.valid_from else state


def is_for_gates(row: Row[Any], now: float) -> bool:
    """Whether gates are to hold the entry of `row`: it is in force, or will be soon."""
    state = state_of(row, now)
    soon = state is WatchState.APPROVED and row.valid_from <= now + SOON_S
    return row.erased_at is None and (state is WatchState.ACTIVE or soon)


def project(hub: Hub, connection: Connection, entry: str) -> None:
    """Bring what gates hold of an own entry in line with where it stands now."""
    project_all(hub, connection, [entry])


def project_all(hub: Hub, connection: Connection, entries: Collection[str]) -> int:
    """As `project`, for many; how many items changed."""
    now, changed, names = hub.clock(), 0, sorted(entries)
    domain, secret = own_domain(hub, connection)
    for first in range(0, len(names), _MANY):
        some = names[first : first + _MANY]
        there = _items(connection, some)
        approvers = _approvers(connection, some)
        for row in connection.execute(select(watch_entry).where(watch_entry.c.entry.in_(some))).all():
            if not is_for_gates(row, now):
                changed += remove(hub, connection, row.entry) is not None
            elif there.get(row.entry) != (row.version, row.valid_to):
                entry = entry_of(hub, row, domain, secret, approvers.get((row.entry, row.version), ()))
                put(hub, connection, entry, secret, ours=row.entry, partner=row.partner)
                changed += 1
    return changed


def entry_of(hub: Hub, row: Row[Any], domain: str, secret: bytes, approvers: tuple[str, ...]) -> WatchEntry:
    """The entry of `row` as it lies in this site's own domain."""
    template = b"" if row.sealed_template is None else hub.unseal(row.sealed_template, template_place(row.entry))
    return WatchEntry(
        entry=row.entry,
        owner=row.owner,
        purpose=row.purpose,
        action=WatchAction(row.action),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        approvers=approvers,
        legal_basis=row.legal_basis,
        person_key=row.person_key.hex() if row.person_key else "",
        template=turn(secret, template),
        model_version=row.model_version,
        version=row.version,
        appeal=row.appeal,
        entrances=tuple(json.loads(row.entrances)),
        domain=domain,
    )


def person_place(entry: str) -> str:
    """Where an entry's document is sealed; the plain text is JSON: [document type, number]."""
    return f"watch person|{entry}"


def template_place(entry: str) -> str:
    """Where an entry's template is sealed, as the engine made it, not turned."""
    return f"watch template|{entry}"


def _items(connection: Connection, entries: list[str]) -> dict[str, tuple[int, float]]:
    row = watch_item.c
    asked = select(row.item, row.version, row.valid_to).where(row.item.in_(entries), ~row.removed)
    return {one.item: (one.version, one.valid_to) for one in connection.execute(asked)}


def _approvers(connection: Connection, entries: list[str]) -> dict[tuple[str, int], tuple[str, ...]]:
    row = watch_approval.c
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for one in connection.execute(select(watch_approval).where(row.entry.in_(entries)).order_by(row.at, row.account)):
        found[one.entry, one.version] = (*found.get((one.entry, one.version), ()), one.account)
    return found


def _domain_place(domain: str) -> str:
    return f"watch domain|{domain}"
