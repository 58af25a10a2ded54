"""The text of a signed ticket code: small enough for a QR code, and checked without a network.

    M1:<Base45 of payload and signature>              a ticket on paper
    M2:<digits>:<Base45 of payload and signature>     a ticket on a phone: the digits change (see `totp`)

    payload    key id 4 | not before 4 | not after 4 | event: length 1, UTF-8 | ticket: length 1, UTF-8
    signature  64 bytes, Ed25519 over b"menshen code M1" or b"menshen code M2", a zero byte and the payload

Numbers are unsigned and big-endian, times are Unix seconds. The key id is the start of the SHA-256 of the issuer's raw
public key. What the code is good for stands under the signature, and so does its kind: a photograph of a changing code
with the digits cut off is no paper ticket. Signing and checking are in `store.code_signature`.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass, field
from enum import StrEnum

from models import base45

SIGNATURE_BYTES = 64
KEY_ID_BYTES = 4

_HEAD = struct.Struct(">4sII")
_TEXT = re.compile(r"(?:(M1)|(M2):([0-9]{6,8})):([^\n]+)")


class CodeKind(StrEnum):
    """What the text begins with."""

    FIXED = "M1"
    ROTATING = "M2"


class CodeProblem(StrEnum):
    """Why a code is not taken."""

    FOREIGN = "foreign"  # not one of ours: some other text
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    NO_SECRET = "no_secret"  # noqa: S105  # a changing code, and nothing to check its digits with
    WRONG_STEP = "wrong_step"  # a screenshot, or clocks that differ
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class SignedCode:
    """What the issuer signed. Times are whole Unix seconds, both ends included.

    `step` is the number of the time step that a changing code was made in; `None` on paper.
    """

    event: str
    ticket: str = field(repr=False)
    not_before: int
    not_after: int
    key_id: bytes = b""
    step: int | None = None

    def problem_at(self, now: float) -> CodeProblem | None:
        """Whether the code's own time has come and not gone."""
        if now < self.not_before:
            return CodeProblem.NOT_YET_VALID
        return CodeProblem.EXPIRED if now > self.not_after else None


@dataclass(frozen=True, slots=True)
class CodeParts:
    """A code's text, taken apart and not believed yet."""

    kind: CodeKind
    digits: str = field(repr=False)
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def __str__(self) -> str:
        head = self.kind.value if self.kind is CodeKind.FIXED else f"{self.kind.value}:{self.digits}"
        return f"{head}:{base45.encode(self.payload + self.signature)}"


def key_id_of(public_key: bytes) -> bytes:
    """The four bytes that say which of several issuers' keys (32 bytes, raw) to check with."""
    return hashlib.sha256(public_key).digest()[:KEY_ID_BYTES]


def signed_message(kind: CodeKind, payload: bytes) -> bytes:
    """The bytes under the signature. They begin as nothing else that an issuer signs."""
    return f"menshen code {kind.value}\0".encode() + payload


def is_ours(text: str) -> bool:
    """Whether `text` claims to be a signed code."""
    return text.startswith(tuple(f"{kind.value}:" for kind in CodeKind))


def take_apart(text: str) -> CodeParts | CodeProblem:
    """The parts of a code's text."""
    if not is_ours(text):
        return CodeProblem.FOREIGN
    found = _TEXT.fullmatch(text)
    try:
        body = base45.decode(found[4]) if found else b""
    except ValueError:
        body = b""
    if found is None or len(body) <= _HEAD.size + SIGNATURE_BYTES:
        return CodeProblem.MALFORMED
    kind = CodeKind.FIXED if found[1] else CodeKind.ROTATING
    return CodeParts(kind, found[3] or "", body[:-SIGNATURE_BYTES], body[-SIGNATURE_BYTES:])


def write_payload(code: SignedCode) -> bytes:
    """The bytes to sign. Raises `ValueError` naming what does not fit."""
    if not code.not_before <= code.not_after:
        raise ValueError("a code can't end before it begins")
    if code.not_before < 0 or code.not_after >= 1 << 32:
        raise ValueError("a code's times are Unix seconds from 1970 to 2106")
    if len(code.key_id) != KEY_ID_BYTES:
        raise ValueError(f"a key id has {KEY_ID_BYTES} bytes")
    out = _HEAD.pack(code.key_id, code.not_before, code.not_after)
    for name, text in (("event", code.event), ("ticket", code.ticket)):
        raw = text.encode()
        if not 0 < len(raw) < 256 or not text.isprintable():
            raise ValueError(f"the {name} of a code has 1 to 255 bytes of printable text")
        out += bytes((len(raw),)) + raw
    return out


def read_payload(payload: bytes) -> SignedCode:
    """What the payload says. Raises `ValueError` for bytes that `write_payload` does not write."""
    if len(payload) < _HEAD.size:
        raise ValueError("too short for a code")
    key_id, not_before, not_after = _HEAD.unpack_from(payload)
    texts, at = [], _HEAD.size
    for _ in ("event", "ticket"):
        size = payload[at] if at < len(payload) else 0
        texts.append(payload[at + 1 : at + 1 + size].decode())
        at += 1 + size
    code = SignedCode(texts[0], texts[1], not_before, not_after, key_id)
    if write_payload(code) != payload:
        raise ValueError("the lengths in a code do not add up")
    return code
