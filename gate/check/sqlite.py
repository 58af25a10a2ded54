"""SQLite: its version, how the files are kept, and that each has one writer.

Before 3.51.3 two connections that write and checkpoint at once can corrupt a file in WAL mode. This program writes each
file through one connection behind a lock; here it is looked at whether anybody else has the file open for writing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gate.check.around import Around, read_text
from gate.check.catalogue import Code, Finding

SAFE_VERSION = (3, 51, 3)
LONG_WAL_BYTES = 64 << 20
FILES = ("ledger.db", "manifest.db")
MAGIC = b"SQLite format 3\0"
_WAL = 2  # "write version" and "read version" in the header, bytes 18 and 19


@dataclass(frozen=True, slots=True)
class Database:
    """One file. `writers` are the processes that have it open for writing."""

    name: str
    sound: bool = True
    wal: bool = True
    wal_bytes: int = 0
    writers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """SQLite's version, and the files that are there."""

    version: tuple[int, ...]
    databases: tuple[Database, ...] = ()


def gather(around: Around) -> Facts:
    """Read the files' headers, and who has them open: as root of everybody, else of this user's processes."""
    folder = around.state_dir
    there = [folder / name for name in FILES if (folder / name).exists()] if folder else []
    return Facts(sqlite3.sqlite_version_info, tuple(_look(path, around.root) for path in there))


def judge(facts: Facts) -> Iterator[Finding]:
    """What is wrong with them."""
    version = ".".join(map(str, facts.version))
    if facts.version < SAFE_VERSION:
        yield Finding(Code.SQLITE_OLD, "sqlite", version)
    for one in facts.databases:
        if not one.sound:
            yield Finding(Code.NO_DATABASE, one.name)
            continue
        if len(one.writers) > 1:
            who = ", ".join(map(str, one.writers))
            yield Finding(Code.TWO_WRITERS, one.name, f"processes {who}; SQLite {version}")
        if not one.wal:
            yield Finding(Code.NOT_WAL, one.name)
        if one.wal_bytes > LONG_WAL_BYTES:
            yield Finding(Code.LONG_WAL, one.name, f"{one.wal_bytes >> 20} MiB")


def _look(path: Path, root: Path) -> Database:
    with path.open("rb") as file:
        head = file.read(20)
    log = path.with_name(path.name + "-wal")
    size = log.stat().st_size if log.exists() else 0
    # A new file may still stand in its log alone.
    sound = head.startswith(MAGIC) or (not head and size > 0)
    wal = not head or tuple(head[18:20]) == (_WAL, _WAL)
    return Database(path.name, sound, wal, size, tuple(_writers(path, root)))


def _writers(path: Path, root: Path) -> Iterator[int]:
    wanted = str(path.resolve())
    for process in sorted((root / "proc").glob("[0-9]*"), key=lambda one: int(one.name)):
        try:
            handles = [one for one in (process / "fd").iterdir() if str(one.readlink()) == wanted]
        except OSError:  # another user's, or gone
            continue
        if any(_writes(read_text(process / "fdinfo" / one.name)) for one in handles):
            yield int(process.name)


def _writes(info: str) -> bool:
    told = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    return int(told.get("flags", "0").strip() or "0", 8) & os.O_ACCMODE != os.O_RDONLY
