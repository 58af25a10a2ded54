"""PINs: which are good enough, and in which form they are kept.

A PIN has few digits, so it is kept as Argon2id (RFC 9106, with section 4's memory of 64 MiB and three passes): whoever
has the file pays for each guess. Whoever has not is held up by `gate.lockout`.
"""

from __future__ import annotations

import os
import re

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from models.staff import LEAST_PIN, MOST_PIN

PASSES, LANES, MEMORY_KIB = 3, 1, 65_536
SALT_BYTES, KEY_BYTES = 16, 32

DECOY = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"
"""What is kept of no PIN at all: salt and key are zeros."""

_UP, _DOWN = "01234567890", "09876543210"


def refuse_weak(pin: str) -> None:
    """Raise `ValueError`, with what is wrong, for a PIN that is none or that is tried first."""
    if not re.fullmatch(rf"[0-9]{{{LEAST_PIN},{MOST_PIN}}}", pin):
        raise ValueError(f"a PIN has {LEAST_PIN} to {MOST_PIN} digits and nothing else")
    if pin in _UP or pin in _DOWN:
        raise ValueError("this PIN only counts up or down: take one that is not tried first")
    halves = pin[: len(pin) // 2], pin[len(pin) // 2 :]
    if len(set(pin)) == 1 or halves[0] == halves[1]:
        raise ValueError("this PIN only repeats itself: take one that is not tried first")


def hash_pin(pin: str) -> str:
    """What is kept of `pin`: a string in PHC's form, which names its own cost. Takes about 0.15 s."""
    made = Argon2id(
        salt=os.urandom(SALT_BYTES), length=KEY_BYTES, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB
    )
    return made.derive_phc_encoded(pin.encode())


def is_pin(pin: str, kept: str) -> bool:
    """Whether `kept` was made of `pin`. With `kept` empty it was not, and finding that out takes as long."""
    try:
        Argon2id.verify_phc_encoded(pin.encode(), kept or DECOY)
    except InvalidKey:
        return False
    return bool(kept)
