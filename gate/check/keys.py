"""The keys: are they there, for their owner alone, and is anybody's manifest believed?"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from models.store.errors import StoreError, UnsafeKey
from models.store.key_file import read_secret
from models.store.public_key import KeyUse, read_public_key
from models.store.vault import SECRET_BYTES


@dataclass(frozen=True, slots=True)
class Facts:
    """`used`: the lane has been at work. `unsafe` has file and reason, `state_mode` the folder's mode bits."""

    used: bool = False
    missing: tuple[str, ...] = ()
    unsafe: tuple[tuple[str, str], ...] = ()
    state_mode: int = 0o700
    bad_issuers: tuple[tuple[str, str], ...] = ()
    issuers: int = 0
    enrolled: bool = False


def gather(around: Around) -> Facts | None:
    """Look at the files; what is in a secret one is read and thrown away."""
    config = around.config
    if config is None:
        return None
    folder = config.gate.state_dir
    files = (config.secrets.device_key, config.secrets.signing_key)
    issuers = [(str(path), _wrong_issuer(path)) for path in config.gate.issuers]
    return Facts(
        used=any((folder / name).exists() for name in ("ledger.db", "manifest.db")),
        missing=tuple(str(path) for path in files if not path.exists()),
        unsafe=tuple((str(path), why) for path in files if path.exists() and (why := _unsafe(path))),
        state_mode=stat.S_IMODE(folder.stat().st_mode) if folder.exists() else 0o700,
        bad_issuers=tuple(one for one in issuers if one[1]),
        issuers=len(issuers),
        enrolled=(folder / "enrolment.json").exists(),
    )


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with them."""
    for name in facts.missing:
        yield Finding(Code.KEY_GONE if facts.used else Code.KEY_NOT_MADE, name)
    for name, why in facts.unsafe:
        yield Finding(Code.KEY_UNSAFE, name, why)
    if facts.state_mode & 0o006:  # to walk through, to a server's own folder, shows nothing
        yield Finding(Code.STATE_OPEN, "state_dir", f"mode {facts.state_mode:04o}")
    for name, why in facts.bad_issuers:
        yield Finding(Code.ISSUER_MISSING, name, why)
    if not facts.issuers and not facts.enrolled:
        yield Finding(Code.NOBODY_BELIEVED)


def _unsafe(path: Path) -> str:
    try:
        read_secret(path, SECRET_BYTES)
    except UnsafeKey as error:
        return str(error)
    return ""


def _wrong_issuer(path: Path) -> str:
    try:
        read_public_key(path, KeyUse.ISSUER)
    except (StoreError, OSError, ValueError) as error:
        return str(error) if path.exists() else "missing"
    return ""
