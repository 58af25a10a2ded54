"""A ledger beside what the server holds of it, by the sync process's word."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from gate.commands.sync import NotRunning, ask_status
from gate.config import load
from models.link import Acknowledged
from models.store.errors import StoreError, StoreFailed
from models.store.ledger_lost import lost_lines, say_lost
from models.store.ledger_verify import Verification, verify


def held_by_the_server(config_path: Path) -> Acknowledged:
    """How much the server holds. Raises `NotRunning` where no sync process can say that."""
    socket = load(config_path).sync.socket
    told = asyncio.run(ask_status(socket))
    if not told.contact_at or not told.epoch:
        raise NotRunning(f"the sync process on {socket} has not reached the server since it started: try again then")
    return Acknowledged(told.epoch, told.acknowledged)


def verify_beside(path: Path, public_key: bytes | None, held: Acknowledged) -> Verification:
    """Verify the file, and name what of `held` is missing. Raises `StoreFailed` with the same for a file of no use."""
    try:
        found = verify(path, public_key)
    except StoreError as error:
        raise StoreFailed(f"{error}; {say_lost((1, held.seq))}" if held.seq else str(error)) from error
    if found.epoch != held.epoch:
        other = f"the server was told of another ledger, of epoch {held.epoch}: is this file an older one?"
        return replace(found, problems=(*found.problems, other))
    lost = lost_lines(found, held.seq)
    if lost is None:
        return found
    return replace(found, problems=(say_lost(lost), *found.problems), first_bad_seq=lost[0])
