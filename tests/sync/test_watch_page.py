"""Pages of a list on their way: what is taken, what is refused."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from models.store.vault import DeviceKey, SealBroken
from models.watch import WatchAction, WatchEntry
from sync import watch_page
from sync.refusals import BadSignature, BundleRefused, ClockBehind, Expired, Malformed, NotNext, UnknownIssuer
from sync.watch_page import WatchAnswer, WatchPage
from tests.examples import examples

NOW = 1_750_000_000.0
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ISSUERS = {"city": KEY.public_key().public_bytes_raw()}
SECRET = b"s" * 32
ENTRY = WatchEntry("w-1", "Hospital One", "scalping", WatchAction.REVIEW, NOW, NOW + 1e6, domain="city>one", version=3)


def _page(**changes: object) -> WatchPage:
    page = WatchPage(1, "city", "city", 4, 7, False, NOW, NOW + 3600, (watch_page.seal_entry(ENTRY, SECRET),), ("w-0",))
    return type(page)(**{name: changes.get(name, getattr(page, name)) for name in page.__struct_fields__})


def test_a_page_arrives_as_it_left() -> None:
    page = watch_page.verify(watch_page.sign(_page(), KEY), ISSUERS, 4, NOW)
    assert [watch_page.open_entry(change, SECRET) for change in page.changed] == [ENTRY]
    assert page.removed == ("w-0",)


def test_a_page_from_the_beginning_suits_everybody() -> None:
    assert watch_page.verify(watch_page.sign(_page(after=0), KEY), ISSUERS, 99, NOW).upto == 7


@pytest.mark.parametrize(
    ("page", "after", "refusal"),
    [
        (_page(), 5, NotNext),
        (_page(after=9), 9, NotNext),
        (_page(expires_at=NOW - 1), 4, Expired),
        (_page(issued_at=NOW + 301), 4, ClockBehind),
        (_page(issuer="somebody"), 4, UnknownIssuer),
    ],
)
def test_a_page_that_does_not_fit_is_refused(page: WatchPage, after: int, refusal: type[BundleRefused]) -> None:
    with pytest.raises(refusal):
        watch_page.verify(watch_page.sign(page, KEY), ISSUERS, after, NOW)


@settings(max_examples=examples(400), deadline=None)
@given(st.data())
def test_a_page_with_one_byte_changed_is_refused(data: st.DataObject) -> None:
    whole = bytearray(watch_page.sign(_page(), KEY))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BundleRefused):
        watch_page.verify(bytes(whole), ISSUERS, 4, NOW)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for read in (watch_page.unpack, lambda raw: watch_page.verify(raw, ISSUERS, 0, NOW)):
        with pytest.raises(BundleRefused):
            read(data)


def test_another_issuer_with_the_same_name_is_refused() -> None:
    with pytest.raises(BadSignature):
        watch_page.verify(watch_page.sign(_page(), Ed25519PrivateKey.generate()), ISSUERS, 4, NOW)


def test_an_entry_opens_in_its_own_place_alone() -> None:
    change = watch_page.seal_entry(ENTRY, SECRET)
    for moved in ({"item": "w-2"}, {"domain": "city>two"}, {"version": 4}):
        other = type(change)(**{**{name: getattr(change, name) for name in change.__struct_fields__}, **moved})
        with pytest.raises(Malformed):
            watch_page.open_entry(other, SECRET)
    with pytest.raises(Malformed):
        watch_page.open_entry(change, b"t" * 32)


def test_a_secret_is_for_one_receiver_and_one_domain() -> None:
    mine, theirs = DeviceKey(os.urandom(32)), DeviceKey(os.urandom(32))
    envelope = watch_page.wrap_domain(mine.public, "city>one", SECRET)
    assert watch_page.unwrap_domain(mine, "city>one", envelope) == SECRET
    for key, domain in ((theirs, "city>one"), (mine, "city>two")):
        with pytest.raises(SealBroken):
            watch_page.unwrap_domain(key, domain, envelope)


def test_the_digest_knows_names_and_versions_and_no_order() -> None:
    assert watch_page.digest_of([("a", 1), ("b", 2)]) == watch_page.digest_of([("b", 2), ("a", 1)])
    assert watch_page.digest_of([("a", 1)]) != watch_page.digest_of([("a", 2)])


def test_an_answer_arrives_as_it_left() -> None:
    answer = WatchAnswer(watch_page.sign(_page(), KEY), {"city>one": b"e" * 92})
    assert watch_page.unpack(watch_page.pack(answer)) == answer
