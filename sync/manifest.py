"""From tables of people to a signed bundle, and from a bundle to the gate's database: what `gatectl manifest` calls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from models.face import FaceReference
from models.store.manifest_db import ManifestReader, ManifestWriter
from models.store.vault import DeviceKey
from models.ticket import ManifestState
from sync.bundle import Trust, apply, verify
from sync.bundle_build import Issue, Progress, build
from sync.bundle_format import Header
from sync.enrolment import device_of
from sync.holding import Holding, Listed
from sync.publishing import refuse_broken_rules
from sync.sources.people import Enrol, Event, Faces, read_people
from sync.sources.table import Encoding
from sync.sources.watchlist import read_watchlist

DEVICE_KEY = "device.key"
MANIFEST = "manifest.db"


@dataclass(frozen=True, slots=True)
class Tables:
    """The files a manifest is made of. `references` are faces known already, by ticket; they go before photographs.

    `people` is `None` where nobody needs a ticket. Without `zone` the tables' times must carry offsets. With
    `known_gates`, tickets name no other gates.
    """

    people: Path | None
    photos: Path | None = None
    watch: Path | None = None
    zone: tzinfo | None = None
    encoding: Encoding = "utf-8"
    known_gates: tuple[str, ...] = ()
    references: Mapping[str, FaceReference] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What was built or loaded. `digest` must read the same at issuer and gate."""

    event: str
    version: int
    digest: str
    tickets: int
    openings: int  # documents that open a ticket
    watch: int
    size_bytes: int
    seconds: float


def build_manifest(
    tables: Tables,
    out: Path,
    issue: Issue,
    *,
    enrol: Enrol | None = None,
    progress: Progress | None = None,
    rules: bool = True,
) -> Result:
    """Read the tables, enrol the photographs with `enrol`, and write the signed bundle to `out`.

    `progress` is called with how many are done and of how many: first for the photographs, then for the sealing.
    `rules` says that the law on real-name performances applies where the policy is a concert's.
    Raises `SourceRefused` with all problems of a table, `RulesBroken`, `CannotBuild`, `OSError`; `out` is as it was.
    """
    began = time.monotonic()
    listed = _listed(tables, enrol)  # the short table first
    holdings = _people(tables, issue, enrol, progress, rules=rules)
    header = build(out, holdings, issue, listed=listed, progress=progress)
    return _result(header, out, began)


def load_manifest(
    bundle: Path,
    state_dir: Path,
    *,
    gate: str,
    issuers: Mapping[str, bytes],
    now: float,
    event: str = "",
    key_file: Path | None = None,
) -> Result:
    """Verify `bundle` for this gate and make it the manifest in force. `event` is needed to go from one to another.

    `key_file` holds the device key, if it isn't `device.key` in `state_dir`.
    Raises `BundleRefused` (nothing was changed), `StoreError`, `OSError`.
    """
    began = time.monotonic()
    device_key = DeviceKey.load(key_file or state_dir / DEVICE_KEY)
    writer = ManifestWriter(state_dir / MANIFEST, device_key)
    try:
        installed = writer.state()
        floor = writer.highest_version(event or (installed.event if installed else ""))
        verified = verify(bundle, Trust(gate, device_key, issuers, event, floor, device_of(state_dir)), installed, now)
        apply(verified, writer, now)
    finally:
        writer.close()
    return _result(verified.header, bundle, began)


def show_manifest(state_dir: Path, key_file: Path | None = None) -> ManifestState | None:
    """Which manifest this gate holds."""
    reader = ManifestReader(state_dir / MANIFEST, DeviceKey.load(key_file or state_dir / DEVICE_KEY))
    try:
        return reader.state()
    finally:
        reader.close()


def _result(header: Header, bundle: Path, began: float) -> Result:
    tickets, openings, watch = header.tickets, header.count("openings"), header.count("watch")
    size, seconds = bundle.stat().st_size, time.monotonic() - began
    return Result(header.event, header.version, header.digest, tickets, openings, watch, size, seconds)


def _people(
    tables: Tables, issue: Issue, enrol: Enrol | None, progress: Progress | None, *, rules: bool
) -> list[Holding]:
    if tables.people is None:
        return []
    event = Event(issue.event, tables.zone, tables.known_gates)
    faces = Faces(tables.photos, enrol, tables.references)

    def check(holdings: Sequence[Holding]) -> None:
        if rules:
            refuse_broken_rules(holdings, issue.policy, issue.issued_at)

    return read_people(tables.people, event, faces, encoding=tables.encoding, check=check, progress=progress)


def _listed(tables: Tables, enrol: Enrol | None) -> list[Listed]:
    if tables.watch is None:
        return []
    return read_watchlist(tables.watch, tables.zone, folder=tables.photos, enrol=enrol, encoding=tables.encoding)
