"""How worn the devices are, against the life that the configuration tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.check.around import Around
from gate.check.catalogue import Code, Finding
from gate.wear import WearBook
from models.store.errors import StoreError

WORN_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Facts:
    """Name, uses and rated life of each device that has one."""

    devices: tuple[tuple[str, int, int], ...] = ()


def gather(around: Around) -> Facts | None:
    """Read the book of wear; one that can't be read is set aside by the gate itself."""
    if around.config is None:
        return None
    try:
        known = WearBook(around.config.gate.state_dir).read()
    except StoreError:
        return None
    rated = dict(around.config.devices.rated)
    return Facts(tuple((name, one.uses, rated[name]) for name, one in sorted(known.items()) if name in rated))


def judge(facts: Facts) -> Iterator[Finding]:
    """Those near the end of their life, or beyond."""
    for name, uses, rated in facts.devices:
        if uses >= rated * WORN_SHARE:
            yield Finding(Code.WORN, name, f"{uses:,} of {rated:,}")
