"""How a list of persons travels: signed pages of changes, from a server to its gates and from site to site.

    answer   MessagePack: {page, keys}
    page     Ed25519 signature (64) over the rest with `SIGNED` before it, then MessagePack of `WatchPage`

Pages follow each other by revision: a receiver that holds everything up to `after` takes what changed and holds
everything up to `upto`. A page with `after` 0 begins afresh. Each change is a `models.watch.WatchEntry`, sealed under
its domain's secret, and the answer's keys are those secrets, each wrapped for this receiver alone. So a page is the
same for all gates and is signed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from models.store.errors import StoreError
from models.store.ticket_bytes import watch_from_bytes, watch_to_bytes
from models.store.vault import DeviceKey, SealBroken, decrypt, encrypt, watch_key, wrap_for
from models.watch import WatchEntry
from models.watch_domain import digest_of as digest_of
from sync.refusals import (
    BadSignature,
    ClockBehind,
    CutShort,
    Expired,
    Malformed,
    NewerFormat,
    NotNext,
    OtherGate,
    UnknownIssuer,
)

T = TypeVar("T")

FORMAT = 1
SIGNED = b"menshen watch page\0"
SIGNATURE_BYTES = 64
PAGE_ITEMS = 2_000
LIFETIME_S = 7 * 86_400.0
"""A list that nobody refreshes for a week does nothing any more: who was taken off it meanwhile is left in peace."""

AHEAD_S = 300.0
"""How far an issuer's clock may be before ours."""


class WatchChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry as it is from now on."""

    item: str
    version: int
    domain: str
    sealed: bytes


class WatchPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the issuer signs. Times are Unix seconds.

    `more`: the receiver asks again, with `upto` as its `after`. Without it `count` and `digest` (see `digest_of`) are
    those of the whole list, to be compared with what the receiver then holds. `audience` is the site for which it was
    made; empty: the issuer's own gates.
    """

    format: int
    site: str
    issuer: str
    after: int
    upto: int
    more: bool
    issued_at: float
    expires_at: float
    changed: tuple[WatchChange, ...] = ()
    removed: tuple[str, ...] = ()
    count: int = 0
    digest: str = ""
    audience: str = ""


class WatchAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed page and, by domain, the secret wrapped for the receiver (`wrap_domain`)."""

    page: bytes
    keys: dict[str, bytes]


class _Claimed(msgspec.Struct, frozen=True):
    """What must be known before a signature can be checked: not believed yet."""

    format: int
    issuer: str


def sign(page: WatchPage, key: Ed25519PrivateKey) -> bytes:
    """The page as it travels."""
    body = msgspec.msgpack.encode(page)
    return key.sign(SIGNED + body) + body


def verify(data: bytes, issuers: Mapping[str, bytes], after: int, now: float, audience: str = "") -> WatchPage:
    """The page, if one of `issuers` (raw Ed25519 keys by name) signed it for `audience` and it follows on `after`.

    Raises `CutShort`, `Malformed`, `NewerFormat`, `UnknownIssuer`, `BadSignature`, `OtherGate`, `NotNext`, `Expired`,
    `ClockBehind`.
    """
    if len(data) <= SIGNATURE_BYTES:
        raise CutShort("the page of the list ends too early: it is fetched again")
    signature, body = data[:SIGNATURE_BYTES], data[SIGNATURE_BYTES:]
    claimed = _decode(_Claimed, body)
    if claimed.format != FORMAT:
        raise NewerFormat(f"the list is of format {claimed.format}, this program reads {FORMAT}: update this program")
    if claimed.issuer not in issuers:
        raise UnknownIssuer(f"the list is signed by {claimed.issuer!r}, whom this machine doesn't trust")
    try:
        Ed25519PublicKey.from_public_bytes(issuers[claimed.issuer]).verify(signature, SIGNED + body)
    except InvalidSignature:
        raise BadSignature("the page of the list is not what its issuer signed: look who stands in between") from None
    page = _decode(WatchPage, body)
    if page.audience != audience:
        raise OtherGate("the page of the list was made for somebody else: look who stands in between")
    _check_place(page, after, now)
    return page


def seal_entry(entry: WatchEntry, secret: bytes) -> WatchChange:
    """The entry, sealed under its domain's secret; `entry.domain` and `entry.entry` are those of the receiver."""
    sealed = encrypt(watch_key(secret), watch_to_bytes(entry), _item_place(entry.domain, entry.entry))
    return WatchChange(entry.entry, entry.version, entry.domain, sealed)


def open_entry(change: WatchChange, secret: bytes) -> WatchEntry:
    """The entry. Raises `Malformed`."""
    try:
        plain = decrypt(watch_key(secret), change.sealed, _item_place(change.domain, change.item))
        entry = watch_from_bytes(plain)
    except (SealBroken, StoreError):
        raise Malformed(f"the entry {change.item} of the list can't be opened: ask its issuer") from None
    if (entry.entry, entry.version) != (change.item, change.version):
        raise Malformed(f"the entry {change.item} of the list says that it is another: ask its issuer")
    return replace(entry, domain=change.domain)


def wrap_domain(public: bytes, domain: str, secret: bytes) -> bytes:
    """The domain's secret for the holder of `public` (X25519, 32 bytes)."""
    return wrap_for(public, secret, _domain_place(domain))


def unwrap_domain(key: DeviceKey, domain: str, envelope: bytes) -> bytes:
    """The inverse of `wrap_domain`. Raises `SealBroken`."""
    return key.unwrap(envelope, _domain_place(domain))


def pack(answer: WatchAnswer) -> bytes:
    """The answer's bytes."""
    return msgspec.msgpack.encode(answer)


def unpack(data: bytes) -> WatchAnswer:
    """The inverse of `pack`. Raises `Malformed`."""
    return _decode(WatchAnswer, data)


def _check_place(page: WatchPage, after: int, now: float) -> None:
    if page.after not in (0, after) or page.upto < page.after:
        raise NotNext(f"the page goes on after {page.after}, and {after} is held: all of the list is fetched again")
    if now > page.expires_at:
        raise Expired("the list is too old: perhaps somebody holds back the newer one")
    if page.issued_at > now + AHEAD_S:
        raise ClockBehind("the list was issued in this machine's future: set its clock")


def _decode(kind: type[T], data: bytes) -> T:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        raise Malformed("the page of the list is no page: ask its issuer") from None


def _item_place(domain: str, item: str) -> bytes:
    return b"watch item\0" + domain.encode() + b"\0" + item.encode()


def _domain_place(domain: str) -> bytes:
    return b"watch domain\0" + domain.encode()
