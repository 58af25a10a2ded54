"""Passwords: how they are kept, and which ones are taken. The one place with the parameters."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from sync.server.problems import Refused

SHORTEST, LONGEST = 12, 256
LEAST_DISTINCT = 5

# RFC 9106, section 4, the second recommended option: 64 MiB, three passes. A changed parameter reaches every account
# at its next log-in.
HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16, type=Type.ID)

_room = threading.BoundedSemaphore(2)  # a thousand log-ins at once take no more memory than two


def hash_password(password: str) -> str:
    """What is kept of a password: argon2id with its parameters and a salt."""
    with _room:
        return HASHER.hash(_plain(password))


def is_right(kept: str | None, password: str) -> bool:
    """Whether it is the password of which `kept` was made. `None` takes as long, and is never right."""
    try:
        with _room:
            HASHER.verify(kept or _nobody(), _plain(password))
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


def is_outdated(kept: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return HASHER.check_needs_rehash(kept)


def refuse_weak(password: str, account: str) -> None:
    """Raises `Refused`: 422 for a password that is short, made of few characters, or holds the log-in name."""
    plain = password.casefold()
    if not SHORTEST <= len(password) <= LONGEST:
        raise Refused(422, "weak_password", f"a password has {SHORTEST} to {LONGEST} characters")
    if len(set(plain)) < LEAST_DISTINCT or (len(account) >= 3 and account.casefold() in plain):
        raise Refused(422, "weak_password", "a password is not one character again and again, and holds no log-in name")


def _plain(password: str) -> bytes:
    """The same bytes from every keyboard (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password[: LONGEST + 1]).encode("utf-8", "replace")


@cache
def _nobody() -> str:
    return HASHER.hash(b"nobody")
