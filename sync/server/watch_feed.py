"""The list as pages: for our gates and venue hubs what they are to hold, signed once more at each asking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from models.watch_domain import digest_of
from sync.server.hub import Hub
from sync.server.site import ISSUER, site_name
from sync.server.upstream_papers import papers_of
from sync.server.watch_items import domain_secret, held, revision
from sync.server.watch_tables import watch_item, watch_state
from sync.watch_page import (
    FORMAT,
    LIFETIME_S,
    PAGE_ITEMS,
    WatchAnswer,
    WatchChange,
    WatchPage,
    pack,
    sign,
    wrap_domain,
)


@dataclass(frozen=True, slots=True)
class Part:
    """What a page says. `changes` follow each other by revision; a sealed entry of `None` is removed."""

    after: int
    upto: int
    more: bool
    changed: tuple[WatchChange, ...]
    removed: tuple[str, ...]
    held: Iterable[tuple[str, int]] = ()


def gates_page(hub: Hub, connection: Connection, device_key: bytes, after: int) -> bytes:
    """The answer to a gate that holds the list up to revision `after`; `device_key` is its raw X25519 key."""
    part = _part(connection, after)
    row = watch_item.c
    domains = connection.execute(select(row.domain).where(~row.removed).distinct()).scalars()
    secrets = {one: domain_secret(hub, connection, one) for one in sorted(domains)}
    keys = {domain: wrap_domain(device_key, domain, secret) for domain, secret in secrets.items() if secret}
    return answer(hub, connection, part, keys)


def answer(hub: Hub, connection: Connection, part: Part, keys: dict[str, bytes], audience: str = "") -> bytes:
    """A page with what its reader needs to open it, as it goes over the wire."""
    whole = [] if part.more else list(part.held)
    page = WatchPage(
        format=FORMAT,
        site=site_name(connection),
        issuer=issuer_name(hub),
        after=part.after,
        upto=part.upto,
        more=part.more,
        issued_at=hub.clock(),
        expires_at=hub.clock() + LIFETIME_S,
        changed=part.changed,
        removed=part.removed,
        count=len(whole),
        digest="" if part.more else digest_of(whole),
        audience=audience,
    )
    return pack(WatchAnswer(sign(page, hub.issuer_key), keys))


def issuer_name(hub: Hub) -> str:
    """Under which name our key is known to our devices."""
    papers = papers_of(hub.settings)
    return ISSUER if papers is None else papers.device


def _part(connection: Connection, after: int) -> Part:
    # Until we are through nobody takes a revision: what is counted and what is told are of one moment.
    connection.execute(select(watch_state.c.revision).with_for_update(read=True))
    newest = revision(connection)
    begin = after if after <= newest else 0  # we were put back to an older day: all of it again
    row = watch_item.c
    asked = select(watch_item).where(row.revision > begin).order_by(row.revision, row.item).limit(PAGE_ITEMS + 1)
    rows = connection.execute(asked.where(~row.removed) if begin == 0 else asked).all()
    more, rows = len(rows) > PAGE_ITEMS, rows[:PAGE_ITEMS]
    return Part(
        after=begin,
        upto=rows[-1].revision if more else newest,
        more=more,
        changed=tuple(WatchChange(one.item, one.version, one.domain, one.sealed) for one in rows if not one.removed),
        removed=tuple(one.item for one in rows if one.removed),
        held=() if more else held(connection),
    )
