"""The ledger's line: the only thing that is ever uploaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EntryKind(StrEnum):
    """What an entry tells."""

    START = "start"  # a gate process began; its version and what it found
    STOP = "stop"
    POLICY = "policy"  # the rules from here on, in full
    MANIFEST = "manifest"
    DECISION = "decision"
    PASSAGE = "passage"
    INTRUSION = "intrusion"
    TAILGATE = "tailgate"
    MODE = "mode"
    DEVICE = "device"
    SAFETY = "safety"  # fire, tamper: seen and written down
    SHIFT = "shift"  # somebody began or ended work at the lane
    WRONG_PIN = "wrong_pin"
    SETTINGS = "settings"
    TYPED = "typed"  # somebody read a document off for whom no reader could
    RED = "red"  # an emergency went in on one tap
    RED_NAMED = "red_named"  # who that was, asked afterwards
    SIGHTING = "sighting"  # a steward reports a suspected scalper
    PURGE = "purge"  # a receipt for what was kept long enough
    DISK = "disk"  # how much space is left
    CLOCK = "clock"  # somebody said which event it is, while the clock was not trusted
    PROOF = "proof"  # a test admission: nobody came, and nobody is counted


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `at` is Unix seconds, `hash` SHA-256 over the line and `prev_hash` (both 32 bytes)."""

    epoch: str
    seq: int
    at: float
    kind: EntryKind
    body: dict[str, Any] = field(default_factory=dict)
    prev_hash: bytes = b""
    hash: bytes = b""
    version: int = 1  # how the line is hashed


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signature over the chain up to `seq`. `public_key` is raw Ed25519."""

    epoch: str
    seq: int
    at: float
    hash: bytes
    public_key: bytes
    signature: bytes
