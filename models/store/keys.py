"""The gate's own signing key: an Ed25519 key in a file that its owner alone can read."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.store.key_file import read_secret, write_secret

_SEED_BYTES = 32  # RFC 8032, section 5.1.5


def load_or_make_signing_key(path: Path) -> Ed25519PrivateKey:
    """The key whose 32 raw bytes are in `path`; made with mode 0600 when there is none.

    Raises `UnsafeKey` when others may read the file, or when it holds no such key.
    """
    if not path.exists():
        write_secret(path, Ed25519PrivateKey.generate().private_bytes_raw())
    return Ed25519PrivateKey.from_private_bytes(read_secret(path, _SEED_BYTES))


def fingerprint(public_key: bytes) -> str:
    """A raw public key (32 bytes) as people read it to each other: eight groups of base32, 160 bits of its SHA-256."""
    text = base64.b32encode(hashlib.sha256(public_key).digest()[:20]).decode().lower()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
