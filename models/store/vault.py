"""Sealing: a stolen gate tells nothing of anybody who is not standing there with a document.

    event secret ──HMAC──▶ lookup key   (document type | number): finds rows, is the `person_key` of facts
                 ──HMAC──▶ row key      (document type | number): wraps the row's own random data key
                 ──HMAC──▶ row number   (ticket): finds a row for its revocation
    data key ──AES-256-GCM──▶ the sealed ticket, bound to event and row
    device key ──▶ an X25519 key, to which the issuer wraps the event secret
               ──▶ an AES-256-GCM key, under which the gate keeps that secret, and watch entries

A row that several documents open has one data key, wrapped once per document. The limit of it: numbers are short. Who
has the event secret can try all numbers there are. So the device key belongs into a TPM or a systemd credential, and
the event secret is destroyed when the event is over.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.ids import DocumentType, normalise_number
from models.store.errors import StoreError
from models.store.key_file import read_secret, write_secret

SECRET_BYTES = 32
LOOKUP_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_BYTES = NONCE_BYTES + SECRET_BYTES + TAG_BYTES
ENVELOPE_BYTES = 32 + WRAPPED_BYTES


class SealBroken(StoreError, ValueError):
    """A seal did not open: another key, another place, or changed bytes. Which of them can't be told."""


def load_or_make_event_secret(path: Path) -> bytes:
    """The issuer's secret for one event, 32 bytes; made when there is no such file. Raises `UnsafeKey`.

    One event keeps one secret for all its manifests, or the person keys in its ledgers no longer match.
    """
    if not path.exists():
        write_secret(path, os.urandom(SECRET_BYTES))
    return read_secret(path, SECRET_BYTES)


def lookup_key(event_secret: bytes, document: DocumentType, number: str) -> bytes:
    """Where a document's rows are found: HMAC-SHA256, 32 bytes. Its hex is the `person_key` of facts."""
    return _mac(event_secret, b"lookup", f"{document.value}|{normalise_number(number)}")


def row_number(event_secret: bytes, ticket: str) -> int:
    """The row of a ticket in every manifest of the event: 63 bits of a keyed hash."""
    return int.from_bytes(_mac(event_secret, b"ticket", ticket)[:8], "big") >> 1


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed ticket: its row, its bytes, and (lookup key, wrapped data key) for each document that opens it."""

    row: int
    sealed: bytes = field(repr=False)
    openings: tuple[tuple[bytes, bytes], ...] = field(repr=False)


def seal_row(
    event: str, event_secret: bytes, ticket: str, plain: bytes, documents: Sequence[tuple[DocumentType, str]]
) -> Sealed:
    """Seal `plain` under a fresh data key that each of `documents` (type, number) opens."""
    row = row_number(event_secret, ticket)
    place = _place(event, row)
    data_key = os.urandom(SECRET_BYTES)
    openings = tuple(
        (lookup_key(event_secret, document, number), encrypt(_row_key(event_secret, document, number), data_key, place))
        for document, number in documents
    )
    return Sealed(row, encrypt(data_key, plain, place), openings)


@dataclass(frozen=True, slots=True)
class Opener:
    """One presented document, ready to open the rows it was sealed for. Lives for one look-up."""

    event: str
    row_key: bytes = field(repr=False)

    @classmethod
    def of(cls, event: str, event_secret: bytes, document: DocumentType, number: str) -> Opener:
        """The opener of a document within `event`."""
        return cls(event, _row_key(event_secret, document, number))

    def open(self, row: int, wrapped: bytes, sealed: bytes) -> bytes:
        """What was sealed in `row`. Raises `SealBroken`."""
        place = _place(self.event, row)
        return decrypt(decrypt(self.row_key, wrapped, place), sealed, place)


class DeviceKey:
    """The gate's own secret: 32 bytes in a file only the gate reads. Two keys come of it, to receive and to keep."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"a device key has {SECRET_BYTES} bytes")
        self._receive = X25519PrivateKey.from_private_bytes(_derive(secret, b"menshen device x25519"))
        self._keep = _derive(secret, b"menshen device sealing")
        self.public = self._receive.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @classmethod
    def make(cls, path: Path) -> DeviceKey:
        """A new key in a new file. Raises `UnsafeKey`."""
        write_secret(path, os.urandom(SECRET_BYTES))
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> DeviceKey:
        """The key in `path`. Raises `UnsafeKey`."""
        return cls(read_secret(path, SECRET_BYTES))

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """Keep `plain` on this gate, at `place`."""
        return encrypt(self._keep, plain, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """What was kept at `place`. Raises `SealBroken`."""
        return decrypt(self._keep, sealed, place)

    def unwrap(self, envelope: bytes, place: bytes) -> bytes:
        """The secret that `wrap_for` put into `envelope` for this gate. Raises `SealBroken`."""
        if len(envelope) != ENVELOPE_BYTES:
            raise SealBroken("the envelope has another size")
        try:
            shared = self._receive.exchange(X25519PublicKey.from_public_bytes(envelope[:32]))
        except ValueError:
            raise SealBroken("the envelope holds no usable public key") from None
        return decrypt(_envelope_key(shared, envelope[:32], self.public), envelope[32:], place)


def wrap_for(public: bytes, secret: bytes, place: bytes) -> bytes:
    """An envelope that only the holder of `public` (X25519, 32 bytes) opens, and only for `place`."""
    ephemeral = X25519PrivateKey.generate()
    sender = ephemeral.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    return sender + encrypt(_envelope_key(shared, sender, public), secret, place)


def watch_key(event_secret: bytes) -> bytes:
    """Under which watch entries travel in a bundle."""
    return _mac(event_secret, b"watch", "")


def encrypt(key: bytes, plain: bytes, place: bytes) -> bytes:
    """AES-256-GCM with a random nonce: nonce, ciphertext, tag. `place` is bound to it and not stored."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, place)


def decrypt(key: bytes, sealed: bytes, place: bytes) -> bytes:
    """The inverse of `encrypt`. Raises `SealBroken`."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise SealBroken("too short for a seal")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
    except InvalidTag:
        raise SealBroken("the seal does not open: another key, another place, or changed bytes") from None


def _row_key(event_secret: bytes, document: DocumentType, number: str) -> bytes:
    return _mac(event_secret, b"row", f"{document.value}|{normalise_number(number)}")


def _mac(secret: bytes, label: bytes, text: str) -> bytes:
    return hmac.digest(secret, label + b"\0" + text.encode(), "sha256")


def _place(event: str, row: int) -> bytes:
    return b"ticket\0" + row.to_bytes(8, "big") + event.encode()


def _derive(secret: bytes, label: bytes) -> bytes:
    return HKDF(SHA256(), SECRET_BYTES, salt=None, info=label).derive(secret)


def _envelope_key(shared: bytes, sender: bytes, receiver: bytes) -> bytes:
    return HKDF(SHA256(), SECRET_BYTES, salt=sender + receiver, info=b"menshen event secret").derive(shared)
