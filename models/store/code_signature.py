"""Signing ticket codes, and telling a genuine one from the rest without a network. Their text is in `models.code`.

The event's secret behind changing codes is symmetric: who has a gate's copy can make the digits of every ticket, though
not the signature beside them. So what a thief of the secret gains is to keep a photographed code alive, no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from models.code import (
    CodeKind,
    CodeParts,
    CodeProblem,
    SignedCode,
    key_id_of,
    read_payload,
    signed_message,
    take_apart,
    write_payload,
)
from models.store.errors import StoreError
from models.totp import Rotation, ticket_key

CodeKeys = Mapping[bytes, Ed25519PublicKey]
"""Issuers' keys by key id."""

SECRET_BYTES = 32


class UnusableKey(StoreError, ValueError):
    """Bytes that are no Ed25519 public key."""


@dataclass(frozen=True, slots=True)
class RotatingSecret:
    """What a gate needs to check the digits of changing codes: the event's secret, and how codes change."""

    secret: bytes = field(repr=False)
    rotation: Rotation = field(default_factory=Rotation)


@dataclass(frozen=True, slots=True)
class RotatingCode:
    """A ticket on a phone: the signed part, which stays, and the key to the digits, which change."""

    parts: CodeParts
    key: bytes = field(repr=False)
    rotation: Rotation = field(default_factory=Rotation)

    def text(self, now: float) -> str:
        """What the phone shows at `now` (Unix seconds)."""
        return str(replace(self.parts, digits=self.rotation.code(self.key, now)))


def code_keys(raw_keys: Iterable[bytes]) -> CodeKeys:
    """Public keys (32 raw bytes each) to check codes with. Raises `UnusableKey`."""
    raws = list(raw_keys)  # what goes wrong in making them is not ours to explain
    try:
        return {key_id_of(raw): Ed25519PublicKey.from_public_bytes(raw) for raw in raws}
    except ValueError:
        raise UnusableKey("an issuer's public key has 32 bytes") from None


def sign_code(code: SignedCode, key: Ed25519PrivateKey) -> str:
    """The text of a ticket on paper. The key id is filled in. Raises `ValueError` for what does not fit in a code."""
    return str(_sign(code, key, CodeKind.FIXED))


def sign_rotating_code(code: SignedCode, key: Ed25519PrivateKey, secret: RotatingSecret) -> RotatingCode:
    """A ticket for a phone. Raises `ValueError` for what does not fit in a code."""
    derived = ticket_key(secret.secret, code.event, code.ticket)
    return RotatingCode(_sign(code, key, CodeKind.ROTATING), derived, secret.rotation)


def open_code(
    text: str, keys: CodeKeys, now: float, rotating: RotatingSecret | None = None
) -> SignedCode | CodeProblem:
    """What a genuine code says, whether its time has come or not; for the digits of changing codes `now` counts."""
    parts = take_apart(text)
    if isinstance(parts, CodeProblem):
        return parts
    key = keys.get(parts.payload[:4])
    if key is None:
        return CodeProblem.UNKNOWN_KEY
    try:
        key.verify(parts.signature, signed_message(parts.kind, parts.payload))
        code = read_payload(parts.payload)
    except InvalidSignature:
        return CodeProblem.BAD_SIGNATURE
    except ValueError:
        return CodeProblem.MALFORMED
    return code if parts.kind is CodeKind.FIXED else _with_step(code, parts.digits, now, rotating)


def verify_code(
    text: str, keys: CodeKeys, now: float, rotating: RotatingSecret | None = None
) -> SignedCode | CodeProblem:
    """As `open_code`, and the code's own time must have come and not gone."""
    code = open_code(text, keys, now, rotating)
    return code if isinstance(code, CodeProblem) else code.problem_at(now) or code


def _sign(code: SignedCode, key: Ed25519PrivateKey, kind: CodeKind) -> CodeParts:
    payload = write_payload(replace(code, key_id=key_id_of(key.public_key().public_bytes_raw())))
    return CodeParts(kind, "", payload, key.sign(signed_message(kind, payload)))


def _with_step(code: SignedCode, digits: str, now: float, rotating: RotatingSecret | None) -> SignedCode | CodeProblem:
    if rotating is None:
        return CodeProblem.NO_SECRET
    step = rotating.rotation.find(ticket_key(rotating.secret, code.event, code.ticket), digits, now)
    return CodeProblem.WRONG_STEP if step is None else replace(code, step=step)
