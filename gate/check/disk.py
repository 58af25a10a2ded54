"""Where the lane's things lie: space, whether it can be written, and how worn an eMMC or SD card is.

An eMMC tells its wear in tenths (JEDEC JESD84-B51, EXT_CSD 267 to 269): `life_time` 0x01 is up to 10 % used, 0x0b is
beyond its life; `pre_eol_info` 0x02 and 0x03 say that its spare blocks come to an end. SD cards seldom tell anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gate.check.around import Around, read_text
from gate.check.catalogue import Code, Finding

LOW_BYTES, LOW_SHARE = 1 << 30, 0.05
FULL_BYTES = 64 << 20
WORN_TENTHS, DYING_TENTHS = 8, 11


@dataclass(frozen=True, slots=True)
class Storage:
    """One eMMC or SD card: the larger of its two tenths, and its own warning; 0 where it tells nothing."""

    name: str
    tenths: int = 0
    pre_eol: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """The file system of the state folder, and the cards of this machine."""

    folder: str
    free_bytes: int
    total_bytes: int
    read_only: bool = False
    cards: tuple[Storage, ...] = ()


def gather(around: Around) -> Facts | None:
    """Ask the file system of the state folder, or of the nearest folder above it."""
    folder = around.state_dir
    if folder is None:
        return None
    there = next(one for one in (folder, *folder.parents) if one.exists())
    told = around.statvfs(there)
    cards = tuple(_card(path) for path in sorted((around.root / "sys/block").glob("mmcblk[0-9]")))
    read_only = bool(told.f_flag & os.ST_RDONLY)
    return Facts(str(folder), told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize, read_only, cards)


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with it."""
    left = f"{facts.free_bytes / (1 << 20):,.0f} MiB free"
    if facts.read_only:
        yield Finding(Code.DISK_READ_ONLY, facts.folder)
    if facts.free_bytes < FULL_BYTES:
        yield Finding(Code.DISK_FULL, facts.folder, left)
    elif facts.free_bytes < LOW_BYTES or facts.free_bytes < facts.total_bytes * LOW_SHARE:
        yield Finding(Code.DISK_LOW, facts.folder, left)
    for card in facts.cards:
        used = f"{card.tenths * 10} % of its life used" if card.tenths < DYING_TENTHS else "beyond its life"
        if card.tenths >= DYING_TENTHS or card.pre_eol >= 3:
            yield Finding(Code.DISK_DYING, card.name, used)
        elif card.tenths >= WORN_TENTHS or card.pre_eol == 2:
            yield Finding(Code.DISK_WORN, card.name, used)


def _card(path: Path) -> Storage:
    tenths = [_number(word) for word in read_text(path / "device/life_time").split()]
    return Storage(path.name, max(tenths, default=0), _number(read_text(path / "device/pre_eol_info")))


def _number(text: str) -> int:
    with suppress(ValueError):
        return int(text, 0)
    return 0
