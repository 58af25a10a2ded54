"""What sites say to each other of their lists of persons, over HTTPS, each request signed with the issuer's key.

The site that asks stands in the place of the device in `sync.contract.SIGNED_FORM`, the one that is asked in that of
the site: what was signed for one partner is worth nothing at another. Nobody's name or number is in any of these
bodies but sealed in `Entrusted`.

| request                          | body → answer                                |
|----------------------------------|----------------------------------------------|
| GET  /v1/partner/watch?after=N   | → `sync.watch_page.WatchAnswer`, as to gates |
| GET  /v1/partner/doorbell        | → server-sent events, `sync.contract.Ring`   |
| POST /v1/partner/hits            | `HitCounts` → `Taken`                        |
| POST /v1/partner/receipts        | `Receipts` → `Taken`                         |
| POST /v1/partner/entries         | `EntrustedEntries` → `Taken`                 |
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MOST_ITEMS = 500
"""In one body."""

RECEIPT_FORM = "menshen list receipt\n{holder}\n{owner}\n{item}\n{since}\n{gates}\n{silent}"
ENTRUSTED_FORM = "menshen entrusted entry\n{owner}\n{keeper}\n{item}\n{version}\n{approvals}"


@dataclass(frozen=True, slots=True)
class Card:
    """A site, as its partners enter it: where it is, whose certificates it shows, and its two public keys."""

    site: str
    name: str
    url: str
    authority: str  # PEM
    issuer_key: str  # Ed25519
    seal_key: str  # X25519
    format: int = 1


@dataclass(frozen=True, slots=True)
class HitCount:
    """How often an item was met on a day (UTC, as in 2026-05-01), all gates together; the latest number counts."""

    item: str
    day: str
    hits: int


@dataclass(frozen=True, slots=True)
class HitCounts:
    """Up to `MOST_ITEMS`."""

    counts: tuple[HitCount, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """No gate of ours has held `item` since then, by its own word.

    `gates` is how many there are; `silent` how many have been revoked and never said that they wiped. The signature
    (Ed25519, hexadecimal) is over `RECEIPT_FORM`, so that the owner can show it to others.
    """

    item: str
    since: float
    gates: int
    silent: int
    signature: str


@dataclass(frozen=True, slots=True)
class Receipts:
    """Up to `MOST_ITEMS`."""

    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody of the owner's house approved this version."""

    account: str
    role: str
    at: float


@dataclass(frozen=True, slots=True)
class Entrusted:
    """An entry that its owner puts on another site's list. `sealed` holds `EntrustedPerson`, for its keeper alone.

    `proof` is the owner's signature over `ENTRUSTED_FORM`: who approved this version of this entry.
    """

    item: str
    version: int
    approvals: tuple[Approval, ...]
    proof: str
    envelope: str = field(repr=False)
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EntrustedEntries:
    """Entries as they are from now on, and names of those that are withdrawn; up to `MOST_ITEMS` of both."""

    entries: tuple[Entrusted, ...] = ()
    withdrawn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntrustedPerson:
    """What travels sealed: whom it is about, and what is asked for. Bytes in hexadecimal."""

    owner: str
    purpose: str
    action: str
    legal_basis: str
    appeal: str
    valid_from: float
    valid_to: float
    document: str = field(default="", repr=False)
    number: str = field(default="", repr=False)
    template: str = field(default="", repr=False)
    model_version: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """How much of it was new."""

    taken: int


def sign_receipt(
    key: Ed25519PrivateKey, holder: str, owner: str, item: str, since: float, gates: int, silent: int
) -> Receipt:
    """The receipt of site `holder` for an item of site `owner`."""
    form = _receipt_form(holder, owner, item, since, gates, silent)
    return Receipt(item, since, gates, silent, key.sign(form).hex())


def receipt_is_good(receipt: Receipt, key: bytes, holder: str, owner: str) -> bool:
    """Whether the holder of the raw `key` signed it."""
    form = _receipt_form(holder, owner, receipt.item, receipt.since, receipt.gates, receipt.silent)
    return _is_signed(receipt.signature, key, form)


def sign_approvals(
    key: Ed25519PrivateKey, owner: str, keeper: str, item: str, version: int, approvals: tuple[Approval, ...]
) -> str:
    """The proof of an entrusted entry."""
    return key.sign(_entrusted_form(owner, keeper, item, version, approvals)).hex()


def proof_is_good(entry: Entrusted, key: bytes, owner: str, keeper: str) -> bool:
    """Whether the holder of the raw `key` says that these approved it."""
    return _is_signed(entry.proof, key, _entrusted_form(owner, keeper, entry.item, entry.version, entry.approvals))


def entrusted_place(owner: str, keeper: str, item: str, version: int) -> bytes:
    """To what an entrusted person's seal is bound."""
    return f"menshen entrusted\n{owner}\n{keeper}\n{item}\n{version}".encode()


def _receipt_form(holder: str, owner: str, item: str, since: float, gates: int, silent: int) -> bytes:
    return RECEIPT_FORM.format(
        holder=holder, owner=owner, item=item, since=repr(since), gates=gates, silent=silent
    ).encode()


def _entrusted_form(owner: str, keeper: str, item: str, version: int, approvals: tuple[Approval, ...]) -> bytes:
    said = "\n".join(f"{one.account}\t{one.role}\t{one.at!r}" for one in approvals)
    return ENTRUSTED_FORM.format(owner=owner, keeper=keeper, item=item, version=version, approvals=said).encode()


def _is_signed(signature: str, key: bytes, form: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(signature), form)
    except (InvalidSignature, ValueError):
        return False
    return True
