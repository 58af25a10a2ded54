"""The history of an entry on a list of persons: each step with its hand, told to the audit as well.

A reason stands in the history alone: it is typed by people, who may name people, and the audit is read by more.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Connection, insert

from models.watch import WatchState
from sync.server.hub import Hub
from sync.server.watch_tables import watch_history

LONGEST_WHY = 500
SERVER = "server"
"""The hand of the time."""


class WatchAct(StrEnum):
    """What happened to an entry."""

    PROPOSED = "watch.proposed"
    AMENDED = "watch.amended"
    APPROVED = "watch.approved"
    BEGAN = "watch.began"
    ENDED = "watch.ended"
    CONTESTED = "watch.contested"
    SUSPENDED = "watch.suspended"
    RESUMED = "watch.resumed"
    WITHDRAWN = "watch.withdrawn"
    EVIDENCE = "watch.evidence"
    ERASED = "watch.erased"


def note(
    hub: Hub, connection: Connection, actor: str, entry: str, version: int, act: WatchAct, state: WatchState, why: str
) -> None:
    """Write one step down; `state` is the one after it."""
    _write(hub, connection, actor, [(entry, version)], act, state, why)
    hub.audit(connection, actor, act, entry, version=version, watch_state=state.value)


def note_all(
    hub: Hub,
    connection: Connection,
    actor: str,
    entries: Sequence[tuple[str, int]],
    act: WatchAct,
    state: WatchState,
    why: str = "",
) -> None:
    """One step of many entries (name, version): a line of history for each, one of the audit for more than one."""
    if len(entries) == 1:
        note(hub, connection, actor, *entries[0], act, state, why)
    elif entries:
        _write(hub, connection, actor, entries, act, state, why)
        hub.audit(connection, actor, act, f"{entries[0][0]}…", entries=len(entries), watch_state=state.value)


def _write(
    hub: Hub,
    connection: Connection,
    actor: str,
    entries: Sequence[tuple[str, int]],
    act: WatchAct,
    state: WatchState,
    why: str,
) -> None:
    step = {"at": hub.clock(), "actor": actor, "act": act.value, "state": state.value, "why": why}
    connection.execute(insert(watch_history), [{"entry": entry, "version": v} | step for entry, v in entries])
