"""A list that comes in pages, from an honest issuer, and from others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.store.errors import WrongStore
from models.store.vault import DeviceKey
from models.watch import WatchAction, WatchEntry
from models.watch_domain import digest_of
from sync import watch_fetch, watch_page
from sync.refusals import (
    BadSignature,
    BundleRefused,
    ClockBehind,
    CutShort,
    EndlessData,
    Expired,
    Malformed,
    NotNext,
    OtherGate,
    RolledBack,
    UnknownIssuer,
)
from sync.watch_fetch import Fetched, Receiver, fetch
from sync.watch_page import WatchAnswer, WatchPage
from sync.watch_puller import ListShelf

NOW = 1_780_000_000.0
CITY, STRANGER = (Ed25519PrivateKey.from_private_bytes(one * 32) for one in (b"c", b"x"))
GATE, OTHER = DeviceKey(b"g" * 32), DeviceKey(b"h" * 32)
SECRET, DOMAIN = b"s" * 32, "own"
RECEIVER = Receiver({"centre": CITY.public_key().public_bytes_raw()}, "city", GATE)


def listed(item: str, version: int = 1) -> WatchEntry:
    return WatchEntry(item, "One", "scalping", WatchAction.REVIEW, 1, 2, domain=DOMAIN, version=version)


def page(after: int, upto: int, *changed: WatchEntry, held: int = 0, **more: object) -> WatchPage:
    """A page of an honest city; `held` of its entries are all there are."""
    counted = [(one.entry, one.version) for one in changed][:held]
    sealed = tuple(watch_page.seal_entry(one, SECRET) for one in changed)
    values: dict[str, object] = {"count": held, "digest": digest_of(counted)}
    values |= {"format": 1, "site": "city", "issuer": "centre", "after": after, "upto": upto, "more": False}
    values |= {"issued_at": NOW, "expires_at": NOW + 900, "changed": sealed}
    return WatchPage(**(values | more))  # type: ignore[arg-type]


def packed(made: WatchPage, key: Ed25519PrivateKey = CITY, reader: DeviceKey = GATE, secret: bytes = SECRET) -> bytes:
    keys = {DOMAIN: watch_page.wrap_domain(reader.public, DOMAIN, secret)}
    return watch_page.pack(WatchAnswer(watch_page.sign(made, key), keys))


def come(*answers: bytes, after: int = 0, receiver: Receiver = RECEIVER) -> Fetched:
    """What a receiver makes of these answers, one for each asking; the last one for ever."""
    asked: list[int] = []

    async def ask(revision: int) -> bytes:
        asked.append(revision)
        return answers[min(len(asked), len(answers)) - 1]

    return asyncio.run(fetch(ask, receiver, after, lambda: NOW))


def test_pages_make_one_list() -> None:
    first = page(0, 4, listed("a"), listed("b"), more=True)
    second = page(4, 9, listed("c"), listed("a", 2), removed=("b",))
    found = come(packed(first), packed(second))
    assert (found.after, found.held.revision, found.removed) == (0, 9, {"b"})
    assert found.entries() == [listed("a", 2), listed("c")]
    assert found.domains == {DOMAIN: SECRET}


def test_who_returns_on_a_later_page_is_held() -> None:
    found = come(packed(page(3, 4, removed=("a",), more=True)), packed(page(4, 5, listed("a"))), after=3)
    assert (found.removed, found.entries()) == (set(), [listed("a")])


@pytest.mark.parametrize(
    ("answers", "refusal"),
    [
        ((b"",), Malformed),
        ((b"<html>a portal</html>",), Malformed),
        ((packed(page(0, 4, listed("a")))[:-1],), Malformed),
        ((watch_page.pack(WatchAnswer(b"short", {})),), CutShort),
        ((packed(page(0, 4), STRANGER),), BadSignature),
        ((packed(page(0, 4, issuer="x")),), UnknownIssuer),
        ((packed(page(0, 4, audience="hospital-two")),), OtherGate),
        ((packed(page(0, 4, site="town")),), OtherGate),
        ((packed(page(0, 4), reader=OTHER),), Malformed),
        ((packed(page(0, 4, expires_at=NOW - 1)),), Expired),
        ((packed(page(0, 4, issued_at=NOW + 999)),), ClockBehind),
        ((packed(page(2, 9, listed("a"))),), NotNext),
        ((packed(page(0, 4, more=True)), packed(page(0, 4))), NotNext),
        ((packed(page(0, 0, more=True)),), EndlessData),
        ((packed(page(0, 4, more=True)), packed(page(4, 4, more=True))), EndlessData),
    ],
    ids=[
        "nothing",
        "a captive portal",
        "cut",
        "no signature",
        "another's signature",
        "an unknown issuer",
        "made for another partner",
        "another site's",
        "sealed to another machine",
        "too old",
        "from the future",
        "on top of another revision",
        "afresh half-way",
        "endless from the start",
        "endless later",
    ],
)
def test_what_is_not_ours_is_refused(answers: tuple[bytes, ...], refusal: type[BundleRefused]) -> None:
    with pytest.raises(refusal):
        come(*answers)


def test_a_list_that_grows_for_ever_ends_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_fetch, "MOST_PAGES", 5)
    with pytest.raises(EndlessData):
        come(*(packed(page(n, n + 1, more=True)) for n in range(9)))


def test_a_page_under_another_secret_opens_nothing() -> None:
    with pytest.raises(Malformed):
        come(packed(page(0, 4, listed("a"), held=1), secret=b"z" * 32)).entries()


def test_an_entry_without_its_domains_key_opens_nothing() -> None:
    with pytest.raises(Malformed):
        come(watch_page.pack(WatchAnswer(watch_page.sign(page(0, 4, listed("a")), CITY), {}))).entries()


def test_an_old_whole_list_is_not_taken_again(tmp_path: Path) -> None:
    shelf = ListShelf(tmp_path, GATE)
    old = come(packed(page(0, 4, listed("a"), held=1, issued_at=NOW - 50)))
    shelf.take(old)
    newest = shelf.take(come(packed(page(4, 5, removed=("a",))), after=4))
    with pytest.raises(RolledBack):
        shelf.take(old)
    assert shelf.held() == newest
    shelf.destroy()
    with pytest.raises(RolledBack):  # not even after everything was wiped
        shelf.take(old)


def test_an_issuer_that_was_put_back_to_an_older_day_is_followed(tmp_path: Path) -> None:
    shelf = ListShelf(tmp_path, GATE)
    shelf.take(come(packed(page(0, 9, listed("a"), held=1, issued_at=NOW - 50))))
    restored = come(packed(page(0, 4, listed("b"), held=1)), after=9)
    assert shelf.take(restored).revision == 4


def test_a_page_that_keeps_something_back_is_refused(tmp_path: Path) -> None:
    shelf = ListShelf(tmp_path, GATE)
    shelf.take(come(packed(page(0, 4, listed("a"), held=1))))
    less = come(packed(page(4, 5, listed("b"), held=1)), after=4)
    with pytest.raises(WrongStore):
        shelf.take(replace(less))
    assert (held := shelf.held()) is not None
    assert held.revision == 4
