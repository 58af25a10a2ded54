"""The shared list of persons: can it be opened, is it in time, is it whole? A gate without one has nothing to judge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from models.store.errors import StoreError, UnsafeKey
from models.store.vault import DeviceKey
from models.store.watch_db import WatchReader
from models.watch import HeldList

SOON_S = 86_400.0
BATCH = 500


@dataclass(frozen=True, slots=True)
class Facts:
    """What lies on the disk. `entries`: how many could be opened."""

    now: float
    held: HeldList | None = None
    entries: int = 0
    failed: str = ""


def gather(around: Around) -> Facts | None:
    """Open it with the device key."""
    if around.config is None:
        return None
    path, key = around.config.gate.state_dir / "watch.db", around.config.secrets.device_key
    if not path.exists() or not key.exists():
        return None
    try:
        held, entries = _read(path, key)
    except UnsafeKey:
        return None  # told by the keys' own concern
    except StoreError as error:
        return Facts(around.now, failed=str(error))
    return Facts(around.now, held, entries) if held is not None else None


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with it."""
    held = facts.held
    if facts.failed:
        yield Finding(Code.LIST_FAILED, "watch.db", facts.failed)
    elif held is not None and facts.entries != held.count:
        yield Finding(Code.LIST_FAILED, "watch.db", f"{facts.entries} entries, {held.site} counted {held.count}")
    elif held is not None and facts.now > held.expires_at:
        yield Finding(Code.LIST_EXPIRED, held.site, f"{_hours(facts.now - held.expires_at)} ago")
    elif held is not None and held.expires_at - facts.now < SOON_S:
        yield Finding(Code.LIST_ENDS_SOON, held.site, f"in {_hours(held.expires_at - facts.now)}")


def _read(path: Path, key: Path) -> tuple[HeldList | None, int]:
    with closing(WatchReader(path, DeviceKey.load(key))) as reader:
        reader.secrets()
        return reader.state(), sum(1 for _ in reader.walk(BATCH))


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"
