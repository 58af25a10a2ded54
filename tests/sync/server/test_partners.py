"""Sites that share lists: who gets what, keyed for whom, taken how far, and gone when it is over."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert, select, update

from models.watch import WatchAction, WatchPurpose
from models.watch_domain import digest_of, person_key
from sync.contract_partner import Approval, EntrustedEntries, HitCount, HitCounts, Receipts
from sync.refusals import BadSignature, Malformed, NotNext, OtherGate, RolledBack
from sync.server import partner_receipts, tables
from sync.server.hub import Hub, open_hub
from sync.server.partner_end import end
from sync.server.partner_entrusted import take_unagreed_off
from sync.server.partner_received import drop_expired, local_name
from sync.server.partner_shares import partners_page, share
from sync.server.partners import Terms, change_terms, enter, find_partner, fingerprint, own_card, read_card, trust
from sync.server.problems import Refused
from sync.server.settings import Settings
from sync.server.watch_items import revision
from sync.server.watch_tables import watch_entry, watch_hit, watch_hit_count, watch_partner, watch_shared
from sync.watch_page import seal_entry, unpack, wrap_domain
from tests.sync.server.conftest import Clock
from tests.sync.server.partner_world import (
    ID,
    at_gates,
    befriend,
    enlist,
    entrust,
    fetched,
    found_site,
    gate_holds,
    number,
    pull,
    receipt,
    take_in,
    template,
    withdraw,
)

GETS, GIVES = Terms(gets=True), Terms(gives=True)


@pytest.fixture
def sites(hub: Hub, clock: Clock, tmp_path: Path, migrated_file: Path) -> Iterator[list[Hub]]:
    """A city on the database of the run, and two hospitals on their own."""
    made = [found_site(hub, "city")]
    for name in ("one", "two"):
        (tmp_path / name).mkdir(mode=0o700)
        shutil.copy(migrated_file, tmp_path / name / "hub.db")
        made.append(found_site(open_hub(Settings(tmp_path / name), clock), name))
    yield made
    for one in made[1:]:
        one.engine.dispose()


@pytest.fixture
def city(sites: list[Hub]) -> Hub:
    return sites[0]


@pytest.fixture
def one(sites: list[Hub]) -> Hub:
    befriend(sites[0], sites[1], GETS, GIVES)
    return sites[1]


@pytest.fixture
def two(sites: list[Hub]) -> Hub:
    befriend(sites[0], sites[2], GETS, GIVES)
    return sites[2]


# --- cards ------------------------------------------------------------------------------------------------------------


def test_nothing_goes_over_before_both_fingerprints_were_compared(sites: list[Hub]) -> None:
    city, one, _ = sites
    enlist(city, 1)
    with one.begin() as connection:
        card = own_card(one, connection)
    with city.begin() as connection:
        enter(city, connection, "li", card, GETS)
        assert share(city, connection, "one") == 0
        with pytest.raises(Refused, match="stop here"):
            trust(city, connection, "li", "one", "00000000")
        trust(city, connection, "li", "one", fingerprint(card)[-8:].upper())
        assert share(city, connection, "one") == 1


def test_a_card_says_who_it_is_and_its_fingerprint_covers_that(city: Hub, one: Hub) -> None:
    with city.begin() as connection:
        card = own_card(city, connection)
    with one.begin() as connection:
        other = own_card(one, connection)
    assert read_card(json.dumps({name: getattr(card, name) for name in card.__slots__})) == card
    for part in ("site", "authority", "issuer_key", "seal_key"):
        assert fingerprint(replace(card, **{part: getattr(other, part)})) != fingerprint(card)
    assert fingerprint(replace(card, url="https://elsewhere:1", name="Other")) == fingerprint(card)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"site":"x"}', "card", "\x00"])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_card(text)
    assert refused.value.code == "no_card"


@pytest.mark.parametrize("part", ["site", "url", "authority", "issuer_key", "seal_key"])
def test_a_card_with_a_broken_part_is_refused(city: Hub, part: str) -> None:
    with city.begin() as connection:
        card = own_card(city, connection)
    whole = {name: getattr(card, name) for name in card.__slots__}
    with pytest.raises(Refused):
        read_card(json.dumps(whole | {part: "a b/é"}))


def test_the_own_card_and_a_known_partner_are_not_entered(city: Hub, one: Hub) -> None:
    with city.begin() as connection:
        for hub, code in ((city, "own_card"), (one, "partner_known")):
            with one.begin() as theirs:
                card = own_card(hub, theirs if hub is one else connection)
            with pytest.raises(Refused) as refused:
                enter(city, connection, "li", card, GETS)
            assert refused.value.code == code


def test_who_is_entrusted_with_everything_does_not_subscribe_as_well(city: Hub, one: Hub) -> None:
    with city.begin() as connection, pytest.raises(Refused) as refused:
        change_terms(city, connection, "li", "one", Terms(gets=True, entrusts=True))
    assert refused.value.code == "bad_terms"


# --- copies -----------------------------------------------------------------------------------------------------------


def test_a_subscriber_finds_who_is_listed_by_document_and_by_face(city: Hub, one: Hub) -> None:
    enlist(city, 7)
    assert pull(city, one) == 0
    (entry,) = at_gates(one)
    found = fetched(city, one)
    (secret,) = found.domains.values()
    assert entry.person_key == person_key(secret, ID, number(7))
    assert (entry.owner, entry.action, entry.approvers, entry.entrances) == ("One", WatchAction.REVIEW, (), ())
    plain, turned = (np.frombuffer(each, dtype="<f4") for each in (template(7), entry.template))
    assert np.linalg.norm(turned) == pytest.approx(np.linalg.norm(plain), rel=1e-4)
    assert not np.allclose(plain, turned, atol=1e-2)


def test_two_subscribers_copies_have_nothing_in_common_by_which_to_join_them(city: Hub, one: Hub, two: Hub) -> None:
    for serial in range(20):
        enlist(city, serial, valid_to=city.clock() + 86_400.0 * 50 + serial)
    copies = [fetched(city, each) for each in (one, two)]
    entries = [copy.entries() for copy in copies]
    assert [len(each) for each in entries] == [20, 20]
    for what in ("entry", "person_key", "template"):
        ours, theirs = ({getattr(entry, what) for entry in each} for each in entries)
        assert (len(ours), len(theirs), ours & theirs) == (20, 20, set()), what
    assert set(copies[0].domains).isdisjoint(copies[1].domains)
    assert set(copies[0].domains.values()).isdisjoint(copies[1].domains.values())
    assert len({(entry.valid_from, entry.valid_to) for each in entries for entry in each}) == 1
    whose = [
        [person_key(secret, ID, number(n)) for n in range(20)] for copy in copies for secret in copy.domains.values()
    ]
    orders = [[keys.index(entry.person_key) for entry in each] for keys, each in zip(whose, entries, strict=True)]
    assert orders[0] != orders[1]  # nor do they come in the same order


def test_a_withdrawn_entry_leaves_every_copy_and_others_stay(city: Hub, one: Hub) -> None:
    gone, stays = enlist(city, 1), enlist(city, 2)
    pull(city, one)
    withdraw(city, gone)
    pull(city, one)
    assert len(at_gates(one)) == 1
    assert [entry.entry for entry in at_gates(city)] == [stays]


def test_what_was_changed_goes_out_again_only_when_it_is_approved_again(city: Hub, one: Hub) -> None:
    entry = enlist(city, 1)
    pull(city, one)
    with city.begin() as connection:
        row = watch_entry.c
        connection.execute(update(watch_entry).where(row.entry == entry).values(version=2, state="proposed"))
    pull(city, one)
    assert at_gates(one) == []
    with city.begin() as connection:
        connection.execute(update(watch_entry).where(row.entry == entry).values(state="approved", owner="Two"))
    pull(city, one)
    assert [(each.version, each.owner) for each in at_gates(one)] == [(2, "Two")]


def test_only_what_was_agreed_goes_out(city: Hub, one: Hub) -> None:
    with city.begin() as connection:
        change_terms(city, connection, "li", "one", Terms(gets=True, purposes=("scalping",), owners=("One",)))
    enlist(city, 1)
    enlist(city, 2, owner="Two")
    enlist(city, 3, purpose=WatchPurpose.ORDER)
    enlist(city, 4, sites=("two",))
    enlist(city, 5, purpose=WatchPurpose.FREQUENT)
    pull(city, one)
    assert len(at_gates(one)) == 1


def test_who_does_not_subscribe_gets_an_empty_list(city: Hub, one: Hub) -> None:
    enlist(city, 1)
    pull(city, one)
    with city.begin() as connection:
        change_terms(city, connection, "li", "one", Terms(may_entrust=True))
    pull(city, one)
    assert at_gates(one) == []


def test_what_came_from_a_partner_is_not_handed_on(sites: list[Hub], city: Hub, one: Hub) -> None:
    befriend(one, sites[2], GETS, GIVES)
    enlist(city, 1)
    pull(city, one)
    pull(one, sites[2])
    assert at_gates(sites[2]) == []


# --- what a partner may do --------------------------------------------------------------------------------------------


def test_a_partner_is_not_trusted_with_more_than_was_agreed(city: Hub, one: Hub) -> None:
    with one.begin() as connection:
        change_terms(one, connection, "li", "city", Terms(gives=True, purposes=("scalping",), owners=("One",)))
    enlist(city, 1)
    enlist(city, 2, purpose=WatchPurpose.ORDER)
    enlist(city, 3, owner="Somebody")
    assert pull(city, one) == 2
    assert [entry.owner for entry in at_gates(one)] == ["One"]


@pytest.mark.parametrize(
    ("basis", "by_face", "becomes"),
    [("ruling 5", False, "refuse_unless_cleared"), (" ", False, "review"), ("ruling 5", True, "review")],
)
def test_a_partner_turns_nobody_away_without_a_ground(
    city: Hub, one: Hub, basis: str, by_face: bool, becomes: str
) -> None:
    entry = enlist(city, 1, purpose=WatchPurpose.COURT_BAN)
    values: dict[str, object] = {"action": "refuse_unless_cleared", "legal_basis": basis}
    with city.begin() as connection:  # a city that follows no rules
        row = watch_entry.c
        changed = values | ({"sealed_person": None} if by_face else {})
        connection.execute(update(watch_entry).where(row.entry == entry).values(**changed))
    assert pull(city, one) == 0
    assert [each.action for each in at_gates(one)] == [becomes]


@pytest.mark.parametrize(
    "odd",
    [
        {"valid_to": float("nan")},
        {"valid_to": 1.0},
        {"person_key": "xyz"},
        {"person_key": "00"},
        {"template": b"123"},
        {"template": np.array([np.nan], dtype="<f4").tobytes()},
        {"template": bytes(20_000)},
        {"person_key": "", "template": b""},
        {"owner": " "},
        {"appeal": "x" * 501},
        {"purpose": "grudge"},
        {"purpose": "frequent"},
    ],
)
def test_an_entry_that_makes_no_sense_is_left_out(city: Hub, one: Hub, odd: dict[str, object]) -> None:
    enlist(city, 1)
    enlist(city, 2)
    found = fetched(city, one)
    (domain,) = found.domains
    whole = found.entries()
    bad = replace(whole[0], **odd)  # type: ignore[arg-type]
    found.changed[bad.entry] = seal_entry(bad, found.domains[domain])
    assert take_in(one, "city", found) == 1
    assert len(at_gates(one)) == 1


def test_a_partner_cannot_touch_our_entries_or_anothers(sites: list[Hub], city: Hub, one: Hub) -> None:
    ours = enlist(one, 9)
    enlist(city, 1)
    found = fetched(city, one)
    (change,), (secret,) = found.entries(), found.domains.values()
    named = replace(change, entry=ours)
    found.changed = {ours: seal_entry(named, secret)}
    found.held = replace(found.held, digest=digest_of([(ours, 1)]))
    take_in(one, "city", found)
    assert {each.entry for each in at_gates(one)} == {ours, local_name("city", ours)}
    assert [each.person_key for each in at_gates(one) if each.entry == ours] != [named.person_key]


# --- attacks on the way -----------------------------------------------------------------------------------------------


def test_a_page_made_for_another_partner_is_refused(city: Hub, one: Hub, two: Hub) -> None:
    enlist(city, 1)
    with city.begin() as connection:
        page = partners_page(city, connection, "two", 0)
    with pytest.raises(OtherGate):
        _read(one, page)


def test_a_page_signed_by_another_partner_is_refused(sites: list[Hub], city: Hub, one: Hub) -> None:
    befriend(sites[2], one, GETS, GIVES)
    with sites[2].begin() as connection:
        page = partners_page(sites[2], connection, "one", 0)
    with pytest.raises(BadSignature):
        _read(one, page)


def test_an_old_page_is_not_taken_twice(city: Hub, one: Hub, clock: Clock) -> None:
    gone = enlist(city, 1)
    old = fetched(city, one)
    take_in(one, "city", old)
    clock.now += 5
    withdraw(city, gone)
    pull(city, one)
    with pytest.raises(RolledBack):
        take_in(one, "city", old)
    assert at_gates(one) == []


def test_a_page_that_was_cut_or_keeps_something_back_changes_nothing(city: Hub, one: Hub) -> None:
    enlist(city, 1)
    enlist(city, 2)
    with city.begin() as connection:
        page = partners_page(city, connection, "one", 0)
    for cut in (0, 1, len(page) // 2, len(page) - 1):
        with pytest.raises(Malformed):
            _read(one, page[:cut])
    found = fetched(city, one)
    found.changed.popitem()
    with pytest.raises(NotNext):
        take_in(one, "city", found)
    assert at_gates(one) == []


def test_a_key_wrapped_for_somebody_else_opens_nothing(city: Hub, one: Hub, two: Hub) -> None:
    enlist(city, 1)
    with city.begin() as connection:
        page = unpack(partners_page(city, connection, "one", 0))
        stranger = find_partner(connection, "two").seal_key
    (domain,) = page.keys
    with pytest.raises(Malformed):
        _read(one, page.page, {domain: wrap_domain(stranger, domain, b"s" * 32)})


def test_a_list_that_nobody_confirms_for_a_week_is_dropped(city: Hub, one: Hub, clock: Clock) -> None:
    enlist(city, 1)
    pull(city, one)
    clock.now += 7 * 86_400 - 1
    with one.begin() as connection:
        assert drop_expired(one, connection) == []
    clock.now += 1
    with one.begin() as connection:
        assert drop_expired(one, connection) == ["city"]
    assert at_gates(one) == []
    pull(city, one)
    assert len(at_gates(one)) == 1


# --- entrusting -------------------------------------------------------------------------------------------------------


@pytest.fixture
def keeper(sites: list[Hub]) -> Hub:
    """A city on whose list hospital one puts its entries, and which hands them to hospital two."""
    befriend(sites[0], sites[1], Terms(may_entrust=True), Terms(entrusts=True))
    befriend(sites[0], sites[2], GETS, GIVES)
    return sites[0]


def test_an_entrusted_entry_reaches_the_others_and_its_withdrawal_too(sites: list[Hub], keeper: Hub) -> None:
    owner, other = sites[1], sites[2]
    entry = enlist(owner, 3)
    assert entrust(owner, keeper) == 1
    pull(keeper, other)
    (there,) = at_gates(other)
    (here,) = at_gates(keeper)
    assert (here.owner, here.approvers) == ("One", ("anna@one", "bo@one"))
    assert there.person_key != here.person_key
    withdraw(owner, entry)
    assert entrust(owner, keeper) == 1
    pull(keeper, other)
    assert at_gates(other) == at_gates(keeper) == []


def test_what_is_entrusted_no_more_is_withdrawn_at_either_sides_wish(sites: list[Hub], keeper: Hub) -> None:
    enlist(sites[1], 1)
    enlist(sites[1], 2, purpose=WatchPurpose.ORDER)
    entrust(sites[1], keeper)
    with keeper.begin() as connection:
        change_terms(keeper, connection, "li", "one", Terms(may_entrust=True, purposes=("order",)))
        assert take_unagreed_off(keeper, connection) == 1
    assert [one.purpose for one in at_gates(keeper)] == ["order"]
    with sites[1].begin() as connection:
        with pytest.raises(Refused, match="end it first"):
            change_terms(sites[1], connection, "li", "city", Terms(gets=True))
        change_terms(sites[1], connection, "li", "city", Terms())
    enlist(sites[1], 3)
    assert entrust(sites[1], keeper) == 1
    assert at_gates(keeper) == []


@pytest.mark.parametrize("fraud", ["no proof", "one approver", "one role", "other approvers", "garbage"])
def test_what_two_people_there_did_not_approve_is_not_taken(sites: list[Hub], keeper: Hub, fraud: str) -> None:
    def change(told: EntrustedEntries) -> EntrustedEntries:
        (entry,) = told.entries
        anna, bo = entry.approvals
        frauds = {
            "no proof": {"proof": "00" * 64},
            "one approver": {"approvals": (anna,)},
            "one role": {"approvals": (anna, replace(bo, role=anna.role))},
            "other approvers": {"approvals": (anna, Approval("eve", "supervisor", 1.0))},
            "garbage": {"sealed": "00" * 80},
        }
        return EntrustedEntries((replace(entry, **frauds[fraud]),))  # type: ignore[arg-type]

    enlist(sites[1], 3)
    assert entrust(sites[1], keeper, change) == 0
    assert at_gates(keeper) == []


def test_an_owner_entrusts_only_its_purposes_and_no_children(sites: list[Hub], keeper: Hub) -> None:
    with keeper.begin() as connection:
        change_terms(keeper, connection, "li", "one", Terms(may_entrust=True, purposes=("scalping",)))
    enlist(sites[1], 1)
    enlist(sites[1], 2, purpose=WatchPurpose.ORDER)
    assert entrust(sites[1], keeper) == 1
    assert len(at_gates(keeper)) == 1


def test_an_older_version_sent_again_changes_nothing(sites: list[Hub], keeper: Hub) -> None:
    owner, kept = sites[1], list[EntrustedEntries]()
    entry = enlist(owner, 1)
    entrust(owner, keeper, lambda told: kept.append(told) or told)  # type: ignore[func-returns-value]
    withdraw(owner, entry)
    entrust(owner, keeper)
    with owner.begin() as connection:
        row = watch_entry.c
        connection.execute(update(watch_entry).where(row.entry == entry).values(version=2, state="approved"))
        for account, role in (("anna", "owner"), ("bo", "supervisor")):
            given = {"entry": entry, "version": 2, "account": account, "role": role, "at": 1.0}
            connection.execute(insert(tables.metadata.tables["watch_approval"]).values(**given))
    assert entrust(owner, keeper) == 1
    assert entrust(owner, keeper, lambda _: kept[0]) == 0
    assert [each.version for each in at_gates(keeper)] == [2]


# --- receipts and counts ----------------------------------------------------------------------------------------------


def test_a_receipt_comes_once_no_gate_holds_the_entry_any_more(city: Hub, one: Hub) -> None:
    entry = enlist(city, 1)
    pull(city, one)
    gate_holds(one, 1)
    withdraw(city, entry)
    pull(city, one)
    assert receipt(one, city) == 0
    with one.begin() as connection:
        gate_holds_now = revision(connection)
    gate_holds(one, gate_holds_now)
    assert receipt(one, city) == 1
    assert receipt(one, city) == 0
    with city.begin() as connection:
        kept = connection.execute(select(watch_shared)).one()
    told = partner_receipts.receipt_of(kept.receipt)
    assert told is not None
    assert (kept.gates_told_at, told.gates, told.silent) == (one.clock(), 1, 0)


def test_a_revoked_gate_that_never_wiped_is_told_of(city: Hub, one: Hub) -> None:
    entry = enlist(city, 1)
    pull(city, one)
    gate_holds(one, 1)
    with one.begin() as connection:
        connection.execute(update(tables.device).values(state="revoked"))
    withdraw(city, entry)
    pull(city, one)
    assert receipt(one, city) == 1
    with city.begin() as connection:
        told = partner_receipts.receipt_of(connection.execute(select(watch_shared.c.receipt)).scalar_one())
    assert told is not None
    assert (told.gates, told.silent) == (0, 1)


def test_a_receipt_that_somebody_else_signed_is_none(city: Hub, one: Hub, two: Hub) -> None:
    entry = enlist(city, 1)
    pull(city, one)
    withdraw(city, entry)
    pull(city, one)
    with one.begin() as connection:
        made = partner_receipts.due(one, connection, "city")
    assert made is not None
    forged = Receipts(tuple(replace(each, since=each.since + 1) for each in made.receipts))
    with city.begin() as connection:
        ones, twos = (find_partner(connection, name).issuer_key for name in ("one", "two"))
        assert partner_receipts.take_receipts(connection, "one", ones, forged) == 0
        assert partner_receipts.take_receipts(connection, "one", twos, made) == 0
        assert partner_receipts.take_receipts(connection, "two", ones, made) == 0
        assert partner_receipts.take_receipts(connection, "one", ones, made) == 1


def test_the_owner_has_the_keepers_receipt_only_when_nobody_holds_it(sites: list[Hub], keeper: Hub) -> None:
    owner, other = sites[1], sites[2]
    entry = enlist(owner, 1)
    entrust(owner, keeper)
    pull(keeper, other)
    gate_holds(other, 1)
    withdraw(owner, entry)
    entrust(owner, keeper)
    assert receipt(keeper, owner) == 0  # hospital two has not even heard of it
    pull(keeper, other)
    assert receipt(other, keeper) == 0
    gate_holds(other, 2)
    assert (receipt(other, keeper), receipt(keeper, owner)) == (1, 1)


def test_counts_of_hits_go_back_and_nobodys_name(city: Hub, one: Hub, clock: Clock) -> None:
    entry = enlist(city, 1)
    pull(city, one)
    (there,) = at_gates(one)
    values = {"device": "gate-1", "epoch": "e", "item": there.entry, "version": 1, "means": "document", "distance": 0.0}
    with one.begin() as connection:
        for seq in (1, 2, 3):
            hit = values | {"seq": seq, "attempt": seq, "done": "review", "at": clock.now}
            connection.execute(insert(watch_hit).values(**hit))
        (count,) = partner_receipts.counts_for(one, connection, "city")
    assert count.hits == 3
    with city.begin() as connection:
        odd = HitCount(count.item, "yesterday", 4), HitCount(count.item, count.day, -1), HitCount("w-x", count.day, 5)
        told = HitCounts((count, *odd, replace(count, hits=2)))
        partner_receipts.take_counts(connection, "one", told)
        kept = connection.execute(select(watch_hit_count)).all()
    assert [(each.entry, each.partner, each.hits) for each in kept] == [(entry, "one", 3)]


# --- the end ----------------------------------------------------------------------------------------------------------


def test_an_ended_partnership_leaves_nothing_behind(sites: list[Hub], city: Hub, one: Hub) -> None:
    befriend(sites[2], one, GETS, GIVES)
    enlist(city, 1)
    enlist(sites[2], 2)
    pull(city, one)
    pull(sites[2], one)
    with one.begin() as connection:
        end(one, connection, "li", "city")
        assert find_partner(connection, "city").state == "ended"
    assert len(at_gates(one)) == 1
    with city.begin() as connection:
        end(city, connection, "li", "one")
        held = connection.execute(select(watch_shared.c.item).where(~watch_shared.c.removed)).all()
        assert (held, connection.execute(select(watch_partner.c.state)).scalars().all()) == ([], ["ended"])


def test_an_ended_partners_entrusted_entries_are_withdrawn_everywhere(sites: list[Hub], keeper: Hub) -> None:
    enlist(sites[1], 1)
    enlist(keeper, 2)
    entrust(sites[1], keeper)
    pull(keeper, sites[2])
    assert len(at_gates(sites[2])) == 2
    with keeper.begin() as connection:
        end(keeper, connection, "li", "one")
    pull(keeper, sites[2])
    assert (len(at_gates(keeper)), len(at_gates(sites[2]))) == (1, 1)


def _read(reader: Hub, page: bytes, keys: dict[str, bytes] | None = None) -> None:
    """As the reader would, of what somebody in between hands it in the city's name."""
    import asyncio

    from sync.server.partners import seal_key_of
    from sync.server.site import ISSUER
    from sync.watch_fetch import Receiver, fetch
    from sync.watch_page import WatchAnswer, pack

    async def ask(_: int) -> bytes:
        return page if keys is None else pack(WatchAnswer(page, keys))

    with reader.begin() as connection:
        issuer = find_partner(connection, "city").issuer_key
    asyncio.run(fetch(ask, Receiver({ISSUER: issuer}, "city", seal_key_of(reader), "one"), 0, reader.clock))
