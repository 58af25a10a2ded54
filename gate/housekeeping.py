"""What is kept on this device, for what and how long; and a signed receipt for all that is taken away.

| purpose      | where                          | who takes it away                                                    |
|--------------|--------------------------------|----------------------------------------------------------------------|
| `ledger`     | lines that the centre holds    | the gate: into an archive (`models.store.archive`)                   |
| `archives`   | `archive/`                     | the gate, if told to, the oldest first, if the centre holds it now   |
| `manifest`   | `manifest.db`                  | the sync process, its only writer; the gate makes the receipt        |
| `logs`       | `logs/`                        | the gate                                                             |
| `tapes`      | `*.tape`, `tapes/`             | the gate                                                             |
| `support`    | `support/`                     | the gate                                                             |
| `snapshots`  | `snapshots/`                   | the gate; none is made today                                         |
| `leftovers`  | drafts, what was set aside     | the gate                                                             |
| `wrong_pins` | `pins.json`                    | the gate: of people who are no longer in the staff book              |

Faces, features and portraits are held in memory alone, for seconds (`gate.held_faces`), and need no broom. While the
clock is not trusted nothing is old.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gate.config_beside import Keep
from models import wire
from models.keeping import ManifestGone, PurgeBody, Purpose

_log = logging.getLogger("gate.housekeeping")

DAY_S = 86_400.0
MANIFEST_NOTE = "manifest-gone.json"
"""Written by the sync process before it destroys a manifest; `sync.manifest_keep` names the same file."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Files for one purpose: `patterns` are globs below the lane's folder."""

    purpose: Purpose
    days: float
    patterns: tuple[str, ...]


def kept_files(keep: Keep) -> tuple[Kept, ...]:
    """Everything that goes by the age of its file."""
    return (
        Kept(Purpose.LOGS, keep.logs_days, ("logs/*",)),
        Kept(Purpose.TAPES, keep.tapes_days, ("*.tape", "tapes/*")),
        Kept(Purpose.SUPPORT, keep.support_days, ("support/*",)),
        Kept(Purpose.SNAPSHOTS, keep.snapshots_days, ("snapshots/*",)),
        Kept(Purpose.LEFTOVERS, keep.leftovers_days, (".*.new", "*.new", "*.unreadable", "archive/*.new")),
    )


def overdue(folder: Path, kept: Kept, now: float) -> list[Path]:
    """The files whose time is over at `now` (Unix seconds). Links are looked at, not followed."""
    found = {path for pattern in kept.patterns for path in folder.glob(pattern)}
    ends = now - kept.days * DAY_S
    return sorted(path for path in found if not path.is_dir() and path.lstat().st_mtime < ends)


def purge_files(folder: Path, kept: Kept, now: float) -> PurgeBody | None:
    """Take the overdue files away; the receipt, not signed yet, or `None` where there was none.

    What can't be removed is logged and stays for the next time.
    """
    gone, size = [], 0
    for path in overdue(folder, kept, now):
        try:
            taken = path.lstat().st_size
            path.unlink()
        except OSError as error:
            _log.error("%s can't be removed: %s", path, error.strerror)
            continue
        gone.append(path.relative_to(folder).as_posix())
        size += taken
    if not gone:
        return None
    return PurgeBody(kept.purpose, len(gone), size, now - kept.days * DAY_S, now, digest_of_names(gone))


def digest_of_names(names: Iterable[str]) -> str:
    """SHA-256 over the names, each ended by a line feed."""
    return hashlib.sha256("".join(f"{name}\n" for name in names).encode()).hexdigest()


def manifest_receipt(note: Path, now: float) -> PurgeBody | None:
    """The receipt for a manifest that the sync process has destroyed; `None` where it left no note."""
    try:
        gone = wire.from_json(ManifestGone, note.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, wire.WireError) as error:
        _log.error("%s can't be read and is left: %s", note, error)
        return None
    what = f"{gone.event} {gone.version}"
    return PurgeBody(Purpose.MANIFEST, gone.tickets, 0, gone.expired_at, now, gone.digest, what)


def signed(receipt: PurgeBody, key: Ed25519PrivateKey, gate: str, epoch: str) -> PurgeBody:
    """The receipt with the lane's signature."""
    receipt = replace(receipt, public_key=key.public_key().public_bytes_raw().hex())
    return replace(receipt, signature=key.sign(_form(receipt, gate, epoch)).hex())


def is_genuine(receipt: PurgeBody, gate: str, epoch: str) -> bool:
    """Whether the receipt is signed by the key that it names."""
    try:
        public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(receipt.public_key))
        public_key.verify(bytes.fromhex(receipt.signature), _form(receipt, gate, epoch))
    except (InvalidSignature, ValueError):
        return False
    return True


def _form(receipt: PurgeBody, gate: str, epoch: str) -> bytes:
    return wire.to_json(["menshen-purge", gate, epoch, wire.to_builtins(replace(receipt, signature=""))])
