"""While the clock is not trusted, a supervisor may say: it is this event now. What that means, and how it is kept.

The manifest is signed: it was issued at one moment and ends at another. Who says "it is tonight's event" says that now
lies between these two; he may know it more closely. The word stands in the ledger, and outlives a restart until the
clock is right, until somebody takes it back, or until the lane serves another event.
"""

from __future__ import annotations

from models import wire
from models.command import Command
from models.keeping import ClockBody, Window
from models.ledger import EntryKind
from models.store.ledger_db import Ledger
from models.ticket import ManifestState

NOT_NEEDED = "it changes nothing: the clock is trusted, or this is said already"
NO_MANIFEST = "this lane holds no manifest, so there is no event that it could be"
NO_TIME = "from and until leave no time of {event}, as its manifest has it"


def window_of(command: Command, manifest: ManifestState | None) -> Window | None:
    """The window that `command` states; `None` where it takes one back. `ValueError` says what is wrong with it."""
    if not command.on:
        return None
    if manifest is None:
        raise ValueError(NO_MANIFEST)
    since = max(manifest.issued_at, command.window_since)
    until = min(manifest.expires_at, command.window_until or manifest.expires_at)
    if not since < until:
        raise ValueError(NO_TIME.format(event=manifest.event))
    return Window(manifest.event, since, until, command.actor)


def window_at_start(ledger: Ledger, event: str) -> Window | None:
    """The window that was stated before this process, for the event that the lane serves still."""
    for entry in ledger.latest(EntryKind.CLOCK):
        try:
            window = wire.from_builtins(ClockBody, entry.body).window
        except wire.WireError:
            return None
        if window is not None and window.event == event:
            return window
    return None
