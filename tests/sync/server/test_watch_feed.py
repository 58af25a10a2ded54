"""The list as gates fetch it: page by page, from any revision, the same for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from models.store.vault import DeviceKey
from models.watch import WatchAction, WatchEntry
from sync.server import watch_feed
from sync.server.hub import Hub
from sync.server.site import ISSUER
from sync.server.watch_feed import gates_page
from sync.server.watch_items import keep_domain, own_domain, put, remove
from sync.server.watch_tables import watch_state
from sync.watch_fetch import Fetched, Receiver, fetch
from sync.watch_page import unpack
from sync.watch_puller import ListShelf
from tests.sync.server.world import hall

GATE = DeviceKey(b"g" * 32)


@pytest.fixture
def listing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A list of seven in two domains, in pages of three."""
    hall(hub)
    monkeypatch.setattr(watch_feed, "PAGE_ITEMS", 3)
    with hub.begin() as connection:
        domain, secret = own_domain(hub, connection)
        theirs = keep_domain(hub, connection, "of city", b"c" * 32)
        for n in range(7):
            name, key = (domain, secret) if n % 2 else ("of city", theirs)
            put(hub, connection, WatchEntry(f"w{n}", "One", "order", WatchAction.NOTIFY, 1, 4e9, domain=name), key)
    return hub


def bring(hub: Hub, after: int) -> Fetched:
    """What a gate fetches."""

    async def ask(revision: int) -> bytes:
        with hub.begin() as connection:
            return gates_page(hub, connection, GATE.public, revision)

    issuers = {ISSUER: hub.issuer_key.public_key().public_bytes_raw()}
    return asyncio.run(fetch(ask, Receiver(issuers, "hall", GATE), after, hub.clock))


def test_a_new_gate_takes_all_pages(listing: Hub, tmp_path: Path) -> None:
    found = bring(listing, 0)
    held = ListShelf(tmp_path, GATE).take(found)
    assert (held.revision, held.count, held.site) == (7, 7, "hall")
    assert sorted(one.entry for one in found.entries()) == [f"w{n}" for n in range(7)]
    assert set(found.domains) == {"own", "of city"}


def test_a_gate_takes_only_what_changed(listing: Hub, tmp_path: Path) -> None:
    shelf = ListShelf(tmp_path, GATE)
    shelf.take(bring(listing, 0))
    with listing.begin() as connection:
        remove(listing, connection, "w3")
    found = bring(listing, 7)
    assert (found.after, set(found.changed), found.removed) == (7, set(), {"w3"})
    assert shelf.take(found).count == 6


def test_who_is_up_to_date_hears_that_it_still_holds(listing: Hub, clock: Callable[[], float]) -> None:
    found = bring(listing, 7)
    assert (found.changed, found.removed, found.held.count) == ({}, set(), 7)
    assert found.held.expires_at == clock() + 7 * 86_400


def test_a_gate_that_knows_more_than_we_do_gets_everything(listing: Hub) -> None:
    with listing.begin() as connection:
        connection.execute(update(watch_state).values(revision=7))
    found = bring(listing, 99)
    assert (found.after, len(found.changed)) == (0, 7)


def test_removed_ones_are_no_ones_business_who_never_held_them(listing: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_feed, "PAGE_ITEMS", 100)
    with listing.begin() as connection:
        remove(listing, connection, "w3")
    assert bring(listing, 0).removed == set()


def test_a_domain_of_which_nothing_is_left_gives_no_key(listing: Hub) -> None:
    with listing.begin() as connection:
        for n in range(0, 7, 2):
            remove(listing, connection, f"w{n}")
        answer = unpack(gates_page(listing, connection, GATE.public, 0))
    assert set(answer.keys) == {"own"}
