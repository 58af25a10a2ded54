"""A venue hub passes its centre's list on to its gates, and says when none of them holds an old one any more."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import update

from models.store.vault import DeviceKey
from sync.contract import HeldWatch, Standing
from sync.refusals import BadSignature
from sync.server.hub import Hub
from sync.server.partner_received import THE_CENTRE, drop_expired, progress
from sync.server.site import ISSUER
from sync.server.upstream_list import is_wanted, keep, told
from sync.server.watch_feed import gates_page
from sync.server.watch_items import revision
from sync.server.watch_tables import watch_entry
from sync.watch_fetch import Fetched, Receiver, fetch
from tests.sync.server.conftest import Clock
from tests.sync.server.partner_world import at_gates, enlist, found_site, gate_holds, withdraw

KEY = DeviceKey(b"h" * 32)


@pytest.fixture
def centre(hub: Hub) -> Hub:
    return found_site(hub, "city")


@pytest.fixture
def below(venue: Hub) -> Hub:
    return found_site(venue, "venue")


def bring(centre: Hub, below: Hub, issuer: Hub | None = None) -> Fetched:
    """What the hub fetches."""
    with below.begin() as connection:
        after, _ = progress(connection, THE_CENTRE)

    async def ask(upto: int) -> bytes:
        with centre.begin() as connection:
            return gates_page(centre, connection, KEY.public, upto)

    issuers = {ISSUER: (issuer or centre).issuer_key.public_key().public_bytes_raw()}
    return asyncio.run(fetch(ask, Receiver(issuers, "city", KEY), after, below.clock))


def test_the_venues_gates_hold_what_the_centres_hold_under_the_same_names(centre: Hub, below: Hub) -> None:
    stays, goes = enlist(centre, 1), enlist(centre, 2)
    with centre.begin() as connection:
        row = watch_entry.c
        changed = update(watch_entry).where(row.entry == stays)
        connection.execute(changed.values(entrances='["north"]'))
    keep(below, bring(centre, below))
    assert {one.entry for one in at_gates(below)} == {stays, goes}
    assert [one.person_key for one in at_gates(below)] == [one.person_key for one in at_gates(centre)]
    assert [one.approvers for one in at_gates(below)] == [("anna", "bo")] * 2
    withdraw(centre, goes)
    keep(below, bring(centre, below))
    assert [one.entry for one in at_gates(below)] == [stays]


def test_it_asks_when_there_is_something_new_or_to_be_confirmed(centre: Hub, below: Hub, clock: Clock) -> None:
    def wanted(at: int) -> bool:
        with below.begin() as connection:
            return is_wanted(below, connection, Standing(clock.now, "", 0, watch_revision=at))

    assert not wanted(0)
    enlist(centre, 1)
    assert wanted(1)
    keep(below, bring(centre, below))
    assert not wanted(1)
    assert wanted(2)
    clock.now += 7 * 3600
    assert wanted(1)


def test_the_centre_hears_only_what_all_the_hubs_gates_have_passed(centre: Hub, below: Hub) -> None:
    def say(before: int) -> HeldWatch | None:
        with below.begin() as connection:
            return told(connection, before)

    assert say(0) is None
    entry = enlist(centre, 1)
    keep(below, bring(centre, below))
    gate_holds(below, 1)
    assert say(0) == HeldWatch(1, 0, "")
    withdraw(centre, entry)
    keep(below, bring(centre, below))
    assert say(1) == HeldWatch(1, 0, "")
    assert say(0) == HeldWatch(0, 0, "")  # after a restart nothing is claimed that isn't known
    with below.begin() as connection:
        now = revision(connection)
    gate_holds(below, now)
    assert say(0) == HeldWatch(2, 0, "")


def test_a_hub_that_is_cut_off_for_a_week_lets_go_of_the_list(centre: Hub, below: Hub, clock: Clock) -> None:
    enlist(centre, 1)
    keep(below, bring(centre, below))
    clock.now += 7 * 86_400
    with below.begin() as connection:
        assert drop_expired(below, connection) == [THE_CENTRE]
    assert at_gates(below) == []


def test_a_list_that_somebody_else_signed_is_not_passed_on(centre: Hub, below: Hub) -> None:
    enlist(centre, 1)
    with pytest.raises(BadSignature):
        bring(centre, below, issuer=below)
