"""Public keys as files that people carry from one machine to another: one line of text.

    menshen-device-x25519  3f0c…(64 hexadecimal digits)  G1      the issuer seals bundles for it
    menshen-issuer-ed25519 9a41…                         hall    the gate believes bundles signed by it
    menshen-ledger-ed25519 77d2…                         G1      who reads a ledger believes its checkpoints
    menshen-release-ed25519 c1a0…                        maker   an appliance takes releases signed by it

The first word keeps one kind from being taken for another. The name is that of the gate or the issuer.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.store.errors import StoreError

_MOST_BYTES = 1024
_NAME = r"[^\s\x00-\x1f](?:[^\x00-\x1f]{0,126}[^\s\x00-\x1f])?"
_LINE = re.compile(rf"(\S+)\s+([0-9a-fA-F]{{64}})\s+({_NAME})\s*")


class KeyUse(StrEnum):
    """What a public key is for."""

    DEVICE = "menshen-device-x25519"
    ISSUER = "menshen-issuer-ed25519"
    LEDGER = "menshen-ledger-ed25519"
    RELEASE = "menshen-release-ed25519"


class WrongKey(StoreError, ValueError):
    """A file that holds no public key of the kind that is asked for."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Whose key it is and for what. `raw` are 32 bytes."""

    use: KeyUse
    name: str
    raw: bytes

    def __str__(self) -> str:
        return f"{self.use} {self.raw.hex()} {self.name}"


def write_public_key(path: Path, key: PublicKey) -> None:
    """Write `key` to `path`, whole or not at all. Raises `WrongKey` for a name that does not fit on the line."""
    if not re.fullmatch(_NAME, key.name):
        raise WrongKey("the name of a key has 1 to 128 printable characters, and no blanks around")
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(f"{key}\n", encoding="utf-8")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def read_public_key(path: Path, use: KeyUse) -> PublicKey:
    """The key in `path`. Raises `WrongKey` when there is none for this use, `OSError` without the file."""
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    try:
        found = _LINE.fullmatch(content.decode("utf-8"))
    except UnicodeDecodeError:
        found = None
    if found is None:
        raise WrongKey(f"{path} is no public key: it must be one line, {use}, 64 hexadecimal digits and a name")
    if found[1] != use:
        other = found[1] if found[1] in set(KeyUse) else "something else"
        raise WrongKey(f"{path} holds {other}, and {use} is needed: perhaps two files were mixed up")
    return PublicKey(use, found[3], bytes.fromhex(found[2]))
