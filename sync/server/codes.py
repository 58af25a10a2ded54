"""One-time codes that people read, type or photograph: 80 bits in Crockford's base32, kept as a hash alone."""

from __future__ import annotations

import hashlib
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O and U (Crockford)
CHARACTERS = 16
_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


def new_code() -> str:
    """A code in groups, as in `7K3M-9QTV-X0D2-HWEN`."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(CHARACTERS))
    return "-".join(text[start : start + 4] for start in range(0, CHARACTERS, 4))


def hash_of(use: str, code: str) -> bytes:
    """What is kept of a code that was made for `use`. Small letters, blanks and what is easily misread do no harm."""
    plain = code.strip().upper().translate(_MISREAD)
    return hashlib.sha256(f"menshen {use} code\n{plain}".encode("utf-8", "replace")).digest()
