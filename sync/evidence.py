"""One file for police, a court or a visitor: what happened, with all that proves it.

    evidence.json    the record, see `Record`
    evidence.sig     Ed25519 by the site's issuer key over `SIGNED` and the bytes of evidence.json, hexadecimal
    files/…          what was attached, each named in the record with its size and SHA-256

It is a plain ZIP archive, so that it can be read without this program. Sealed for one receiver it is `SEALED`, an
envelope that only the receiver's key opens, and the archive under AES-256-GCM.

The record is proved with public keys alone: the site's for the record, each gate's for its lines.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from models.store.excerpt import Excerpt, ExcerptRefused, check
from models.store.vault import ENVELOPE_BYTES, SECRET_BYTES, DeviceKey, SealBroken, decrypt, encrypt, wrap_for
from models.wire import WireError, from_json, to_json

FORMAT = 1
SIGNED = b"menshen evidence\0"
SEALED = b"MENSHEN SEALED EVIDENCE\n"
RECORD, SIGNATURE, FOLDER = "evidence.json", "evidence.sig", "files/"
LARGEST_RECORD = 64 * 2**20
LARGEST_FILES = 512 * 2**20
_PLACE = b"sealed evidence\0"
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, ValueError, OverflowError)
"""What the library raises for an archive with wrong bytes in it."""

_NAME = re.compile(r"files/[0-9]{3}-[A-Za-z0-9._-]{1,80}")


class EvidenceRefused(ValueError):
    """The file proves nothing. The text says why, and what to do where something can be done."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that is part of the evidence. `name` begins with `files/`, `sha256` is hexadecimal."""

    name: str
    media_type: str
    size: int
    sha256: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class GateKeys:
    """A gate and the keys that sealed its ledgers, raw Ed25519 in hexadecimal, as the site enrolled them."""

    device: str
    gate: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody looked at the case, or did something about it. `actor` is an account, a device or "server"."""

    at: float
    actor: str
    act: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What the site states. Times are Unix seconds; `issuer_key` is raw Ed25519 in hexadecimal.

    `facts` are those of the case; nothing in them is a name, a number or a picture unless the case is about it.
    """

    site: str
    issuer_key: str
    case: str
    made_at: float
    made_by: str
    why: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    excerpts: tuple[Excerpt, ...] = ()
    gates: tuple[GateKeys, ...] = ()
    seen: tuple[Seen, ...] = ()
    files: tuple[Attached, ...] = ()
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Proven:
    """What holds. `site_known`: the record is signed with a key that was named. `gates_known` likewise of all gates."""

    record: Record
    site_known: bool
    gates_known: bool
    lines: int  # shown in full and proved

    @property
    def whole(self) -> bool:
        """Whether it is proved by keys that the asker brought, and by none that the file brought itself."""
        return self.site_known and (self.gates_known or not self.record.excerpts)


def write(record: Record, files: Mapping[str, bytes], key: Ed25519PrivateKey) -> bytes:
    """The archive. `files` are the contents of `record.files` by name."""
    body = to_json(record)
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(RECORD, body)
        archive.writestr(SIGNATURE, key.sign(SIGNED + body).hex())
        for attached in record.files:
            archive.writestr(attached.name, files[attached.name])
    return out.getvalue()


def attach(number: int, name: str, media_type: str, content: bytes, note: str = "") -> Attached:
    """How a file is told of in the record; of its own name only harmless letters are kept."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[-60:].lstrip(".") or "file"
    digest = hashlib.sha256(content).hexdigest()
    return Attached(f"{FOLDER}{number:03d}-{plain}", media_type, len(content), digest, note)


def seal(archive: bytes, receiver: bytes) -> bytes:
    """The archive for the holder of `receiver` (raw X25519) alone."""
    secret = os.urandom(SECRET_BYTES)
    return SEALED + wrap_for(receiver, secret, _PLACE) + encrypt(secret, archive, _PLACE)


def unseal(data: bytes, key: DeviceKey) -> bytes:
    """The inverse of `seal`. Raises `EvidenceRefused`."""
    rest = data.removeprefix(SEALED)
    try:
        return decrypt(key.unwrap(rest[:ENVELOPE_BYTES], _PLACE), rest[ENVELOPE_BYTES:], _PLACE)
    except SealBroken:
        raise EvidenceRefused("it is sealed for another key, or was changed: ask the sender for a new one") from None


def verify(data: bytes, site_keys: Collection[str] = (), gate_keys: Collection[str] = ()) -> Proven:
    """Prove the archive in `data`; keys are raw Ed25519 in lower-case hexadecimal. Raises `EvidenceRefused`."""
    if data.startswith(SEALED):
        raise EvidenceRefused("it is sealed for a receiver: name the receiver's key with --opened-with")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            body, signature = _take(archive, RECORD, LARGEST_RECORD), _take(archive, SIGNATURE, 1024)
            record = _signed(body, signature)
            _check_files(archive, record)
    except EvidenceRefused:
        raise
    except _BROKEN as error:
        raise EvidenceRefused(f"it is no evidence file, or a damaged one ({error}): copy it again") from None
    _check_excerpts(record)
    sealed_with = {excerpt.seal.public_key for excerpt in record.excerpts}
    shown = sum(len(excerpt.shown) for excerpt in record.excerpts)
    return Proven(record, record.issuer_key in site_keys, sealed_with <= set(gate_keys), shown)


def fingerprint(key: str) -> str:
    """A public key as people compare it: SHA-256, in groups of four."""
    digest = hashlib.sha256(bytes.fromhex(key)).hexdigest()[:32].upper()
    return " ".join(digest[at : at + 4] for at in range(0, 32, 4))


def _signed(body: bytes, signature: bytes) -> Record:
    try:
        record = from_json(Record, body)
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(record.issuer_key))
        key.verify(bytes.fromhex(signature.decode("ascii")), SIGNED + body)
    except InvalidSignature:
        raise EvidenceRefused("the record is not what the site signed: it was changed") from None
    except (WireError, ValueError) as error:
        raise EvidenceRefused(f"the record can't be read: {error}") from None
    if record.format != FORMAT:
        raise EvidenceRefused(f"the record is of format {record.format}, this program reads {FORMAT}: take a newer one")
    return record


def _check_files(archive: zipfile.ZipFile, record: Record) -> None:
    names = [one.name for one in record.files]
    if sorted(archive.namelist()) != sorted([RECORD, SIGNATURE, *names]):
        raise EvidenceRefused("the archive holds other files than the record names: something was put in or taken out")
    left = LARGEST_FILES
    for one in record.files:
        if not _NAME.fullmatch(one.name):
            raise EvidenceRefused("the record names a file as no evidence of ours does: take care with this archive")
        content = _take(archive, one.name, min(one.size, left))
        left -= len(content)
        if len(content) != one.size or hashlib.sha256(content).hexdigest() != one.sha256:
            raise EvidenceRefused(f"{one.name} is not the file that the record names: it was changed")


def _check_excerpts(record: Record) -> None:
    for excerpt in record.excerpts:
        try:  # a gate that took another's place has its name and keys of its own
            check(excerpt, [key for gate in record.gates if gate.gate == excerpt.gate for key in gate.keys])
        except ExcerptRefused as error:
            raise EvidenceRefused(str(error)) from None


def _take(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """A member, and never more of it than it may be long."""
    try:
        with archive.open(name) as member:
            content = member.read(limit + 1)
    except KeyError:
        raise EvidenceRefused(f"the archive has no {name}: it is no evidence file of this program") from None
    if len(content) > limit:
        raise EvidenceRefused(f"{name} is longer than it may be: take care with this archive")
    return content
