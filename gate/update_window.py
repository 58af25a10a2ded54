"""Is it a bad moment for an update? While an event may be on, it is.

The lane knows: the time that somebody told it (`gatectl update window`), the manifest in force, and when it decided
last. Without a time that was told, a manifest's whole life counts: it is on the safe side.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gate.kept import write_whole
from models.ledger import EntryKind
from models.store.connection import connect_reader
from models.store.errors import StoreError
from models.store.ledger_read import read_ledger
from models.store.manifest_held import state_in
from models.ticket import ManifestState
from models.wire import WireError, from_json, to_json

QUIET_S = 900.0
BEFORE_S = 7200.0
"""Doors are prepared before an event begins."""


@dataclass(frozen=True, slots=True)
class Window:
    """An event's time, Unix seconds, as somebody told it."""

    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Now:
    """What speaks for and against an update at this moment."""

    at: float
    window: Window | None = None
    manifest: ManifestState | None = None
    decided_at: float | None = None


def look(state_dir: Path | None, home: Path, now: float) -> Now:
    """What is known on this machine."""
    if state_dir is None:
        return Now(now, read_window(home))
    return Now(now, read_window(home), _manifest(state_dir), _decided(state_dir))


def why_not(now: Now) -> str:
    """Why this is a bad moment; empty where it is none."""
    if now.decided_at is not None and 0 <= now.at - now.decided_at < QUIET_S:
        return f"somebody was at this lane {int((now.at - now.decided_at) / 60)} minutes ago"
    if now.window is not None and now.at < now.window.ends:
        if now.at >= now.window.begins - BEFORE_S:
            return f"the event is on, or near: {_said(now.window.begins)} to {_said(now.window.ends)}"
        return ""
    if now.manifest is not None and now.window is None and now.manifest.issued_at <= now.at < now.manifest.expires_at:
        return (
            f"the manifest of {now.manifest.event} is in force until {_said(now.manifest.expires_at)}, and nobody said "
            "when its event is (gatectl update window)"
        )
    return ""


def tell(home: Path, window: Window) -> None:
    """Keep an event's time. Raises `ValueError`, `OSError`."""
    if not window.begins < window.ends:
        raise ValueError("an event ends after it begins")
    write_whole(home / "window.json", to_json(window), mode=0o644)


def read_window(home: Path) -> Window | None:
    """The time that was told last."""
    with suppress(OSError, WireError):
        return from_json(Window, (home / "window.json").read_bytes())
    return None


def _manifest(state_dir: Path) -> ManifestState | None:
    with suppress(StoreError, sqlite3.Error), closing(connect_reader(state_dir / "manifest.db")) as connection:
        return state_in(connection)
    return None


def _decided(state_dir: Path) -> float | None:
    with suppress(StoreError), closing(read_ledger(state_dir / "ledger.db")) as ledger:
        if latest := ledger.latest(EntryKind.DECISION):
            return latest[-1].at
    return None


def _said(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")
