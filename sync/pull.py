"""The manifest on this gate's disk, as the sync process works on it: what is held, load a bundle, destroy it.

Calls block; each opens the one writing connection and gives it back, so that a technician's `gatectl manifest load`
finds room between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from models.store.manifest_db import ManifestWriter
from models.store.vault import DeviceKey
from models.ticket import ManifestState
from sync.bundle import Trust, apply, verify
from sync.wipe import wipe

MANIFEST = "manifest.db"
BUNDLES = "bundles"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a gate keeps its manifest, and what it believes. `clock` gives Unix seconds."""

    folder: Path
    gate: str
    device_key: DeviceKey = field(repr=False)
    issuers: Mapping[str, bytes]
    clock: Callable[[], float]
    device: str = ""

    @property
    def bundles(self) -> Path:
        """Where bundles are collected until they are whole."""
        return self.folder / BUNDLES

    def held(self) -> ManifestState | None:
        """The manifest in force. Raises `StoreError`."""
        if not (self.folder / MANIFEST).exists():
            return None
        with self._writer() as writer:
            return writer.state()

    def load(self, bundle: Path, event: str) -> ManifestState:
        """Verify `bundle` and make it the manifest in force. Raises `BundleRefused`, `StoreError`, `OSError`."""
        with self._writer() as writer:
            installed = writer.state()
            floor = writer.highest_version(event or (installed.event if installed else ""))
            trust = Trust(self.gate, self.device_key, self.issuers, event, floor, self.device)
            verified = verify(bundle, trust, installed, self.clock())
            apply(verified, writer, self.clock())
            return verified.state

    def destroy(self) -> None:
        """No manifest, and no bundle, whole or begun. Raises `StoreError`, `OSError`."""
        if self.bundles.exists():
            for path in self.bundles.iterdir():
                path.unlink()
        wipe(self.folder / MANIFEST)

    @contextmanager
    def _writer(self) -> Iterator[ManifestWriter]:
        writer = ManifestWriter(self.folder / MANIFEST, self.device_key)
        try:
            yield writer
        finally:
            writer.close()
