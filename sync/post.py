"""Which gate a sync process works for, and what it has been given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from models.store.vault import DeviceKey
from sync.enrolment import Enrolment
from sync.manifest_keep import ManifestKeep
from sync.renewal import DeviceFiles


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
    key_file: Path | None = None  # of the signing key, which is renewed there; none: by others
    manifest_days: float | None = None  # how long a manifest is kept after its last day; none: for ever
    alive: Callable[[], object] = field(default=lambda: None, repr=False)  # called whenever the ledger was looked at

    @property
    def device_files(self) -> DeviceFiles | None:
        """What a renewal changes, if this process is to renew."""
        return DeviceFiles(self.key_file, self.state_dir, self.device_key.public) if self.key_file else None

    def manifest_keep(self, told: Callable[[], float | None]) -> ManifestKeep | None:
        """Who says when a manifest's time is over, by the authority's time."""
        return None if self.manifest_days is None else ManifestKeep(self.state_dir, self.manifest_days, told)
