"""Which gate a sync process works for, and what it has been given."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.store.vault import DeviceKey
from sync.enrolment import Enrolment


@dataclass(frozen=True, slots=True)
class Post:
    """One gate. `issuers` are believed beside those of the enrolment."""

    gate: str
    state_dir: Path
    socket: Path
    enrolment: Enrolment
    signing_key: Ed25519PrivateKey = field(repr=False)
    device_key: DeviceKey = field(repr=False)
    issuers: dict[str, bytes] = field(default_factory=dict)
    contact_s: float = 10.0
