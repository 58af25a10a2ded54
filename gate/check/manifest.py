"""The manifest: is it there, in time, for the right event, whole, and the one that its issuer meant?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from models.store.connection import as_store_failure, connect_reader
from models.store.errors import StoreError, UnsafeKey
from models.store.manifest_db import ManifestReader
from models.store.vault import DeviceKey
from models.ticket import ManifestState

SOON_S = 6 * 3600.0
DIGITS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Facts:
    """What lies on the disk, and what others say of it.

    `rows`: tickets that are in the file. `wanted`: the event that the site wants served here. `in_force`: what the gate
    process has, where one runs. `issued_digest`: what a person read off at the issuer's, without blanks.
    """

    now: float
    state: ManifestState | None = None
    failed: str = ""
    rows: int = 0
    stale_after_s: float = 86_400.0
    wanted: str = ""
    gate_runs: bool = False
    in_force: ManifestState | None = None
    issued_digest: str = ""


def gather(around: Around) -> Facts | None:
    """Open it with the device key, and ask gate and sync process."""
    if around.config is None:
        return None
    path, key = around.config.gate.state_dir / "manifest.db", around.config.secrets.device_key
    state, failed, rows, stale_after_s = None, "", 0, 86_400.0
    if path.exists() and key.exists():
        try:
            state, rows, stale_after_s = _read(path, key)
        except UnsafeKey:
            return None  # told by the keys' own concern
        except StoreError as error:
            failed = str(error)
    return Facts(
        *(around.now, state, failed, rows, stale_after_s),
        wanted=around.sync.event if around.sync else "",
        gate_runs=around.snapshot is not None,
        in_force=around.snapshot.manifest if around.snapshot else None,
        issued_digest="".join(around.issued_digest.split()).lower(),
    )


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with it."""
    state, now = facts.state, facts.now
    if facts.failed:
        yield Finding(Code.MANIFEST_FAILED, "manifest.db", facts.failed)
    elif state is None:
        yield Finding(Code.MANIFEST_NONE)
    else:
        yield from _in_time(facts, state, now)
        yield from _the_right_one(facts, state)


def _in_time(facts: Facts, state: ManifestState, now: float) -> Iterator[Finding]:
    name = f"{state.event}, version {state.version}"
    if now > state.expires_at:
        yield Finding(Code.MANIFEST_EXPIRED, name, f"{_hours(now - state.expires_at)} ago")
        return
    if now - state.issued_at > facts.stale_after_s:
        allowed = _hours(facts.stale_after_s)
        yield Finding(Code.MANIFEST_STALE, name, f"{_hours(now - state.issued_at)} old, {allowed} are allowed")
    if state.expires_at - now < SOON_S:
        yield Finding(Code.MANIFEST_ENDS_SOON, name, f"in {_hours(state.expires_at - now)}")


def _the_right_one(facts: Facts, state: ManifestState) -> Iterator[Finding]:
    if facts.wanted and facts.wanted != state.event:
        yield Finding(Code.MANIFEST_OF_ANOTHER, state.event, f"the site wants {facts.wanted}")
    if facts.rows != state.tickets:
        yield Finding(Code.MANIFEST_COUNT, state.event, f"{facts.rows} in the file, the issuer counted {state.tickets}")
    if facts.issued_digest and not state.digest.startswith(facts.issued_digest):
        ours, theirs = state.digest[:DIGITS_SHOWN], facts.issued_digest[:DIGITS_SHOWN]
        yield Finding(Code.MANIFEST_DIGEST, state.event, f"here {ours}…, at the issuer's {theirs}…")
    if facts.gate_runs and facts.in_force != state:
        held = f"version {facts.in_force.version} of {facts.in_force.event}" if facts.in_force else "none"
        yield Finding(Code.MANIFEST_NOT_TAKEN, state.event, f"on the disk version {state.version}, in force {held}")


def _read(path: Path, key: Path) -> tuple[ManifestState | None, int, float]:
    with closing(ManifestReader(path, DeviceKey.load(key))) as reader:
        state, policy = reader.state(), reader.policy()
    with closing(connect_reader(path)) as conn, as_store_failure(path):
        (rows,) = conn.execute("SELECT count(*) FROM ticket").fetchone()
    return state, rows, policy.stale_after_s if policy else 86_400.0


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"
