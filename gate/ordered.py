"""How the lane is run outlives the process: a crash takes back no person's word."""

from __future__ import annotations

from gate.shifts import LONGEST_S
from models import wire
from models.ledger import EntryKind
from models.record import ModeBody
from models.store.ledger_db import Ledger
from models.view import Mode

NOBODY_RENEWED_IT = "nobody renewed it"


def mode_at_start(ledger: Ledger, now: float) -> ModeBody | None:
    """The mode to begin with, from the ledger.

    A barrier that was left open without a time, longer ago than anybody works, is not opened again after a restart:
    the box was switched on for another day.
    """
    for entry in ledger.latest(EntryKind.MODE):
        try:
            ordered = wire.from_builtins(ModeBody, entry.body)
        except wire.WireError:
            return None
        forgotten = ordered.mode is Mode.FREE and ordered.until is None and now - entry.at >= LONGEST_S
        if not forgotten:
            return ordered
        ledger.append(EntryKind.MODE, ModeBody(Mode.CONTROLLED, ordered.actor, NOBODY_RENEWED_IT), now)
    return None
