"""What another site's list holds, on its way to our gates: looked at one by one, and nothing more taken than agreed.

A partner's word is a partner's word: an entry that would turn somebody away without a legal ground, or by a face,
becomes a question to a person here; one of a purpose or an owner that was not agreed on is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models.watch import WatchAction, WatchEntry
from models.watch_domain import digest_of
from sync.refusals import NotNext, RolledBack
from sync.server.hub import Hub
from sync.server.partners import Terms, covers, is_time
from sync.server.watch_items import keep_domain, put, remove, revision
from sync.server.watch_tables import watch_item, watch_received, watch_source
from sync.watch_fetch import Fetched

Accept = Callable[[WatchEntry], WatchEntry | None]
"""The entry as we take it; `None`: not at all."""

THE_CENTRE = ""
"""As a source, at a venue hub: the list of the site itself."""

LONGEST_TEXT, LONGEST_TEMPLATE = 500, 16_384
AT_ONCE = 100
"""So many entries go into the database before others have their turn."""


def take(hub: Hub, source: str, fetched: Fetched, accept: Accept) -> int:
    """Make what came of `source`'s list our gates' too; how many entries are not taken, all together.

    Before anything is written it is certain that it makes the list that its owner counted. Then it goes in by and by,
    those that go first, so that nobody at a gate waits for the database meanwhile; one process alone does this.

    Raises `BundleRefused`, and then nothing was changed.
    """
    with hub.begin() as connection:
        before = progress(connection, source)
        known = {one.item: one for one in _rows(connection, source) if not one.removed}
        domains = _domains(connection, source)
    gone = _check(fetched, before, known)
    steps: list[Callable[[Connection], None]] = [partial(_drop, hub, source=source, known=known[item]) for item in gone]
    for entry in fetched.entries():
        taken = accept(entry)
        domain = local_domain(source, entry.domain, fetched.domains[entry.domain])
        if taken is not None:
            taken = replace(taken, entry=local_name(source, entry.entry), domain=domain)
        if not _is_there(known.get(entry.entry), taken, domains):
            secret = fetched.domains[entry.domain]
            steps.append(
                partial(_put, hub, source=source, item=entry.entry, version=entry.version, taken=taken, secret=secret)
            )
    for start in range(0, len(steps), AT_ONCE):
        with hub.begin() as connection:
            for step in steps[start : start + AT_ONCE]:
                step(connection)
    held = fetched.held
    with hub.begin() as connection:
        if progress(connection, source) == before:  # or what was agreed has changed: all of it again
            set_progress(connection, source, held.revision, held.issued_at, held.expires_at)
        return sum(one.local is None for one in _rows(connection, source) if not one.removed)


def _check(fetched: Fetched, before: tuple[int, float], known: Mapping[str, Row[Any]]) -> list[str]:
    """What is to go. Raises `RolledBack`, `NotNext`."""
    held, (cursor, issued_at) = fetched.held, before
    if held.revision < cursor and held.issued_at <= issued_at:
        raise RolledBack("the list is older than the one that is held: perhaps somebody sends old pages")
    if fetched.after not in (0, cursor):
        raise NotNext("the list goes on after another revision than the one that is held")
    gone = set(known) - set(fetched.changed) if fetched.after == 0 else fetched.removed & set(known)
    then = {item: one.version for item, one in known.items() if item not in gone}
    then |= {item: change.version for item, change in fetched.changed.items()}
    if (len(then), digest_of(then.items())) != (held.count, held.digest):
        raise NotNext("what would be held is not what the other side counts: all of the list is fetched again")
    return sorted(gone)


def _is_there(known: Row[Any] | None, taken: WatchEntry | None, domains: Mapping[str, tuple[str, int]]) -> bool:
    """Whether our gates hold it already just so, or just as little."""
    if known is None:
        return False
    if taken is None:
        return known.local is None
    return domains.get(taken.entry) == (taken.domain, taken.version)


def _domains(connection: Connection, source: str) -> dict[str, tuple[str, int]]:
    """The domains and versions of what our gates hold of `source`."""
    row = watch_item.c
    asked = select(row.item, row.domain, row.version).where(row.partner == source, ~row.removed)
    return {one.item: (one.domain, one.version) for one in connection.execute(asked)}


def drop_all(hub: Hub, connection: Connection, source: str) -> int:
    """Nothing of `source` stays at our gates; how many were there."""
    there = [one for one in _rows(connection, source) if not one.removed]
    for one in there:
        _drop(hub, connection, source=source, known=one)
    gone = update(watch_source).where(watch_source.c.source == source)
    connection.execute(gone.values(cursor=0, revision=revision(connection)))
    return len(there)


def drop_expired(hub: Hub, connection: Connection) -> list[str]:
    """Lists that nobody confirmed for too long do nothing any more; whose they were."""
    row = watch_source.c
    due = select(row.source).where(row.expires_at <= hub.clock(), row.cursor > 0).order_by(row.source)
    old = list(connection.execute(due).scalars())
    for source in old:
        drop_all(hub, connection, source)
    return old


def progress(connection: Connection, source: str) -> tuple[int, float]:
    """Up to which revision `source`'s list is held, and when that was issued; zeros: not at all."""
    row = connection.execute(select(watch_source).where(watch_source.c.source == source)).first()
    return (row.cursor, row.issued_at) if row else (0, 0.0)


def trusted_part(terms: Terms, now: float) -> Accept:
    """What we take of a partner's entries under these terms."""

    def accept(entry: WatchEntry) -> WatchEntry | None:
        if not covers(terms, entry.purpose, entry.owner) or not _makes_sense(entry, now):
            return None
        by_face = not entry.person_key
        unfounded = entry.action is WatchAction.REFUSE_UNLESS_CLEARED and (by_face or not entry.legal_basis.strip())
        action = WatchAction.REVIEW if unfounded else entry.action
        return replace(entry, action=action, entrances=(), approvers=())

    return accept


def local_domain(source: str, domain: str, secret: bytes) -> str:
    """What a domain of another list is called at our gates; with another secret it is another one."""
    return "of-" + hashlib.sha256(f"{source}\n{domain}\n".encode() + secret).hexdigest()[:24]


def note_received(
    hub: Hub,
    connection: Connection,
    source: str,
    item: str,
    version: int,
    local: str | None,
    now: int,
    *,
    removed: bool = False,
) -> None:
    """Write down what became of an item: its name at our gates, and the revision of our list that says so."""
    values: dict[str, Any] = {"version": version, "local": local, "removed": removed, "revision": now}
    values |= {"at": hub.clock(), "receipted_at": None}
    _upsert(connection, watch_received, {"source": source, "item": item}, values)


def set_progress(connection: Connection, source: str, cursor: int, issued_at: float, expires_at: float) -> None:
    """From now on `source` is held, or was told, up to `cursor`."""
    values = {"cursor": cursor, "issued_at": issued_at, "expires_at": expires_at, "revision": revision(connection)}
    _upsert(connection, watch_source, {"source": source}, values)


def local_name(source: str, item: str) -> str:
    """What an item of another list is called at our gates: no name that somebody else chose."""
    if source == THE_CENTRE:
        return item
    return "r-" + hashlib.sha256(f"{source}\n{item}".encode()).hexdigest()[:24]


def _makes_sense(entry: WatchEntry, now: float) -> bool:
    texts = (entry.owner, entry.legal_basis, entry.appeal, entry.model_version)
    if any(len(text) > LONGEST_TEXT for text in texts) or not entry.owner.strip():
        return False
    if not (is_time(entry.valid_from) and is_time(entry.valid_to) and entry.valid_to > now):
        return False
    try:
        good_key = len(bytes.fromhex(entry.person_key)) in (0, 32)
    except ValueError:
        return False
    if len(entry.template) % 4 or len(entry.template) > LONGEST_TEMPLATE:
        return False
    numbers = np.frombuffer(entry.template, dtype="<f4")
    return good_key and bool(np.isfinite(numbers).all()) and bool(entry.person_key or len(numbers))


def _put(
    hub: Hub, connection: Connection, source: str, item: str, version: int, taken: WatchEntry | None, secret: bytes
) -> None:
    local = local_name(source, item)
    if taken is not None:
        keep_domain(hub, connection, taken.domain, secret)
        now = put(hub, connection, taken, secret, partner=source)
    else:
        now = remove(hub, connection, local) or revision(connection)
    note_received(hub, connection, source, item, version, local if taken else None, now)


def _drop(hub: Hub, connection: Connection, source: str, known: Row[Any]) -> None:
    now = remove(hub, connection, known.local) if known.local else None
    values = {"removed": True, "revision": now or revision(connection), "at": hub.clock(), "receipted_at": None}
    row = watch_received.c
    connection.execute(update(watch_received).where(row.source == source, row.item == known.item).values(**values))


def _rows(connection: Connection, source: str) -> list[Row[Any]]:
    return list(connection.execute(select(watch_received).where(watch_received.c.source == source)))


def _upsert(connection: Connection, table: Any, key: dict[str, Any], values: dict[str, Any]) -> None:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    made = dialect.insert(table).values(**key, **values)
    connection.execute(made.on_conflict_do_update(index_elements=list(key), set_=values))
